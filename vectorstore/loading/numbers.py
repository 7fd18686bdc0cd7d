"""Numbers as a workbook shows them, where its formats say more than the digits: units and shares.

    as_shown("0.125", "0%")             "13%"       rounded as spreadsheet programs do
    as_shown("1234.5", "[$€-407] #,##0.00")     "€ 1,234.50"
    as_shown("12500000", '0.0,,"M"')    "12.5M"
    as_shown("7", "00000")              "00007"
    as_shown("1234.5", "#,##0")         ""          nothing but digits: the number itself says more

Knows the part of Excel's number formats (ECMA-376, 18.8.31) that concerns numbers; for days, times,
fractions, powers of ten and conditions it gives "". Separators are those of English.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

_PARTS = re.compile(r'"[^"]*"|\\.|[_*].|\[[^\]]*\]|General|.', re.DOTALL | re.IGNORECASE)
_DIGITS = frozenset("0#?.,")
_SAYS_SOMETHING = re.compile(r"[^\W\d_]|[%‰#№]|[^\w\s.,()+\-–−]")
_LARGEST = 10**15  # beyond it, programs show no more digits
_LONGEST = 255  # characters of a format


def as_shown(written: str, code: str) -> str:
    """A number as shown in a cell of this format; "" if that is just its digits, or the format is
    none that is known. Raises ValueError if it is not a number."""
    number = float(written)
    if len(code) > _LONGEST or not abs(number) <= _LARGEST:
        return ""
    value = Decimal(repr(number))
    sections: list[list[str]] = [[]]
    for part in _PARTS.findall(code):
        if part == ";":
            sections.append([])
        else:
            sections[-1].append(part)
    chosen = 0
    if len(sections) > 1 and value < 0:
        chosen = 1
    elif len(sections) > 2 and not value:
        chosen = 2
    minus = "-" if value < 0 and not chosen else ""
    parts = _literals(sections[chosen])
    if parts is None:
        return ""
    before, digits, after = parts
    shown = _digits(abs(value), digits, (before + after).count("%"))
    says = _SAYS_SOMETHING.search(before + after) or re.match(r"[#,]*0[0,]*0(?:[.]|$)", digits)
    return (
        f"{minus}{before}{shown}{after}".strip() if digits and (says or digits[-1] == ",") else ""
    )


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
            if not part.startswith("[$"):
                if not part[1:-1].isalpha() or part[1:-1].lower() in (
                    "h",
                    "m",
                    "s",
                    "hh",
                    "mm",
                    "ss",
                ):
                    return None  # a condition, or a duration
                continue  # a colour
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
    front = front.zfill(whole.count("0")) if whole.count("0") > 1 else front
    if "," in whole:
        front = f"{int(front):,}"
    return f"{front}.{back}" if back else front
