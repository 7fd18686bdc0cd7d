"""Plain text: the file's characters, verbatim, and what its head says if it has one.

Encodings, in this order: a byte-order mark (UTF-8, UTF-16, UTF-32); UTF-16 without one, where every
other byte is zero or nearly; UTF-8, also cut within its last character, or in Latin letters with
some windows-1252 in it; else what charset-normalizer finds among windows-1252 and the common
encodings of Japanese, Chinese, Korean, Cyrillic, Greek, Arabic and Hebrew. Central European and Turkish ones (windows-1250, -1254)
cannot be reliably told from windows-1252 and are read as that: save such files as UTF-8.
"""

from __future__ import annotations

import codecs
import re
import string
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from vectorstore.errors import LoadingError
from vectorstore.loading.bundle import unbundled
from vectorstore.loading.clippings import books_in
from vectorstore.loading.draft import Draft, first_line
from vectorstore.loading.head import without_head

_MARKS = (  # longer ones first: UTF-32's mark begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MULTIBYTE = ["cp932", "euc_jp", "gb18030", "big5", "cp949"]
_SINGLE_BYTE = ["cp1252", "cp1251", "koi8_r", "cp1253", "cp1256", "cp1255"]
# What a page may declare. Not UTF-16: a readable declaration is not written in it. Not Python's own
# codecs: some run for very long.
_ENCODINGS = re.compile(
    r"utf-8|cp125\d|iso8859-\d+|koi8-[ru]|cp866|cp874|mac-roman|"
    r"cp932|euc_jp|iso2022_jp|gb18030|big5|big5hkscs|cp949"
)
_ONE_BYTE = re.compile(r"cp125\d|iso8859-\d+|koi8-[ru]|cp866|cp874|mac-roman")
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
}
_UTF_8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_NEVER_UTF_8 = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]|[\xc0\xc1][\x80-\xbf]")  # but CESU-8
_CUT = re.compile(rb"(?:\xe2\x80?|[\xc3-\xc5])\Z")  # a quotation mark or Latin letter
_MENDING = "dateline-windows-1252"  # a name for `codecs`
_MENDED = "is UTF-8 with other bytes in it: they were read as windows-1252, or left out at its end"
_LATIN = re.compile("[\0-\u024f\u1e00-\u1eff]")
_MOSTLY = 0.9  # of the letters
_TOO_FEW = 4  # bytes that are not ASCII: they tell no encoding of several bytes from others
_SAMPLE = 1 << 16  # bytes that detection looks at
_CONTROLS = re.compile(r"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def parse(content: bytes, name: str) -> Iterator[Draft]:  # noqa: ARG001 - a Parser
    """The text as it is, titled by its first line; or the text after its head, with what the head
    says; or the articles that a press database put into it, or the clippings of a Kindle."""
    text, told = _decoded(content)
    if (books := books_in(text)) is not None:
        yield from books
        return
    for draft in unbundled(Draft(text)):
        whole = (without_head(text) if draft.text == text else None) or draft
        notices, told = (*draft.notices, *told), ()
        yield replace(whole, title=whole.title or first_line(whole.text), notices=notices)


def decode(content: bytes, declared: str = "") -> str:
    """The characters of `content`, line ends as they are; only a leading byte-order mark is dropped.

    `declared` is an encoding that the file or its server names: it is believed if it fits.
    Raises LoadingError if the content is not text, or in an encoding that cannot be determined.
    """
    return _decoded(content, declared)[0]


def _decoded(content: bytes, declared: str = "") -> tuple[str, tuple[str, ...]]:
    """As `decode`, and a notice if the content had to be mended."""
    text, notices = _characters(content, declared)
    if "\0" in text or len(text) - len(_CONTROLS.sub("", text)) > len(text) / 20:
        raise LoadingError("is binary, not text; name it by its kind (.pdf, .docx, …) to add it")
    return text, notices


def _characters(content: bytes, declared: str) -> tuple[str, tuple[str, ...]]:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return content.decode(encoding), ()
            except UnicodeDecodeError as error:
                raise LoadingError(
                    f"begins with the mark of {encoding.removesuffix('-sig').upper()} but is not: "
                    f"{error.reason} at byte {error.start}; save it as UTF-8"
                ) from error
    if wide := _unmarked(content):
        return content.decode(wide), ()
    named = _python_name(declared)
    # Content that is valid UTF-8 throughout is not in a single-byte encoding, whatever it declares.
    for encoding in ("utf-8", named) if _ONE_BYTE.fullmatch(named) else (named, "utf-8"):
        try:
            return content.decode(encoding), ()
        except UnicodeDecodeError:
            continue
    mended = _mended(content)
    return (content.decode(_detected(content)), ()) if mended is None else (mended, (_MENDED,))


def _mended(content: bytes) -> str | None:
    """UTF-8 that was cut within its last character, or has some windows-1252 in it, such as a line
    of another file; None if it is anything else."""
    others, characters = _UTF_8.subn(b"", content)
    if characters <= len(others.translate(None, bytes(range(128)))) or _NEVER_UTF_8.search(content):
        return None
    codecs.register_error(_MENDING, _as_windows_1252)
    text = _CUT.sub(b"", content).decode("utf-8", _MENDING)
    letters = Counter(filter(str.isalpha, text))
    latin = sum(number for letter, number in letters.items() if _LATIN.match(letter))
    if latin > _MOSTLY * letters.total():
        return text
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        return None


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


def _unmarked(content: bytes) -> str:
    """UTF-16 without its mark: most characters have a zero byte, all of them on the same side; ""
    if it is anything else."""
    for zeros, others, encoding in ((1, 0, "utf-16-le"), (0, 1, "utf-16-be")):
        if 2 * content[zeros::2].count(0) > len(content) // 2 and 0 not in content[others::2]:
            try:
                content.decode(encoding)
            except UnicodeDecodeError:
                continue
            return encoding
    return ""


def _detected(content: bytes) -> str:
    """The legacy encoding of `content`. Raises LoadingError if none can be determined."""
    from charset_normalizer import from_bytes

    if b"\0" in content:
        raise LoadingError("is binary, not text; name it by its kind (.pdf, .docx, …) to add it")
    candidates = []
    for encoding in _MULTIBYTE + _SINGLE_BYTE:
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        candidates.append(encoding)
    best = from_bytes(content[:_SAMPLE], cp_isolation=candidates).best() if candidates else None
    if best is None:
        raise LoadingError("is in an unrecognised encoding; save it as UTF-8")
    letters = len(content) - len(content.translate(None, string.ascii_letters.encode()))
    latin = letters > 2 * len(content.translate(None, bytes(range(128))))
    few = len(content.translate(None, bytes(range(128)))) <= _TOO_FEW
    if (best.encoding in _SINGLE_BYTE or few) and latin and "cp1252" in candidates:
        return "cp1252"  # a few accents among Latin letters look like any alphabet
    return best.encoding


def _python_name(label: str) -> str:
    """Python's name for an encoding as the web uses it: Latin-1 means windows-1252, and so on."""
    try:
        known = codecs.lookup(label.strip()).name
    except (LookupError, ValueError):  # ValueError: a NUL in the label
        return "utf-8"
    known = _WIDER.get(known, known)
    return known if _ENCODINGS.fullmatch(known) else "utf-8"
