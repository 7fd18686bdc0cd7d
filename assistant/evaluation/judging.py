"""Where the answer to a labelled question is, and whether a given answer is right.

    gold = placed(index, questions)
    verdict(question, gold[0], answer)      "right", "partly", "wrong" or "refused"

Judged by words and places: a person reading the answers may find more of them right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.answers import Answer, Citation
from assistant.errors import QuestionsError
from assistant.evaluation.labelled import (
    LabelledQuestion,
    Place,
    match,
    occurrences,
    plain,
    tells,
    word_f1,
)
from vectorstore.articles import Article, Passage
from vectorstore.index import Index

Verdict = Literal["right", "partly", "wrong", "refused"]
_NAMED = 5  # lines with the same fault that a message names
_MOST = 0.6  # of the words
_OF_SENTENCES = ("why", "how", "said", "compare", "followup")
YES_OR_NO = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)


def verdict(question: LabelledQuestion, gold: Gold, answer: Answer) -> Verdict:
    """Whether the answer to a question is right.

    - Yes or no: right if it begins with the right word, partly if it says neither but cites the
      right place.
    - A list (`kind` "list"): right with all its parts, partly with some.
    - A summary (`kind` "summary"): right with half of the sentences it should report, partly if it
      cites one of them.
    - Otherwise right if it contains an accepted answer, or is part of one and at least half of it,
      or if the short answer shares most words with one. If the place is known, it also has to cite
      that, or another quote from the article that has an accepted answer. If the answer takes
      sentences, it is also right with most words of a sentence to be cited. Partly, if it cites the
      right place.
    """
    if not answer.answered:
        return "refused"
    if not question.answerable:
        return "wrong"
    cited = any(gold.cited(citation) for citation in answer.citations)
    told = sum(_told(sentence, answer.text) >= _MOST for sentence in gold.sentences)
    if wanted := YES_OR_NO.match(question.answers[0]):
        mine = YES_OR_NO.match(answer.text)
        if mine is None:
            return "partly" if cited else "wrong"
        return "right" if mine[1].lower() == wanted[1].lower() else "wrong"
    if question.kind == "list":
        held = sum(plain(part) in plain(answer.text) for part in question.answers)
        if held == len(question.answers):
            return "right"
        return "partly" if held or cited else "wrong"
    if question.kind == "summary":
        if told and 2 * told >= len(gold.sentences):
            return "right"
        return "partly" if cited else "wrong"
    said = answer.short or answer.text
    known = match(answer.short or "", answer.text, question.answers)
    words = max(word_f1(plain(said), plain(one)) for one in question.answers)
    of_gold = {article.id for article in gold.articles}
    quoted = [plain(c.quote) for c in answer.citations if c.article_id in of_gold]
    held = any(plain(one) in quote for one in question.answers for quote in quoted)
    proved = cited or held or not gold.known
    if proved and (known.right or words >= _MOST):
        return "right"
    of_sentences = question.kind in _OF_SENTENCES or tells(question.answers)
    if of_sentences and (told or (cited and not gold.sentences)):
        return "right"
    return "partly" if cited else "wrong"


@dataclass(frozen=True, slots=True)
class Gold:
    """Where the answer to a question is, as far as that is known: whole articles, places that all
    have to be cited, and others that are as good."""

    articles: tuple[Article, ...] = ()
    places: tuple[Place, ...] = ()
    also: tuple[Place, ...] = ()

    @property
    def known(self) -> bool:
        return bool(self.articles)

    @property
    def sentences(self) -> list[str]:
        """The text at the places that all have to be cited."""
        texts = {article.id: article.text for article in self.articles}
        return [texts[p.article][p.start : p.end] for p in self.places if p.article in texts]

    def holds(self, passage: Passage, answers: Sequence[str]) -> bool:
        """Whether a passage holds the answer: by the places where it is, otherwise by the articles,
        otherwise by its words."""
        if self.places or self.also:
            return any(
                overlap(passage.article_id, passage.start, passage.end, place)
                for place in (*self.places, *self.also)
            )
        if self.articles:
            return any(passage.article_id == article.id for article in self.articles)
        said = f" {plain(passage.text)} "
        return any(f" {plain(answer)} " in said for answer in answers)

    def cited(self, citation: Citation) -> frozenset[Place]:
        """The places that a citation proves; for an article without known places, all of it. The
        same words in a copy of the article prove the same."""
        at = [(citation.article_id, citation.start)]
        for article in self.articles:
            if article.id != citation.article_id:
                found = article.text.find(citation.quote)
                at += [(article.id, found)] * (found >= 0)
        places = (*self.places, *self.also) or tuple(
            Place(article.id, 0, len(article.text)) for article in self.articles
        )
        length = len(citation.quote)
        return frozenset(
            place
            for place in places
            if any(overlap(article, start, start + length, place) for article, start in at)
        )


def overlap(article: str, start: int, end: int, place: Place) -> bool:
    """Whether two stretches of an article share at least half of the shorter one."""
    shared = min(end, place.end) - max(start, place.start)
    shorter = min(end - start, place.end - place.start)
    return article == place.article and shared > 0 and 2 * shared >= shorter


def placed(index: Index, questions: Sequence[LabelledQuestion]) -> list[Gold]:
    """Where each question's answer is in the articles of the index.

    That is what the question itself says; otherwise, if it names an article, wherever an answer's
    words occur in it. Raises QuestionsError for what the index does not have.
    """
    ids = _Ids(index)
    wrong: list[str] = []
    found = []
    for question in questions:
        try:
            found.append(_gold(ids, question))
        except QuestionsError as error:
            wrong.append(f"line {question.line}: {error}" if question.line else str(error))
    if wrong:
        more = f" (and {len(wrong) - _NAMED} more)" if len(wrong) > _NAMED else ""
        raise QuestionsError(
            f"{'; '.join(wrong[:_NAMED])}{more}. Add the articles, or correct the questions; "
            "`dateline list` shows the ids."
        )
    return found


def _gold(ids: _Ids, question: LabelledQuestion) -> Gold:
    named = dict.fromkeys(
        [*question.articles, *(place.article for place in (*question.spans, *question.also))]
    )
    articles = {name: ids.article(name) for name in named}
    places, also = (
        tuple(_in(articles[place.article], place) for place in part)
        for part in (question.spans, question.also)
    )
    if articles and not places and not also:
        also = tuple(
            Place(article.id, start, end)
            for article in articles.values()
            for answer in question.answers
            for start, end in occurrences(answer, article.text)
        )
    return Gold(tuple({a.id: a for a in articles.values()}.values()), places, also)


def _in(article: Article, place: Place) -> Place:
    if place.end > len(article.text):
        raise QuestionsError(
            f"a span ends at {place.end}, and the article {article.id!r} has {len(article.text)} "
            "characters"
        )
    return Place(article.id, place.start, place.end)


class _Ids:
    """Articles by id, by the beginning of an id, or by title; each is fetched once."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._summaries = {summary.id: summary.title for summary in index.articles()}
        self._fetched: dict[str, Article] = {}

    def article(self, name: str) -> Article:
        if name not in self._fetched:
            self._fetched[name] = self._index.get(self._id(name))
        return self._fetched[name]

    def _id(self, name: str) -> str:
        if name in self._summaries:
            return name
        for like in (
            [key for key in self._summaries if key.startswith(name)],
            [key for key, title in self._summaries.items() if title == name],
        ):
            if len(like) == 1:
                return like[0]
            if like:
                raise QuestionsError(f"{len(like)} articles have the id or title {name!r}")
        raise QuestionsError(f"no article has the id or title {name!r}")


def _told(sentence: str, text: str) -> float:
    words, said = plain(sentence).split(), set(plain(text).split())
    return sum(word in said for word in words) / len(words) if words else 0.0
