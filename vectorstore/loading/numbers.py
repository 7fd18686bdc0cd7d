"""Numbers as a workbook shows them, where its formats say more than the digits: units and shares.

    as_shown("0.125", "0%")             "13%"       rounded as spreadsheet programs do
    as_shown("1234.5", "[$€-407] #,##0.00")     "€ 1,234.50"
    as_shown("12500000", '0.0,,"M"')    "12.5M"
    as_shown("7", "00000")              "00007"
    as_shown("0", '0" kg";;')           ""          a zero that is hidden
    as_shown("1234.5", "#,##0")         None        nothing but digits: the number itself says more

Knows the part of Excel's number formats (ECMA-376, 18.8.31) that concerns numbers; for days, times,
fractions and powers of ten it gives None, and so for conditions, unless all they choose between is
percentages. Separators are those of English.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from itertools import chain

_PARTS = re.compile(
    r'"[^"]{0,255}+"|\\.|[_*].|\[[^\]]{0,80}+\]|General|.', re.DOTALL | re.IGNORECASE
)
_DIGITS = frozenset("0#?.,")
_COLOUR = re.compile(r"\[(?!(?:h+|m+|s+)\])(?:[^\W\d_]+|color ?\d+)\]", re.IGNORECASE)
_SAYS_SOMETHING = re.compile(r"[^\W\d_]|[%‰#№]|[^\w\s.,()+\-–−]")
_LARGEST = 10**15  # beyond it, programs show no more digits
_LONGEST = 255  # characters of a format


def as_shown(written: str, code: str) -> str | None:
    """A number as shown in a cell of this format; None if that is just its digits, or the format is
    none that is known. Raises ValueError if it is not a number."""
    number = float(written)
    if len(code) > _LONGEST or not abs(number) <= _LARGEST:
        return None
    value = Decimal(repr(number))
    sections: list[list[str]] = [[]]
    for part in _PARTS.findall(code):
        if part == ";":
            sections.append([])
        else:
            sections[-1].append(part)
    if any(part[0] == "[" and part[1:2] in ("<", ">", "=") for part in chain(*sections)):
        if not all("%" in section for section in sections):
            return None
        return as_shown(written, f"0.{'0' * max(map(_decimals, sections))}%")
    chosen = 0
    if len(sections) > 1 and value < 0:
        chosen = 1
    elif len(sections) > 2 and not value:
        chosen = 2
        if not sections[chosen]:
            return ""
    minus = "-" if value < 0 and not chosen else ""
    parts = _literals(sections[chosen])
    if parts is None:
        return None
    before, digits, after = parts
    says = _SAYS_SOMETHING.search(before + after) or re.match(r"[#,]*0[0,]*0(?:[.]|$)", digits)
    if not digits or not (says or digits[-1] == ","):
        return None
    shown = _digits(abs(value), digits, sections[chosen].count("%"))
    return f"{minus}{before}{shown}{after}".strip()


def _decimals(section: list[str]) -> int:
    return sum(part in "0#?" for part in section[section.index(".") :]) if "." in section else 0


def _literals(section: list[str]) -> tuple[str, str, str] | None:
    """What precedes the digits, how they are written, and what follows; None if it is something
    else than one number."""
    said = ["", "", ""]
    place = 0
    for part in section:
        if part in _DIGITS or part.lower() == "general":
            if place == 2:
                return None
            place = 1
            said[1] += part.lower()
            continue
        if part[0] in "_*" and len(part) > 1:
            continue  # a blank as wide as another sign
        if part[0] == "[":
            if _COLOUR.fullmatch(part):
                continue
            if not part.startswith("[$"):
                return None  # a duration
            part = part[2:-1].partition("-")[0]
        elif part[0] in '"\\' and len(part) > 1:
            part = part.strip('"') if part[0] == '"' else part[1]
        elif part.isalpha() or part in "/@":
            return None  # a part of a day, a fraction, a text
        place = 2 if place else 0
        said[place] += part
    return said[0], said[1], said[2]


def _digits(value: Decimal, code: str, percents: int) -> str:
    value *= 100**percents
    if code == "general":
        return f"{value.normalize():f}"
    code = code.replace("general", "0")
    whole, _, rest = code.partition(".")
    last = rest or whole
    scaled = len(last) - len(last.rstrip(","))
    value /= 1000**scaled
    whole, rest = whole.rstrip(","), rest.rstrip(",").replace(",", "")
    rounded = value.quantize(Decimal(1).scaleb(-len(rest)), ROUND_HALF_UP)
    front, _, back = f"{rounded:f}".partition(".")
    least = rest.rstrip("#?")
    back = back[: len(least)] + back[len(least) :].rstrip("0")
    if front == "0" and "0" not in whole:
        front = ""
    front = front.zfill(whole.count("0"))
    if front and "," in whole:
        front = f"{int(front):,}"
    return f"{front}.{back}" if back else front
