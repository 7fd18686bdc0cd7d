"""Where articles name different causes of one event.

    told = accounts(wish, candidates, articles)     an Extract of each article, the newest first

"The flood was caused by a sluice gate, said one; the other traced it to a culvert": a question that
asks why it happened is answered by neither alone. Two causes count as different accounts only where
both sentences name a cause in so many words, in articles of different sources that are about what is
asked, of one month, and share little but the event. Both may be true: so nothing is said of who is
right. It knows sentences and articles, and neither searches nor reads.
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
_ONE_EVENT = 31  # days between the articles
_THE_SAME = 0.3  # of the words of their sentences, but for the event's: then they say the same
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
_NAMES_A_CAUSE = re.compile(
    r"\b(?:caused by|causes? (?:of|was|were|is)|caused|traced (?:\w+ ){1,4}to|traced back to|blam(?:ed|es|ing)|put (?:\w+ ){1,4}down to|"
    r"attribut(?:ed|es) (?:\w+ ){1,5}to|due to|owing to|because(?: of)?|as a result of|resulted from|led to|"
    r"was to blame|were to blame|responsible for|triggered|set off by|stemmed from|result of|thanks to)\b",
    re.IGNORECASE,
)


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
    if not event or not _NAMES_A_CAUSE.search(best.text):
        return ()
    told = [best]
    for each in candidates[1:]:
        if each.odds < best.odds - _FURTHER or len(told) == _MOST:
            break
        if (
            _NAMES_A_CAUSE.search(each.text)
            and _is_about(each, event)
            and all(_apart(each, other, event) for other in told)
        ):
            told.append(each)
    if len(told) < 2 or not _is_about(best, event):
        return ()
    told.sort(key=lambda each: each.article.published or date.min, reverse=True)
    return tuple(run(each, articles, wish) for each in told)


def _is_about(each: Candidate, event: dict[str, float]) -> bool:
    """Whether the sentence, or the title and head of its article, names all of the event."""
    article = each.article
    return held(event, roots(article.title) | roots(article.text[:_HEAD]) | roots(each.text)) == 1.0


def _apart(one: Candidate, other: Candidate, event: dict[str, float]) -> bool:
    """Whether two sentences are independent accounts of one event that name different causes."""
    first, second = one.article, other.article
    if first.id == second.id or (first.source and first.source == second.source):
        return False
    if alike(first.text[:_HEAD], second.text[:_HEAD]) > 2 * _THE_SAME:
        return False  # one was copied from the other
    days = first.published, second.published
    if days[0] is None or days[1] is None or abs((days[0] - days[1]).days) > _ONE_EVENT:
        return False
    mine, others = ({*meaning(each.text)} - event.keys() for each in (one, other))
    return len(mine & others) < _THE_SAME * min(len(mine), len(others))
