"""PDF: the text of each page, and where in the text each page begins.

pypdf reads it. A PDF's own dates and author are those of the file and of the computer it was made
on, so they are not taken for the article's. Words broken at the end of a line are joined again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from vectorstore.errors import LoadingError
from vectorstore.loading.draft import Draft, language_code, shorten
from vectorstore.loading.markup import sound, tidy

_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
)
_BROKEN_WORD = re.compile(r"\b([^\W\d_]+)-\n([^\W\d_]+)")
_SENTENCE_ENDS = re.compile(r"[.!?:;…”\"'’)\]]\Z")
_MADE_BY = re.compile(r"microsoft word|untitled|\.(docx?|indd|qxd|pdf|pages|odt)\Z", re.IGNORECASE)
_HEADER = 1024  # bytes within which the header must begin


def parse(content: bytes, name: str) -> Iterator[Draft]:  # noqa: ARG001 - a Parser
    """One article. Raises LoadingError where the file is no PDF, protected, damaged, or a scan."""
    from io import BytesIO

    from pypdf import PasswordType, PdfReader
    from pypdf.errors import PyPdfError

    if b"%PDF-" not in content[:_HEADER]:
        raise LoadingError("is no PDF, though it is named so; name it by its kind (.txt, .html, …)")
    try:
        reader = PdfReader(BytesIO(content))
        if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
            raise LoadingError("is protected by a password; save a copy without one")
        texts = [tidy(sound(page.extract_text()).translate(_LIGATURES)) for page in reader.pages]
        title = str(reader.metadata.title or "") if reader.metadata else ""
        language = language_code(str(reader.root_object.get("/Lang", "")))
    except PyPdfError as error:
        raise LoadingError(f"is damaged, or no PDF: {error}") from error
    if not any(texts):
        raise LoadingError("has no text: its pages are pictures; run text recognition (OCR) first")
    text, pages = _joined(_mended(texts))
    named = " " in title.strip() and not _MADE_BY.search(title)  # else it is a file's name
    yield Draft(
        text,
        title=shorten(sound(title), 300) if named else "",
        language=language,
        pages=pages,
    )


def _joined(texts: Sequence[str]) -> tuple[str, tuple[int, ...]]:
    """The pages as one text, and the offset of each. A sentence may run on over the page's end."""
    whole = ""
    pages = []
    for text in texts:
        if whole and text:
            whole += "\n\n" if _SENTENCE_ENDS.search(whole) else "\n"
        pages.append(len(whole))
        whole += text
    return whole, tuple(pages)


def _mended(texts: Sequence[str]) -> list[str]:
    """The pages with the words whole that were broken at a line's end.

    The document itself tells which hyphens belong: one stays where the word is written with it
    elsewhere, or where both halves are words that stand alone.
    """
    written = " ".join(_BROKEN_WORD.sub(" ", text) for text in texts).lower()
    words = set(re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", written))

    def mend(found: re.Match[str]) -> str:
        first, second = found[1].lower(), found[2].lower()
        if first + second in words:
            return found[1] + found[2]
        compound = (
            f"{first}-{second}" in words or {first, second} <= words or not found[2].islower()
        )
        return found[1] + ("-" if compound else "") + found[2]

    return [_BROKEN_WORD.sub(mend, text) for text in texts]
