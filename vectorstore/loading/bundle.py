"""One text with many articles in it, as press databases export them: each an article of its own.

    unbundled(draft)    the articles of a Nexis, Factiva or ProQuest export, or of a text whose parts
                        each begin with a head and are parted by rules; else the draft itself

Only what cannot be meant otherwise is taken apart. Of a text that says that it holds several articles,
in a form that is not known, that is told. Each article's text is a slice of the whole, to the character.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from itertools import pairwise

from vectorstore.loading.dates import day_within, written_day
from vectorstore.loading.draft import Draft, apart, first_line, shorten
from vectorstore.loading.fields import names_of
from vectorstore.loading.head import without_head

_Line = re.Match[str]

_LINE = re.compile(r"[^\n]*\n?")
_NUMBERED = re.compile(
    r"^[^\S\n]*(?:(?:article|document|story|artikel|dokument)[^\S\n]+(\d{1,5})[^\S\n]*(?:of|von|de|/)[^\S\n]*"
    r"\d{1,5}|(\d{1,5})[^\S\n]+(?:of|von|de)[^\S\n]+\d{1,5}[^\S\n]+do[ck]ument(?:s|en?|os)?)[^\S\n]*\r?$",
    re.IGNORECASE | re.MULTILINE,
)
_END_OF_DOCUMENT = re.compile(r"^[^\S\n]*End of Document[^\S\n]*\r?$", re.MULTILINE)
_FACTIVA_ID = re.compile(
    r"^[^\S\n]*(?:AN[^\S\n]+)?(?:Document|Dokument|Documento)[^\S\n]+([A-Z]{2,8}[0-9]{6,}[0-9a-z]{6,})[^\S\n]*\r?$",
    re.MULTILINE,
)
# Padded to a column, so "IN LONDON" is no tag.
_FACTIVA_TAG = re.compile(
    r"(?:(CLM|SE|HD|BY|CR|WC|PD|ET|SN|SC|PG|VOL|ED|LA|CY|LP|TD|ART|CT|RF|CO|IN|NS|RE|IPC|IPD|PUB|AN)"
    r"(?:(?<=[A-Z]{3})[^\S\n]|[^\S\n]{2,}|\t|[^\S\n]*$)[^\S\n]*)",
    re.MULTILINE,
)
_FACTIVA_BEHIND = frozenset(
    ["TD", "ART", "CT", "RF", "CO", "IN", "NS", "RE", "IPC", "IPD", "PUB", "AN"]
)
_FACTIVA_HEADLINE = re.compile(
    r"^(?:(?:CLM|SE)(?:[^\S\n]{2}|\t| (?<=CLM )).*\n)*HD(?:[^\S\n]{2}|\t|\r?$)", re.MULTILINE
)
_SECOND_PARAGRAPH = re.compile(r"(?<!\s)[^\S\n]*+\n\s*+(?<=\n)TD(?:[^\S\n]{2,}+|\t|[^\S\n]*+\r?\n)")
_WORD_COUNT = re.compile(r"[\d.,]+\s(?:words|Wörter|mots|palabras|parole|woorden)")
_PROQUEST_RULE = re.compile(r"^[^\S\n]*_{20,}[^\S\n]*\r?$", re.MULTILINE)
_RULE = re.compile(r"^[^\S\n]*(?:-{3,}|={3,}|_{3,}|\*{3,}|#{3,}|~{3,})[^\S\n]*\r?$", re.MULTILINE)
_LABEL = re.compile(r"[^\S\n]*([A-Za-z][A-Za-z -]{1,24}):[^\S\n]*(.*?)\s*\Z")
_BEFORE_BODY = frozenset(
    [
        "byline",
        "section",
        "length",
        "dateline",
        "highlight",
        "headline",
        "source",
        "series",
        "edition",
        "column",
    ]
)
_BEHIND_BODY = frozenset(
    [
        *("load-date", "language", "publication-type", "journal code", "graphic", "classification"),
        *("document-type", "acc-no", "subject", "notes", "url", "correction-date", "type"),
    ]
)
_COPYRIGHT = re.compile(r"\s*(?:Copyright\b|\(c\)|©|All Rights Reserved)", re.IGNORECASE)
_TOO_SHORT = 20  # characters of a text that is none


def unbundled(draft: Draft) -> Iterator[Draft]:
    """The articles in a draft's text; the draft itself where it is one."""
    text = draft.text
    count = len(_numbered(text))
    for cut, read in _FORMS:
        found = [read(text, start, end) for start, end in cut(text)]
        drafts = [each for each in found if each is not None and each.text.strip()]
        if drafts and len(drafts) == len(found):
            for each in apart(drafts):
                assert isinstance(each, Draft)  # noqa: S101 -- nothing is Skipped among drafts
                yield replace(each, language=each.language or draft.language)
            return
        if len(drafts) > 1:
            count = max(count, len(found))
    if count > 1:
        told = f"says that it holds {count} articles, and was read as one; split it"
        draft = replace(draft, notices=(*draft.notices, told))
    yield draft


# -- where the articles are --------------------------------------------------------------------


def _numbered(text: str) -> list[re.Match[str]]:
    """The lines "3 of 12 DOCUMENTS", where they count from one."""
    found = list(_NUMBERED.finditer(text))
    counted = [int(match[1] or match[2]) for match in found]
    return found if counted == list(range(1, len(found) + 1)) else []


def _between_numbers(text: str) -> Iterator[tuple[int, int]]:
    found = _numbered(text)
    ends = [match.start() for match in found[1:]] + [len(text)]
    if found and not text[: found[0].start()].strip():
        yield from ((match.end(), end) for match, end in zip(found, ends, strict=True))


def _before(mark: re.Pattern[str]) -> Callable[[str], Iterator[tuple[int, int]]]:
    """Where each article ends with such a line, which belongs to it."""

    def cut(text: str) -> Iterator[tuple[int, int]]:
        start = 0
        found = list(mark.finditer(text))
        for match in found:
            yield start, match.end()
            start = match.end()
        if found and len(text[start:].strip()) > 10 * _TOO_SHORT:
            yield start, len(text)  # more than a line of thanks: then it is no such export

    return cut


def _at_headlines(text: str) -> Iterator[tuple[int, int]]:
    """Where each article begins with the tag of its headline, and has no number of its own."""
    starts = [match.start() for match in _FACTIVA_HEADLINE.finditer(text)]
    if starts and not text[: starts[0]].strip():
        yield from pairwise([*starts, len(text)])


def _between_rules(rule: re.Pattern[str]) -> Callable[[str], Iterator[tuple[int, int]]]:
    def cut(text: str) -> Iterator[tuple[int, int]]:
        ends = [match.start() for match in rule.finditer(text)]
        starts = [match.end() for match in rule.finditer(text)]
        parts = zip([0, *starts], [*ends, len(text)], strict=True)
        found = [(start, end) for start, end in parts if text[start:end].strip()]
        if len(found) > 1:
            yield from found

    return cut


# -- what each says ----------------------------------------------------------------------------


def _nexis(text: str, start: int, end: int) -> Draft | None:
    """Publication, day and headline above labels such as LENGTH:, the text, and labels below."""
    lines = _lines(text, start, end)
    said, begins, ends = _labels(lines, end)
    body = next((n for n, line in enumerate(lines) if line[0].strip() == "Body"), None)
    if body is not None:
        begins = lines[body].end()
    above = [line for line in lines if line.end() <= begins and line[0].strip()]
    above = [line for line in above if not _COPYRIGHT.match(line[0]) and line[0].strip() != "Body"]
    plain = [line[0].strip() for line in above if _label(line) is None]
    dated = next((n for n, line in enumerate(plain) if _day(line)), None)
    if dated is None or not said.keys() & {"length", "byline", "section", "load-date"}:
        return None
    named = [line for n, line in enumerate(plain) if n != dated]
    # Older exports have the headline below the day, newer ones above the paper's name.
    below = plain[dated + 1 :]
    title = said.get("headline") or (below[0] if below else named[0] if named else "")
    source = next((line for line in named[:2] if line != title), "")
    return _draft(
        text,
        begins,
        ends,
        title=title,
        source=source,
        published=_day(plain[dated]),
        authors=said.get("byline", ""),
    )


def _factiva(text: str, start: int, end: int) -> Draft | None:
    found = _FACTIVA_ID.search(text, start, end)
    if found is None:
        return None
    lines = [line for line in _lines(text, start, found.start()) if line[0].strip()]
    tagged = _tagged(text, lines)
    if tagged is not None:
        return replace(tagged, key=found[1])
    counted = next(
        (n for n, line in enumerate(lines[:10]) if _WORD_COUNT.fullmatch(line[0].strip())), None
    )
    if not counted:
        return None
    above = [line[0].strip() for line in lines[:counted]]
    byline = next((line for line in above[1:] if re.match(r"(?:By|Von|Par|Por)\s", line)), "")
    below = lines[counted + 1 :]
    dated = next((n for n, line in enumerate(below[:4]) if _day(line[0])), None)
    rights = next((n for n, line in enumerate(below[:12]) if _COPYRIGHT.match(line[0])), None)
    if dated is None or rights is None:
        return None
    source = next(
        (
            s
            for line in below[dated + 1 : rights]
            if not re.match(r"\d{1,2}:\d\d", s := line[0].strip())
        ),
        "",
    )
    begins = below[rights].end()
    draft = _draft(
        text,
        begins,
        found.start(),
        title=above[0],
        source=source,
        published=_day(below[dated][0]),
        authors=byline,
    )
    return replace(draft, key=found[1])


def _headlined(text: str, start: int, end: int) -> Draft | None:
    draft = _tagged(text, [line for line in _lines(text, start, end) if line[0].strip()])
    return draft if draft is not None and draft.published and draft.source else None


def _tagged(text: str, lines: list[_Line]) -> Draft | None:
    """Factiva's lines with a tag in front: HD the headline, LP and TD the text."""
    fields: dict[str, tuple[int, int]] = {}
    tag = ""
    for line in lines:
        found = _FACTIVA_TAG.match(line[0])
        if found and found[1] not in _FACTIVA_BEHIND and not {"LP", "TD"}.isdisjoint(fields):
            found = None  # of the text
        if found:
            tag = found[1]
            fields[tag] = (line.start() + found.end(), line.end())
        elif tag:
            fields[tag] = (fields[tag][0], line.end())
    if not {"HD"} <= fields.keys() or not {"LP", "TD"} & fields.keys():
        return None
    said = {name: " ".join(text[a:b].split()) for name, (a, b) in fields.items()}
    begins, ends = (
        fields.get("LP", fields.get("TD", (0, 0)))[0],
        fields.get("TD", fields.get("LP", (0, 0)))[1],
    )
    draft = _draft(
        text,
        begins,
        ends,
        title=said["HD"],
        source=said.get("SN", ""),
        published=written_day(said.get("PD")),
        authors=said.get("BY", ""),
    )
    # Between the first paragraph and the rest stands the second tag.
    return replace(draft, text=_SECOND_PARAGRAPH.sub("\n\n", draft.text))


def _proquest(text: str, start: int, end: int) -> Draft | None:
    lines = _lines(text, start, end)
    fields: dict[str, str] = {}
    begins = ends = -1
    for line in lines:
        label = _label(line)
        if label is None:
            continue
        name, value = label
        if begins >= 0 and ends < 0 and name in _PROQUEST_FIELDS:
            ends = line.start()
        if name == "full text":
            begins = line.start() + line[0].index(":") + 1
        fields.setdefault(name, value)
    if begins < 0 or "title" not in fields:
        return None
    info = fields.get("publication info", "")
    dated = fields.get("publication date") or info
    return _draft(
        text,
        begins,
        ends if ends >= 0 else end,
        title=fields["title"],
        source=fields.get("publication title") or re.split(r"[;,]", info)[0],
        published=written_day(dated) or _day(dated),
        authors=fields.get("author", ""),
    )


_PROQUEST_FIELDS = frozenset(
    [
        *(
            "subject",
            "location",
            "title",
            "publication title",
            "publication year",
            "publication date",
            "pages",
        ),
        *(
            "publisher",
            "place of publication",
            "country of publication",
            "issn",
            "source type",
            "copyright",
        ),
        *(
            "language of publication",
            "document type",
            "proquest document id",
            "document url",
            "database",
        ),
        *(
            "last updated",
            "links",
            "section",
            "dateline",
            "company / organization",
            "people",
            "author",
            "credit",
        ),
    ]
)


def _headed(text: str, start: int, end: int) -> Draft | None:
    part = text[start:end]
    return without_head(part[len(part) - len(part.lstrip()) :])


_FORMS: tuple[
    tuple[Callable[[str], Iterator[tuple[int, int]]], Callable[[str, int, int], Draft | None]], ...
] = (
    (_before(_FACTIVA_ID), _factiva),
    (_at_headlines, _headlined),
    (_before(_END_OF_DOCUMENT), _nexis),
    (_between_numbers, _nexis),
    (_between_rules(_PROQUEST_RULE), _proquest),
    (_between_rules(_RULE), _headed),
)


# -- below -------------------------------------------------------------------------------------


def _lines(text: str, start: int, end: int) -> list[_Line]:
    return [line for line in _LINE.finditer(text, start, end) if line[0]]


def _label(line: _Line) -> tuple[str, str] | None:
    found = _LABEL.match(line[0])
    return (found[1].strip().lower(), found[2]) if found else None


def _labels(lines: list[_Line], end: int) -> tuple[Mapping[str, str], int, int]:
    """What the labels say, and where the text begins behind those above and ends before those below."""
    said: dict[str, str] = {}
    begins, ends = lines[0].start() if lines else end, end
    above = True
    for line in lines:
        if _END_OF_DOCUMENT.fullmatch(line[0].rstrip("\n")):
            ends = min(ends, line.start())
            break
        name, value = _label(line) or ("", "")
        if above and name in _BEFORE_BODY:
            said[name] = value
            begins = line.end()
        elif name in _BEHIND_BODY:
            said.setdefault(name, value)
            if line.start() > begins:
                ends = min(ends, line.start())
        elif above and said and len(line[0].strip()) > 2 * _TOO_SHORT:
            above = False
    return said, begins, ends


def _draft(
    text: str,
    begins: int,
    ends: int,
    *,
    title: str,
    source: str,
    published: date | None,
    authors: str,
) -> Draft:
    body = text[begins:ends]
    copyright_ = next(
        (m.start() for m in re.finditer(r"^\s*Copyright\b", body, re.MULTILINE) if m.start()), None
    )
    body = body[:copyright_].strip("\r\n").rstrip()
    named = re.sub(r"\A(?:by|von|par|por)\s+", "", authors, flags=re.IGNORECASE)
    return Draft(
        body,
        title=shorten(title, 300) or first_line(body),
        published=published,
        authors=names_of(named),
        source=shorten(source, 300),
    )


def _day(line: str) -> date | None:
    found = day_within(line)
    return found[0] if found and len(line.strip()) < 60 else None
