"""One text with many articles in it, as press databases export them: each becomes its own article.

    unbundled(draft)    the articles of a Nexis, Factiva or ProQuest export, or of a text whose parts are
                        separated by rules and each begin with a head, or with a headline and a day,
                        dateline or byline; else the draft itself

Only unambiguous texts are taken apart. If a text says that it holds several articles in an unknown
form, or looks like it, a notice says so. Each article's text is an exact slice of the whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from vectorstore.loading.dates import day_within, written_day
from vectorstore.loading.draft import Draft, apart, first_line, shorten
from vectorstore.loading.fields import names_of
from vectorstore.loading.head import without_head
from vectorstore.loading.stated import stated_day

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
_PROQUEST_FRAME = re.compile(r"(?:Contact us|Report information|Database copyright)\b", re.I)
_RULE = re.compile(
    r"^[^\S\n]*(?:-{3,}|={3,}|_{3,}|\*{3,}|#{3,}|~{3,}|(?:[*_~•-][^\S\n]+){2,}[*_~•-])[^\S\n]*\r?$",
    re.MULTILINE,
)
_MARKED_HEADLINE = re.compile(r"(#{1,6})[ \t]+(\S.*?)[ \t#]*|(\*\*|__)(\S.*?)(?:\*\*|__)")
_LONGEST_HEADLINE = 110  # characters
_FIELD = re.compile(r"(?:title|headline|date|published|authors?|source|url|language|tags):", re.I)
_SIGNED_LINES = 4
_BYLINE_OR_PLACE = re.compile(
    r"^[ \t*_]*(?:(?:By|Von|Par|Por)[ \t]+[A-ZÀ-ÖØ-Þ][^.!?\n]{2,80}$|"
    r"[A-ZÀ-ÖØ-Þ][A-ZÀ-ÖØ-Þ .'’-]{2,30}(?:,[^.\n–—]{2,30})?(?:\([^()\n]{1,30}\)[ \t]*)?[ \t]?[–—-]{1,2}[ \t])",
    re.MULTILINE,
)
_LABEL = re.compile(r"[^\S\n]*([^\W\d_](?:[^\W\d_]|[ -]){1,24}):[^\S\n]*(.*?)\s*\Z")
_LABELS = {  # in German, French, Spanish, Italian and Dutch
    label: name
    for name, labels in {
        "byline": "autor autoren auteur auteurs autores autore autori",
        "section": "rubrik rubrique sección sezione rubriek sectie",
        "length": "länge longueur longitud lunghezza lengte",
        "headline": "schlagzeile titre titular titolo kop",
        "load-date": "update lade-datum date-chargement fecha-carga data-caricamento laad-datum",
        "language": "sprache langue idioma lingua taal",
        "publication-type": "publikationstyp type-publication tipo-publicación tipo-pubblicazione",
        "graphic": "grafik graphique gráfico grafica",
    }.items()
    for label in labels.split()
}
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
_RIGHTS = re.compile(
    r"^[^\S\n]*Copyright(?:[\s:]|©|\(c\))*(?:\d{4}|of\b[^\n]*\bproperty\b)",
    re.IGNORECASE | re.MULTILINE,
)
_LONGEST_RIGHTS = 400  # characters of a copyright notice and what follows it
_TOO_SHORT = 20  # characters that are too few for a text


def unbundled(draft: Draft) -> Iterator[Draft]:
    """The articles in a draft's text; the draft itself if it is a single one."""
    text = draft.text
    count = len(_numbered(text))
    for cut, read in _FORMS:
        found = [read(text, start, end) for start, end in cut(text)]
        drafts = [each for each in found if each is not None and each.text.strip()]
        if drafts and len(drafts) == len(found):
            drafts[0] = replace(drafts[0], notices=(*draft.notices, *drafts[0].notices))
            for each in apart(drafts):
                assert isinstance(each, Draft)  # noqa: S101 -- nothing is Skipped among drafts
                yield replace(
                    each,
                    language=each.language or draft.language,
                    source=each.source or draft.source,
                    tags=each.tags or draft.tags,
                )
            return
        if len(drafts) > 1:
            count = max(count, len(found))
    looks = 0 if count > 1 else _looks_like(text)
    if count > 1 or looks > 1:
        told = (
            f"says that it holds {count} articles, and was read as one; split it"
            if count > 1
            else f"looks like {looks} articles between rules, and was read as one; if it is several, "
            "write under each headline when it was published"
        )
        draft = replace(draft, notices=(*draft.notices, told))
    yield draft


# -- where the articles are --------------------------------------------------------------------


def _numbered(text: str) -> list[re.Match[str]]:
    """Lines such as "3 of 12 DOCUMENTS", if they count up from one."""
    found = list(_NUMBERED.finditer(text))
    counted = [int(match[1] or match[2]) for match in found]
    return found if counted == list(range(1, len(found) + 1)) else []


def _between_numbers(text: str) -> Iterator[tuple[int, int]]:
    found = _numbered(text)
    ends = [match.start() for match in found[1:]] + [len(text)]
    if found and not text[: found[0].start()].strip():
        yield from ((match.end(), end) for match, end in zip(found, ends, strict=True))


def _before(mark: re.Pattern[str]) -> Callable[[str], Iterator[tuple[int, int]]]:
    """Cuts where each article ends with such a line, which belongs to it."""

    def cut(text: str) -> Iterator[tuple[int, int]]:
        start = 0
        found = list(mark.finditer(text))
        for match in found:
            yield start, match.end()
            start = match.end()
        if found and len(text[start:].strip()) > 10 * _TOO_SHORT:
            yield start, len(text)  # more than a line of thanks: then it is not such an export

    return cut


def _at_headlines(text: str) -> Iterator[tuple[int, int]]:
    """Where articles begin with the tag of their headline, and have no number of their own."""
    starts = [match.start() for match in _FACTIVA_HEADLINE.finditer(text)]
    if starts and not text[: starts[0]].strip():
        yield from pairwise([*starts, len(text)])


def _between_rules(
    rule: re.Pattern[str],
    but: Callable[[re.Match[str]], bool] = lambda _: False,
    frame: re.Pattern[str] | None = None,
) -> Callable[[str], Iterator[tuple[int, int]]]:
    """Cuts at such lines. A first or last part that matches `frame` is no article."""

    def cut(text: str) -> Iterator[tuple[int, int]]:
        rules = [match for match in rule.finditer(text) if not but(match)]
        ends = [match.start() for match in rules]
        starts = [match.end() for match in rules]
        parts = zip([0, *starts], [*ends, len(text)], strict=True)
        found = [(start, end) for start, end in parts if text[start:end].strip()]
        if frame:
            edges = {*found[:1], *found[-1:]}
            found = [
                (start, end)
                for start, end in found
                if (start, end) not in edges or not frame.match(text[start:end].lstrip())
            ]
        if len(found) > 1:
            yield from found

    return cut


def _at_ruled_headlines(text: str) -> Iterator[tuple[int, int]]:
    """Where a rule followed by a headline with a day, dateline or byline begins an article.
    Anything else between rules is a section of the preceding article."""
    parts, begun = _signed_parts(text)
    if begun and begun[0] == 0:
        starts = [*(parts[n][0] for n in begun), len(text)]
        ends = [*(parts[n - 1][1] for n in begun[1:]), len(text)]
        yield from zip(starts, ends, strict=False)


def _looks_like(text: str) -> int:
    """How many articles there seem to be between rules."""
    parts, begun = _signed_parts(text)
    if begun:
        return len(begun)
    kinds = {head.kind if head else "" for head in (_headline(text, *part) for part in parts)}
    return len(parts) if kinds == {"#"} else 0


def _signed_parts(text: str) -> tuple[list[tuple[int, int]], list[int]]:
    """The parts between rules; and which of them, if several, begin with a headline of the same
    kind with a signature or date."""
    parts = list(_between_rules(_RULE, _is_underline)(text))
    heads = [(n, _headline(text, *part)) for n, part in enumerate(parts)]
    signed = [(n, h.kind) for n, h in heads if h and _is_signed(text, h.end, parts[n][1])]
    begun = [n for n, kind in signed if kind == signed[0][1]]
    return parts, begun if len(begun) > 1 else []


def _is_underline(rule: re.Match[str]) -> bool:
    """Whether it underlines a headline: a single line of text with nothing directly above it."""
    above = rule.string[: rule.start()].rsplit("\n", 3)[-3:]
    said = [line.strip() for line in above[:-1]]
    return bool(said and said[-1]) and not any(said[:-1]) and rule[0].strip()[:1] in "=-"


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
    above = [line for line in above if _label(line) is None]
    plain = [line[0].strip() for line in above]
    days = [n for n, line in enumerate(plain) if _day(line)]
    dated = (days[0] if body is None else days[-1]) if days else None
    if dated is not None and body is not None:  # a list of all articles may precede the first one
        plain, dated = plain[max(0, dated - 2) :], min(dated, 2)
    if dated is None or not said.keys() & {"length", "byline", "section", "load-date"}:
        return None
    named = [line for n, line in enumerate(plain) if n != dated]
    # Older exports put the headline below the day, newer ones above the paper's name.
    below = plain[dated + 1 :]
    if len(below) > 1 and body is None and above[dated + 1].start() == above[dated].end():
        below = below[1:]  # the edition
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
    """Factiva's lines with a leading tag: HD for the headline, LP and TD for the text."""
    fields: dict[str, tuple[int, int]] = {}
    tag = ""
    for line in lines:
        found = _FACTIVA_TAG.match(line[0])
        if found and found[1] not in _FACTIVA_BEHIND and not {"LP", "TD"}.isdisjoint(fields):
            found = None  # part of the text
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
    # The second tag stands between the first paragraph and the rest.
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


@dataclass(frozen=True, slots=True)
class _Headline:
    """The first line of a part, without its markup; `kind` is how it is marked as a headline."""

    title: str
    kind: str
    end: int


def _headline(text: str, start: int, end: int) -> _Headline | None:
    lines = _lines(text, start, end)
    first = next((n for n, line in enumerate(lines) if line[0].strip()), len(lines))
    if first == len(lines):
        return None
    said = lines[first][0].strip()
    below = lines[first + 1][0].strip() if first + 1 < len(lines) else ""
    marked = _MARKED_HEADLINE.fullmatch(said)
    if marked:
        return _Headline(marked[2] or marked[4], marked[1] or marked[3], lines[first].end())
    if below and set(below) in ({"="}, {"-"}):
        return _Headline(said, below[0], lines[first + 1].end())
    short = len(said) <= _LONGEST_HEADLINE and said[-1] not in ".!?:;,…" and said[0].isalnum()
    if not short or _FIELD.match(said):
        return None
    return _Headline(said, "plain", lines[first].end())


def _is_signed(text: str, start: int, end: int) -> bool:
    """Whether the text under a headline begins with a day, a byline or a place name."""
    lines = [line[0] for line in _lines(text, start, end) if line[0].strip()]
    said = "".join(lines[:_SIGNED_LINES])
    return stated_day(said) is not None or _BYLINE_OR_PLACE.search(said) is not None


def _ruled(text: str, start: int, end: int) -> Draft | None:
    head = _headline(text, start, end)
    part = text[start:end]
    body = part[len(part) - len(part.lstrip("\r\n")) :].rstrip()
    return Draft(body, title=shorten(head.title, 300)) if head else None


_FORMS: tuple[
    tuple[Callable[[str], Iterator[tuple[int, int]]], Callable[[str, int, int], Draft | None]], ...
] = (
    (_before(_FACTIVA_ID), _factiva),
    (_at_headlines, _headlined),
    (_before(_END_OF_DOCUMENT), _nexis),
    (_between_numbers, _nexis),
    (_between_rules(_PROQUEST_RULE, frame=_PROQUEST_FRAME), _proquest),
    (_between_rules(_RULE), _headed),
    (_at_ruled_headlines, _ruled),
)


# -- below -------------------------------------------------------------------------------------


def _lines(text: str, start: int, end: int) -> list[_Line]:
    return [line for line in _LINE.finditer(text, start, end) if line[0]]


def _label(line: _Line) -> tuple[str, str] | None:
    found = _LABEL.match(line[0])
    name = found[1].strip().lower() if found else ""
    return (_LABELS.get(name, name), found[2]) if found else None


def _labels(lines: list[_Line], end: int) -> tuple[Mapping[str, str], int, int]:
    """What the labels say, and where the text between those above and those below begins and
    ends."""
    said: dict[str, str] = {}
    begins, ends = lines[0].start() if lines else end, end
    above = True
    for line in lines:
        if _END_OF_DOCUMENT.fullmatch(line[0].rstrip("\n")):
            ends = min(ends, line.start())
            break
        text = line.string[:end]
        name, value = _label(line) or ("", "")
        if above and name in _BEFORE_BODY:
            said[name] = value
            begins = line.end()
        elif name in _BEHIND_BODY and not _goes_on(text, line.end(), value):
            said.setdefault(name, value)
            if line.start() > begins:
                ends = min(ends, line.start())
        elif above and said and len(line[0].strip()) > 2 * _TOO_SHORT:
            above = False
    return said, begins, ends


def _goes_on(text: str, start: int, value: str) -> bool:
    """Whether a line that looks like a label below the text belongs to the text: it is a sentence,
    or is followed by sentences without labels."""
    behind = (line for line in _lines(text, start, len(text)) if _label(line) is None)
    sentences = (line[0].strip() for line in behind if not _COPYRIGHT.match(line[0]))
    return any(len(s) > _TOO_SHORT and _ends_as_sentence(s) for s in (value, *sentences))


def _ends_as_sentence(text: str) -> bool:
    """Whether it ends with a full stop or the like, with lower-case letters before it."""
    said = text.rstrip("”\"')]")
    last = re.split("[.!?]", said[:-1])[-1]
    return said.endswith((".", "!", "?")) and any("a" <= each <= "z" for each in last)


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
    rights = list(_RIGHTS.finditer(body))
    if rights and rights[-1].start() and len(body) - rights[-1].start() < _LONGEST_RIGHTS:
        body = body[: rights[-1].start()]
    body = body.strip("\r\n").rstrip()
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
