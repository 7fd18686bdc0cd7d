"""Why the nearest passage falls short of a question that the articles do not answer.

    shortfall("Who won in 2022?", passage, absent=[], phrases)
        ["The closest passage is about 2021, not 2022.", "What was looked for: won, 2022."]

Says only what can be seen in the passage's words: years, names, numbers and words of the question that it
lacks, a date or a number that was asked for and is not there. Where nothing of the kind is wrong, it says that
no answer was sure enough. It knows a question and a passage, no index and no reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assistant.prompts import Phrases
from assistant.questions import names
from vectorstore.articles import Passage
from vectorstore.context import month

_WORD = re.compile(r"\w+(?:[’'-]\w+)*")
_YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
_ROOT = 5  # characters: words alike so far are taken for forms of one word
_LISTED = 6  # things looked for that are named
_WHEN = re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|time)\b", re.IGNORECASE)
_MANY = re.compile(r"\bhow (?:many|much)\b", re.IGNORECASE)
_FIGURE = re.compile(
    r"\d|\b(?:no|none|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|"
    r"fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|dozens?|half|several|both)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\d|\b(?:january|february|march|april|may|june|july|august|september|october|november|december|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|today|yesterday|tomorrow|tonight|morning|"
    r"noon|midnight|evening|spring|summer|autumn|winter|week|month|year|century|decade)s?\b",
    re.IGNORECASE,
)


def shortfall(
    question: str, nearest: Passage | None, absent: Sequence[str], phrases: Phrases
) -> list[str]:
    """Sentences to follow a refusal; `absent` are names that no article has, which
    are not said again of the passage."""
    lacks = list(_lacks(question, nearest, absent, phrases)) if nearest is not None else []
    all_of_it = phrases.say("not_said", words=", ".join(_said(question)))
    # What was looked for is all there is to say of it already.
    return lacks if all_of_it in lacks else [*lacks, *_looked_for(question, phrases)]


def _looked_for(question: str, phrases: Phrases) -> Iterator[str]:
    if words := _said(question):
        yield phrases.say("looked_for", words=", ".join(words))


def _said(question: str) -> list[str]:
    """The words that say what the question is about, in their order."""
    words = [w for w in _WORD.findall(question) if w.lower() not in _COMMON and len(w) > 1]
    return list(dict.fromkeys(words))[:_LISTED]


def _lacks(
    question: str, passage: Passage, absent: Sequence[str], phrases: Phrases
) -> Iterator[str]:
    held = f"{passage.title} {passage.text}"
    gone = {word for name in absent for word in name.split()}
    years = dict.fromkeys(_YEAR.findall(question))
    mine = set(_YEAR.findall(held))
    if passage.published is not None:
        mine.add(str(passage.published.year))
    missing = [year for year in years if year not in mine]
    others = sorted(mine - set(years))
    roots = _roots(f"{held} {month(passage.published)}")
    lacking = [
        name
        for name in names(question)
        if name not in gone and name not in years and not _roots(name) <= roots
    ]
    if missing and others:
        yield phrases.say("other_year", found=_listed(others, "and"), missing=_listed(missing))
    else:
        lacking += [year for year in missing if year not in gone]
    if lacking:
        yield phrases.say("not_there", missing=_listed(lacking))
    named = {*names(question), *years}
    words = [w for w in _said(question) if w not in named and not _roots(w) & roots]
    if words:
        yield phrases.say("not_said", words=", ".join(words))
    if _WHEN.search(question) and not _TIME.search(held):
        yield phrases.say("lacks_date")
    elif _MANY.search(question) and not _FIGURE.search(held):
        yield phrases.say("lacks_number")
    elif not (missing or lacking or absent or words):
        yield phrases.say("unsure")


def _roots(text: str) -> frozenset[str]:
    return frozenset(word.lower()[:_ROOT] for word in re.findall(r"\w+", text))


def _listed(words: Sequence[str], last: str = "or") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


# Words that say how something is asked, not what about.
_COMMON = frozenset(
    """a about all also am an and any are as at be been being but by can could did do does for from
    get had has have he her hers him his how i if in into is it its just may me might more most much many
    must my no nor not of on or our out please s say says said she should since so some than that the their
    them then there these they this those to told tell too up us very was we were what when where which
    who whom whose why will with would you your""".split()  # noqa: SIM905  one word a line is no clearer
)
