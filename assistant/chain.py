"""The retrieval chain, a LangChain Runnable: rewrite -> retrieve -> read -> answer or abstain.

    chain = build_chain(index, reader, phrases)
    chain.invoke({"question": "…", "history": [Turn("user", "…"), …]})      -> Answer
    chain.stream({…}), chain.batch([{…}, …]), and their async twins

Input: a question, or a mapping with `question` and, where wanted, `history` (Turns, oldest first),
`as_of`, `sources`, `after` and `before`. Words such as "yesterday" are read against `as_of`, today
where it is not given. A stream yields growing Answers; the last is complete.
It knows the interfaces of its parts and none of their classes.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import re
import threading
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, cast

from assistant import evidence as answering
from assistant.accounts import accounts, asks_for_a_cause
from assistant.answers import Answer, Trace, Turn
from assistant.composing import Finding, abstain, compose
from assistant.confidence import UNCALIBRATED, signals
from assistant.errors import EmptyIndexError, QuestionError, WritingError
from assistant.language import nouns, wording
from assistant.language.dates import AskedTime, reported_in
from assistant.language.dates import asked as time_asked
from assistant.language.spans import fits, happened_to, whole
from assistant.language.values import measured_otherwise
from assistant.positions import (
    of_another,
    of_another_year,
    with_accounts,
    with_positions,
    with_rivals,
    with_sides,
)
from assistant.questions import (
    Wish,
    adjoining,
    cleaned,
    foreign_language,
    names,
    parts,
    small_talk,
    understood,
)
from assistant.reader import Reader, Reading, Scored
from assistant.rewriting import looking, standalone
from assistant.shortfall import shortfall
from assistant.timeline import how_read, of_one_time, other_time, preferred, search, settled
from assistant.writing.grounding import briefest
from vectorstore.articles import Article, Filter, Hit, Passage, Summary
from vectorstore.errors import ArticleNotFoundError
from vectorstore.splitting import passages, sentences

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable, RunnableConfig

    from assistant.evidence import Evidence
    from assistant.prompts import Phrases
    from assistant.writing.generating import Writer
    from vectorstore.index import Index

_UNHEARD_OF = 0.4  # by hand: what is left of the confidence in a reason
_HEADS = 5  # articles told of where the newest are asked for
_ONE_ARTICLE = re.compile(r"\b(?:article|story|report|piece)\b", re.IGNORECASE)
# Those who did so are nobody to whom only something else has happened.
_WHO_DID = re.compile(
    r"\W*(?:and |but |so )?who(?: has| have| had)?(?: \w+ly)? (?:wins?|won|beats?|beat|beaten|leads?|led|became|becomes|got|"
    r"gets|took|takes|chairs?|chaired|scored|founded|replaces?|replaced|succeeds?|succeeded|organised|organized|runs?|ran)\b",
    re.IGNORECASE,
)
_COMPARED = re.compile(r"\W*(?:please |can you |could you )*(?:compare|contrast)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on its way through the chain, with what each stage has added."""

    question: str
    history: tuple[Turn, ...] = ()
    where: Filter = field(default_factory=Filter)
    as_of: date | None = None
    rewritten: str = ""
    when: AskedTime = field(default_factory=AskedTime)
    hits: tuple[Hit, ...] = ()
    wishes: tuple[tuple[Wish, tuple[Hit, ...]], ...] = ()  # each part of it, and its hits
    findings: tuple[Finding, ...] = ()
    unwritten: str = ""  # why the chat model is not asked, where it has failed already
    seconds: Mapping[str, float] = field(default_factory=dict)


def build_chain(
    index: Index,
    reader: Reader,
    phrases: Phrases,
    *,
    passages_read: int = 10,
    threshold: float | None = None,
    writer: Writer | None = None,
) -> Runnable[Any, Answer]:
    """The chain over these parts. `threshold` overrides the reader's own; without a `writer`, or
    where it fails, answers are made of the articles' own words."""
    from langchain_core.runnables import RunnableLambda

    calibration = reader.calibration or UNCALIBRATED
    enough = calibration.threshold if threshold is None else threshold

    def rewrite(asked: Asked, config: RunnableConfig) -> Asked:
        if writer is not None and asked.history and not _talk(asked):
            try:
                rewritten = writer.standalone(asked.question, asked.history, config)
                return replace(asked, rewritten=rewritten)
            except WritingError as error:
                # Whoever cannot be reached now is not waited for a second time.
                asked = replace(asked, unwritten=_why(error) if error.unreachable else "")
        look = looking(index, asked.where.sources)
        return replace(asked, rewritten=standalone(asked.question, asked.history, look))

    def retrieve(asked: Asked, _: RunnableConfig) -> Asked:
        if _talk(asked):
            return asked
        when = settled(index, _when(asked), asked.where)
        wanted = [_without_time(wish, when) for wish in _wishes(asked)]
        wishes = tuple((wish, _search(wish, asked.where, when)) for wish in wanted)
        hits = list({hit.passage.id: hit for _, found in wishes for hit in found}.values())
        if not hits and not index.statistics().articles:
            raise EmptyIndexError(
                "there are no articles to answer from. Add some: `dateline add FILE, FOLDER or URL`."
            )
        return replace(asked, when=when, hits=tuple(hits), wishes=wishes)

    def _when(asked: Asked) -> AskedTime:
        today = asked.as_of or datetime.now(tz=UTC).astimezone().date()
        when = time_asked(asked.rewritten, today)
        return when and time_asked(asked.rewritten, today, index.statistics().newest)

    def _search(wish: Wish, where: Filter, when: AskedTime) -> tuple[Hit, ...]:
        if wish.asks == "summary" and not wish.topic:
            # Here the time is all that is asked about, and so no mere preference.
            newest = [
                one.id
                for one in index.articles()
                if _allows(where, one)
                and (when.window is None or (one.published and one.published in when.window))
            ][:_HEADS]
            if newest or when.window is None:
                return tuple(
                    _head(article) for key in newest if (article := _article(key)) is not None
                )
            # Nothing is of that time; perhaps a later article tells of it.
            found = search(index, when.window.words, passages_read, where, AskedTime())
            return tuple(hit for hit in found if answering.tells_of(hit.passage, when.window))
        # What is to be told of says more than the words that ask for it.
        query = wish.topic if wish.asks in ("about", "summary") else wish.question
        return tuple(search(index, query, passages_read, where, when))

    def read(asked: Asked, _: RunnableConfig) -> Asked:
        return replace(
            asked, findings=tuple(_finding(*part, asked.when) for part in asked.wishes if part[1])
        )

    def _finding(wish: Wish, hits: Sequence[Hit], when: AskedTime) -> Finding:
        articles = answering.Articles(hits, _article)
        if wish.asks == "summary":
            if not wish.topic:
                if when.window and not any(
                    reported_in(hit.passage.published, when.window) for hit in hits
                ):
                    return Finding(wish, evidence=answering.dated(hits, articles, when.window))
                given = [articles.of(hit.passage) for hit in hits]
                return Finding(wish, evidence=answering.heads(given, articles))
            one = _ONE_ARTICLE.search(wish.question) is not None
            several = _COMPARED.match(wish.question) is not None
            told = answering.gist(
                wish, hits, articles, when, one=one and not several, several=several
            )
            return Finding(wish, evidence=told)
        if wish.asks == "about":
            return Finding(wish, evidence=answering.about(wish, hits, articles, when))
        readings = [
            _as_sought(reading, wish)
            for reading in reader.read(wish.question, [hit.passage for hit in hits])
        ]
        # "US" may be spelt out.
        unknown = any(not name.isupper() for name in _strange(wish.question, hits))
        known = signals(wish.question, readings, unknown=unknown)
        rated = list(zip(readings, map(calibration.confidence, known), strict=True))
        best = tuple(sorted(rated, key=_best_first))
        if wish.asks in ("reason", "statement"):
            found = answering.statement(wish, rated, articles, when)
            if wish.asks == "reason" and any(
                not index.search(word, 1, "words") for word in wording.spoken(wish.topic)
            ):
                # Of what no article speaks, none gives the reason, unless in other words.
                found = replace(found, confidence=_UNHEARD_OF * found.confidence)
            found = _with_accounts(found, wish, rated, articles)
        elif wish.asks == "said":
            found = answering.said(wish, rated, articles, when)
            if found.confidence < found.threshold and re.match(
                r"how\b.*\b(?:react|respond)", wish.question, re.IGNORECASE
            ):
                # "How did the doctors react?" asks for what they did, too.
                found = answering.statement(wish, rated, articles, when)
        elif wish.asks == "whether":
            found = answering.whether(wish, rated, articles, when)
        elif wish.asks == "name" and best[0][1] < enough:
            found = answering.about(wish, hits, articles, when)
        else:
            found = _with_accounts(
                replace(answering.NOTHING, confidence=best[0][1], threshold=enough),
                wish,
                rated,
                articles,
            )
            if not found.accounts:
                return Finding(wish, best, rated=best, unknown=unknown)
        return Finding(wish, (), found, best, unknown)

    def _with_accounts(
        found: Evidence, wish: Wish, rated: answering.Rated, articles: answering.Articles
    ) -> Evidence:
        """The different causes that articles name, where they do and one is asked for."""
        if not asks_for_a_cause(wish.question):
            return found
        weighed = found.considered or answering.candidates(wish, rated, articles)
        told = accounts(wish, weighed, articles)
        return replace(found, extracts=told, accounts=True) if told else found

    def _strange(question: str, hits: Sequence[Hit]) -> list[str]:
        """The names and numbers of the question that stand in no article at all. A year may also be
        that in which an article appeared."""
        read = wording.roots(" ".join(f"{h.passage.title} {h.passage.text}" for h in hits))
        years = {str(hit.passage.published.year) for hit in hits if hit.passage.published}
        return [
            name
            for name in names(question)
            if not wording.roots(name) <= read
            and name not in years
            and not index.search(name, 1, "words")
        ]

    def _article(article_id: str) -> Article | None:
        try:
            return index.get(article_id)
        except ArticleNotFoundError:
            return None

    def write(asked: Asked, config: RunnableConfig) -> Iterator[Answer]:
        begun = time.perf_counter()
        talk = _talk(asked)
        if talk:
            held = _number_of_articles(index.statistics().articles)
            if talk == "counted":
                said = phrases.say("counted", articles=held)
            elif talk == "listed":
                said = phrases.say("listed", articles=held)
            else:
                said = phrases.say(talk)
            yield _timed(Answer(asked.question, "help", said, confidence=1.0), asked, begun)
            return
        language = foreign_language(asked.question)
        # What the models cannot read they cannot answer, however sure they are.
        sure = [] if language else [_sure(f, enough, threshold, asked.when) for f in asked.findings]
        answered = [finding for finding in sure if finding.answers]
        # Every part has to be right; where none is answered, how near the nearest came.
        best = min((f.confidence for f in answered), default=None)
        if best is None:
            best = max((f.confidence for f in asked.findings), default=0.0)
        blank = Answer(
            asked.question,
            "abstention",
            "",
            passages=_as_read(asked),
            confidence=best,
            notices=(*how_read(asked.when, phrases), *_notices(asked)),
            model=reader.name if reader.name != "dateline-reader" else "reader",
            complete=True,
        )
        if writer is not None and asked.hits:
            try:
                for partial in _written(writer, blank, asked, config):
                    if partial.kind == "abstention":
                        partial = abstained(partial, asked)
                    elif partial.complete:
                        partial = _read_again(partial, asked, answered)
                    yield _timed(_with_removals(partial), asked, begun)
            except WritingError as error:
                reason = _why(error)
                told = (
                    phrases.say("instead", reason=reason)
                    if answered
                    else phrases.say("unwritten", reason=reason)
                )
                blank = replace(blank, notices=(*blank.notices, told))
            else:
                return
        if not answered:
            if language:
                blank = replace(
                    blank, notices=(*blank.notices, phrases.say("language", languages=language))
                )
            yield _timed(abstained(blank, asked, explained=not language), asked, begun)
            return
        late = other_time(asked.when, [f.readings[0][0] for f in answered if f.readings], phrases)
        blank = replace(blank, notices=(*blank.notices, *late))
        for partial in compose(blank, sure, asked.hits, phrases):
            if partial.complete and len(sure) == 1 and sure[0].wish.asks != "list":
                partial = _with_sides(partial, asked, sure[0])
            yield _timed(_with_removals(partial), asked, begun)

    def _read_again(written: Answer, asked: Asked, answered: Sequence[Finding]) -> Answer:
        """What a model wrote, with what the reader makes of it: the briefest answer where both say
        the same, how sure that is, and the sides where sources disagree.

        Where the reader found a few words and the model says others, what is left is the reader's
        doubt: at most one of the two is right.
        """
        findings = answered or asked.findings
        sure = []
        for finding in findings:
            read = finding.readings
            found = briefest(written, read if answered else read[:1])
            best = finding.confidence
            if read and found is None:
                sure.append(min(best, 1.0 - best))
            else:
                sure.append(best if found is None else found[1])
            if found is not None and written.short is None:
                written = replace(written, short=found[0].text)
        known = min((f.confidence for f in answered), default=None)
        if known is None:
            known = max((f.confidence for f in findings), default=0.0)
        if known:  # of which the writer has left the share that is supported
            doubt = min(1.0, (min if answered else max)(sure) / known)
            written = replace(written, confidence=written.confidence * doubt)
        if len(answered) == 1 and answered[0].readings and answered[0].wish.asks != "list":
            told, _ = _sides(asked, answered[0])
            written = with_sides(written, answered[0].wish.question, told, phrases)
        return written

    def _with_sides(complete: Answer, asked: Asked, sure: Finding) -> Answer:
        """Says so where articles disagree, where one corrects another, and where several agree."""
        if sure.evidence.accounts:
            return with_accounts(complete, sure.evidence.extracts, phrases)
        if not sure.readings:
            return complete
        told, read = _sides(asked, sure)
        return with_positions(complete, sure.wish.question, told, phrases, read)

    def _sides(asked: Asked, sure: Finding) -> tuple[list[tuple[Reading, float]], list[Reading]]:
        """The readings that answer the question, each of which may be a side, and all of them."""
        question = sure.wish.question
        found = {reading.passage.id: reading for reading, _ in sure.rated}
        read = [found[hit.passage.id] for hit in asked.hits if hit.passage.id in found]

        def confident(readings: Sequence[Reading]) -> list[float]:
            known = signals(question, readings, unknown=sure.unknown)
            return [calibration.confidence(each) for each in known]

        rated = with_rivals(sure.readings, read, confident, enough)
        return list(of_one_time(rated, asked.when)), read

    def _why(error: WritingError) -> str:
        return phrases.say("switched_off", reason=error.reason) if error.off else error.reason

    def _written(
        writer: Writer, blank: Answer, asked: Asked, config: RunnableConfig
    ) -> Iterator[Answer]:
        """The growing answers of the chat model. Raises WritingError, also where it has failed
        while the question was rewritten."""
        if asked.unwritten:
            raise WritingError(asked.unwritten)
        yield from writer.answer(blank, asked.rewritten, asked.as_of, config)

    def _notices(asked: Asked) -> Iterator[str]:
        if asked.where.dated and (undated := index.statistics().undated):
            yield phrases.say("undated", articles=_number_of_articles(undated))
        if asked.where.sources is not None:
            known = {source for source, _ in index.statistics().sources}
            if unknown := [source for source in asked.where.sources if source not in known]:
                yield phrases.say("no_source", sources=", ".join(map(repr, unknown)))
        if reader.calibration is None:
            yield phrases.say("uncalibrated")

    def _with_removals(partial: Answer) -> Answer:
        """Says so where a cited article was removed between the search and the answer."""
        if not partial.complete:
            return partial
        gone = [
            c.title or c.article_id for c in partial.citations if _article(c.article_id) is None
        ]
        told = [phrases.say("removed", articles=name) for name in dict.fromkeys(gone)]
        return replace(partial, notices=(*partial.notices, *told))

    def abstained(blank: Answer, asked: Asked, *, explained: bool = True) -> Answer:
        """The refusal, with why the nearest passage falls short where its words can be compared."""
        absent = adjoining(_strange(asked.rewritten, asked.hits), asked.rewritten)
        topics = [
            f"{wish.speaker} {wish.topic}"
            for wish, _ in asked.wishes
            if wish.asks in ("about", "summary", "said")
        ]
        for word in wording.spoken(" ".join(topics)):
            if word not in " ".join(absent).split() and not index.search(word, 1, "words"):
                absent.append(word)
        refusal = abstain(blank, phrases, absent)
        if asked.when.window is not None and not asked.hits:
            then = phrases.say("none_then", days=asked.when.window)
            return replace(refusal, text=f"{refusal.text} {then}")
        # A topic is not looked for in one passage.
        nearest = blank.passages[0].passage if blank.passages and not topics else None
        told = shortfall(asked.rewritten, nearest, absent, phrases) if explained else []
        return replace(refusal, text=" ".join([refusal.text, *told]))

    async def write_async(asked: Asked, config: RunnableConfig) -> AsyncIterator[Answer]:
        async with contextlib.aclosing(_in_a_thread(lambda: write(asked, config))) as partials:
            async for partial in partials:
                yield partial

    return (
        RunnableLambda(_asked, name="ask")
        | RunnableLambda(_clocked("rewrite", rewrite), name="rewrite")
        | RunnableLambda(_clocked("retrieve", retrieve), name="retrieve")
        | RunnableLambda(_clocked("read", read), name="read")
        | RunnableLambda(
            # Which its stubs know of functions without a config only.
            cast("Callable[[Asked], Iterator[Answer]]", write),
            cast("Callable[[Asked], AsyncIterator[Answer]]", write_async),
            name="write",
        )
    )


def _asked(given: Any) -> Asked:
    """The chain's input as a checked question. Raises QuestionError."""
    if isinstance(given, str):
        given = {"question": given}
    if not isinstance(given, Mapping) or "question" not in given:
        raise QuestionError('give the question as a text, or as {"question": …, "history": […]}.')
    if unknown := set(given) - {"question", "history", "as_of", "sources", "after", "before"}:
        raise QuestionError(f"unknown with a question: {', '.join(sorted(map(str, unknown)))}.")
    sources = given.get("sources")
    if sources is not None and not _are_names(sources):
        raise QuestionError("sources is a list of the names of sources, such as [name].")
    history = given.get("history") or ()
    if isinstance(history, str) or not isinstance(history, Iterable):
        raise QuestionError("history is a list of turns, oldest first.")
    after, before, as_of = (_day(name, given.get(name)) for name in ("after", "before", "as_of"))
    if after is not None and before is not None and after > before:
        raise QuestionError(f"after ({after}) is later than before ({before}).")
    return Asked(
        question=cleaned(given["question"]),
        history=tuple(_turn(turn) for turn in history),
        where=Filter(None if sources is None else tuple(sources), None, after, before),
        as_of=as_of,
    )


def _are_names(sources: Any) -> bool:
    return not isinstance(sources, str) and all(
        isinstance(source, str) and source.isprintable() for source in sources
    )


def _day(name: str, value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    if isinstance(value, str):  # as it comes in JSON
        with contextlib.suppress(ValueError):
            return date.fromisoformat(value)
    raise QuestionError(
        f'{name} is a date, such as date(2025, 7, 26) or "2025-07-26", not {value!r:.80}.'
    )


def _talk(asked: Asked) -> str | None:
    """Small talk; "what is this?" in the middle of a conversation asks about the articles."""
    talk = small_talk(asked.question)
    ambiguous = talk == "about" and not re.search(r"\byou\b|dateline", asked.question.lower())
    return None if ambiguous and asked.history else talk


def _number_of_articles(count: int) -> str:
    return "1 article" if count == 1 else f"{count} articles"


def _turn(turn: Any) -> Turn:
    if isinstance(turn, Turn):
        return turn
    if isinstance(turn, Mapping) and turn.get("role") in ("user", "assistant"):
        text = turn.get("text", turn.get("content"))
        if isinstance(text, str):
            return Turn(turn["role"], text)
    raise QuestionError(
        f'a turn of the history is Turn("user" or "assistant", text), not {turn!r:.80}.'
    )


def _wishes(asked: Asked) -> list[Wish]:
    """What each part of the question asks for; a part that leans on the one before is filled in."""
    found: list[Wish] = []
    for part in parts(asked.rewritten):
        alone = standalone(part, [Turn("user", found[-1].question)]) if found else part
        found.append(understood(alone))
    return found


def _without_time(wish: Wish, when: AskedTime) -> Wish:
    """What was said "before the vote" need not speak of the vote; a summary of "last week" has no
    topic: what it wants is whatever there was."""
    if wish.asks not in ("summary", "about", "said") or when.window is None:
        return wish
    ahead = r"(?:\b(?:in|on|of|from|during|the)\s+)*"
    told = re.escape(re.sub(rf"^{ahead}", "", when.window.words, flags=re.IGNORECASE))
    topic = re.sub(rf"{ahead}\b{told}\b", "", wish.topic, flags=re.IGNORECASE)
    if re.search(r"\w", topic) or wish.asks != "about":
        return replace(wish, topic=topic.strip(" ,"))
    return wish


def _as_sought(reading: Reading, wish: Wish) -> Reading:
    """The reading with its best span of the kind asked for, made whole; without a text where the
    passage has none."""
    passage = reading.passage
    for span in reading.spans or (Scored(reading.start, reading.end, reading.score),):
        start, end = whole(
            passage.text, span.start - passage.start, span.end - passage.start, wish.sought
        )
        text = passage.text[start:end]
        if wish.asks in ("span", "name") and _over_sentences(passage.text, start, end):
            continue
        found = replace(
            reading,
            start=passage.start + start,
            end=passage.start + end,
            text=text,
            score=span.score,
        )
        if (
            fits(text, wish.sought)
            and not (wish.sought == "amount" and measured_otherwise(wish.question, text))
            and not of_another(wish.question, found)
            and not of_another_year(wish.question, found)
            and not (wish.asks == "name" and _is_somebody_else(wish.topic, text))
            and not (wish.sought == "person" and _did_nothing(wish.question, passage.text, start))
            and not (wish.sought == "person" and _is_asked_about(wish.question, text))
        ):
            return found
    return replace(reading, end=reading.start, text="")


def _did_nothing(question: str, text: str, start: int) -> bool:
    """Whether who did something is asked, and the span is of one to whom something else happened:
    "who won the by-election" and "that followed the resignation of Ann Rook"."""
    return bool(_WHO_DID.match(question) and happened_to(text, start))


def _is_asked_about(question: str, found: str) -> bool:
    """Whether "who beat Dufrayne?" would be answered by "Mayor Maren Dufrayne"."""
    named = re.findall(r"[^\W\d_][\w’'-]*", found)
    verb = _WHO_DID.match(question)
    if not named or verb is None:
        return False
    last = re.escape(re.sub(r"[’']s?$", "", named[-1]))
    behind = question[verb.end() :]
    # "who beat Dufrayne", "who beat Mayor Dufrayne", but not "who led Dufrayne’s campaign".
    return re.match(rf"\s+(?:[\w.]+\s+){{0,2}}{last}(?![\w’'])(?!\s+or\b)", behind) is not None


def _is_somebody_else(name: str, found: str) -> bool:
    """Whether "who is Brandvik?" would be answered by another person's bare name."""
    return (
        found[:1].isupper()
        and not nouns.ROLE.match(found)
        and (bool(nouns.person(f"was {name} so")) or (name[:1].isupper() and " " not in name))
        and nouns.person(f"was {found} so") == found.strip(" .")
        and not wording.roots(name) & wording.roots(found)
    )


def _over_sentences(text: str, start: int, end: int) -> bool:
    """Whether a span begins in one sentence and ends in another: no name, date or amount does."""
    if not re.search(r"[.!?]\W*\s", text[start:end]):
        return False
    return sum(span.start < end and start < span.end for span in sentences(text)) > 1


def _allows(where: Filter, article: Summary) -> bool:
    """Whether a filter lets an article through, as the search does."""
    day = article.published
    return (
        (where.sources is None or article.source in where.sources)
        and (not where.dated or day is not None)
        and (where.after is None or day is None or day >= where.after)
        and (where.before is None or day is None or day <= where.before)
    )


def _head(article: Article) -> Hit:
    """The beginning of an article, as a hit."""
    first = passages(article.text)[0]
    passage = Passage(
        f"{article.id}:head",
        article.id,
        first.start,
        first.end,
        article.text[first.start : first.end],
        article.title,
        article.source,
        article.url,
        article.published,
    )
    return Hit(passage, 0.0)


def _clocked(
    stage: str, step: Callable[[Asked, RunnableConfig], Asked]
) -> Callable[[Asked, RunnableConfig], Asked]:
    def clocked(asked: Asked, config: RunnableConfig) -> Asked:
        begun = time.perf_counter()
        done = step(asked, config)
        return replace(done, seconds={**done.seconds, stage: time.perf_counter() - begun})

    return clocked


def _timed(answer: Answer, asked: Asked, begun: float) -> Answer:
    seconds = {**asked.seconds, "write": time.perf_counter() - begun}
    seconds["total"] = sum(seconds.values())
    seconds |= answer.trace.seconds  # what the writing itself has measured: no part of the sum
    return replace(answer, trace=Trace(asked.rewritten or asked.question, seconds))


async def _in_a_thread(made: Callable[[], Iterator[Answer]]) -> AsyncGenerator[Answer]:
    """What an iterator yields, as it yields it, from a thread of its own: many answers that wait
    for a model would otherwise fill the event loop's pool of threads, and hold up all others.

    Left early, the iterator is closed at its next step.
    """
    loop = asyncio.get_running_loop()
    arriving: asyncio.Queue[tuple[Answer | None, BaseException | None]] = asyncio.Queue()
    left = threading.Event()

    def send(item: Answer | None, error: BaseException | None = None) -> None:
        # A loop that was closed meanwhile has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(arriving.put_nowait, (item, error))

    def run() -> None:
        try:
            with contextlib.closing(cast("Generator[Answer]", made())) as iterator:
                for item in iterator:
                    if left.is_set():
                        return
                    send(item)
        except BaseException as error:  # noqa: BLE001  raised again where it is waited for
            send(None, error)
        else:
            send(None)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name="dateline-write", daemon=True).start()
    try:
        while True:
            item, error = await arriving.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        left.set()


def _best_first(rated: tuple[Reading, float]) -> tuple[float, str, int]:
    reading, confidence = rated
    return (-confidence, reading.passage.article_id, reading.start)


def _sure(finding: Finding, enough: float, threshold: float | None, when: AskedTime) -> Finding:
    """What of a finding is sure enough to be told. `threshold` overrides that of the evidence."""
    evidence = finding.evidence
    if evidence.confidence < (evidence.threshold if threshold is None else threshold):
        evidence = answering.NOTHING
    sure = [rated for rated in finding.readings if rated[1] >= enough and rated[0].text]
    return replace(finding, readings=preferred(sure, when), evidence=evidence)


def _as_read(asked: Asked) -> tuple[Hit, ...]:
    """The hits in the order of what the reader thinks of them: it is the reranker too."""
    best: dict[str, float] = {}
    for finding in asked.findings:
        for reading, confidence in finding.rated:
            key = reading.passage.id
            best[key] = max(confidence, best.get(key, 0.0))
    return tuple(sorted(asked.hits, key=lambda hit: -best.get(hit.passage.id, 0.0)))
