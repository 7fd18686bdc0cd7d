"""Where articles disagree, where a newer one corrects an older, and where several say the same.

    rated = with_rivals(sure, read, confident, enough)      what would answer it alone
    case = weighed("How many had to leave?", rated)         -> Case or None
    case.sides[0].readings          the newest side's, best first
    case.corrected                  True where the newest says that it corrects or updates the other
    answer = with_positions(answer, question, readings, phrases)

Two articles disagree only where both surely answer the same question about the same event with
values that cannot both be true. Everything in doubt is left alone, since a false alarm costs more
trust than a missed one: other wording, other granularity, other units, passages that lack a name or
the time of the question, look-alike events of another day or place, questions that have several
right answers. Near-copies count once. A side gives way only to an explicit correction or update of
its value; else no winner is picked. It knows readings, no index and no model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from assistant.answers import Answer, Citation, Position, Statement
from assistant.confidence import same_answer
from assistant.evidence import Extract
from assistant.language import nouns
from assistant.language.dates import in_words, named
from assistant.language.values import amounts, compared, kind_of, words
from assistant.prompts import Phrases
from assistant.questions import names
from assistant.reader import Reading
from vectorstore.articles import Passage
from vectorstore.splitting import Span, sentences, sentences_around

_MOST_SIDES = 3
_ONE_EVENT = 31  # days between reports of one event; a later one has to say that it updates
_COPY = 0.8  # of their words: sentences so alike come from one hand
_ON_TOPIC = 0.5  # of the question's words have to be in the sentence and title that answer it
_SHARED = 2  # names that reports of one event have in common
_NEAR_BY = 60  # characters around an amount that say what it is of
_TENFOLD = 10.0
_MARK = re.compile(r"\[(\d+)\]")

Rated = tuple[Reading, float]
Confident = Callable[[Sequence[Reading]], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Side:
    """The readings that say one thing, best first, one an independent article."""

    readings: tuple[Reading, ...]

    @property
    def published(self) -> date | None:
        return max(
            (r.passage.published for r in self.readings if r.passage.published), default=None
        )


@dataclass(frozen=True, slots=True)
class Case:
    """Sides of a question, newest first, undated last; `corrected`, where the first of them says
    that it replaces what the second said."""

    sides: tuple[Side, ...]
    corrected: bool = False


def with_rivals(
    sure: Sequence[Rated], read: Sequence[Reading], confident: Confident, enough: float
) -> list[Rated]:
    """`sure` and the readings that would be so if the first of them were not there.

    Two articles that say different things make each other doubtful: the margin of both is small.
    So every reading that says something else than the best is judged once more without it. `read`
    are all readings in the order of the retrieval, `confident` gives the confidence of such a list.
    """
    best = sure[0][0].text
    others = [reading for reading in read if not same_answer(reading.text, best)]
    known = {id(reading) for reading, _ in sure}
    rivals = [
        rated
        for rated in zip(others, confident(others), strict=True)
        if rated[1] >= enough and rated[0].text and id(rated[0]) not in known
    ]
    return [*sure, *sorted(rivals, key=lambda rated: -rated[1])]


def weighed(question: str, rated: Sequence[Rated]) -> Case | None:
    """The sides that sure readings, best first, take; None where they do not disagree."""
    if len(rated) < 2 or _may_have_several_answers(question):
        return None
    about = _About(question)
    told = [_Told(reading) for reading, _ in rated if reading.text]
    fitting = [one for one in told if about.fits(one) and not taken_back(one.reading)]
    if not fitting or fitting[0].reading is not rated[0][0]:
        return None  # what is answered has to be one of the sides
    groups = [[fitting[0]]]
    for one in fitting[1:]:
        _join(about, groups, one)
    if len(groups) < 2:
        return None
    sides = sorted(
        (Side(tuple(one.reading for one in group)) for group in groups),
        key=lambda side: side.published or date.min,
        reverse=True,
    )[:_MOST_SIDES]
    corrected = len(sides) == 2 and _corrects(about, sides[0], sides[1])
    return Case(tuple(sides), corrected)


def agreeing(question: str, rated: Sequence[Rated]) -> tuple[Reading, ...]:
    """The best reading, and those of independent articles that say the same; near-copies once."""
    kind = kind_of(question)
    found: list[_Told] = []
    for reading, _ in rated:
        one = _Told(reading)
        if not found or (
            not any(one.depends_on(known) for known in found)
            and _compared(kind, found[0], one) == "same"
        ):
            found.append(one)
    return tuple(one.reading for one in found)


def taken_back(reading: Reading) -> bool:
    """Whether the sentence itself says that this value no longer holds: "€12.80 instead of €11.50",
    "the majority of 231 votes no longer stands"."""
    told = _Told(reading)
    before = told.sentence[: max(0, reading.start - told.span.start)]
    return bool(_IN_PLACE_OF.search(before) or _NO_LONGER.search(told.sentence))


def of_another(question: str, reading: Reading) -> bool:
    """Whether an amount asked of one person is told of another: "by how many votes did Strake win"
    and "Ms. Dufrayne won by 412 votes"."""
    asked = nouns.person(question)
    if kind_of(question) != "amount" or not asked or nouns.ROLE.fullmatch(asked):
        return False
    told = _Told(reading)
    ahead = told.sentence[: max(0, reading.start - told.span.start)]
    subject = _SUBJECT.search(re.split(r"[;:]\s|,?\s(?:but|while)\s", ahead)[-1])
    if subject is None or not nouns.person(f"was {subject['name']} so"):
        return False
    named = {_root(word) for word in words(asked)}
    return not named & {_root(word) for word in words(told.sentence)}


def of_another_year(question: str, reading: Reading) -> bool:
    """Whether an amount asked of one year is told of another, in a sentence that tells of both:
    "58 sailings in 2024, against 31 in 2023". A bare year is no amount at all."""
    asked = set(_YEAR.findall(question))
    if kind_of(question) != "amount" or not asked:
        return False
    if _YEAR.fullmatch(reading.text.strip()):
        return _HOW_MANY.search(question) is not None
    told = _Told(reading)
    behind = told.sentence[reading.end - told.span.start :]
    here = set(_YEAR.findall(reading.text))
    if not here and (match := _IN_YEAR.match(behind)) and not _BEGUN.search(match[0]):
        here = {match["year"]}
    if not here or here & asked:
        return False
    years = set(_YEAR.findall(told.sentence))
    if _YEAR_BEFORE.search(told.sentence):
        years |= {str(int(year) - 1) for year in here}
    return bool(years & asked)


def outdated(question: str, best: Reading, read: Sequence[Reading]) -> Passage | None:
    """The newest passage read that says, in one sentence, that the amount or date read best no longer
    holds ("€12.80 instead of €11.50"), though what holds now was not surely read there."""
    about = _About(question)
    published = best.passage.published
    # A name goes on being told where something else has changed.
    if published is None or about.kind == "name":
        return None
    if about.kind == "amount" and not _distinct(best.text):
        return None
    found = []
    for reading in read:
        passage = reading.passage
        if passage.published is None or passage.published <= published:
            continue
        held = {_root(word) for word in words(f"{passage.title}. {passage.text}")}
        on_topic = len(about.words & held) >= _ON_TOPIC * len(about.words)
        if not on_topic or any(name not in held for name in about.names):
            continue
        for span in sentences(passage.text):
            told = passage.text[span.start : span.end]
            if _CHANGED.search(told) and _mentions(about, told, best, ""):
                found.append(passage)
                break
    return max(found, key=lambda passage: passage.published or date.min, default=None)


def with_positions(
    answer: Answer,
    question: str,
    rated: Sequence[Rated],
    phrases: Phrases,
    read: Sequence[Reading] = (),
) -> Answer:
    """A complete `answer` made of the readings, told as what it is where sources disagree, correct
    each other, or agree independently, and with a notice where another passage that was `read`
    says that it no longer holds; any other answer as it was."""
    if not (answer.complete and answer.answered and answer.short and len(answer.statements) == 1):
        return answer
    case = weighed(question, rated)
    if case is None:
        newer = outdated(question, rated[0][0], read) if rated else None
        if newer is not None and newer.published is not None:
            title = _MARK.sub(r"(\1)", " ".join((newer.title or newer.source).split()))
            notice = phrases.say("outdated", title=title, day=in_words(newer.published))
            answer = replace(answer, notices=(*answer.notices, notice))
        if rated and taken_back(rated[0][0]):
            answer = replace(answer, notices=(*answer.notices, phrases.say("taken_back")))
        answer = _with_day(answer, question, rated, phrases)
        return _with_agreement(answer, question, rated, phrases)
    text, positions, citations = _sides(case, (), phrases)
    statements = tuple(Statement(p.text, p.citations) for p in positions)
    if case.corrected:
        return replace(
            answer,
            text=text,
            short=positions[0].text,
            statements=statements,
            citations=citations,
        )
    return replace(
        answer, text=text, statements=statements, citations=citations, positions=positions
    )


def with_accounts(answer: Answer, extracts: Sequence[Extract], phrases: Phrases) -> Answer:
    """A complete `answer` made of one extract of each article, told as their different accounts."""
    cited = {(c.article_id, c.start): c for c in answer.citations}
    told = [
        (extract, cited[extract.article.id, extract.span.start])
        for extract in extracts
        if (extract.article.id, extract.span.start) in cited
    ]
    if len(told) < 2:
        return answer
    citations = [replace(citation, number=n) for n, (_, citation) in enumerate(told, start=1)]
    positions = tuple(
        Position(extract.text, (citation.number,), extract.article.published)
        for (extract, _), citation in zip(told, citations, strict=True)
    )
    lines = [
        phrases.say(
            "side",
            sources=_source(citation),
            day=in_words(position.published) if position.published else phrases.say("no_date"),
            claim=_MARK.sub(r"(\1)", position.text) + f" [{citation.number}]",
        )
        for position, citation in zip(positions, citations, strict=True)
    ]
    return replace(
        answer,
        text="\n\n".join([phrases.say("accounts"), *lines]),
        statements=tuple(Statement(p.text, p.citations) for p in positions),
        citations=tuple(citations),
        positions=positions,
    )


def with_sides(answer: Answer, question: str, rated: Sequence[Rated], phrases: Phrases) -> Answer:
    """A complete `answer` in other words than the articles', with its positions where sources
    disagree. Where it does not tell every side, or not what a correction says, that is told below."""
    case = weighed(question, rated) if answer.complete and answer.answered else None
    if case is None:
        return answer
    text, positions, citations = _sides(case, answer.citations, phrases)
    wanted = positions[:1] if case.corrected else positions
    said = {_root(word) for s in answer.statements if s.supported for word in words(s.text)}
    if not all({_root(word) for word in words(p.text)} <= said for p in wanted):
        told = tuple(Statement(p.text, p.citations) for p in positions)
        answer = replace(
            answer, text=f"{answer.text}\n\n{text}", statements=(*answer.statements, *told)
        )
    elif case.corrected:
        return answer
    return replace(answer, citations=citations, positions=() if case.corrected else positions)


def _sides(
    case: Case, known: Sequence[Citation], phrases: Phrases
) -> tuple[str, tuple[Position, ...], tuple[Citation, ...]]:
    """What is to be told of a case, its positions, and the citations: those that are `known`, and
    behind them those that it needs besides."""
    citations = list(known)
    positions = []
    told = []
    for side in case.sides:
        numbers = []
        for reading in side.readings:
            number = next((c.number for c in citations if _holds(c, reading)), None)
            if number is None:
                number = len(citations) + 1
                citations.append(_cited(number, reading))
            numbers.append(number)
        claim = side.readings[0].text
        positions.append(Position(claim, tuple(numbers), side.published))
        sources = _listed([_source(citations[number - 1]) for number in numbers])
        marks = "".join(f"[{number}]" for number in numbers)
        day = in_words(side.published) if side.published else phrases.say("no_date")
        claim = _MARK.sub(r"(\1)", claim)
        told.append({"sources": sources, "day": day, "claim": f"{claim} {marks}"})
    if case.corrected:
        text = phrases.say(
            "corrected",
            claim=told[0]["claim"],
            day=told[0]["day"],
            sources=told[1]["sources"],
            old_day=told[1]["day"],
            old_claim=told[1]["claim"],
        )
    else:
        sides = "; ".join(phrases.say("side", **one) for one in told)
        text = phrases.say("disagree", sides=sides)
    return text, tuple(positions), tuple(citations)


# -- what is asked and told --------------------------------------------------------------------


class _Told:
    """A reading with the words around it: the sentence it stands in, and the article's title."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        passage = reading.passage
        self.span = _sentence(reading)
        self.sentence = passage.text[
            self.span.start - passage.start : self.span.end - passage.start
        ]
        self.near = f"{passage.title}. {self.sentence}"
        self.all = f"{passage.title}. {passage.text}"

    def depends_on(self, other: _Told) -> bool:
        """From the same article, or so alike that one was copied from the other."""
        if self.reading.passage.article_id == other.reading.passage.article_id:
            return True
        mine, others = words(self.sentence), words(other.sentence)
        alike = len(mine & others) >= _COPY * len(mine | others)
        # The same sentence with another figure in it is news, not a copy.
        return alike and _figures(self.sentence) == _figures(other.sentence)

    @property
    def measures(self) -> frozenset[str]:
        """Of what kind an amount is, by the words around it in its clause: a majority of 198 votes
        and 6,204 votes are two things, and so are a fare and a fare a day."""
        start, end = self.reading.start - self.span.start, self.reading.end - self.span.start
        ahead = re.split(r"[,;:.–—]", self.sentence[: max(0, start)])[-1][-_NEAR_BY:]
        behind = re.split(r"[,;:.–—]", self.sentence[end:])[0][:_NEAR_BY]
        clause = f"{ahead}{self.reading.text}{behind}"
        found = {kind for kind, pattern in _MEASURES.items() if pattern.search(clause)}
        if re.search(r"\bby (?:about |some |nearly |almost |over |more than )?$", ahead):
            found.add("difference")
        return frozenset(found)

    @property
    def counted(self) -> set[str]:
        """The roots of the words behind an amount, inside the span or after it, that it may count."""
        end = self.reading.end - self.span.start
        behind = re.match(r"(?:\s+[^\W\d_][\w’'-]*){0,2}", self.sentence[end:])
        told = f"{self.reading.text}{behind[0] if behind else ''}"
        return {_root(word) for amount in amounts(told)[:1] for word in amount.counted}

    @property
    def days(self) -> list[tuple[date, date]]:
        """The days that the sentence and the title speak of."""
        published = self.reading.passage.published
        found = []
        for match in _DAY_SAID.finditer(self.near):
            if _TELLING.search(self.near[: match.start()]):
                continue  # the day it was said on
            window = named(match[0], published)
            if window and window.first and window.last:
                found.append((window.first, window.last))
        return found


class _About:
    """A question: the kind of its answer, its names, its time and its words."""

    def __init__(self, question: str) -> None:
        self.question = question
        self.kind = kind_of(question)
        self.names = [_root(word) for name in names(question) for word in words(name)]
        what = re.match(r"\W*(?:which|what)\s+(\w+)", question, re.IGNORECASE)
        self.words = {_root(w) for w in words(question)} - _ASKING
        if self.kind == "name" and what:  # "which company": the articles need not say what it is
            self.words -= {_root(what[1])}
        self.measures = {kind for kind, pattern in _MEASURES.items() if pattern.search(question)}
        if _ASKS_FOR_A_DIFFERENCE.search(question):
            self.measures.add("difference")
        many = re.search(
            r"\bhow many (?!people\b|persons\b)([a-z]{3,}s)\b", question, re.IGNORECASE
        )
        self.counted = _root(many[1][:-1]) if many else ""
        self.compares = bool(re.search(r"\bor\b", question))

    def counts_one_alone(self, one: _Told, other: _Told) -> bool:
        """Whether one amount is of what is to be counted, and the other of something with a name of
        its own: 612 seats and 90 chairs."""
        if not self.counted:
            return False
        first, second = one.counted, other.counted
        return bool(first and second) and (self.counted in first) != (self.counted in second)

    def fits(self, told: _Told) -> bool:
        """Whether the passage has the question's names, numbers and time, its sentence enough of
        the question's words, and the reading is of the kind asked for."""
        held = {_root(word) for word in words(told.all)}
        near = {_root(word) for word in words(told.near)}
        if any(name not in held for name in self.names):
            return False
        if self.words and len(self.words & near) < _ON_TOPIC * len(self.words):
            return False
        span = told.reading.text
        if self.kind == "amount":
            return bool(amounts(span)) and not of_another(self.question, told.reading)
        if self.kind == "date":
            return bool(re.search(r"\d|day\b|\b[A-Z]", span))
        return not re.fullmatch(r"[\W\d]*", span)


def _may_have_several_answers(question: str) -> bool:
    """Whether two answers may both be true: "who opposed it", unlike "who won it"."""
    if _HAS_SEVERAL_ANSWERS.search(question):
        return True
    return bool(_WHO.match(question)) and not _ONE_ALONE.search(question)


def _compared(kind: str, one: _Told, other: _Told) -> str:
    first, second = one.reading, other.reading
    days = first.passage.published, second.passage.published
    return compared(kind, first.text, second.text, *days)  # type: ignore[arg-type]


def _join(about: _About, groups: list[list[_Told]], one: _Told) -> None:
    """Adds what `one` says to its group, or opens one where it disagrees with all the others."""
    if any(one.depends_on(known) for group in groups for known in group):
        return
    for group in groups:
        if _compared(about.kind, group[0], one) == "same":
            group.append(one)
            return
    if all(_disagree(about, group[0], one) for group in groups):
        groups.append([one])


def _disagree(about: _About, one: _Told, other: _Told) -> bool:
    """Whether both cannot be true: different values, of one event."""
    comparison = _compared(about.kind, one, other)
    if comparison == "same" or _contrast(one, other):
        return False
    older, newer = sorted((one, other), key=lambda told: told.reading.passage.published or date.min)
    if _updates(about, newer, older) and (comparison == "different" or about.kind == "date"):
        return True
    if about.kind == "name" and not about.compares and _both_in_one(one, other):
        return False
    if about.kind == "amount" and (
        _has_amount(one, other)
        or _has_amount(other, one)
        or (one.measures ^ other.measures) - about.measures
        or _far_apart(one, other)
        or about.counts_one_alone(one, other)
    ):
        return False
    return comparison == "different" and _one_event(about, one, other)


def _one_event(about: _About, one: _Told, other: _Told) -> bool:
    published = one.reading.passage.published, other.reading.passage.published
    if published[0] and published[1]:
        if abs((published[0] - published[1]).days) > _ONE_EVENT:
            return False
    elif about.kind == "name":  # who did it the one time, and who another
        return False
    years = set(_YEAR.findall(one.near)), set(_YEAR.findall(other.near))
    if years[0] and years[1] and not years[0] & years[1]:
        return False
    if about.kind != "date":
        days = one.days, other.days
        apart = all(a[1] < b[0] or b[1] < a[0] for a in days[0] for b in days[1])
        if days[0] and days[1] and apart:
            return False
    if about.names and all(about.words <= {_root(w) for w in words(t.all)} for t in (one, other)):
        return True  # the question itself says which event
    shared = (_named(one.all) & _named(other.all)) - {_root(w) for w in words(one.reading.text)}
    return len(shared | set(about.names)) >= _SHARED


def _contrast(one: _Told, other: _Told) -> bool:
    """Whether the sentences are of two kinds of one thing: the men's race and the women's."""
    first, second = ({w.lower() for w in _LETTERS.findall(told.near)} for told in (one, other))
    return any(
        (first & kind and second & another and not first & another and not second & kind)
        for kinds in _CONTRASTS
        for kind in kinds
        for another in kinds
        if kind is not another
    )


def _both_in_one(one: _Told, other: _Told) -> bool:
    """Whether a sentence names both values: they are then parts of one account."""
    values = words(one.reading.text), words(other.reading.text)
    return all(value <= words(one.sentence) for value in values) or all(
        value <= words(other.sentence) for value in values
    )


def _has_amount(one: _Told, other: _Told) -> bool:
    """Whether the passage of `one` has the other's amount too: then its own is of something else."""
    amount = {a.number for a in amounts(other.reading.text)}
    if not amount or not _distinct(other.reading.text):
        return False
    return amount <= {a.number for a in amounts(one.all)}


def _far_apart(one: _Told, other: _Told) -> bool:
    """Whether the amounts are of other orders: reports of one thing do not differ tenfold."""
    first, second = (
        max((abs(amount.number) for amount in amounts(told.reading.text)), default=0.0)
        for told in (one, other)
    )
    return max(first, second) > _TENFOLD * min(first, second)


def _corrects(about: _About, newer: Side, older: Side) -> bool:
    published = newer.published, older.published
    if published[0] is None or published[1] is None or published[0] <= published[1]:
        return False
    old = _Told(older.readings[0])
    return any(_updates(about, _Told(reading), old) for reading in newer.readings)


def _updates(about: _About, newer: _Told, older: _Told) -> bool:
    """Whether the newer passage says near its answer that it replaces the older value."""
    published = newer.reading.passage.published, older.reading.passage.published
    if published[0] is None or published[1] is None or published[0] <= published[1]:
        return False
    around = _neighbourhood(newer)
    if not _CHANGED.search(around):
        return False
    return _mentions(about, around, older.reading, newer.reading.text)


def _distinct(span: str) -> bool:
    """Whether an amount is no "two" or "five", which stand everywhere."""
    return any(amount.number >= 10 or amount.unit for amount in amounts(span))


def _mentions(about: _About, text: str, older: Reading, newer: str) -> bool:
    """Whether the value of `older`, but for what it shares with `newer`, stands in `text`."""
    if about.kind == "amount":
        new, old = ({a.number for a in amounts(t)} for t in (newer, older.text))
        return bool((old - new) & {a.number for a in amounts(text)})
    value = words(older.text) - words(newer)
    return bool(value) and len(value & words(text)) >= 0.5 * len(value)


def _neighbourhood(told: _Told) -> str:
    """The title and the sentence, with the one before it and the two after."""
    passage = told.reading.passage
    all_of_them = list(sentences(passage.text))
    inside = [
        number
        for number, sentence in enumerate(all_of_them)
        if sentence.end + passage.start > told.span.start
        and sentence.start + passage.start < told.span.end
    ]
    if not inside:
        return told.sentence
    first, last = max(0, inside[0] - 1), min(len(all_of_them) - 1, inside[-1] + 2)
    return f"{passage.title}. {passage.text[all_of_them[first].start : all_of_them[last].end]}"


# -- telling -----------------------------------------------------------------------------------


def _with_day(answer: Answer, question: str, rated: Sequence[Rated], phrases: Phrases) -> Answer:
    """With the day of the article, where "when" is answered by "on Wednesday" or "yesterday"."""
    if not rated or kind_of(question) != "date" or not answer.short:
        return answer
    published = rated[0][0].passage.published
    day = named(answer.short, published)
    if published is None or day is None or not day.relative:
        return answer
    words_said = _MARK.sub(r"(\1)", " ".join(answer.short.split()))
    notice = phrases.say("said_on", words=words_said, day=in_words(published))
    return replace(answer, notices=(*answer.notices, notice))


def _with_agreement(
    answer: Answer, question: str, rated: Sequence[Rated], phrases: Phrases
) -> Answer:
    """With a notice of how many independent sources say so, where there are several."""
    cited = {citation.article_id for citation in answer.citations}
    said = [r for r in agreeing(question, rated) if r.passage.article_id in cited]
    sources = list(dict.fromkeys(r.passage.source or r.passage.title for r in said))
    if len(sources) < 2:
        return answer
    notice = phrases.say("agree", count=str(len(sources)), sources=_listed(sources))
    return replace(answer, notices=(*answer.notices, notice))


def _holds(citation: Citation, reading: Reading) -> bool:
    mine = citation.article_id == reading.passage.article_id
    return mine and citation.start <= reading.start and reading.end <= citation.end


def _cited(number: int, reading: Reading) -> Citation:
    passage, span = reading.passage, _sentence(reading)
    return Citation.within(passage, span, number)


def _sentence(reading: Reading) -> Span:
    """The sentence or sentences around the span, as offsets into the article."""
    base = reading.passage.start
    found = sentences_around(reading.passage.text, reading.start - base, reading.end - base)
    return Span(found.start + base, found.end + base)


def _source(citation: Citation) -> str:
    name = " ".join((citation.source or citation.title or citation.article_id).split())
    return _MARK.sub(r"(\1)", name)


def _listed(items: Sequence[str]) -> str:
    items = list(dict.fromkeys(items))
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


# -- words -------------------------------------------------------------------------------------


def _root(word: str) -> str:
    return re.sub(r"['’]s?$", "", word.lower())[:5]


def _named(text: str) -> set[str]:
    """Roots of the words with a capital inside sentences, and of those that begin them too where
    they are not common there."""
    found = {_root(word) for word in re.findall(r"\b[A-Z][\w’'-]+", text)}
    return found - _COMMON


def _figures(text: str) -> list[str]:
    return re.findall(r"\d+", text)


_YEAR = re.compile(r"\b(?:1[6-9]|20)\d\d\b")
_LETTERS = re.compile(r"[^\W\d_]+")
_HOW_MANY = re.compile(r"\bhow (?:many|much)\b", re.IGNORECASE)
# "58 sailings in 2024", "486 babies were born at St. Ailith’s in 2024"
_IN_YEAR = re.compile(
    r"(?:\s+[^\W\d][\w’'.-]*){0,6}?\s+(?:in|for|during)\s+(?P<year>(?:1[6-9]|20)\d\d)\b"
)
_BEGUN = re.compile(r"\b(?:built|founded|opened|launched|installed|begun|started|since)\b")
_YEAR_BEFORE = re.compile(r"\b(?:the year before|a year (?:earlier|before)|the previous year)\b")
# Who did what an amount is told of: "Ms. Dufrayne won by", "In 2023, Aldous Merriden had"
_SUBJECT = re.compile(
    r"(?:^|[\s“])(?P<name>(?:[A-Z][\w’'-]*\.?\s)+)(?:(?:had|has|was|is|will|also|only|then)\s)*"
    r"(?!said|says|told|announced|reported|added)(?:\w+ed|won|lost|got|took|had|has|was|is|came|beat|led|paid|gave|"
    r"made|fell|rose|sold|bought|spent)\b"
)
_TELLING = re.compile(
    r"\b(?:said|says|told|announced|reported|confirmed|added|wrote|ruled|found|put)\b[^.;,]{0,40}$",
    re.IGNORECASE,
)
_DAY_SAID = re.compile(
    r"\b(?:on )?(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b(?!s)|\d{1,2} (?:January|February|"
    r"March|April|May|June|July|August|September|October|November|December)(?: \d{4})?|(?:January|"
    r"February|March|April|May|June|July|August|Aug\.|September|Sept\.|October|Oct\.|November|Nov\.|"
    r"December|Dec\.) \d{1,2}\b(?:, \d{4})?|yesterday)"
)
# A question that several answers fit says nothing about any of them being wrong.
_HAS_SEVERAL_ANSWERS = re.compile(
    r"^\W*(?:(?:which|what) [\w’'-]+s (?:are|were|have|had|do|did|will|can)\b|who (?:are|were|else)\b"
    r"|(?:who|what) (?:did|does|do|has|have|said|says|was|were)?\b.*\b(?:say|said|says|think|warn|warned|"
    r"criticised|criticized|praised|welcomed|attended|spoke|spoken|asked|told|called for|include|"
    r"includes|examples?|like|want|wants)\b|name\b|list\b|give\b)|\b(?:an example|one of|some of|kinds? of|"
    r"types? of)\b",
    re.IGNORECASE,
)
_WHO = re.compile(r"\W*(?:and |but |so )?who(?:se|m)?\b", re.IGNORECASE)
_ONE_ALONE = re.compile(
    r"\b(?:is|was|be|becomes?|became) (?:\w+ )?(?:the|[\w’'-]+['’]s)\b|\b(?:won|wins?|winner|leads?|led|heads?|"
    r"headed|chairs?|chaired|runs|commands?|captains?|captained|succeeds?|succeeded|replaces?|replaced|"
    r"takes? over|took over|founded|designed|wrote|written|invented|discovered|built|painted|composed|"
    r"directed|caused|causes|started|killed|owns?|owned|bought|elected|appointed|chosen|chose|beat|scored|"
    r"came (?:first|second|third|last)|finished (?:first|second|third|last)|opened|paid|gave|ordered)\b",
    re.IGNORECASE,
)
_ASKS_FOR_A_DIFFERENCE = re.compile(
    r"\bby how (?:much|many|far)\b|\bhow (?:much|many) (?:more|less|fewer)\b|\b(?:rise|rose|fall|fell|save)\b",
    re.IGNORECASE,
)
_MEASURES = {
    "difference": re.compile(
        r"\b(?:majority|margin|lead of|gap|difference|increase|decrease|rise of|drop of|fall of|more than in|"
        r"fewer than in|(?:higher|lower)(?= than|$)|extra|additional|savings|short of|ahead of|clear of)\b",
        re.IGNORECASE,
    ),
    "rate": re.compile(
        r"\b(?:per (?!cent)\w+|an? (?:year|month|week|day|hour|head)|annual(?:ly)?|daily|weekly|monthly|each|every)\b",
        re.IGNORECASE,
    ),
}
_CHANGED = re.compile(
    r"\bcorrect(?:ion|ed|s)\b|\bearlier (?:version|article|report|story|edition)\b|\bin error\b|\b(?:wrongly|mistakenly)\b|\brevis(?:ed|es|ion)\b|\bno longer\b|\binstead of\b"
    r"|\brather than\b|\bup from\b|\bdown from\b|\b(?:falls?|fell|rises?|rose|raised|lowered|cut|"
    r"increased|reduced|trimmed|grown|grew) (?:from|to)\b|\bupdated?\b|\bnot (?:in |on |at )?[\w€$£., ]{1,25} as\b"
    r"|\bnow (?:put|stands?|costs?|says?|believed|expected|known|thought)\b|\b(?:is|are|was|were|will|must) now\b"
    r"|\b(?:had|was|were) (?:first |originally |previously |earlier |at first )(?:\w+ )?(?:put|reported|said|"
    r"given|promised|planned|announced|expected|thought|believed)\b|\bas (?:first|originally|previously) \w+"
    r"|\brecount\b|\bafter all\b|\bturned out\b|\bhad been promised\b",
    re.IGNORECASE,
)
_IN_PLACE_OF = re.compile(
    r"\b(?:instead of|rather than|up from|down from)\s+(?:the\s+|about\s+)?$", re.IGNORECASE
)
_NO_LONGER = re.compile(r"\bno longer (?:stands?|holds?|appl(?:y|ies)|valid|true)\b", re.IGNORECASE)
_CONTRASTS = (
    ({"men", "men’s", "man"}, {"women", "woman"}, {"boys", "girls"}, {"junior", "juniors"}),
    ({"first"}, {"second"}, {"third"}),
    ({"semifinal", "semifinals", "semi"}, {"quarterfinal", "quarter"}),
    ({"northbound", "north", "northern"}, {"south", "southern", "southbound"}),
    ({"eastern", "eastbound"}, {"western", "westbound"}),
    ({"adult", "adults"}, {"child", "children", "pupils"}),
    ({"morning"}, {"evening"}, {"afternoon"}),
    ({"single"}, {"return"}, {"double"}),
)
_ASKING = {
    word[:5]
    for word in re.findall(
        r"\w+",
        """who whom whose what which when where why how many much long old far big high did does do is
        are was were be been has have had will would can could should may might it they he she that
        this there get got take took happen come came go went year day time number amount""",
    )
}
_COMMON = {
    word[:5]
    for word in re.findall(
        r"\w+",
        """the a an in on at by for from it he she they we i but and his her its their this that these
        those there some more most about after before when while as if nobody one two no not mr mrs ms
        dr monday tuesday wednesday thursday friday saturday sunday january february march april may
        june july august september october november december""",
    )
}
