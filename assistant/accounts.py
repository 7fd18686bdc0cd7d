"""Where articles name different causes of one event.

    told = accounts(wish, candidates, articles)     an Extract of each article, the newest first

"The flood was caused by a sluice gate, said one; the other traced it to a culvert": a question that
asks why it happened is answered by neither alone. Two causes count as different accounts only where
both sentences name a cause in so many words and share little but the event, in articles of different
sources and of one week that are about what is asked and, where that is a single word, have a name in
common. Both may be true: so nothing is said of who is right. It knows sentences and articles, and
neither searches nor reads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from assistant.evidence import Articles, Candidate, Extract, run
from assistant.language.central import alike
from assistant.language.wording import held, meaning, root, roots, telling
from assistant.questions import Wish

_MOST = 3  # accounts
_FURTHER = 3.5  # log-odds below the likeliest: another source tells of the event in other words
_ONE_EVENT = 7  # days between the articles
_THE_SAME = 0.3  # of the words of their sentences, but for the event's: then they say the same
_SPECIFIC = 2  # words of a question that tell one event from others; else a name has to
_HEAD = 400  # characters that tell what an article is about, with its title

_ASKS_FOR_A_CAUSE = re.compile(
    r"\b(?:why|how come)\b|\bwhat (?:has |had |have |was it that |could have )?(?:caused?|led to|triggered|started|"
    r"brought about)\b|\b(?:what|who) (?:is|was|were|are) (?:behind|to blame|responsible|blamed)\b"
    r"|\b(?:what|which) (?:is|was|were|are) the (?:\w+ )?(?:causes?|reasons?)\b"
    r"|\bhow (?:did|could|has|had|does) .+ (?:happen|come about|start|begin|break out|arise)\b",
    re.IGNORECASE,
)
# Words of the question that ask for the cause, and are no part of the event.
_OF_CAUSES = frozenset(
    root(word)
    for word in re.findall(
        r"\w+",
        """cause caused causes reason reasons blame blamed responsible trigger triggered lead led
        start started begin behind bring brought break broke arise possible""",
    )
)
# "The flood was caused by …", "traced it to …": what comes behind is the cause.
_CAUSED_BY = re.compile(
    r"\b(?:caused by|traced (?:\w+ ){1,4}to|traced back to|blam(?:ed|es|ing)|put (?:\w+ ){1,4}down to|"
    r"attribut(?:ed|es) (?:\w+ ){1,5}to|resulted from|set off by|triggered by|stemmed from|result of|"
    r"due to|owing to|because(?: of)?|thanks to)\b",
    re.IGNORECASE,
)
# "A gale led to the flood", "is to blame for": what stands ahead is the cause.
_CAUSING = re.compile(
    r"\b(?:caused?(?! by)|causes|causes? (?:of|was|were|is)|led to|triggered(?! by)|(?:was|were|is) to blame|"
    r"responsible for|brought about)\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:not|never|no|nor|neither|denied|denies|ruled out)\b|n[’']t\b", re.IGNORECASE
)
_NAME = re.compile(r"(?<=[\w,;:] )[^\W\d_a-zß-öø-ÿ][\w’'-]+")


def asks_for_a_cause(question: str) -> bool:
    return _ASKS_FOR_A_CAUSE.search(question) is not None


def accounts(
    wish: Wish, candidates: Sequence[Candidate], articles: Articles
) -> tuple[Extract, ...]:
    """One sentence of each article that names a cause of its own, with what it hangs on; none where
    the question asks for no cause, or fewer than two articles name one.

    `candidates` are the sentences weighed for the question, the likeliest to answer first.
    """
    if not candidates or not asks_for_a_cause(wish.question):
        return ()
    event = {k: w for k, w in telling(wish.question).items() if k not in _OF_CAUSES}
    best = candidates[0]
    if not event or not _names_a_cause(best.text, event):
        return ()
    told = [best]
    for each in candidates[1:]:
        if each.odds < best.odds - _FURTHER or len(told) == _MOST:
            break
        if (
            _names_a_cause(each.text, event)
            and _is_about(each, event)
            and all(_apart(each, other, event) for other in told)
        ):
            told.append(each)
    if len(told) < 2 or not _is_about(best, event):
        return ()
    told.sort(key=lambda each: each.article.published or date.min, reverse=True)
    return tuple(run(each, articles, wish) for each in told)


def _names_a_cause(text: str, event: dict[str, float]) -> bool:
    """Whether a sentence says what caused the event, and not what the event caused, or did not."""
    if _NEGATED.search(text):
        return False
    if match := _CAUSED_BY.search(text):
        ahead, behind = roots(text[: match.start()]), roots(text[match.end() :])
        return bool(event.keys() & ahead) or not event.keys() & behind
    if match := _CAUSING.search(text):
        ahead, behind = roots(text[: match.start()]), roots(text[match.end() :])
        return bool(event.keys() & behind) or not event.keys() & ahead
    return False


def _is_about(each: Candidate, event: dict[str, float]) -> bool:
    """Whether the sentence, or the title and head of its article, names all of the event."""
    article = each.article
    return held(event, roots(article.title) | roots(article.text[:_HEAD]) | roots(each.text)) == 1.0


def _apart(one: Candidate, other: Candidate, event: dict[str, float]) -> bool:
    """Whether two sentences are independent accounts of one event that name different causes."""
    first, second = one.article, other.article
    if first.id == second.id or first.source == second.source:
        return False
    if alike(first.text[:_HEAD], second.text[:_HEAD]) > 2 * _THE_SAME:
        return False  # one was copied from the other
    days = first.published, second.published
    if days[0] is None or days[1] is None or abs((days[0] - days[1]).days) > _ONE_EVENT:
        return False
    heads = (f"{article.title}. {article.text[:_HEAD]}" for article in (first, second))
    names = [{root(name) for name in _NAME.findall(head)} for head in heads]
    if len(event) < _SPECIFIC and not names[0] & names[1]:
        return False  # another fire
    mine, others = ({*meaning(each.text)} - event.keys() for each in (one, other))
    return len(mine & others) < _THE_SAME * min(len(mine), len(others))
