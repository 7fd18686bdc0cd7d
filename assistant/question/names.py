"""The names in a text: of people, organisations and places, told apart if the text leaves no doubt.

    for name in names("Ada Strake, the mayor of Ennetmouth, said …"):
        name.text, name.start, name.end         "Ada Strake", 0, 10
        name.kind                               "person", "organisation", "place", or "" if unclear

A name is a run of capitalised words, by the rules of English print; the first word of a sentence
counts if it is capitalised elsewhere too, or comes before another one. The kind of a name is
inferred from the words around it ("said", "in"), its title, or its last word ("University"),
anywhere in the text. No model is loaded; 1,000 words take about 20 ms. Texts without lower-case
letters, or in languages other than English, give few names, and those without a kind.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Literal, NamedTuple

from assistant.question.words import function_words

Kind = Literal["person", "organisation", "place", ""]

_BODY = (
    r"Gazette|Journal|Program|Programme|Ministers|Center|Facility|Shuttle|Telegraph|Guardian|"
    r"Herald|Tribune|Academy|Agency|Airlines|Airport|Alliance|Army|Assembly|Association|Authority|"
    r"Bank|Board|Bureau|Centre|Center|Chamber|Church|Club|College|Commission|Committee|"
    r"Company|Conference|Congress|Conservatory|Corporation|Corps|Council|Court|Department|"
    r"Federation|Force|Forces|Foundation|Front|Fund|Gallery|Group|Guard|Hospital|Institute|"
    r"Institution|Laboratory|League|Library|Ministry|Museum|Navy|Network|News|Office|Opera|"
    r"Orchestra|Organisation|Organization|Parliament|Party|Police|Post|Press|Prize|Records|School|"
    r"Senate|Service|Services|Society|Studios|Team|Theatre|Theater|Times|Tribunal|Trust|Union|"
    r"University|Inc|Ltd|Corp|LLC|PLC"
)
_ENDS_BODY = re.compile(rf"(?:{_BODY})$")
_OF_BODY = re.compile(
    rf"(?:{_BODY}|Republic|Kingdom|States|House|Bay|Gulf|Isle|Cape|Duke|Battle|Treaty)$"
)
_LAND = re.compile(
    r"(?:Republic|Kingdom|States|Islands?|Mosque|Cathedral|County|River|Lake|Mountains?|Sea|Ocean|Bay|Valley|City|Province|Street|"
    r"Road|Avenue|Square|Bridge)$"
)
_TITLES = re.compile(
    r"(?:mr|mrs|ms|dr|prof|professor|captain|mayor|president|minister|senator|sir|dame|prince|princess|judge|justice|"
    r"sheriff|bishop|archbishop|cardinal|pope|governor|ambassador|colonel|sergeant|inspector|councillor|"
    r"chancellor|secretary|lieutenant|commander|admiral|sheikh|rabbi|spokesperson|spokesman|spokeswoman|director|"
    r"chairman|chairwoman|administrator|attorney|coach|ceo|editor|actor|actress|mathematician|historian|scientist|emeritus)"
)
# These count as titles only where a name begins with them.
_RANKS = re.compile(
    r"(?:king|queen|lord|lady|general|major|deputy|prime|vice|chief|former|home|shadow|foreign|father|rev|imam)"
)
_DAYS = re.compile(
    r"(?:"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|may|"
    r"june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sep|sept|"
    r"oct|nov|dec"
    r")"
)
# Words that begin a sentence before a name, but are not part of it.
_OPENERS = re.compile(
    r"(?:"
    r"yesterday|today|tomorrow|meanwhile|however|also|later|earlier|last|next|then|still|even|"
    r"another|according|former|following|despite|like|unlike|since|during|within|without|besides|"
    r"both|many|most|some|several|other|photo|image|picture|video|read|watch|"
    r"listen|source|credit|copyright|related|advertisement"
    r")"
)
# A people or a language: not a name by itself.
_PEOPLE = re.compile(
    r"(?:[A-Z]\w+(?:ish|ese|ists?|landers?|deshis?)|[A-Z]\w{2,}(?:ians?|icans?|eans?)|French|German|Germans|Dutch|Greek|Greeks|Swiss|Czech|Thai|Arabs?|Arabic|"
    r"Iraqis?|Israelis?|Pakistanis?|Saudis?|Afghans?|Romans?|Muslims?|Catholics?|Jews|Islamic|Welsh|Mexicans?|Norse|"
    r"English(?:man|men)|Republicans?|Democrats?|Democratic|Western|Eastern|Northern|Southern|North|South|East|West|New|Army|Internet|I|God|Mr|Mrs|Ms|Dr)$"
)
_JOINING = re.compile(
    r"(?:"
    r"de|da|di|du|del|della|van|von|der|den|la|le|al|el|bin|ibn|af|av|y"
    r")"
)
_WORD = re.compile(r"[^\W\d_]+(?:[’'][^\W\d_]+)*")
# What precedes the first word of a sentence, a line or a quotation.
_FIRST = re.compile(r"[.!?][”\"’')\]]*\s|[\n•:“\"‘(\[—–]")
_SHORTENED = frozenset(("mr", "mrs", "ms", "dr", "st", "jr", "prof", "rev"))
_SAID = r"(?:said|says|told|tells|added|adds|asked|asks|warned|explained|insisted|recalled|admitted|argued|replied|wrote|writes|tweeted)"
_SPEAKS_AFTER = re.compile(rf",? (?:also |has |had )?{_SAID}\b")
_SPEAKS_BEFORE = re.compile(rf"\b{_SAID} $")
_KIN = r"(?:wife|husband|son|daughter|father|mother|brother|sister)\b"
_AFTER_PERSON = re.compile(
    rf"(?:, (?:aged )?\d\d[,.]|,? who\b|,? whose {_KIN}|[’']s {_KIN}| (?:was )?born\b|"
    r" (?:died|married|studied|graduated|resigned|retired)\b| \((?:born|\d{1,2} \w+ \d{4}|[12]\d\d\d[–-]))"
)
_BEFORE_PERSON = re.compile(
    rf"\b(?:actor|actress|singer|writer|author|poet|painter|composer|director|spokesman|spokeswoman|spokesperson|"
    rf"chairman|chairwoman|player|coach|engineer|historian|professor|scientist|mathematician|linguist|friend|colleague|"
    rf"artist|journalist|lawyer|editor|president|minister|mayor|{_KIN}),? $"
)
_IN = re.compile(r"\b(?:in|near|outside|across|capital of|city of|town of|village of) $")
_AND_LAND = re.compile(r", [A-Z]\w+")


_OFTEN = 2  # occurrences after "in" and the like from which a name is taken for a place


class Name(NamedTuple):
    """`text[start:end]` as written, with the kind of thing it names."""

    text: str
    start: int
    end: int
    kind: Kind = ""


def names(text: str) -> list[Name]:
    """Every occurrence of a name, in order; all those of the same name are of the same kind."""
    spans = _runs(text)
    found = [text[start:end] for start, end in spans]
    alone = set(found)
    kinds: dict[str, set[Kind]] = defaultdict(set)
    speakers, within = set(), Counter[str]()
    for name, (start, end) in zip(found, spans, strict=True):
        before, after = text[max(0, start - 40) : start], text[end : end + 40]
        if kind := _kind(name, before, after):
            kinds[name].add(kind)
        if _SPEAKS_AFTER.match(after) or _SPEAKS_BEFORE.search(before):
            speakers.add(name)
        within[name] += bool(_IN.search(before)) * (2 if _AND_LAND.match(after) else 1)
    told = {name: next(iter(of)) for name, of in kinds.items() if len(of) == 1}
    for name in alone - set(kinds):
        if within[name] >= _OFTEN and name not in speakers:
            told[name] = "place"
    # "Strake" and "Ada Strake" are the same person.
    for name in alone:
        last = name.split()[-1]
        if not _full_name(name) or (name in kinds and told.get(name) != "person"):
            continue
        if told.get(name) == "person" or told.get(last) == "person":
            told.setdefault(name, "person")
            told.setdefault(last, "person")
        elif last in alone and {name, last} & speakers:
            told[name] = told[last] = "person"
    return [
        Name(text[s:e], s, e, told.get(name, "")) for name, (s, e) in zip(found, spans, strict=True)
    ]


def _kind(name: str, before: str, after: str) -> Kind:
    """The kind that one occurrence shows; "" if none."""
    first, last = name.split()[0], name.split()[-1]
    if name in _lands():
        return "place"
    if _ENDS_BODY.match(last) or (
        " of " in name and _OF_BODY.match(name.split(" of ")[0].split()[-1])
    ):
        return "place" if _LAND.match(first) else "organisation"
    if _LAND.match(last):
        return "place"
    if _full_name(name) or " " not in name:
        titled = before.rstrip(" .").rpartition(" ")[2]
        if titled[:1].isupper() and before[-1:] == " " and _TITLES.fullmatch(titled.lower()):
            return "person"
        if _AFTER_PERSON.match(after) or _BEFORE_PERSON.search(before):
            return "person"
    return ""


@cache
def _lands() -> frozenset[str]:
    """Countries, and the cities that time zones are named after."""
    zones = files("tzdata.zoneinfo")
    rows = [
        line.split("\t")
        for table in ("iso3166.tab", "zone.tab")
        for line in (zones / table).read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    ]
    countries = {row[1].partition(" (")[0] for row in rows if len(row) == 2}
    cities = {row[2].rpartition("/")[2].replace("_", " ") for row in rows if len(row) > 2}
    return frozenset(countries | cities | {"UK", "US", "U.S", "USA"})


def _full_name(name: str) -> bool:
    """Whether it looks like a person's: two or three words, none of them from another kind."""
    parts = name.split()
    return 2 <= len(parts) <= 3 and all(
        part.rstrip(".").isalpha()
        and (len(part) <= 2 or not part.isupper())
        and not _ENDS_BODY.match(part)
        and not _LAND.match(part)
        and not _PEOPLE.match(part)
        for part in parts
    )


def _runs(text: str) -> list[tuple[int, int]]:
    tokens = _tokens(text)
    inside = {token.text for token in tokens if token.name}
    small = {token.text for token in tokens if not token.capital}
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(tokens):
        if not tokens[at].capital:
            at += 1
            continue
        run = _run(text, tokens, at)
        at += len(run)
        if kept := _kept(run, inside, small):
            found.append((kept[0].start, kept[-1].end))
    return found


class _Token(NamedTuple):
    """`name`: capitalised, and not just as the first word of a sentence."""

    text: str
    start: int
    end: int
    capital: bool
    name: bool


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    last = 0
    for match in _WORD.finditer(text):
        word = match[0]
        capital = word[0].isupper()
        first = not found or _FIRST.search(text[last : match.start()])
        name = (
            capital
            and (not first or word[1:] != word[1:].lower())
            and word.lower() not in function_words()
        )
        found.append(_Token(word, match.start(), match.end(), capital, name))
        last = match.end()
    return found


def _run(text: str, tokens: Sequence[_Token], at: int) -> list[_Token]:
    """The words from here on that are written as one name."""
    run = [tokens[at]]
    while True:
        behind = tokens[at + len(run) : at + len(run) + 3]
        small = next((i for i, token in enumerate(behind) if token.capital), None)
        if small is None:
            return run
        chain = [run[-1], *behind[: small + 1]]
        joined = _joined(text, *chain) if small == 0 else _bridged(text, chain)
        if not joined or _ends_name(behind[small].text.lower()):
            return run
        run += behind[: small + 1]


def _ends_name(word: str) -> bool:
    """Whether a capitalised word begins another sentence, or a caption."""
    return word in function_words() or bool(_OPENERS.fullmatch(word))


def _joined(text: str, one: _Token, other: _Token) -> bool:
    between = text[one.end : other.start]
    if one.text.endswith(("’s", "'s")):  # "St. Ailith’s Hospital"
        return between == " " and bool(_ENDS_BODY.match(other.text))
    if between == ". ":
        return len(one.text) == 1 or one.text.lower() in _SHORTENED
    return between in (" ", "-", "&", " & ", ".")


def _bridged(text: str, chain: Sequence[_Token]) -> bool:
    """Whether lower-case words join two capitalised ones: "Jean le Rond", "Bank of the West"."""
    gaps = [text[one.end : other.start] for one, other in pairwise(chain)]
    small = [token.text for token in chain[1:-1]]
    if gaps == [" ", "-"]:
        return small[0] in ("al", "el", "as", "ben")
    if gaps != [" "] * len(gaps):
        return False
    if all(_JOINING.fullmatch(word) for word in small):
        return True
    return small in (["of"], ["of", "the"], ["for"]) and bool(_OF_BODY.match(chain[0].text))


def _kept(run: list[_Token], inside: set[str], small: set[str]) -> list[_Token]:
    """The run without what is not part of the name: a word that begins the sentence, a title."""
    run = list(run)
    first = run[0]
    if not first.name:
        word = first.text.lower()
        if (
            word in small
            or _OPENERS.fullmatch(word)
            or word in function_words()
            or (first.text not in inside and (len(run) == 1 or word.endswith("ly")))
        ):
            del run[0]
    while run and (not run[-1].capital or _DAYS.fullmatch(run[-1].text.lower())):
        del run[-1]
    # "Home Secretary Ada Strake" -> "Ada Strake"; "State Department Spokesperson" -> "State Department".
    at = next(
        (i for i in range(len(run) - 1, -1, -1) if _TITLES.fullmatch(run[i].text.lower())), None
    )
    if at is not None:
        behind = [token for token in run[at + 1 :] if token.capital]
        run = (
            run[:at] if not behind else run[at + 1 :] if not _ENDS_BODY.match(run[-1].text) else run
        )
    while run and (
        _RANKS.fullmatch(run[0].text.lower())
        or run[0].text.lower() in function_words()
        or not run[0].capital
    ):
        del run[0]
    while run and (not run[-1].capital or _RANKS.fullmatch(run[-1].text.lower())):
        del run[-1]
    if run and run[0].text[:2] in ("I’", "I'"):
        return []
    if all(_DAYS.fullmatch(token.text.lower()) or _PEOPLE.match(token.text) for token in run):
        return []
    if len(run) == 1 and len(run[0].text) == 1:
        return []
    if run[-1].text.endswith(("’s", "'s")):
        run[-1] = run[-1]._replace(end=run[-1].end - 2)
    return run
