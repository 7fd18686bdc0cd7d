"""Questions to offer, which the articles answer: made from their sentences, kept if answered.

    candidates(article)             questions that its first sentences seem to answer
    suggestions = Suggestions(assistant, conversations)
    suggestions()                   up to three of them, each asked and answered before it is shown

Where the index holds the sample articles as they are shipped and nothing else, their questions are
known, and shown at once. So are those that were found before for these very articles and settings:
what was found is noted.

Questions are made by patterns of news sentences ("X was elected mayor of Y" -> "Who was elected
mayor of Y?"), after Heilman and Smith, "Good Question! Statistical Ranking for Question
Generation" (2010), whose overgenerate-and-rank this follows: here the assistant itself ranks, by
how sure it is of the answer, and what it does not answer from that very article is dropped. English
only; where no pattern fits, nothing is offered.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Protocol

from assistant.answers import Answer
from assistant.question.spelling import common
from assistant.question.words import words
from assistant.resources import SAMPLES, seeds_folder
from vectorstore.articles import Article, Statistics
from vectorstore.errors import ArticleNotFoundError, DatelineError
from vectorstore.index import Index
from vectorstore.loading import load

OFFERED = 3

_LOOKED_AT = 24  # articles, last added first, of which questions are made
_ASKED = 18  # questions that are asked at most: each takes a tenth of a second or so
_PER_ARTICLE = 3
_SURE = 0.9  # an answer this sure is taken without looking for a surer one
_SENTENCES = 12  # of an article that are looked at
_NOTE = "questions to offer"
_WITH_TITLE = 3  # words of a name

_log = logging.getLogger(__name__)


class Asking(Protocol):
    """What is needed of an assistant."""

    @property
    def index(self) -> Index: ...

    def answer(self, question: str) -> Answer: ...


class Notes(Protocol):
    """Where what was found is noted, for the next start."""

    def noted(self, name: str) -> str | None: ...

    def note(self, name: str, text: str) -> None: ...


class Suggestions:
    """Questions for the articles as they are now, looked for in a thread when these change.

    Calling it never waits for an answer: it gives what is known for these articles, from the samples
    or from `notes`, at first else nothing. All that is found is offered together, so that nothing
    changes under the hand; the looking leaves as much time to visitors' questions as it takes itself.
    `settings` names those on which it depends what is answered; "" where they are as shipped.
    """

    def __init__(
        self, assistant: Asking, notes: Notes | None = None, *, settings: str = ""
    ) -> None:
        self._assistant = assistant
        self._notes = notes
        self._settings = settings
        self._known: Statistics | None = None
        self.questions: tuple[str, ...] = ()  # what is offered now
        self._changing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    def __call__(self) -> tuple[str, ...]:
        statistics = self._assistant.index.statistics()
        with self._changing:
            if statistics != self._known and not self._closing.is_set() and not self.looking:
                self._known = statistics
                known = self._at_once(statistics)
                if known is not None:
                    self.questions = known
                    return known
                self._thread = threading.Thread(
                    target=self._look, args=(statistics,), name="suggesting", daemon=True
                )
                self._thread.start()
            return self.questions

    @property
    def looking(self) -> bool:
        """Whether it is asking just now; what is offered may change soon."""
        return self._thread is not None and self._thread.is_alive()

    def wait(self) -> None:
        """Wait until it has looked."""
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """Stop after the question that is being asked."""
        self._closing.set()
        self.wait()

    def _at_once(self, statistics: Statistics) -> tuple[str, ...] | None:
        """What is known without asking; None where it has to be looked for."""
        if not self._settings and self._only_samples(statistics):
            return tuple(sample.question for sample in SAMPLES)[:OFFERED]
        try:
            noted = json.loads((self._notes and self._notes.noted(_NOTE)) or "{}")
        except ValueError:
            noted = {}
        if noted.get("articles") == self._digest(statistics):
            return tuple(noted["questions"])
        return None

    def _only_samples(self, statistics: Statistics) -> bool:
        """Whether every article is a sample, as it is shipped, and none of them is missing."""
        try:
            shipped = [item for item in load(seeds_folder()) if isinstance(item, Article)]
        except DatelineError:  # an installation without samples
            return False
        if len(shipped) != statistics.articles:
            return False
        try:
            return all(
                _told(self._assistant.index.get(sample.id)) == _told(sample) for sample in shipped
            )
        except ArticleNotFoundError:
            return False

    def _digest(self, statistics: Statistics) -> str:
        """Another text for other articles, and for other settings."""
        said = f"{statistics} {self._settings}"
        return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()

    def _of_samples(self) -> list[tuple[str, str]]:
        """The ids of the sample articles that are here, each with its question."""
        questions = {sample.title: sample.question for sample in SAMPLES}
        found = {
            summary.title: summary.id
            for summary in self._assistant.index.articles()
            if summary.title in questions
        }
        return [(found[title], question) for title, question in questions.items() if title in found]

    def _look(self, statistics: Statistics) -> None:
        try:
            best: list[tuple[bool, float, str, str]] = []
            for article, question, own in self._candidates():
                if article in {other for *_, other, _ in best}:
                    continue
                begun = time.monotonic()
                answer = self._assistant.answer(question)
                if answer.answered and any(c.article_id == article for c in answer.citations):
                    best.append((own, answer.confidence, article, question))
                    # Stable: of equals the one comes first that was added last.
                    best.sort(key=lambda one: (not one[0], -one[1]))
                if len(best) >= OFFERED and (not own or best[OFFERED - 1][1] >= _SURE):
                    break
                if self._closing.wait(time.monotonic() - begun):
                    return
            self.questions = tuple(question for *_, question in best[:OFFERED])
            if self._notes is not None:
                found = {"articles": self._digest(statistics), "questions": self.questions}
                self._notes.note(_NOTE, json.dumps(found))
        except DatelineError as error:  # an index that closes, or a model that cannot be loaded
            _log.info("no questions are offered: %s", error)

    def _candidates(self) -> Iterator[tuple[str, str, bool]]:
        """Articles' ids, questions about them, and whether they are the reader's own: these first, the
        last added before the others, then the samples."""
        samples = dict(self._of_samples())
        summaries = sorted(self._assistant.index.articles(), key=lambda each: -each.added)
        own = [summary for summary in summaries if summary.id not in samples]
        asked = 0
        for summary in own[:_LOOKED_AT]:
            for question in candidates(self._assistant.index.get(summary.id))[:_PER_ARTICLE]:
                if asked == _ASKED:
                    break
                asked += 1
                yield summary.id, question, True
        for article, question in samples.items():
            yield article, question, False


def _told(article: Article) -> tuple[object, ...]:
    """What an answer is made of."""
    return article.title, article.text, article.published


def candidates(article: Article) -> list[str]:
    """Questions that the article's first sentences seem to answer, without repetition."""
    found: dict[str, None] = {}
    for sentence in _sentences(article.text):
        for question in _questions(sentence):
            found.setdefault(question)
    return list(found)


_NAME = r"[A-Z][\w’'-]+(?: (?:[A-Z][\w’'-]+|of|de|van|al|bin)){0,3} [A-Z][\w’'-]+"
_WORD = r"[\w’'-]+"
_THING = rf"(?:(?:The|A|An) {_WORD}(?: {_WORD}){{0,4}}?|{_NAME})"
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_DAY = rf"(?:on|in) (?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|(?:\d{{1,2}} )?{_MONTH}|20\d\d)"
_MONEY = r"(?:about |around |an estimated |nearly |over |more than )?[€£$]\s?\d"


_TITLES = re.compile(
    r"(?:Mr|Mrs|Ms|Dr|Prof|Professor|Captain|Mayor|President|Minister|Senator|Sir|Dame|Lord|Lady|King|Queen|"
    r"Prince|Princess|Judge|Justice|Sheriff|Bishop|Archbishop|Cardinal|Pope|Governor|Ambassador|Colonel|"
    r"General|Major|Sergeant|Inspector|Councillor|Chancellor|Secretary)\b"
)
_BODIES = re.compile(
    r"(?:Agency|Association|Authority|Bank|Board|Church|Club|College|Committee|Commission|Company|Corporation|"
    r"Council|Court|Department|Foundation|Government|Group|House|Institute|League|Ministry|Museum|News|"
    r"Office|Organi[sz]ation|Parliament|Party|Police|Post|Press|Service|Society|Times|Union|University)$"
)


def _person(name: str) -> str:
    """The name as it is asked about, without the noun that a sentence began with; "" for what is
    hardly a person's."""
    parts = name.split()
    if len(parts) == _WITH_TITLE and not _TITLES.match(name) and common(parts[0]):
        parts = parts[1:]
    names = words(f"of {' '.join(parts)}").names  # not at a beginning, where all is written large
    told = len(parts) <= _WITH_TITLE and len(names) == len(parts)
    return " ".join(parts) if told and not _BODIES.match(parts[-1]) else ""


def _noun(phrase: str) -> bool:
    """Whether every word of it says something: "he" and "and when" do not."""
    return len(words(phrase).content) == len(phrase.split())


def _questions(sentence: str) -> Iterator[str]:
    if found := re.match(
        rf"(?:{_NAME}) (was|has been) (elected|appointed|named|chosen) ([^,.;]{{4,60}})", sentence
    ):
        yield f"Who {found[1]} {found[2]} {found[3].strip()}?"
    if found := re.match(rf"({_THING}) (?:was|were) (?:mainly )?caused by ", sentence):
        yield f"What caused {_inside(found[1])}?"
    if found := re.match(rf"({_THING}) (will cost|costs|cost) {_MONEY}", sentence):
        verb = {"will cost": "will", "costs": "does", "cost": "did"}[found[2]]
        yield f"How much {verb} {_inside(found[1])} cost?"
    if found := re.match(
        rf"({_THING}) (was|were|will be|is to be|are to be) ((?:held|built|found|opened|signed|launched|unveiled|"
        rf"published|closed|replaced|moved|made|born|hosted)) (?:{_DAY})",
        sentence,
    ):
        yield f"When {_asked(found[2], _inside(found[1]))} {found[3]}?"
    elif found := re.match(
        rf"({_THING}) (was|were|will be|is to be|are to be) ((?:held|built|found|opened|born|hosted|signed|"
        r"launched|unveiled)) (?:in|at) [A-Z]",
        sentence,
    ):
        yield f"Where {_asked(found[2], _inside(found[1]))} {found[3]}?"
    if found := re.match(
        rf"({_THING}) (will|is to) (open|begin|start|close|reopen|end|return)\b.{{0,40}}\b{_DAY}",
        sentence,
    ):
        yield f"When {'will' if found[2] == 'will' else 'is'} {_inside(found[1])}{' to' if found[2] == 'is to' else ''} {found[3]}?"
    found = re.search(
        r"\b(?:About |Some |Nearly )?(?<!\d)(?<!\d,)\d[\d,]*+ ((?!who|which|that)[a-z]+(?: (?!who|which|that)[a-z]+)?) (were|was) (\w+ed)\b",
        sentence,
    )
    if found and _noun(found[1]):
        yield f"How many {found[1].lower()} were {found[3]}?"
    for pattern in (
        rf"[”\"] (?:said|says) (?:the )?(?:\w+ )?({_NAME})",
        rf"\b({_NAME})(?:, [^,”]{{4,60}},)? (?:said|says|told|warned)\b",
        rf", said ({_NAME})",
    ):
        if (found := re.search(pattern, sentence)) and (name := _person(found[1])):
            yield f"What did {name} say?"
            break


def _asked(verb: str, thing: str) -> str:
    """The verb and the thing in a question's order: "was the meeting", "will the meeting be"."""
    first, _, rest = verb.partition(" ")
    return f"{first} {thing} {rest}".rstrip()


def _inside(thing: str) -> str:
    """A phrase that began a sentence, as it stands inside one."""
    first, space, rest = thing.partition(" ")
    return f"{first.lower()}{space}{rest}" if first in ("The", "A", "An") else thing


def _sentences(text: str) -> Sequence[str]:
    """The first sentences, each on one line."""
    start = " ".join(text[:6_000].split())
    return re.split(r"(?<=[.!?][”\"]) |(?<=[.!?]) (?=[A-Z“\"])", start)[:_SENTENCES]
