"""A refusal: what was not found, what limited the search, and what may have been meant.

It states only what can be checked: words that no article has, the filters, words in the articles
that are spelt almost like the question's, and the sentence that came nearest to an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.answers import Answer
from assistant.prompts import Phrases
from assistant.question.time import in_words
from vectorstore.articles import Filter

_QUOTED = 120  # characters: a longer question is not repeated


def abstain(
    blank: Answer,
    phrases: Phrases,
    question: str,
    *,
    absent: Sequence[str] = (),
    where: Filter | None = None,
    meant: str = "",
    perhaps: tuple[str, str] | None = None,
) -> Answer:
    """The refusal to answer `question`.

    `absent` are its words that no article has, `where` the filters that were active, `meant` the
    question with such words replaced by similar ones that articles have, `perhaps` the sentence
    that came nearest to an answer, in quotation marks, and its article's title.
    """
    text = [
        phrases.say("nothing", question=question)
        if len(question) <= _QUOTED
        else phrases.say("refusal")
    ]
    if absent:
        named = [word if word[0].isupper() else f"“{word}”" for word in absent]
        text.append(phrases.say("missing", missing=listed(named, "or")))
    if where is not None and not where.empty:
        text.append(phrases.say("filtered", limits=limits(where)))
    if meant:
        text.append(phrases.say("meant", question=meant))
    if perhaps is not None:
        sentence, title = perhaps
        text.append(phrases.say("perhaps", sentence=sentence, title=title))
    return replace(blank, kind="abstention", text=" ".join(text))


def limits(where: Filter) -> str:
    """The filters in words, such as "from the Tarn Courier since 1 May 2025"."""
    parts = []
    if where.sources == ():
        parts.append("from no source at all")
    elif where.sources is not None:
        parts.append(f"from {listed(where.sources, 'or')}")
    for how, names, none in (
        ("by", where.authors, "by no author at all"),
        ("filed under", where.tags, "filed under no tag at all"),
    ):
        if names is not None:
            parts.append(f"{how} {listed(names, 'or')}" if names else none)
    if where.after is not None:
        parts.append(f"since {in_words(where.after)}")
    if where.before is not None:
        parts.append(f"until {in_words(where.before)}")
    if where.articles is not None:
        parts.append("that you chose")
    return " ".join(parts)


def listed(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
