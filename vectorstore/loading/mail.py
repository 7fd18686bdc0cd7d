"""Mails (.eml), mailboxes (.mbox) and web archives (.mhtml), which have the format of mails.

A mail's article is what a mail program shows of it. Each thing it carries is an article of its own:
a forwarded mail, attached or quoted in the text, under its own sender, date and subject; and
anything of a readable kind that is attached or placed between the texts. The rest is reported. A
web archive's article is its page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from email import message_from_bytes, policy
from email.errors import CloseBoundaryNotFoundDefect
from email.message import EmailMessage
from email.utils import getaddresses, parsedate

from vectorstore.articles import Skipped
from vectorstore.errors import LoadingError
from vectorstore.loading import html
from vectorstore.loading.dates import NO_DAY, day_within, written_day
from vectorstore.loading.draft import Draft, language_code, shorten, web_address
from vectorstore.loading.markup import sound, text_of
from vectorstore.loading.text import decode

_UNDATED = "date {!r} " + NO_DAY + " and was left out"
_DEEPEST = 20  # levels of nested mails
_WORD = re.compile(r"[^\W\d_]{3,}|\d{2,}")
_FEW = 10  # words of the HTML text that the plain one may lack
_CELL_HEADER = re.compile(r"^[ \t|]*([^\W\d_][\w -]{1,19}:)[ \t]*\|[ \t]*", re.MULTILINE)
_SHOWN_BY_ITSELF = frozenset(["image", "audio", "video"])
_SIGNATURES = frozenset(
    [
        "application/pgp-signature",
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
        "message/delivery-status",
        "message/disposition-notification",
        "text/x-amp-html",
    ]
)
_MAILS = frozenset(["message/rfc822", "message/global", "message/news"])
_IN_PARTS = "message/partial"
_PARTLY = "is one part of a mail that was sent in several (“{}”); put them all into one .mbox file"
_CARRIED = frozenset([_IN_PARTS, "message/external-body", "multipart/encrypted"])
_OF_THE_WHOLE = re.compile(r"content-.*|subject|message-id|encrypted|mime-version", re.IGNORECASE)
_HEAD_AND_BODY = re.compile(rb"\r?\n\r?\n")
_BETWEEN_MAILS = re.compile(rb"(\n)\r?\n\Z")
_ENCODED = ("base64", "quoted-printable")
_BOX_LINE = re.compile(rb"^From [^\r\n]*\d{4}[^\r\n]*\r?\n", re.MULTILINE)
_BY_PROGRAM = re.compile(
    rb"From \S+ +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z][a-z] [ \d]?\d \d\d:\d\d(?::\d\d)? [^\r\n]*\d{4}"
)
_LONGEST_HEADER = 20_000  # bytes that are looked at
_OF_A_MAIL = re.compile(
    rb"^(from|to|date|subject|received|return-path|message-id|mime-version|delivered-to):",
    re.IGNORECASE | re.MULTILINE,
)
_ESCAPED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)


def parse(content: bytes, name: str) -> Iterator[Draft | Skipped]:  # noqa: ARG001 - a Parser
    """The mail, then what it carries. Raises LoadingError if there is nothing to read."""
    mail = _message(content)
    if mail.get_content_type() == _IN_PARTS:
        raise LoadingError(_PARTLY.format(_header(mail, "subject")))
    found = list(articles_of(mail))
    if not found:
        raise LoadingError("is not a mail, or has no text")
    yield from found


def parse_box(content: bytes, name: str) -> Iterator[Draft | Skipped]:  # noqa: ARG001 - a Parser
    """Every mail in a mailbox, and what they carry."""
    starts = [found for found in _BOX_LINE.finditer(content) if _begins_a_mail(content, found)]
    if not starts or content[: starts[0].start()].strip():
        raise LoadingError('is no box of mails: it does not begin with a line "From …"')
    ends = [*(found.start() for found in starts[1:]), len(content)]
    yield from _box(content[a.end() : end] for a, end in zip(starts, ends, strict=True))


def parse_web_archive(content: bytes, name: str) -> Iterator[Draft]:  # noqa: ARG001 - a Parser
    """One article, from the page that the archive holds."""
    mail = _message(content)
    pages = [
        part
        for part in mail.walk()
        if isinstance(part, EmailMessage)
        and part.get_content_type() == "text/html"
        and not part.is_attachment()
    ]
    if not pages:
        raise LoadingError("is not a web archive: it contains no page")
    saved_from = _header(mail, "snapshot-content-location") or _header(pages[0], "content-location")
    yield html.read(_decoded(pages[0]), address=web_address(saved_from))


@dataclass(slots=True)
class _Shown:
    """What a mail shows, assembled part by part, and what it carries."""

    texts: list[str] = field(default_factory=list)
    carried: list[EmailMessage] = field(default_factory=list)
    pictures: list[EmailMessage] = field(default_factory=list)  # and sounds, among the texts
    told: list[Skipped] = field(default_factory=list)


def _box(mails: Iterable[bytes]) -> Iterator[Draft | Skipped]:
    in_parts: dict[str, dict[int, _Part]] = {}
    for number, content in enumerate(mails, start=1):
        content = _ESCAPED_FROM.sub(rb"\1", content)
        mail = _message(content)
        label = f"mail {number}"
        if mail.get_content_type() == _IN_PARTS:
            parts = in_parts.setdefault(str(mail.get_param("id", "")), {})
            parts[_parameter(mail, "number")] = _Part(label, mail, content)
            whole = _put_together(parts)
            if whole is None:
                continue
            mail = whole
            parts.clear()
        named = _header(mail, "message-id")
        key = (named or " ".join(_header(mail, each) for each in ("from", "date", "subject")))[:300]
        found = list(articles_of(mail)) or [Skipped("", "has no text")]
        yield from _within(found, key, label)
    for part in (part for parts in in_parts.values() for part in parts.values()):
        yield Skipped(part.label, _PARTLY.format(_header(part.mail, "subject")))


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a mail that was sent in several (RFC 2046, 5.2.2)."""

    label: str
    mail: EmailMessage
    content: bytes


def _put_together(parts: Mapping[int, _Part]) -> EmailMessage | None:
    """The mail whose parts, by number, these are; None if not all are there."""
    total = max(_parameter(part.mail, "total") for part in parts.values())
    if not total or parts.keys() != set(range(1, total + 1)):
        return None
    bodies = (_HEAD_AND_BODY.split(parts[n].content, maxsplit=1)[-1] for n in sorted(parts))
    whole = _message(b"".join(_BETWEEN_MAILS.sub(rb"\1", body) for body in bodies))
    for name, value in parts[1].mail.raw_items():
        if not _OF_THE_WHOLE.fullmatch(name):
            del whole[name]
            whole.set_raw(name, value)
    return whole


def _parameter(mail: EmailMessage, name: str) -> int:
    written = str(mail.get_param(name, ""))
    return int(written) if re.fullmatch("[0-9]{1,4}", written) else 0


def _begins_a_mail(content: bytes, line: re.Match[bytes]) -> bool:
    """Whether a line "From …" begins a mail rather than being text: it precedes a header, and names
    a sender and a moment as programs write them, or else follows an empty line and the header has
    two fields that mails have."""
    below = content[line.end() : line.end() + _LONGEST_HEADER]
    if not re.match(rb"[!-9;-~]+:", below):
        return False
    if _BY_PROGRAM.match(line[0]):
        return True
    before = content[max(0, line.start() - 4) : line.start()]
    behind_empty = line.start() == 0 or before.endswith((b"\n\n", b"\n\r\n"))
    fields = _OF_A_MAIL.findall(_HEAD_AND_BODY.split(below, maxsplit=1)[0])
    return behind_empty and len({each.lower() for each in fields}) > 1


def articles_of(mail: EmailMessage, depth: int = 0) -> Iterator[Draft | Skipped]:
    """The mail's own article, and what it carries. Raises LoadingError for one nested too deeply in
    others."""
    if depth > _DEEPEST:
        raise LoadingError("is a mail too deep in mails")
    shown = _Shown()
    _show(mail, shown)
    text = "\n\n".join(text for text in shown.texts if text.strip())
    senders = getaddresses([_header(mail, "from")])
    authors = tuple(name or address for name, address in senders if name or address)
    dated = _header(mail, "date")
    published = _day(dated)
    own = Draft(
        sound(text),
        title=shorten(_header(mail, "subject"), 300),
        published=published,
        notices=(
            *_cut_off(mail),
            *((_UNDATED.format(dated[:60]),) if dated and not published else ()),
        ),
        authors=authors,
        source=shorten(authors[0], 300) if authors else "",
        language=language_code(_header(mail, "content-language")),
    )
    if text.strip():
        first, *forwarded = _with_forwarded(own)
        yield replace(first, notices=(*first.notices, *_unread(shown.pictures)))
        yield from forwarded
    yield from shown.told
    alone = [] if text.strip() else shown.pictures  # then they are what the mail says
    for number, part in enumerate((*alone, *shown.carried), start=1):
        name = " ".join(sound(part.get_filename() or "").split())
        label = f"attachment {number}" + (f", {name}" if name else "")
        for item in _within(_carried(part, name, depth), label, label):
            # The sender is the source of a mail's attachments if they name none of their own; what
            # it shows between its texts has its date, too.
            if isinstance(item, Draft) and not _is_mail(part):
                item = replace(item, source=item.source or own.source)
                if part.get_content_maintype() == "text" and not part.is_attachment():
                    item = replace(item, published=item.published or own.published)
            yield item


def _cut_off(mail: EmailMessage) -> tuple[str, ...]:
    """A notice if the mail ends before its parts do."""
    broken = any(isinstance(d, CloseBoundaryNotFoundDefect) for d in mail.defects)
    return ("ends in the middle of its parts; some of it may be missing",) if broken else ()


def _day(written: str) -> date | None:
    """The day in a mail's header; its year may have two digits (RFC 5322, 4.3)."""
    found = parsedate(written)
    return written_day(written) or (
        written_day(f"{found[0]:04}-{found[1]:02}-{found[2]:02}") if found else None
    )


def _unread(pictures: Sequence[EmailMessage]) -> tuple[str, ...]:
    """A notice about pictures among the texts: most are logos and portraits."""
    if not pictures:
        return ()
    names = [
        " ".join(sound(part.get_filename() or part.get_content_type()).split()) for part in pictures
    ]
    named = shorten(", ".join(dict.fromkeys(names)), 100)
    one, more = (
        "1 part of its text (picture, recording, …) was",
        "parts of its text (pictures, recordings, …) were",
    )
    are = one if len(names) == 1 else f"{len(names):,} {more}"
    return (f"{are} not read ({named}); save what has words in it, and add that",)


def _within(found: Iterable[Draft | Skipped], key: str, label: str) -> Iterator[Draft | Skipped]:
    """The items found, labelled as part of something."""
    for item in found:
        if isinstance(item, Skipped):
            yield Skipped(f"{label}, {item.source}" if item.source else label, item.reason)
            continue
        called = item.label or item.key
        yield replace(
            item,
            key=f"{key}, {item.key}" if key and item.key else key or item.key,
            label=f"{label}, {called}" if called else label,
            notices=tuple(f"{label}: {notice}" for notice in item.notices),
        )


# -- what is shown -----------------------------------------------------------------------------


def _show(part: EmailMessage, shown: _Shown) -> None:
    kind, main = part.get_content_type(), part.get_content_maintype()
    if kind in _SIGNATURES:
        return
    if _is_mail(part) or part.is_attachment() or kind in _CARRIED:
        shown.carried.append(part)
    elif kind == "multipart/alternative":
        _show_one_of(part, shown)
    elif part.is_multipart():
        for child in part.iter_parts():
            if isinstance(child, EmailMessage):
                _show(child, shown)
    elif kind in ("text/plain", "text/html"):
        if part.get_filename() and any(map(str.strip, shown.texts)):
            shown.carried.append(part)  # a file between the texts
            return
        try:
            shown.texts.append(_text(part))
        except LoadingError as error:
            shown.told.append(Skipped("", f"its text {error}"))
    else:
        (shown.pictures if main in _SHOWN_BY_ITSELF else shown.carried).append(part)


def _show_one_of(part: EmailMessage, shown: _Shown) -> None:
    """Of several versions of the same text, take the plain one if it says what the others do."""
    plain = rich = ""
    for child in part.iter_parts():
        if not isinstance(child, EmailMessage):
            continue
        alone = _Shown()
        _show(child, alone)
        said = "\n\n".join(text for text in alone.texts if text.strip())
        if child.get_content_type() == "text/plain":
            plain = plain or said
        else:
            rich = said or rich
        # What is neither text nor attached is yet another version, for other programs.
        shown.carried += [
            each
            for each in alone.carried
            if child.is_multipart() or each.is_attachment() or _is_mail(each)
        ]
        shown.pictures += [
            each
            for each in alone.carried
            if each.get_content_type() == "text/calendar" and not each.is_attachment()
        ]
        shown.told += alone.told
        shown.pictures += alone.pictures
    shown.texts.append(rich if rich.strip() and _says_less(plain, rich) else plain)


def _says_less(plain: str, rich: str) -> bool:
    """Whether a plain text is only a placeholder for the real one, or has just part of it."""
    words = {word.lower() for word in _WORD.findall(rich)}
    lacking = words - {word.lower() for word in _WORD.findall(plain)}
    return not plain.strip() or (
        2 * len(lacking) > len(words) or (len(lacking) > _FEW and 10 * len(lacking) > len(words))
    )


def _text(part: EmailMessage) -> str:
    written = _decoded(part)
    if part.get_content_subtype() == "html":
        return text_of(written)
    if str(part.get_param("format", "")).lower() == "flowed":
        return _unflowed(written, keep_blank=str(part.get_param("delsp", "")).lower() != "yes")
    return written.strip()


def _unflowed(written: str, *, keep_blank: bool) -> str:
    """Rejoin lines that were broken only for sending (RFC 3676)."""
    lines: list[str] = []
    flows, before = False, ""
    for line in written.splitlines():
        begun = line.lstrip(">")
        quoted, begun = line[: len(line) - len(begun)], begun.removeprefix(" ")  # stuffed
        if flows and quoted == before and not begun.startswith(("-- ", ">")):
            lines[-1] = (lines[-1] if keep_blank else lines[-1][:-1]) + begun
        else:
            lines.append(f"{quoted} {begun}" if quoted else begun)
        flows, before = begun.endswith(" ") and begun != "-- ", quoted
    return "\n".join(line.rstrip() for line in lines).strip()


# -- what is carried along ---------------------------------------------------------------------


def _with_forwarded(draft: Draft) -> Iterator[Draft]:
    """The new text, and every mail quoted below it, with its own sender, date and subject."""
    rest, number = draft, 0
    forwarded: list[Draft] = []
    while number < _DEEPEST and (parted := _parted(rest)):
        own, rest = parted
        number += 1
        if number == 1:
            draft = own
        else:
            forwarded[-1] = replace(own, key=forwarded[-1].key)
        forwarded.append(replace(rest, key=f"forwarded mail {number}"))
    if draft.text.strip() or not forwarded:
        yield draft
    yield from (each for each in forwarded if each.text.strip())


def _parted(draft: Draft) -> tuple[Draft, Draft] | None:
    """A mail without the one it quotes in full, and that one; None if it quotes none."""
    import quotequail

    for text in dict.fromkeys((draft.text, _CELL_HEADER.sub(r"\1 ", draft.text))):
        found = quotequail.unwrap(text)
        if found and found.get("type") == "forward" and found.get("from") and found.get("text"):
            break
    else:
        return None
    if not (found.get("subject") or found.get("date")):
        return None
    own = "\n\n".join(filter(None, (found.get("text_top"), found.get("text_bottom"))))
    senders = getaddresses([found["from"].replace("[mailto:", "<").replace("]", ">")])
    names = tuple(name or address for name, address in senders if name or address)
    dated = found.get("date") or ""
    named = day_within(dated)
    published = _day(dated) or (named[0] if named else None)
    inner = Draft(
        _unquoted(found["text"]),
        title=shorten(found.get("subject") or "", 300),
        published=published,
        notices=(_UNDATED.format(dated[:60]),) if dated and not published else (),
        authors=names or (shorten(found["from"], 300),),
        source=shorten((names or (found["from"],))[0], 300),
    )
    return replace(draft, text=_without_last_rule(own)), inner


def _unquoted(text: str) -> str:
    """Without the mark of a quotation, if every line has it."""
    lines = text.split("\n")
    quoted = all(line.startswith(">") for line in lines if line.strip())
    return "\n".join(re.sub("^> ?", "", line) for line in lines).strip() if quoted else text


def _without_last_rule(text: str) -> str:
    """Without a last line such as "---- Forwarded message ----"."""
    before, _, last = text.rstrip().rpartition("\n")
    last = last.strip()
    is_rule = len(last) >= 6 and last.startswith("---") and last.endswith("---")
    return before.rstrip() if is_rule else text


def _carried(part: EmailMessage, name: str, depth: int) -> list[Draft | Skipped]:
    """The articles in something a mail carries; nothing is unpacked."""
    try:
        if _is_mail(part):
            mail = _inner(part)
            return list(articles_of(mail, depth + 1)) or [Skipped("", "has no text")]
        return _read(part, name)
    except LoadingError as error:
        return [Skipped("", str(error))]
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # noqa: BLE001 - a parser may raise anything; the mail is not lost
        return [Skipped("", f"cannot be parsed ({type(error).__name__}: {str(error)[:200]})")]


def _inner(part: EmailMessage) -> EmailMessage:
    """An attached mail, which some programs encode although they must not (RFC 2046, 5.2.1)."""
    inner = part.get_payload(0) if part.is_multipart() else None
    if not isinstance(inner, EmailMessage):
        return _message(_content(part))
    if str(part.get("content-transfer-encoding", "")).strip().lower() in _ENCODED:
        packed = EmailMessage()
        packed["Content-Transfer-Encoding"] = str(part["content-transfer-encoding"]).strip()
        packed.set_payload(inner.as_string())
        whole = _message(_content(packed))
        return whole if whole.keys() else inner
    return inner


def _is_mail(part: EmailMessage) -> bool:
    return part.get_content_type() in _MAILS


def _read(part: EmailMessage, name: str) -> list[Draft | Skipped]:
    """Raises LoadingError, and whatever the parser raises."""
    from vectorstore.loading.formats import MEDIA_TYPES, by_content, loader_of

    kind = part.get_content_type()
    if kind == "multipart/encrypted" or "pkcs7-mime" in kind:
        raise LoadingError("is encrypted or sealed (S/MIME, PGP); save the mail as it is shown")
    if not name:
        if kind not in MEDIA_TYPES:
            raise LoadingError(f"is of a kind that cannot be read ({kind})")
        name = f"part{MEDIA_TYPES[kind]}"
    loader = loader_of(name)
    content = _content(part)
    if not content.strip():
        raise LoadingError("is empty")
    loader = by_content(content, loader)
    if loader.parse is None:
        raise LoadingError("is an archive; save it, and add it by itself")
    return list(loader.parse(content, name))


def _message(content: bytes) -> EmailMessage:
    return message_from_bytes(content.lstrip(), policy=policy.default)


def _content(part: EmailMessage) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _decoded(part: EmailMessage) -> str:
    return decode(_content(part), str(part.get_content_charset() or ""))


def _header(mail: EmailMessage, name: str) -> str:
    return " ".join(sound(str(mail.get(name, ""))).split())
