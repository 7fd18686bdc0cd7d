"""The retrieval chain, a LangChain Runnable: rewrite -> retrieve -> read -> write.

    chain = Chain(index, reader, phrases, embed)
    chain.runnable.invoke({"question": "…", "history": [Turn("user", "…"), …]})     -> Answer
    chain.runnable.stream({…}), .batch([{…}, …]), and their async twins

Input: a question; or a mapping with `question` and, optionally, `history` (Turns or LangChain
messages, oldest first), `as_of`, `sources`, `articles`, `after` and `before`; or messages, the last
of which is the question. Words such as "yesterday" are relative to `as_of`, by default today. A
stream yields growing Answers; the last is complete.

    rewrite     the question's parts, each in the ways it may be meant: as typed and with typing
                errors corrected, alone and with the conversation before it
    retrieve    the passages for each, by words and vectors
    read        what every form of answer finds in them; the surest wins
    write       the answer, or a refusal

It lists the forms of answer (`ANSWERERS`); it knows the index, reader and writer only by interface.
"""

from __future__ import annotations

import functools
import math
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from assistant.answering.abstention import abstain, listed
from assistant.answering.articles import Articles, passages_of
from assistant.answering.disagreement import sides_of, told_apart, told_beside
from assistant.answering.findings import WANTED, Answerer, Finding, Material, Question
from assistant.answering.sentences import Comparison, Lists, Sentences
from assistant.answering.spans import Spans
from assistant.answering.streaming import in_a_thread
from assistant.answering.summaries import Summaries, Timelines
from assistant.answering.timing import fused, how_read, other_time, search, settled, told_of
from assistant.answering.verdicts import Verdicts
from assistant.answers import Answer, Trace, Turn
from assistant.errors import EmptyIndexError, WritingError
from assistant.question.asked import Asked, asked_of
from assistant.question.followup import leaning_on
from assistant.question.instructions import without_instructions
from assistant.question.intent import load_intents
from assistant.question.sources import named_in, written_about
from assistant.question.spelling import common, respelt
from assistant.question.time import AskedTime
from assistant.question.time import asked as time_asked
from assistant.question.typed import foreign_language, parts, small_talk
from assistant.question.words import function_words, without_possessive, words
from assistant.reading.confidence import UNCALIBRATED
from assistant.writing.composing import Composition, copies, in_quotes, quoted, unmarked
from assistant.writing.grounding import briefest, polarity
from vectorstore.articles import Article, Filter, Hit, Summary, comparable
from vectorstore.errors import ArticleNotFoundError

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable, RunnableConfig

    from assistant.prompts import Phrases
    from assistant.question.intent import Vector
    from assistant.reading.reader import Reader
    from assistant.writing.generating import Writer
    from vectorstore.index import Index

ANSWERERS: tuple[Answerer, ...] = (
    Spans(), Sentences(), Verdicts(), Lists(), Comparison(), Summaries(), Timelines(),
)  # fmt: skip
_DIGESTS = ("list", "summary", "timeline", "compare")
_NEARLY = 0.5  # of the threshold: anything at least that sure is shown with a refusal
_QUOTED = 300  # characters: a longer sentence is not quoted
_VAGUE = 2  # words of content up to which a question may depend on a conversation …
_LED = 3  # … and passages found for both: what it is about is in their articles
_HEADS = 5  # articles given when the newest are asked for


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the question, in each of the ways it may be meant, with what was found for each.

    `meant` is the part with misspelt names corrected too, "" if there are none.
    """

    text: str
    readings: tuple[Question, ...]
    meant: str = ""
    hits: tuple[tuple[Hit, ...], ...] = ()
    material: Material | None = None
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class State:
    """A question on its way through the chain, with what each stage has added."""

    asked: Asked
    rewritten: str = ""
    parts: tuple[Part, ...] = ()
    unwritten: WritingError | None = None  # why the chat model is not asked: it has failed already
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def hits(self) -> tuple[Hit, ...]:
        """What was read, best first, without duplicates."""
        found: dict[str, Hit] = {}
        for part in self.parts:
            if part.material is not None:
                order = {r.passage.id: (r.skimmed, -r.score) for r in part.material.readings}
                for hit in sorted(part.material.hits, key=lambda h: order[h.passage.id]):
                    found.setdefault(hit.passage.id, hit)
        return tuple(found.values())

    @property
    def nearest(self) -> tuple[Hit, ...]:
        """What the search found, in its order, without duplicates."""
        found: dict[str, Hit] = {}
        for part in self.parts:
            for hit in part.material.hits if part.material else ():
                found.setdefault(hit.passage.id, hit)
        return tuple(found.values())

    @property
    def standalone(self) -> str:
        """The question as it was read: after the conversation, if it turned out to need that."""
        read = [part.material.question.read for part in self.parts if part.material is not None]
        return read[0] if len(read) == 1 else self.rewritten or self.asked.question

    @property
    def when(self) -> AskedTime:
        """The time asked about, as the first part was understood."""
        if not self.parts:
            return AskedTime()
        part = self.parts[0]
        return (part.material.question if part.material else part.readings[-1]).when


class Chain:
    """The chain over these components.

    `threshold` overrides the reader's own. Without a `writer`, or if it fails, answers are made of
    the articles' own words.
    """

    def __init__(
        self,
        index: Index,
        reader: Reader,
        phrases: Phrases,
        embed: Callable[[str], Vector],
        *,
        passages_read: int = 20,
        threshold: float | None = None,
        writer: Writer | None = None,
    ) -> None:
        self._index, self._reader, self.phrases, self._embed = index, reader, phrases, embed
        self._read = passages_read
        self._calibration = reader.calibration or UNCALIBRATED
        self._enough = self._calibration.threshold if threshold is None else threshold
        self._writer = writer

    # -- stages --------------------------------------------------------------------------------

    def rewrite(self, state: State, config: RunnableConfig | None = None) -> State:
        """The parts of the question, each in the ways it may be meant."""
        asked = state.asked
        if talk_of(asked):
            return state
        question, history = asked.question, asked.history
        if self._writer is not None and history and config is not None:
            try:
                question, history = self._writer.standalone(question, history, config), ()
            except WritingError as error:
                # Do not wait a second time for a server that cannot be reached.
                state = replace(state, unwritten=error if error.unreachable else None)
        found: list[Part] = []
        before = list(history)
        for text in self._parts(question):
            topic = without_instructions(text)[0]
            typed = respelt(text, functools.partial(self._plain, topic), self._index.near_words)
            # "On Friday" in an answer is a day of its article's: only questions say a time.
            asking = [turn for turn in before if turn.role == "user"]
            ways = dict.fromkeys(
                (words_, leaning_on(words_, said), leaning_on(words_, timed))
                for words_ in (text, typed.read or text)
                for said, timed in (([], []), (before, asking))
            )
            readings = tuple(self._understood(*way, asked) for way in ways)
            readings += tuple(self._of_a_source(readings[-1], asked.where))
            found.append(Part(text, readings, meant=typed.meant))
            before = [*before, Turn("user", text)]
        return replace(state, rewritten=question, parts=tuple(found))

    def retrieve(self, state: State) -> State:
        """The passages of each part, in each of the ways it may be meant."""
        where = state.asked.where
        found = tuple(replace(part, hits=self._found(part.readings, where)) for part in state.parts)
        if not any(hits for part in found for hits in part.hits) and (
            found and not self._index.statistics().articles
        ):
            raise EmptyIndexError(
                "there are no articles to answer from. Add some: `dateline add FILE, FOLDER or URL`."
            )
        return replace(state, parts=found)

    def read(self, state: State) -> State:
        """What each form of answer finds in the passages, and the surest finding."""
        found = []
        for part in state.parts:
            ways: list[tuple[Material, Finding | None]] = []
            for question, hits in zip(part.readings, part.hits, strict=True):
                material = self.material(question, hits)
                findings: Sequence[Finding | None] = self.findings(material) or [None]
                ways += [(material, finding) for finding in findings]
            if ways:
                material, surest = max(reversed(ways), key=self._preference)
                part = replace(part, material=material, finding=surest)
            found.append(part)
        return replace(state, parts=tuple(found))

    def write(self, state: State, config: RunnableConfig | None = None) -> Iterator[Answer]:
        """The growing answers, the last one complete."""
        begun = time.perf_counter()
        for partial in self._written(state, config):
            yield _timed(partial, state, begun)

    # -- what the stages are made of -----------------------------------------------------------

    def material(self, question: Question, hits: Sequence[Hit]) -> Material:
        readings = self._reader.read(question.read, [hit.passage for hit in hits])
        known = [i for i, reading in enumerate(readings) if reading.score > -math.inf]
        return Material(
            question,
            tuple(hits[i] for i in known),
            tuple(readings[i] for i in known),
            Articles(hits, self._article),
            self._reader,
        )

    def findings(self, material: Material) -> list[Finding]:
        """What every form finds, each with its calibrated confidence."""
        found = []
        for answerer in ANSWERERS:
            one = answerer(material)
            if one is not None:
                suited = material.leaning(answerer.suits)
                right = self._calibration.confidence(answerer.calibrated_as, one.signals)
                confidence = one.confidence or suited * right
                wanted = answerer.wanted
                found.append(replace(one, wanted=wanted, suited=suited, confidence=confidence))
        return found

    def _preference(self, way: tuple[Material, Finding | None]) -> tuple[bool, float]:
        """A sort key: what is sure enough first, by preference; the rest by how near it comes."""
        material, finding = way
        if finding is None:
            return False, -1.0
        if finding.confidence < self._enough:
            return False, finding.confidence
        if not material.question.topic:
            # "Tell me more": a sure answer on the conversation's topic is preferred.
            return True, material.preference(finding) - 2.0
        return True, material.preference(finding)

    def _parts(self, question: str) -> list[str]:
        """The separate questions in one; things to be compared stay together."""
        found = parts(question)
        if len(found) == 1:
            return found
        forms = load_intents().forms(question, self._embed(question))
        return [question] if forms.get("compare", 0.0) >= WANTED else found

    def _understood(self, text: str, read: str, timed: str, asked: Asked) -> Question:
        # What the question itself says about time takes precedence over what was asked earlier.
        when = self._when(text, asked) or self._when(timed, asked)
        when = settled(self._index, when, asked.where)
        topic, sentences = without_instructions(text, when.window.words if when.window else "")
        if read != text:
            topic = f"{read.removesuffix(text)}{topic}".strip()
        elif not topic and (window := when.window) and not window.relative:
            # About a time that no article is from: they can only mention it, though not "yesterday".
            topic = "" if self._newest(asked.where, when) else text
        return Question(
            text,
            read,
            topic,
            load_intents().forms(text, self._embed(text)),
            when,
            sentences,
        )

    def _of_a_source(self, question: Question, where: Filter) -> Iterator[Question]:
        """The question put to the articles of the newspaper that it asks about."""
        if found := written_about(question.text, self._sources(where)):
            read, sources = found
            yield replace(question, read=read, topic=read, sources=sources)

    def _sources(self, where: Filter) -> list[str]:
        known = [source for source, _ in self._index.statistics().sources]
        return [one for one in known if where.sources is None or one in where.sources]

    def _when(self, text: str, asked: Asked) -> AskedTime:
        today = asked.as_of or datetime.now(tz=UTC).astimezone().date()
        when = time_asked(text, today)
        return when and time_asked(text, today, self._index.statistics().newest)

    def _found(self, readings: Sequence[Question], where: Filter) -> tuple[tuple[Hit, ...], ...]:
        """The passages for each of the readings.

        In a conversation, what is found for a vague question alone ("how did she die?" fits any
        article) is kept only if it is from an article found first for both together.
        """
        found = [self._search(question, where) for question in readings]
        led = {
            passage.article_id
            for question, hits in zip(readings, found, strict=True)
            if question.leans
            for hit in hits[:_LED]
            for passage in (hit.passage, *hit.copies)
        }
        return tuple(
            tuple(hit for hit in hits if hit.passage.article_id in led)
            if led and question.topic and not question.leans and _vague(question)
            else hits
            for question, hits in zip(readings, found, strict=True)
        )

    def _search(self, question: Question, where: Filter) -> tuple[Hit, ...]:
        if not question.topic and not question.leans:
            return self._newest(where, question.when)
        query = question.read if question.leans else question.topic
        if question.sources:
            only = replace(where, sources=question.sources)
            return tuple(search(self._index, query, self._read, only, question.when))
        hits = search(self._index, query, self._read, where, question.when)
        named = self._named(question.text, where)
        if named is not None:
            inside = search(self._index, query, self._read, named, question.when)
            hits = fused([hits, inside])[: self._read]
        return tuple(hits)

    def _named(self, question: str, where: Filter) -> Filter | None:
        """`where`, narrowed to the sources that the question names; None if it names none."""
        named = named_in(question, self._sources(where))
        return replace(where, sources=named) if named else None

    def _newest(self, where: Filter, when: AskedTime) -> tuple[Hit, ...]:
        """The heads of the newest articles, if no topic is named: "what's new?". A report that
        several articles have is told once. Of a single day, what any article tells of it comes first."""
        day = when.window.day if when.window else None
        found = told_of(self._index, day, _HEADS, where) if day else []
        told = {one.article_id for hit in found for one in (hit.passage, *hit.copies)}
        for one in self._fitting(where, when):
            if len(found) == _HEADS:
                break
            article = None if one.id in told else self._article(one.id)
            if article is None:
                continue
            same: list[Summary] = []
            with suppress(ArticleNotFoundError):  # removed meanwhile: without its copies
                same = [copy for copy in self._index.near_copies(one.id) if where.admits(copy)]
            told.update(copy.id for copy in same)
            copies = (self._article(copy.id) for copy in same)
            heads = tuple(passages_of(copy, 1)[0] for copy in copies if copy is not None)
            found.append(Hit(passages_of(article, 1)[0], 0.0, heads))
        return tuple(found)

    def _fitting(self, where: Filter, when: AskedTime) -> Iterator[Summary]:
        """What was published in the time asked about and passes the filter, newest first."""
        for one in self._index.articles():
            day = one.published
            inside = when.window is None or (day is not None and day in when.window)
            if inside and where.admits(one):
                yield one

    def _absent(self, among: Sequence[str], hits: Sequence[Hit]) -> list[str]:
        """The words that no article has; a year counts as present if a hit is from it."""
        passages = [hit.passage for hit in hits]
        held = words(" ".join(f"{p.title} {p.source} {p.text}" for p in passages)).stems
        years = {str(hit.passage.published.year) for hit in hits if hit.passage.published}
        return [
            word
            for word in among
            if word not in years and not words(word).stems <= held and not self._known(word)
        ]

    def _plain(self, topic: str, word: str) -> bool:
        """Whether a word is meant as typed: it is part of the instruction, or an article has it."""
        return word not in topic or self._known(word)

    def _known(self, word: str) -> bool:
        return bool(self._index.search(word, 1, "words"))

    def _article(self, article_id: str) -> Article | None:
        try:
            return self._index.get(article_id)
        except ArticleNotFoundError:
            return None

    # -- writing -------------------------------------------------------------------------------

    def _written(self, state: State, config: RunnableConfig | None) -> Iterator[Answer]:
        asked, phrases = state.asked, self.phrases
        if talk := talk_of(asked):
            held = _articles(self._index.statistics().articles)
            fields = {"articles": held} if talk in ("counted", "listed") else {}
            yield Answer(asked.question, "help", phrases.say(talk, **fields), confidence=1.0)
            return
        language = foreign_language(asked.question)
        # The models cannot answer what they cannot read, however sure they are.
        findings = [None if language else self._sure(part) for part in state.parts]
        told = [finding for finding in findings if finding is not None]
        blank = Answer(
            asked.question,
            "abstention",
            "",
            passages=state.hits,
            confidence=self._confidence(state, told),
            notices=(*how_read(state.when, phrases), *self._notices(asked)),
            model=self._reader.name if self._reader.name != "dateline-reader" else "reader",
        )
        if self._writer is not None and state.hits:
            try:
                yield from self._by_model(self._writer, state, blank, told, config)
            except WritingError as error:
                which = "instead" if told else "unwritten"
                said = phrases.say(which, reason=self._why(error))
                notice = f"{said} {error.remedy}".rstrip()
                blank = replace(blank, notices=(*blank.notices, notice))
            else:
                return
        if not told:
            if language:
                notice = phrases.say("language", languages=language)
                blank = replace(blank, notices=(*blank.notices, notice))
            yield self._refusal(state, blank, explained=not language)
            return
        yield self._composed(state, blank, findings)

    def _composed(self, state: State, blank: Answer, findings: Sequence[Finding | None]) -> Answer:
        phrases = self.phrases
        writing = Composition(phrases)
        notices = list(blank.notices)
        positions: tuple[Any, ...] = ()
        for part, finding in zip(state.parts, findings, strict=True):
            if finding is None:
                notices.append(phrases.say("part", part=part.text))
                continue
            if part.material is not None and part.material.question.text != part.text:
                notices.append(phrases.say("respelt", question=part.material.question.text))
            sides = sides_of(part.material, finding) if part.material is not None else None
            if sides is not None and len(state.parts) == 1:
                positions = told_apart(sides, writing, phrases)
            else:
                writing.add(finding)
            if len(finding.readings) > 1 and finding.form == "span" and not positions:
                notices += self._agreement(finding)
            if part.material is not None:
                notices += self._coverage(part.material, finding, state.asked.where)
        late = [f.readings[0] for f in findings if f is not None and f.readings]
        notices += other_time(state.when, late, phrases)
        notices += copies(writing.citations, blank.passages, phrases)
        answer = writing.on(replace(blank, notices=tuple(notices)), positions)
        return self._with_removals(answer)

    def _agreement(self, finding: Finding) -> Iterator[str]:
        """A notice that independent articles say the same."""
        passages = [reading.passage for reading in finding.readings]
        try:
            groups = self._index.independent([passage.article_id for passage in passages])
        except ArticleNotFoundError:  # removed meanwhile, which is reported
            return
        names = {p.article_id: p.source or p.title for p in passages}
        sources = list(dict.fromkeys(names[group[0]] for group in groups))
        if len(sources) > 1:
            yield self.phrases.say("agree", count=len(sources), sources=listed(sources, "and"))

    def _coverage(self, material: Material, finding: Finding, where: Filter) -> Iterator[str]:
        """A notice of how many of the articles found a list or digest draws on."""
        question = material.question
        if not question.topic and not question.leans:
            shown = sum(1 + len(hit.copies) for hit in material.hits)
            fitting = sum(1 for _ in self._fitting(where, question.when))
            if fitting > shown:
                yield self.phrases.say("newest", count=shown, articles=_articles(fitting))
            return
        found = {hit.passage.article_id for hit in material.hits}
        told = {proof.passage.article_id for claim in finding.claims for proof in claim.proofs}
        if len(found) > len(told) > 1 and finding.form in _DIGESTS:
            yield self.phrases.say("covered", count=len(told), articles=_articles(len(found)))

    def _by_model(
        self,
        writer: Writer,
        state: State,
        blank: Answer,
        told: Sequence[Finding],
        config: RunnableConfig | None,
    ) -> Iterator[Answer]:
        """The growing answers of the chat model.

        Raises WritingError, also if the model already failed to rewrite the question.
        """
        if state.unwritten is not None:
            raise state.unwritten
        asked = state.standalone, told, state.asked.as_of, config or {}
        for partial in writer.answer(blank, *asked):
            if partial.kind == "abstention" and told:
                raise WritingError(self.phrases.say("found_nothing", name=writer.name))
            if partial.kind == "abstention":
                yield self._refusal(state, partial, explained=True)
            elif partial.complete:
                said, known = polarity(partial.text), _yes_or_no(told)
                if said and known and said != known:
                    reason = self.phrases.say("opposite", name=writer.name, said=said, short=known)
                    raise WritingError(reason)
                yield self._with_removals(self._read_again(partial, state, told))
            else:
                yield partial

    def _read_again(self, written: Answer, state: State, told: Sequence[Finding]) -> Answer:
        """What a model wrote, with the readers' view: the briefest answer, and how sure that is.

        Anything they are sure of that the model does not say is added below in the article's own
        words: whichever is right, the answer then has it. If they are not sure of a few words that
        the model does not say, or sources disagree, only their doubt counts.
        """
        known = self._confidence(state, told)
        material = state.parts[0].material if len(state.parts) == 1 and told else None
        sides = sides_of(material, told[0]) if material is not None else None
        sure = []
        own = Composition(self.phrases, written)
        for part in state.parts:
            finding = part.finding
            if finding is None:
                continue
            spans = [(reading, finding.confidence) for reading in finding.readings]
            found = briefest(written, spans) if finding.form == "span" else None
            if found is not None:
                own.short = own.short or found[0].text
            elif finding.form == "span" and (sides or finding not in told):
                sure.append(min(finding.confidence, 1.0 - finding.confidence))
                continue
            elif finding in told and (
                finding.form == "span"
                or (finding.form not in _DIGESTS and not quoted(written, finding))
            ):
                own.add(replace(finding, lead=finding.lead or "own_words"))
            sure.append(finding.confidence)
        written = own.on(written)
        if known and sure:  # the writer has already scaled `known` by the supported share
            doubt = min(1.0, min(sure) / known)
            written = replace(written, confidence=written.confidence * doubt)
        if not told:
            notices = (*written.notices, self.phrases.say("unsure"))
            written = replace(written, notices=notices)
        return told_beside(written, sides, self.phrases) if sides else written

    def _sure(self, part: Part) -> Finding | None:
        finding = part.finding
        if finding is None or finding.confidence < self._enough or not finding.claims:
            return None
        return finding

    def _confidence(self, state: State, told: Sequence[Finding]) -> float:
        """The lowest, as all parts have to be right; if none is answered, that of the nearest."""
        if told:
            return min(finding.confidence for finding in told)
        return max((p.finding.confidence for p in state.parts if p.finding), default=0.0)

    def _refusal(self, state: State, blank: Answer, *, explained: bool) -> Answer:
        absent: list[str] = []
        if explained:
            topic = without_instructions(state.asked.question)[0]
            mended = words(" ".join(part.readings[-1].text for part in state.parts))
            read = {without_possessive(token.text) for token in mended.tokens}
            timed = (
                {t.text for t in words(state.when.window.words).tokens} if state.when.window else ()
            )
            things = [
                word
                for word in _things(topic or state.asked.question)
                if word in read and word not in timed
            ]
            absent = self._absent(things, state.hits)
        refusal = abstain(
            blank,
            self.phrases,
            state.asked.question,
            absent=absent,
            where=state.asked.where,
            meant=state.parts[0].meant if explained and len(state.parts) == 1 else "",
            perhaps=self._nearly(state) if explained else None,
        )
        refusal = replace(refusal, passages=state.nearest)
        window = state.when.window
        if window is not None and not state.hits:
            then = self.phrases.say("none_then", days=window)
            return replace(refusal, text=f"{refusal.text} {then}")
        return refusal

    def _nearly(self, state: State) -> tuple[str, str] | None:
        """The sentence that came nearest to an answer, if near enough, in quotation marks, and its
        article's title."""
        found = [part.finding for part in state.parts if part.finding and part.finding.claims]
        best = max(found, key=lambda finding: finding.confidence, default=None)
        if best is None or best.confidence < _NEARLY * self._enough:
            return None
        proof = best.claims[0].proofs[0]
        words = unmarked(" ".join(proof.text.split()))
        return (in_quotes(words), proof.passage.title) if len(words) <= _QUOTED else None

    def _notices(self, asked: Asked) -> Iterator[str]:
        if asked.where.dated and (undated := self._index.statistics().undated):
            yield self.phrases.say("undated", articles=_articles(undated))
        if asked.where.sources is not None:
            known = {source for source, _ in self._index.statistics().sources}
            if unknown := [source for source in asked.where.sources if source not in known]:
                yield self.phrases.say("no_source", sources=", ".join(map(repr, unknown)))
        yield from self._unknown_labels(asked.where)
        if self._reader.calibration is None:
            yield self.phrases.say("uncalibrated")

    def _unknown_labels(self, where: Filter) -> Iterator[str]:
        if where.authors is None and where.tags is None:
            return
        articles = self._index.articles()
        for phrase, names, had in (
            ("no_author", where.authors, {name for one in articles for name in one.authors}),
            ("no_tag", where.tags, {name for one in articles for name in one.tags}),
        ):
            known = {*map(comparable, had)}
            if unknown := [name for name in names or () if comparable(name) not in known]:
                yield self.phrases.say(phrase, names=", ".join(map(repr, unknown)))

    def _with_removals(self, answer: Answer) -> Answer:
        """The answer, with a notice if a cited article was removed since the search."""
        cited = answer.citations
        gone = [c.title or c.article_id for c in cited if self._article(c.article_id) is None]
        told = [self.phrases.say("removed", articles=name) for name in dict.fromkeys(gone)]
        return replace(answer, notices=(*answer.notices, *told))

    def _why(self, error: WritingError) -> str:
        if error.off:
            return self.phrases.say("switched_off", reason=error.reason)
        return error.reason

    # -- as a Runnable -------------------------------------------------------------------------

    @property
    def runnable(self) -> Runnable[Any, Answer]:
        """The stages as one Runnable; a trace of it shows each by name."""
        from langchain_core.runnables import RunnableLambda, RunnableSequence

        from assistant.answering.runnable import AnswerChain

        async def write_async(state: State, config: RunnableConfig) -> AsyncIterator[Answer]:
            async with aclosing(in_a_thread(lambda: self.write(state, config))) as partials:
                async for partial in partials:
                    yield partial

        def rewrite(state: State, config: RunnableConfig) -> State:
            return _clocked("rewrite", lambda s: self.rewrite(s, config))(state)

        def write(state: State, config: RunnableConfig) -> Iterator[Answer]:
            yield from self.write(state, config)

        return AnswerChain.over(
            RunnableSequence(
                RunnableLambda(
                    lambda given, **limits: State(asked_of(given, **limits)), name="ask"
                ),
                RunnableLambda(rewrite, name="rewrite"),
                RunnableLambda(_clocked("retrieve", self.retrieve), name="retrieve"),
                RunnableLambda(_clocked("read", self.read), name="read"),
                RunnableLambda(
                    # The type stubs accept this only for functions without a config.
                    cast("Callable[[State], Iterator[Answer]]", write),
                    cast("Callable[[State], AsyncIterator[Answer]]", write_async),
                    name="write",
                ),
                name="dateline",
            )
        )


def _yes_or_no(told: Sequence[Finding]) -> str:
    """What the readers answer if they answer with yes or no alone, "" otherwise."""
    said = {finding.short or "" for finding in told if finding.form == "verdict"}
    return said.pop() if len(said) == 1 else ""


def _vague(question: Question) -> bool:
    """Whether it may depend on a conversation: it says little, and nothing by name or rare words."""
    said = words(question.topic)
    plain = (common(without_possessive(token.text)) for token in said.tokens)
    return len(said.content) <= _VAGUE and not said.names and all(plain)


def _things(question: str) -> list[str]:
    """Words whose absence explains a refusal: names, rare words and words alone after an article,
    such as "the zoo", but not "happen", or the "main" of "the main road"."""
    found = []
    tokens = words(question).tokens
    for before, token, behind in zip((None, *tokens), tokens, (*tokens[1:], None), strict=False):
        articled = before is not None and before.text.lower() in ("the", "a", "an")
        alone = behind is None or behind.text.lower() in function_words()
        if token.name or not common(token.text) or (articled and alone):
            found.append(without_possessive(token.text))
    return list(dict.fromkeys(found))


def talk_of(asked: Asked) -> str | None:
    """The kind of small talk, if any; "what is this?" in a conversation is about the articles."""
    talk = small_talk(asked.question)
    ambiguous = talk == "about" and not re.search(r"\byou\b|dateline", asked.question.lower())
    return None if ambiguous and asked.history else talk


def _clocked(stage: str, step: Callable[[State], State]) -> Callable[[State], State]:
    def clocked(state: State) -> State:
        begun = time.perf_counter()
        done = step(state)
        return replace(done, seconds={**done.seconds, stage: time.perf_counter() - begun})

    return clocked


def _timed(answer: Answer, state: State, begun: float) -> Answer:
    seconds = {**state.seconds, "write": time.perf_counter() - begun}
    seconds["total"] = sum(seconds.values())
    seconds |= answer.trace.seconds  # measured by the writing itself: not part of the total
    return replace(answer, trace=Trace(state.standalone, seconds))


def _articles(count: int) -> str:
    return "1 article" if count == 1 else f"{count:,} articles"
