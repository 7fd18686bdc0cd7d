"""Which sentences of the articles answer a question that takes sentences, and how sure that is.

    statement(wish, rated, articles)    why, how: the sentences that say it
    said(wish, rated, articles)         what one speaker said, and nobody else
    about(wish, hits, articles)         what there is about a topic
    gist(wish, hits, articles)          the central sentences of the articles meant
    whether(wish, rated, articles)      the statement that bears on a yes-or-no question

`when`, given last, is the time the question asks about: what is of it goes before what answers about
as well. Each gives Evidence: runs of whole sentences in the order to read them in, none hanging on a pronoun
whose noun is left out, none said twice; and the probability that they answer. That of `statement` is
fitted (see below). Of a topic it is how much of it one place in the articles holds: whether there is
an article about it is all that can be asked before telling of it.

It knows articles, readings and words; it neither searches nor reads.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from assistant.language.central import alike, central
from assistant.language.dates import AskedTime, Window, mentions, reported_in
from assistant.language.spans import led_in
from assistant.language.speakers import Voice, elsewhere, speakers, speaks
from assistant.language.wording import coverage, held, meaning, root, roots, telling
from assistant.questions import Wish, names
from assistant.reader import Reading, Scored
from vectorstore.articles import Article, Hit, Passage
from vectorstore.splitting import Span, sentences

_ANY_TIME = AskedTime()

Rated = Sequence[tuple[Reading, float]]  # in the retrieval's order, each with its confidence

# P(a sentence answers) by logistic regression (Platt 1999) on the sentences of 747 questions of SQuAD 2
# and ClapNQ (Rosenthal et al. 2025), of which a third have an answer: the reader's calibrated
# confidence as log-odds, how far the best span in the sentence is below the passage's best, and the
# share of the question's words in it. See benchmarks/sentences.py, which fits them again.
WEIGHTS = {"confidence": 0.871, "below": 0.291, "sentence": 0.521}
INTERCEPT = -1.11
# By hand, for news, which says "because" where an encyclopedia need not: see benchmarks/results.md.
_REASON_GIVEN, _NO_REASON_GIVEN = 0.7, -0.5
_LOWEST = -12.0  # of "below": a sentence that holds none of the best spans
# The threshold at which the shares of right answers and right refusals had their highest sum.
STATEMENT_THRESHOLD = 0.17
REASON_THRESHOLD = 0.15  # by hand, on the sample articles
_GAP = 1.6  # log-odds below the best sentence up to which another is told with it: F1 .63 there
_GAP_OF_REASONS = 1.0  # by hand: one reason is enough
_MOST = 4  # sentences, or runs of them
_MOST_ASKED = 12  # the same, where so many are asked for
_FEWEST_WORDS = 3  # a shorter "sentence" is a heading or a scrap

_REASON = re.compile(
    r"\b(?:because|since|(?<!been )due to(?! (?:be|close|open|begin|start|end|meet|report|arrive|leave|return)\b)|owing to|thanks to|as a result|so that|in order|to (?:save|avoid|prevent|protect|"
    r"make|keep|cut|reduce|raise|allow|give|mark|meet)|after|caused|blamed?|blames|reason|led to|put \w+(?: \w+)? down to|result(?:ed|s)?|"
    r"therefore|which is why|for fear|in protest|in response|attribut\w+|traced)\b",
    re.IGNORECASE,
)

_PRONOUN = r"(?:he|she|they|him|her|his|hers|their|them|theirs|himself|herself|themselves)"
_HANGS_AT_START = re.compile(
    r"^[\W_]*(?:(?:and|but|so|yet|still|also|then|however|instead|meanwhile)\b,?\s+)?"
    r"(?:it|its|this|that|these|those|such|most|others|both|neither|none|one of (?:them|these|those)|"
    rf"{_PRONOUN}|the (?:two|other|others|latter|former|rest|same|pair)|on (?:that|this|those)|at (?:that|this)|"
    r"by then|there (?!is|are|was|were|will|has|have|had)|in (?:doing so|it|them|this|that)|as such|of (?:these|those|them))\b",
    re.IGNORECASE,
)
_PRONOUN_LATER = re.compile(rf"\b{_PRONOUN}\b", re.IGNORECASE)
# Something the pronoun can mean: a name, or a noun phrase.
_NOUN_BEFORE = re.compile(
    r"[^\W\d_a-zß-öø-ÿ][\w’'-]+\.?\s+[^\W\d_a-zß-öø-ÿ]|(?<=[\w,;:”\"] )[^\W\d_a-zß-öø-ÿ][\w’'-]+"
    r"|\b(?:[Tt]he|[Aa]n?|[Ss]ome|[Mm]any|[Ss]everal|[Nn]o|\d[\d,.]*)\s+\w+|^[“\"]?[A-Z][\w’'-]+\s+(?:said|says|told|added|was|is|has|had)\b"
)
_QUOTED = re.compile(r"“[^”]*(?:”|$)|\"[^\"]*(?:\"|$)|«[^»]*(?:»|$)")
_BACK = 2  # sentences before, at most, that are taken along

# Words that keep a sentence from stating a fact: said by somebody, not yet so, perhaps, if.
_HEDGED = re.compile(
    r"\b(?:said|says|say|told|claim\w*|accus\w+|alleg\w+|according|argu\w+|believ\w+|think\w*|thought|expect\w*|"
    r"reported\w*|rumou?r\w*|suggest\w*|demand\w*|promis\w+|plan\w*|hop\w+|propos\w+|want\w*|ask\w*|call\w*|"
    r"may|might|could|would|should|can|if|unless|whether|perhaps|possibly|probably|likely|nearly|almost|"
    r"deni\w+|den(?:y|ies)|refus\w+|fail\w+|reject\w+|hardly|barely|scarcely|only|until|unlikely|fear\w*|due to|(?:is|are|was|were) to|to be)\b",
    re.IGNORECASE,
)
_TOLD_BY = re.compile(
    r"\b(?:said|says|according|claimed|announced|told|added|confirmed|stated|noted|argued|insisted|warned|"
    r"wrote|declared|explained|replied|promised|estimated|reported)\b",
    re.IGNORECASE,
)
_DOER = re.compile(r"\b\w{2,}[eo]rs?\b", re.IGNORECASE)
# A statement on another day does not bear on the day asked about.
_DAY = re.compile(r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b", re.IGNORECASE)
_WILL = re.compile(r"\b(?:will|won[’']t|going to)\b", re.IGNORECASE)
_ANYBODY = re.compile(r"\b(?:any(?:one|body|thing)|any \w+)\b", re.IGNORECASE)
_NOBODY = re.compile(
    r"[“\"]?(?:nobody|no one|none|nothing)(?: else)?"
    r"(?: (?:is|are|was|were|has|have|had|been|seriously|badly))* (?P<did>[\w’'-]+)"
    r"(?: (?:in|by|on|at|during) (?:the|this|that) (?P<event>\w+))?[.”\"!]*",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot)\b|n[’']t\b", re.IGNORECASE
)

TOPIC_THRESHOLD = 0.5
_DATED = 0.7  # how sure a sentence that names the day is of it
_YEAR = 366  # days
_WHETHER_THRESHOLD = 0.4
_AS_MUCH = 0.1
# P(a sentence in which the speaker is heard is on the topic), fitted likewise on what 19 people and
# bodies of the sample articles say on 25 topics, each sentence labelled by hand: the shares of the
# topic's words in the sentence, in its paragraph, close by, and in the title and head of the article,
# and what the sentence is worth as an answer. See benchmarks/sentences.py.
SPEECH_WEIGHTS = {"sentence": 1.34, "paragraph": 1.28, "close": 0.65, "head": 2.42, "likely": 1.70}
SPEECH_INTERCEPT = -3.03
_CLOSE_BY = 3  # sentences before
_UNLIKELY = -4.0  # log-odds of a sentence outside the passages read
SPEECH_THRESHOLD = 0.3
_SENTENCES_READ = 150  # of one article; the head of a news article holds what counts
_ARTICLES_TOLD = 3
_REPORTED_WITHIN = 7  # days
_LEAD = 3  # sentences of an article on a name that are about it whether they have it or not
_LESS_CENTRAL = 0.45  # of the rank of the most central sentence: what is below is left out
_LEAST_CENTRAL = 0.3  # the same, for the first sentence told of an article
_LEADING = 0.6  # how much of the topic a sentence is taken to hold that begins an article on it
_HEADING = 0.9  # of a sentence's words that stand in the title: it is the title once more
_TWICE = 0.75  # share of words in common above which a sentence says what another has said
_LONG_ARTICLE = 40_000  # characters: a book is not cut into sentences for one question
_MARGIN = 1_500  # characters around a hit in a longer one
_APART = 300  # characters between sentences that are no neighbours
_HEAD = 400  # characters of an article that tell what it is about, with its title


@dataclass(frozen=True, slots=True)
class Extract:
    """A run of whole sentences: `article.text[span.start:span.end]`."""

    article: Article
    span: Span

    @property
    def text(self) -> str:
        return self.article.text[self.span.start : self.span.end]

    @property
    def page(self) -> int | None:
        """The page it begins on, from 1, of a paged document."""
        pages = self.article.pages
        return bisect_right(pages, self.span.start) if pages else None


@dataclass(slots=True)
class Candidate:
    """A sentence that may answer, with the log-odds that it does and what they are made of."""

    article: Article
    number: int  # of the sentence in its article
    span: Span
    odds: float = 0.0
    order: int = field(default=0)  # of the article, as retrieved
    signals: Mapping[str, float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.article.text[self.span.start : self.span.end]

    @property
    def gives_a_reason(self) -> bool:
        return _REASON.search(self.text) is not None

    def is_of(self, window: Window) -> bool:
        """Whether the article is of that time, or the sentence tells of it."""
        return reported_in(self.article.published, window) or mentions(self.text, window)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What answers, in the order to read it in, and the probability that it does. `plain` is "yes"
    or "no" where the first extract states exactly what was asked, or its opposite; `accounts`
    is True where each extract tells what the others do not; `considered` are the sentences that were
    weighed, where they were, best first."""

    confidence: float = 0.0
    extracts: tuple[Extract, ...] = ()
    threshold: float = STATEMENT_THRESHOLD
    plain: Literal["yes", "no", ""] = ""
    accounts: bool = False
    considered: tuple[Candidate, ...] = ()


NOTHING = Evidence()


class Articles:
    """The whole articles of some hits, each looked up and cut into sentences once, and only where
    asked for.

    Where an article is gone or has been changed since, its passage stands for it, at its place: the
    offsets stay true to what was read. Of a very long text only what is near the hits is cut.
    """

    def __init__(self, hits: Sequence[Hit], look_up: Callable[[str], Article | None]) -> None:
        self._hits = hits
        self._look_up = look_up
        self._articles: dict[str, Article | None] = {}
        self._sentences: dict[tuple[str, int], list[Span]] = {}
        self._voices: dict[tuple[str, int], list[Voice | None]] = {}

    def of(self, passage: Passage) -> Article:
        if passage.article_id not in self._articles:
            self._articles[passage.article_id] = self._look_up(passage.article_id)
        known = self._articles[passage.article_id]
        if known is not None and known.text[passage.start : passage.end] == passage.text:
            return known
        return Article(
            passage.article_id,
            passage.title,
            " " * passage.start + passage.text,
            passage.source,
            passage.url,
            passage.published,
        )

    def sentences(self, article: Article) -> list[Span]:
        key = (article.id, hash(article.text))
        if key not in self._sentences:
            self._sentences[key] = [
                span
                for low, high in self._windows(article)
                for span in sentences(article.text, low, high)
            ]
        return self._sentences[key]

    def voices(self, article: Article) -> list[Voice | None]:
        key = (article.id, hash(article.text))
        if key not in self._voices:
            self._voices[key] = speakers(article.text, self.sentences(article))
        return self._voices[key]

    def _windows(self, article: Article) -> list[tuple[int, int]]:
        """All of an article, or of a long one its head and what is around the hits."""
        size = len(article.text)
        if size <= _LONG_ARTICLE:
            return [(0, size)]
        around = [(0, 2 * _MARGIN)]
        around += sorted(
            (max(0, hit.passage.start - _MARGIN), min(size, hit.passage.end + _MARGIN))
            for hit in self._hits
            if hit.passage.article_id == article.id
        )
        windows = around[:1]
        for low, high in around[1:]:
            if low <= windows[-1][1]:
                windows[-1] = (windows[-1][0], max(high, windows[-1][1]))
            else:
                windows.append((low, high))
        return windows


# -- why and how -------------------------------------------------------------------------------


def statement(
    wish: Wish, rated: Rated, articles: Articles, when: AskedTime = _ANY_TIME
) -> Evidence:
    """The sentences that answer, out of the passages read; of the time asked about, where some that
    answer about as well are."""
    found = candidates(wish, rated, articles)
    if not found:
        return NOTHING
    best = found[0]
    gap = _GAP_OF_REASONS if wish.asks == "reason" else _GAP
    near = [(each.odds, each) for each in found if each.odds >= best.odds - gap]
    chosen = [each for _, each in _timely(near, when)]
    if wish.asks == "reason" and chosen[0].gives_a_reason:  # what gives none stands beside it
        chosen = [each for each in chosen if each.gives_a_reason]
    told = _told(chosen, articles, _MOST, wish)
    enough = REASON_THRESHOLD if wish.asks == "reason" else STATEMENT_THRESHOLD
    return Evidence(_probability(best.odds), told, enough, considered=tuple(found))


def candidates(wish: Wish, rated: Rated, articles: Articles) -> list[Candidate]:
    """The sentences of the passages read, the likeliest to answer first."""
    words = telling(wish.question)
    found: dict[tuple[str, int], Candidate] = {}
    for rank, (reading, confidence) in enumerate(rated, start=1):
        passage = reading.passage
        article = articles.of(passage)
        spans = reading.spans or (Scored(reading.start, reading.end, reading.score),)
        for number, span in enumerate(articles.sentences(article)):
            text = article.text[span.start : span.end]
            if not span.touches(Span(passage.start, passage.end)) or _is_scrap(text):
                continue
            scores = [s.score for s in spans if s.start < span.end and span.start < s.end]
            signals = {
                "confidence": _log_odds(confidence),
                "below": max(_LOWEST, max(scores) - reading.score) if scores else _LOWEST,
                "sentence": coverage(words, text),
            }
            odds = INTERCEPT + sum(WEIGHTS[name] * signals[name] for name in WEIGHTS)
            if wish.asks == "reason":
                odds += _REASON_GIVEN if _REASON.search(text) else _NO_REASON_GIVEN
            known = found.get((article.id, number))
            if known is None or known.odds < odds:
                found[article.id, number] = Candidate(article, number, span, odds, rank, signals)
    return sorted(found.values(), key=lambda each: (-each.odds, each.article.id, each.number))


# -- what somebody said ------------------------------------------------------------------------


def said(wish: Wish, rated: Rated, articles: Articles, when: AskedTime = _ANY_TIME) -> Evidence:
    """What the speaker asked about said on the topic: only sentences in which he or she is heard.

    "The union leader" may be called so in another article than the one that quotes her; that counts
    where nothing else is found.
    """
    likely = {(c.article.id, c.number): c.odds for c in candidates(wish, rated, articles)}
    read = _distinct(articles.of(reading.passage) for reading, _ in rated)
    voices = {article.id: articles.voices(article) for article in read}
    heard = speeches(wish, read, articles, voices, likely)
    if not heard or _probability(max(each.odds for each in heard)) < SPEECH_THRESHOLD:
        every = [voice for told in voices.values() for voice in told]
        known = {
            key: [voice and elsewhere(voice, every) for voice in told]
            for key, told in voices.items()
        }
        heard = speeches(wish, read, articles, known, likely)
    if not heard:
        return NOTHING
    heard.sort(key=lambda each: (-each.odds, each.order, each.number))
    best = heard[0].odds
    near = _timely([(each.odds, each) for each in heard if each.odds >= best - _GAP], when)
    chosen = [each for _, each in near][: _MOST - 1]
    # "The mayor defended the project." is told with her words.
    chosen += [quoted for each in chosen if (quoted := _quotation_behind(each, articles))]
    told = _told(chosen, articles, len(chosen), wish)
    return Evidence(_probability(best), told, SPEECH_THRESHOLD, considered=tuple(heard))


def _quotation_behind(each: Candidate, articles: Articles) -> Candidate | None:
    """The quotation that goes on where a sentence, without one, tells that somebody spoke."""
    spans, number = articles.sentences(each.article), each.number + 1
    if number == len(spans) or re.search(r"[“\"«]", each.text):
        return None
    behind = Candidate(each.article, number, spans[number], each.odds, each.order)
    if (
        behind.text[:1] not in '“"«'
        or "\n\n" in each.article.text[each.span.end : behind.span.start]
    ):
        return None
    mine, behinds = (articles.voices(each.article)[n] for n in (each.number, number))
    return behind if mine and behinds and mine.name == behinds.name else None


def speeches(
    wish: Wish,
    read: Sequence[Article],
    articles: Articles,
    voices: Mapping[str, Sequence[Voice | None]],
    likely: Mapping[tuple[str, int], float],
) -> list[Candidate]:
    """The sentences in which the speaker is heard, each with how likely it is on the topic, of which
    some word that is no name stands near."""
    speaker = roots(wish.speaker)
    words = {key: weight for key, weight in telling(wish.topic).items() if key not in speaker}
    plain = {key: weight for key, weight in words.items() if weight == 1.0}
    heard = []
    for order, article in enumerate(read):
        spans = articles.sentences(article)
        found = [roots(article.text[span.start : span.end]) for span in spans]
        in_paragraph = _by_paragraph(article, spans, found)
        head = roots(article.title) | roots(article.text[:_HEAD])
        for number, voice in enumerate(voices[article.id]):
            each = Candidate(article, number, spans[number], order=order)
            if not speaks(voice, wish.speaker) or _is_scrap(each.text):
                continue
            close_by = frozenset[str]().union(*found[max(0, number - _CLOSE_BY) : number + 1])
            # "the bridge to Skennay" is a bridge, whatever else there is on Skennay.
            if not held(plain, close_by | in_paragraph[number] | head):
                continue
            if words:
                each.signals = {
                    "sentence": held(words, found[number]),
                    "paragraph": held(words, in_paragraph[number]),
                    "close": held(words, close_by),
                    "head": held(words, head),
                    "likely": _probability(likely.get((article.id, number), _UNLIKELY)),
                }
                each.odds = SPEECH_INTERCEPT + sum(
                    SPEECH_WEIGHTS[name] * value for name, value in each.signals.items()
                )
            else:  # whatever was said, in the article that fits best
                each.odds = _log_odds(0.9 / (1.0 + 0.2 * order) - 0.001 * number)
            heard.append(each)
    return heard


def _by_paragraph(
    article: Article, spans: Sequence[Span], found: Sequence[frozenset[str]]
) -> list[frozenset[str]]:
    """For each sentence the words of the paragraph it stands in."""
    begins = [
        number
        for number, span in enumerate(spans)
        if number == 0 or "\n\n" in article.text[spans[number - 1].end : span.start]
    ]
    together: list[frozenset[str]] = []
    for first, end in zip(begins, [*begins[1:], len(spans)], strict=True):
        together += [frozenset[str]().union(*found[first:end])] * (end - first)
    return together


# -- about a topic -----------------------------------------------------------------------------


def about(
    wish: Wish, hits: Sequence[Hit], articles: Articles, when: AskedTime = _ANY_TIME
) -> Evidence:
    """What the articles say about the topic: central sentences that speak of it."""
    words = telling(wish.topic)
    meant = _meant(wish, hits, articles)
    if not meant:
        return NOTHING
    confidence = meant[0][1]
    near = [article for article, sure in meant if sure >= 0.7 * confidence]
    near = _articles_in_time(near, when)[:_ARTICLES_TOLD]
    return Evidence(confidence, _central(near, articles, words, wish), TOPIC_THRESHOLD)


def gist(
    wish: Wish,
    hits: Sequence[Hit],
    articles: Articles,
    when: AskedTime = _ANY_TIME,
    *,
    one: bool = False,
    several: bool = False,
) -> Evidence:
    """The central sentences of the article meant, or of the few that are meant where not `one`; of
    more than one where `several` are asked for."""
    meant = _meant(wish, hits, articles)
    if not meant:
        return NOTHING
    confidence = meant[0][1]
    # The first of the articles on it need not have it in its title.
    close = 0.4 if several else 0.7 if when.order == "oldest" else 0.9
    near = [article for article, sure in meant if sure >= close * confidence]
    if several and (day := near[0].published):  # what is compared are reports of one event
        near = [
            article
            for article in near
            if article.published and abs((article.published - day).days) <= _REPORTED_WITHIN
        ]
    near = _articles_in_time(near, when)[: 1 if one else _ARTICLES_TOLD]
    # Of what articles on something else mention, only what they say of it.
    words = telling(wish.topic)
    of_it = any(held(words, roots(a.title) | roots(a.text[:_HEAD])) == 1.0 for a in near)
    told = _central(near, articles, {} if of_it or one else words, wish)
    return Evidence(confidence, told, TOPIC_THRESHOLD)


def heads(given: Sequence[Article], articles: Articles) -> Evidence:
    """The first sentence of each article: what there is, where no topic is named."""
    found = []
    for order, article in enumerate(given):
        first = next(
            (
                (number, span)
                for number, span in enumerate(articles.sentences(article))
                if not _is_scrap(article.text[span.start : span.end])
            ),
            None,
        )
        if first is not None:
            found.append(Candidate(article, *first, order=order))
    if not found:
        return NOTHING
    extracts = tuple(Extract(each.article, each.span) for each in found)
    return Evidence(1.0, extracts, TOPIC_THRESHOLD)


def tells_of(passage: Passage, window: Window) -> bool:
    """Whether a passage names that time: a year, or, in an article of about that year, "June 19"."""
    day, first = passage.published, window.first
    near = day is not None and first is not None and abs((day - first).days) <= _YEAR
    return (near or (window.days or 0) >= _YEAR - 1) and mentions(passage.text, window)


def dated(hits: Sequence[Hit], articles: Articles, window: Window) -> Evidence:
    """The sentences that name the time asked about, in articles of another time."""
    found = [
        Candidate(article, number, span, order=order)
        for order, article in enumerate(_distinct(articles.of(hit.passage) for hit in hits))
        for number, span in enumerate(articles.sentences(article))
        if mentions(article.text[span.start : span.end], window)
    ]
    if not found:
        return NOTHING
    told = _told(found, articles, _MOST, Wish("", "summary"))
    return Evidence(_DATED, told, TOPIC_THRESHOLD)


def _meant(wish: Wish, hits: Sequence[Hit], articles: Articles) -> list[tuple[Article, float]]:
    """The articles that are about the topic, or speak of it, with how much of it they hold in one
    place, title and head counting more; the surest first."""
    words = telling(wish.topic) or dict.fromkeys(roots(wish.topic), 1.0)
    named = [key for name in names(f"of {wish.topic}") for key in roots(name)]
    found: list[tuple[Article, float]] = []
    for article in _distinct(articles.of(hit.passage) for hit in hits):
        title = roots(article.title)
        spans = articles.sentences(article)[:_SENTENCES_READ]
        order = len(found)
        there = [roots(article.text[span.start : span.end]) for span in spans]
        if not there or not set(named) <= title.union(*there):
            continue
        in_head = held(words, title | roots(article.text[:_HEAD]))
        in_one_place = max(
            held(words, title | one | other)
            for one, other in zip(there, [*there[1:], frozenset[str]()], strict=True)
        )
        named_so = held(words, title)
        # The last few hundredths only order articles that hold the topic alike.
        sure = in_one_place**2 * (0.6 + 0.15 * in_head + 0.15 * named_so + 0.05 / (1.0 + order))
        found.append((article, sure))
    return sorted(found, key=lambda pair: -pair[1])


def _central(
    given: Sequence[Article], articles: Articles, words: dict[str, float], wish: Wish
) -> tuple[Extract, ...]:
    """The most central sentences of the articles together; with `words`, such as speak of them."""
    given = _in_time(given, newest=wish.newest)
    strict = any(weight > 1.0 for weight in words.values())  # of a name
    named = _surname(wish.topic)
    candidates: list[Candidate] = []
    weights: list[float] = []
    for order, article in enumerate(given):
        title = roots(article.title)
        on_topic = not words or held(words, title | roots(article.text[:_HEAD])) == 1.0
        before = 1.0
        begins_so = False
        for number, span in enumerate(articles.sentences(article)[:_SENTENCES_READ]):
            text = article.text[span.start : span.end]
            hangs = _hangs(text)
            here = coverage(words, text) if words else 1.0
            if strict and here < 1.0 and named and not named.search(text):
                here = 0.0
            if hangs:  # it speaks of what the one before spoke of
                here = max(here, 0.5 * before)
            before = here
            if _is_scrap(text) or held(dict.fromkeys(meaning(text), 1.0), title) >= _HEADING:
                continue
            leads = on_topic and (number < _LEAD or not strict)
            if number == 0:
                begins_so = held(words, title | roots(text)) == 1.0
            if begins_so and number < _LEAD and not strict:
                here = max(here, _LEADING)
            if words and here == 0.0 and not leads:
                continue
            weight = (0.3 + here) / math.sqrt(1.0 + number)
            if strict:  # of a name: wherever it is
                weight = 0.1 + here**2
            if hangs or text.endswith("?"):
                weight *= 0.5
            candidates.append(Candidate(article, number, span, order=order))
            weights.append(weight)
    ranks = central([each.text for each in candidates], weights)
    ranked = sorted(range(len(candidates)), key=lambda i: (-ranks[i], i))
    most = min(wish.most, _MOST_ASKED) or _MOST
    share = -(-most // len(given)) if len(given) > 1 else most
    told: dict[str, int] = {}
    chosen = []
    for i in ranked:
        each = candidates[i]
        if wish.most and _hangs(each.text):
            continue  # what it hangs on would be one sentence more
        known = told.get(each.article.id, 0)
        least = _LESS_CENTRAL if known else _LEAST_CENTRAL
        if known < share and ranks[i] >= least * ranks[ranked[0]]:
            told[each.article.id] = known + 1
            chosen.append(each)
    return _told(chosen, articles, most, wish)


def _surname(topic: str) -> re.Pattern[str] | None:
    """Where a person's last name stands alone: "Pellow", and not "Pellow Street"."""
    if not re.fullmatch(r"(?:[^\W\d_a-zß-öø-ÿ][\w’'.-]*\s*){2,3}", topic):
        return None
    last = re.escape(topic.split()[-1])
    return re.compile(rf"\b{last}\b(?![’']?s? [^\W\d_a-zß-öø-ÿ])")


def _in_time(given: Sequence[Article], *, newest: bool) -> list[Article]:
    """As the story went, or the latest first; what has no date comes last, as it was found."""
    dated = [article for article in given if article.published is not None]
    dated.sort(key=lambda article: article.published or date.min, reverse=newest)
    return [*dated, *(article for article in given if article.published is None)]


# -- yes or no ---------------------------------------------------------------------------------


def whether(wish: Wish, rated: Rated, articles: Articles, when: AskedTime = _ANY_TIME) -> Evidence:
    """The sentence that bears on it; plainly yes or no only where it states the same, word by word."""
    words = telling(wish.topic)
    named = [key for name in names(wish.question) for key in roots(name)]
    subject = next(iter(words), "")
    asked = {word.lower().removesuffix("s") for word in re.findall(r"\w+", wish.topic)}
    days = roots(" ".join(_DAY.findall(wish.topic)))
    plain = {key: weight for key, weight in words.items() if weight == 1.0 and key != subject}
    anybody = _ANYBODY.search(wish.topic) is not None
    bearing: list[tuple[float, Candidate]] = []
    for candidate in candidates(wish, rated, articles):
        article, number = candidate.article, candidate.number
        spans = articles.sentences(article)
        text = candidate.text
        before = article.text[spans[number - 1].start : spans[number - 1].end] if number else ""
        there, ahead = (
            roots(_without_doers(text, asked)),
            roots(before) if _hangs(text) else frozenset[str](),
        )
        around = there | roots(before) | roots(article.title) | roots(article.text[:_HEAD])
        # Who or what is asked about has to be spoken of, and something has to be said of it.
        if subject and subject not in there | ahead:
            continue
        if not days <= there | ahead or not set(named) <= around:
            continue
        # "Was anyone hurt in the flood?" is answered by "Nobody was hurt", in an article on it.
        none = (
            anybody
            and _is_nobody(text, subject, words)
            and held(plain, around | roots(article.text)) == 1.0
        )
        if not none and not held(plain or words, there | ahead):
            continue
        if none:
            around |= roots(article.text)
        here, near = held(words, around if none else there | ahead), held(words, around)
        standing = 0.6 * here + 0.4 * near + 0.1 * _probability(candidate.odds)
        bearing.append((standing, candidate))
    if not bearing:
        return NOTHING
    best = max(standing for standing, _ in bearing)
    # What is so may have changed: of those that say about as much, the newest.
    standing, candidate = max(
        _timely([pair for pair in bearing if pair[0] >= best - _AS_MUCH], when),
        key=lambda pair: (pair[1].article.published or date.min, pair[0]),
    )
    extracts = _told([candidate], articles, 1, wish)
    said = roots(candidate.text) | roots(_before(candidate, articles))
    sure = min(0.95, standing / 1.05) ** 1.5 * (0.5 + 0.5 * held(plain, said))
    return Evidence(sure, extracts, _WHETHER_THRESHOLD, _states(wish, candidate.text))


def _is_nobody(text: str, verb: str, asked: Collection[str]) -> bool:
    """Whether a sentence says of nobody what is asked of anybody, and nothing more: neither "nobody
    knows how many" nor "nobody at first, but", nor of another event than is `asked` about."""
    match = _NOBODY.fullmatch(text.strip())
    if match is None or root(match["did"]) != verb:
        return False
    return match["event"] is None or root(match["event"]) in asked


def _without_doers(text: str, asked: Collection[str]) -> str:
    """A sentence without words like "winner", which is not said to have won; `asked` are kept."""
    return _DOER.sub(lambda m: m[0] if m[0].lower().removesuffix("s") in asked else " ", text)


def _before(each: Candidate, articles: Articles) -> str:
    """The sentence before, where this one hangs on it."""
    if each.number == 0 or not _hangs(each.text):
        return ""
    span = articles.sentences(each.article)[each.number - 1]
    return each.article.text[span.start : span.end]


def _states(wish: Wish, text: str) -> Literal["yes", "no", ""]:
    """Whether the sentence states what is asked, or denies it, in the same words and order and
    without a "said", an "if" or a "would": else nothing is said."""
    words = telling(wish.topic)
    if _ANYBODY.search(wish.topic) and _is_nobody(text, next(iter(words), ""), words):
        return "" if _HEDGED.search(text) or _TOLD_BY.search(text) else "no"
    asked = [word for word in re.findall(r"[\w’'-]+", wish.topic) if telling(f"of {word}")]
    keys = [next(iter(telling(f"of {word}"))) for word in asked]
    if len(keys) < 2 or _NEGATION.search(wish.topic) or text.count("“") or text.count('"'):
        return ""
    place = 0
    where: list[int] = []
    for match in re.finditer(r"[\w’'-]+", text):
        if place < len(keys) and keys[place] in roots(match[0]):
            where += [match.start(), match.end()]
            place += 1
    if place < len(keys):
        return ""
    # The whole sentence before counts ("her demand that …"), and who said so behind it.
    clause = text[: where[-1]] + re.split(r"[,;:–—.]", text[where[-1] :])[0]
    if _HEDGED.search(clause) or _TOLD_BY.search(text):
        return ""
    if _WILL.search(clause) and not _WILL.search(wish.topic):
        return ""
    return "no" if _NEGATION.search(clause) else "yes"


# -- time --------------------------------------------------------------------------------------


def _timely(near: list[tuple[float, Candidate]], when: AskedTime) -> list[tuple[float, Candidate]]:
    """Of sentences that answer about as well, those of the time asked about; all, where none is."""
    if when.order:
        days = [each.article.published for _, each in near if each.article.published]
        if not days:
            return near
        day = max(days) if when.order == "newest" else min(days)
        return [pair for pair in near if pair[1].article.published == day]
    if when.window is None:
        return near
    window = when.window
    return [pair for pair in near if pair[1].is_of(window)] or near


def _articles_in_time(given: Sequence[Article], when: AskedTime) -> list[Article]:
    """Of the articles on a topic, those of the time asked about, or the first of them; else all."""
    if when.order == "oldest" and (dated := [each for each in given if each.published]):
        return [min(dated, key=lambda each: each.published or date.max)]
    if when.window is None:
        return list(given)
    window = when.window
    return [each for each in given if reported_in(each.published, window)] or list(given)


# -- telling it --------------------------------------------------------------------------------


def _told(
    chosen: Sequence[Candidate], articles: Articles, most: int, wish: Wish
) -> tuple[Extract, ...]:
    """At most `most` of the sentences, best first, as runs in reading order: each with what it
    hangs on, neighbours as one, none that says what an earlier one has said."""
    kept: list[Candidate] = []
    for each in chosen:
        if len(kept) == most:
            break
        if not any(alike(each.text, other.text) >= _TWICE for other in kept):
            kept.append(each)
    order: dict[str, int] = {}
    for each in sorted(kept, key=lambda each: each.order):
        order.setdefault(each.article.id, len(order))
    kept.sort(key=lambda each: (order[each.article.id], each.number))
    runs: list[tuple[Article, int, int]] = []
    for each in kept:
        first = _antecedent(each, articles, wish)
        spans = articles.sentences(each.article)
        leads = led_in(each.article.text, spans[first].start)
        while first > 0 and leads < spans[first].start:  # to a list, whose item says nothing alone
            first -= 1
        if runs and runs[-1][0].id == each.article.id and first <= runs[-1][2] + 1:
            article, begun, ended = runs[-1]
            runs[-1] = (article, min(begun, first), max(ended, each.number))
        else:
            runs.append((each.article, first, each.number))
    extracts = []
    for article, first, last in runs:
        spans = articles.sentences(article)
        extracts.append(Extract(article, Span(spans[first].start, spans[last].end)))
    return tuple(extracts)


def run(each: Candidate, articles: Articles, wish: Wish) -> Extract:
    """The sentence with what it hangs on."""
    spans = articles.sentences(each.article)
    first = _antecedent(each, articles, wish)
    return Extract(each.article, Span(spans[first].start, each.span.end))


def _antecedent(each: Candidate, articles: Articles, wish: Wish) -> int:
    """The number of the sentence that has to be told for `each` not to hang: itself, or one before.

    Who is asked about needs less telling: "Why did Strake …" says who "he" is in a sentence in which
    Strake is heard, unless the one before it is all that it takes.
    """
    article, spans, first = each.article, articles.sentences(each.article), each.number
    voice = articles.voices(article)[each.number]
    asked_about = [name for name in (wish.speaker, *names(wish.question)) if name]
    # A quotation alone says nothing of who speaks, whoever is asked about.
    known = each.text[:1] not in '“"«' and any(speaks(voice, name) for name in asked_about)
    while first > 0 and _hangs(article.text[spans[first].start : spans[first].end]):
        before = article.text[spans[first - 1].start : spans[first - 1].end]
        ends = before.rstrip('”"’)').endswith((".", "!", "?", ":", "…"))
        if not ends or spans[first].start - spans[first - 1].end > _APART:
            break
        if each.number - first == (1 if known else _BACK):
            return each.number if known else first
        first -= 1
    return first


def _hangs(text: str) -> bool:
    """Whether a sentence needs the one before it: it speaks of "he", "it" or "most" before it names
    anybody or anything, or is a quotation without a speaker."""
    outside = _QUOTED.sub(" ”", text).strip()
    if not re.search(r"\w", outside):
        return text[:1] in '“"«' or _HANGS_AT_START.match(text) is not None
    if text[:1] not in '“"«' and _HANGS_AT_START.match(outside):
        return True
    pronoun = _PRONOUN_LATER.search(outside)
    return pronoun is not None and not _NOUN_BEFORE.search(outside[: pronoun.end()])


def _is_scrap(text: str) -> bool:
    return len(re.findall(r"\w+", text)) < _FEWEST_WORDS


def _distinct(given: Iterable[Article]) -> list[Article]:
    found: dict[str, Article] = {}
    for article in given:
        found.setdefault(article.id, article)
    return list(found.values())


def _log_odds(probability: float) -> float:
    kept = min(max(probability, 1e-4), 1.0 - 1e-4)
    return math.log(kept / (1.0 - kept))


def _probability(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, odds))))
