"""Summaries: the central sentences of the articles on a topic; a timeline has them in date order.

LexRank over the sentences of the few articles that are about the topic, biased towards those that
the strong reader takes for evidence and towards the head, where news says most.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date

from assistant.answering.articles import passages_of
from assistant.answering.asides import NONE, without_asides
from assistant.answering.central import central
from assistant.answering.findings import (
    WANTED,
    Claim,
    Finding,
    Material,
    Proof,
    ends,
    probability,
)
from assistant.answering.sentences import Sentence, told
from assistant.answering.timing import day_in, in_time
from assistant.question.intent import Form
from assistant.question.words import words
from assistant.reading.reader import Reading
from vectorstore.articles import Article, Hit
from vectorstore.splitting import Span, sentences
from vectorstore.voices import asks

_SENTENCES = 4
_ARTICLES = 3
_PASSAGES = 12  # passages read per article
_NEAR = 0.9  # how much of the topic an article must hold, relative to the best one
_FOUND = 10  # passages found, the first ones, by which the articles meant are recognised
_HEAD = 400  # characters that, with the title, say what an article is about


class Summaries:
    form = calibrated_as = "summary"
    wanted: tuple[Form, ...] = ("summary",)
    suits: tuple[Form, ...] = ("summary", "timeline")

    def __call__(self, material: Material) -> Finding | None:
        if not material.hits:
            return None
        if not material.question.topic:
            return _heads(material)
        if material.leaning(self.wanted) < WANTED:
            return None
        found_in = {hit.passage.article_id for hit in material.hits[:_FOUND]}
        if len(found_in) > 1 and not words(material.question.topic).content:
            return None  # "what happened to him?" means none of them; "summarise this" the only one
        meant = self._meant(material)
        held = meant[0][1]
        articles = [article for article, share in meant if share >= _NEAR * held][:_ARTICLES]
        articles = in_time(articles, material.question.when)
        found = _read(material, articles)
        if not found:
            return None
        most = material.question.sentences or _SENTENCES
        chosen = self._chosen(found, most)
        head = words(f"{meant[0][0].title} {meant[0][0].text[:_HEAD]}")
        best = max((one.span.score for one in found), default=0.0)
        in_head = 1.0 - words(material.question.topic).missing_in(head)
        if len(meant) == 1 and held == 0.0:  # "summarise the article", and there is one
            held = in_head = 1.0
        known = {
            "held": held,
            "in_head": in_head,
            "best_evidence": best,
            "share": _share(material.hits[:_FOUND], {article.id for article in articles}),
        }
        return Finding(
            self.form,
            told(chosen, most),
            known,
            readings=tuple(dict.fromkeys(one.reading for one in chosen)),
        )

    def _meant(self, material: Material) -> list[tuple[Article, float]]:
        """The articles found, each with the share of the topic's words it holds, best first.

        Words in title and head count more; an article lower in the results counts a little less.
        """
        topic = words(material.question.topic)
        found = []
        seen = set()
        for order, hit in enumerate(material.hits[:_FOUND]):
            article = material.articles.of(hit.passage)
            if article.id in seen:
                continue
            seen.add(article.id)
            named = f"{article.title} {article.source}"
            everything = words(f"{named} {article.text[:20_000]}")
            head = words(f"{named} {article.text[:_HEAD]}")
            share = 0.6 * (1 - topic.missing_in(everything)) + 0.4 * (1 - topic.missing_in(head))
            found.append((article, share / (1.0 + 0.05 * order)))
        return sorted(found, key=lambda pair: -pair[1])

    def _chosen(self, found: list[Sentence], most: int) -> list[Sentence]:
        weights = [
            probability(one.span.score) + 0.3 / math.sqrt(1.0 + place)
            for place, one in enumerate(found)
        ]
        ranks = central([one.text for one in found], weights)
        order = sorted(range(len(found)), key=lambda i: (-ranks[i], i))
        return [found[i] for i in order[: 2 * most]]


class Timelines(Summaries):
    """A summary in date order; each sentence gets its date when the answer is written."""

    form = "timeline"
    wanted = ("timeline",)

    def __call__(self, material: Material) -> Finding | None:
        finding = super().__call__(material)
        if finding is None:
            return None
        dated = sorted(
            finding.claims,
            key=lambda claim: claim.proofs[0].passage.published or date.max,
        )
        return replace(finding, claims=tuple(dated))


def _heads(material: Material) -> Finding:
    """The first sentence of each article, if no topic is named: anything there is answers that. Of a
    single day, the first that tells of it."""
    window = material.question.when.window
    day = window.day if window else None
    claims = []
    for hit in material.hits:
        first = ((day_in(hit.passage, day) if day else []) or sentences(hit.passage.text))[0]
        base = hit.passage.start
        proof = Proof(hit.passage, Span(first.start + base, first.end + base))
        claims.append(Claim(proof.text, (proof,)))
    return Finding("summary", tuple(claims), {}, confidence=0.99)


def _share(hits: Sequence[Hit], articles: Collection[str]) -> float:
    """How much of what was found is from these articles, the first hits counting most."""
    weights = [(1.0 / (place + 2), hit.passage.article_id) for place, hit in enumerate(hits)]
    return sum(w for w, article in weights if article in articles) / sum(w for w, _ in weights)


def _read(material: Material, articles: list[Article]) -> list[Sentence]:
    found = []
    for article in articles:
        passages = passages_of(article, _PASSAGES)
        readings: list[Reading] = material.reader.read(material.question.read, passages)
        for reading in map(without_asides, readings):
            if not reading.sentences:
                continue
            found += [
                Sentence(reading, number, span)
                for number, span in enumerate(reading.sentences)
                if len(
                    words(
                        reading.passage.text[
                            span.start - reading.passage.start : span.end - reading.passage.start
                        ]
                    ).tokens
                )
                > 3
            ]
    telling = [one for one in found if one.span.score > NONE and not asks(one.text)]
    return [one for one in telling if ends(one.text)] or found
