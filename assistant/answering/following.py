"""Follow-up questions: made from the cited articles' sentences, each answered before it is offered.

    follow_ups(answer, articles, before, ask)           up to three, the surest first

More are made than are needed, from a few templates ("Who is …?", "What did … do in …?") filled in
from a sentence; then each is asked, and those not answered as intended are dropped (overgenerate
and rank, after Heilman and Smith 2010; roundtrip consistency, after Alberti et al. 2019). The
templates know no grammar beyond word order: a question that would need more is not asked. No web
page is known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from assistant.answering.findings import same_answer
from assistant.answers import Answer, Citation
from assistant.question.names import Name, names
from assistant.question.words import stem_of, words
from vectorstore.articles import Article
from vectorstore.splitting import sentences

OFFERED = 3

SURE = 0.8  # calibrated confidence needed where the answer may come from any sentence
_ASKED = 6  # questions asked at most: each takes as long as an answer
_OF_A_KIND = 2  # of these, at most
_LONG = 40_000  # characters of an article that are searched
_OFTEN = 2  # the name in a title has to occur more often than this in the text for "he" to mean it


class Made(NamedTuple):
    """A question, and the sentence of its article that it was made from.

    If `closed`, that sentence answers it, with `about`; otherwise any sentence with `about` may.
    """

    question: str
    about: str
    closed: bool
    start: int
    end: int


def follow_ups(
    answer: Answer,
    articles: Iterable[Article],
    before: Sequence[str],
    ask: Callable[[str], Answer],
    going: Callable[[], bool] = lambda: True,
) -> list[str]:
    """Up to three questions that these articles also answer, the surest first.

    `before` are the questions asked before the answer's own; they are not offered. `ask` answers as
    it will when one is clicked, after the conversation: that may differ from the answer to the
    question alone. `going` is called before each: it may wait, and ends the search by returning
    False. Raises what `ask` raises.
    """
    told: list[tuple[Made, Answer]] = []
    for one in _candidates(answer, articles, [*before, answer.question]):
        if len(told) == OFFERED or not going():
            break
        reply = ask(one.question)
        if _answered(one, reply) and all(
            _new(reply, other) for other in (answer, *(r for _, r in told))
        ):
            told.append((one, reply))
    told.sort(key=lambda pair: -pair[1].confidence)
    return [one.question for one, _ in told]


def _candidates(answer: Answer, articles: Iterable[Article], asked: Sequence[str]) -> list[Made]:
    """The questions worth asking: about what the answer names first, then the nearest to it."""
    known = [words(question).stems for question in asked]
    named = words(" ".join([*asked, answer.text, *(one.quote for one in answer.citations)])).stems
    said = " ".join([answer.text, *(one.quote for one in answer.citations)])
    found: dict[str, tuple[tuple[bool, int], Made]] = {}
    for article in articles:
        cited = [one for one in answer.citations if one.article_id == article.id]
        for one in made(article.text[:_LONG], article.title):
            away = [max(one.start - each.end, each.start - one.end) for each in cited]
            thing = _THING.match(one.question)  # "the prize": the conversation has to say which
            if thing and stem_of(thing[1]) not in named:
                continue
            if min(away) < 0 or one.question in found or _asked(one, known):
                continue
            found[one.question] = (not (one.closed or one.about in said), min(away)), one
    kept: list[Made] = []
    for _, one in sorted(found.values()):
        alike = [other for other in kept if _kind(other) == _kind(one)]
        if len(alike) < _OF_A_KIND and len(kept) < _ASKED:
            kept.append(one)
    return kept


def _kind(one: Made) -> str:
    return " ".join(one.question.split()[:2])


def _asked(one: Made, known: Sequence[frozenset[str]]) -> bool:
    """Whether it repeats an earlier question, or asks only about what one was about."""
    wanted = set(words(one.question).content)
    about = words(f"of {one.about}").stems - {"of"}
    return any(wanted <= stems or (not one.closed and about <= stems) for stems in known)


def _answered(one: Made, reply: Answer) -> bool:
    if not reply.answered or reply.positions:
        return False
    first = reply.citations[0]
    if not one.closed:
        return reply.confidence >= SURE and one.about.split()[-1] in first.quote
    found = words(f"of {reply.short or reply.text}").stems
    return _shared(first, one) and bool(found & (words(f"of {one.about}").stems - {"of", "the"}))


def _shared(cited: Citation, one: Made) -> bool:
    return cited.start < one.end and one.start < cited.end


def _new(reply: Answer, other: Answer) -> bool:
    """Whether it is a different answer, from a different sentence."""
    first = reply.citations[0]
    return not any(
        each.article_id == first.article_id and each.start < first.end and first.start < each.end
        for each in other.citations
    ) and not (reply.short and other.short and same_answer(reply.short, other.short))


# ------------------------------------------------------------------------------------- the templates

_DATE = (
    r"(?:(?:early|late|mid)[ -])?(?:(?:\d{1,2} )?(?:January|February|March|April|May|June|July|August|September|"
    r"October|November|December)(?: \d{1,2}\b)?(?:,? \d{4})?|(?:1[5-9]|20)\d\d|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)\b"
)
_SPEAKS = r"(?:said|says|told|added|warned|explained|insisted|argued|wrote|stated|asserted|claimed|replied)\b"
_ACTS = r"(?:became|won|made|took|led|wrote|gave|left|held|began|met|found|built|came|went|got|beat|bought|sold|chose|lost|ran|[a-z]+ed)\b"
_DONE = re.compile(
    rf"(?:(?P<front>[IO]n {_DATE}),? )?(?P<who>[A-Z][\w’'.-]*(?: [A-Z][\w’'.-]*){{0,3}}) "
    rf"(?:(?P<was>died|(?:was|were) (?=\w+(?:ed|en|wn|ght|ade|old|eft|ept|ent|orn)\b))|(?!{_SPEAKS}){_ACTS}) ?(?P<rest>.+)"
)
_WHEN = re.compile(rf"\b[io]n {_DATE}")
_TURNED = re.compile(
    r"(?P<who>[A-Z][\w’'-]*(?: [\w’'-]+){0,5}) (?P<was>was|were|is|are|will be|has been|had been) "
    rf"(?P<rest>\w+(?: [\w’'-]+){{0,6}}?) (?:[io]n (?P<when>{_DATE})|(?:because|due to|because of) (?P<why>.+))"
)
_SAYS = re.compile(
    rf"\b(?:said|says)(?: (?:the )?[a-z]+)? \||\|(?:,[^,]{{3,60}},)? (?:also )?{_SPEAKS}"
)
_AT = re.compile(
    r"\b(?:at|of|for|from|with|in)(?: the)? $"
)  # a name after one of these may not be the speaker: "the spokesman for …"
_OFFICE = re.compile(
    r"\b((?:director|president|chairman|chairwoman|mayor|minister|head|editor|chief|secretary|leader|founder|captain|"
    r"coach|owner|author|spokesman|spokeswoman) of (?:the )?)$"
)
_THING = re.compile(r"(?:When|Why) \w+ (?:the|an?) ([a-z]\w*)")
_AGED = re.compile(r", (?:aged )?\d\d[,.;]")
# Text that says who or what something is, before its name or after it.
_TOLD = re.compile(
    r"\|,? (?:(?:is|was) )?(?:an?|the|one of|who (?:is|was))\b|"
    r"\b[a-z]+(?:er|or|ist|ian|man|woman|person|ess|ant|ent|eur|head|wife|friend|son|poet|judge),? \|"
)
# Words that depend on an earlier sentence.
_LEANS = re.compile(
    r"\b(?:he|she|him|his|her|hers|they|them|their|it|its|this|these|those|there|we|my|our|us|you|your|also|other|another|such|then)\b",
    re.IGNORECASE,
)


def made(text: str, title: str = "") -> Iterator[Made]:
    """Questions that sentences of this text seem to answer, in the order of the text."""
    found = names(text)
    lasts = [name.text.split()[-1] for name in found]
    heroes = [n.text for n in names(f"On {title}") if lasts.count(n.text.split()[-1]) > _OFTEN]
    articled = {
        one.text for one in found if text[max(0, one.start - 4) : one.start].lower() == "the "
    }
    for start, end in sentences(text):
        here = [name for name in found if start <= name.start and name.end <= end]
        sentence = " ".join(text[start:end].split())
        for question, about in _told_by(sentence, here, heroes[0] if heroes else "", articled):
            if not _LEANS.search(question):
                yield Made(question, about, True, start, end)
        for name in here:
            before, after = text[start : name.start], text[name.end : name.end + 90]
            for question in _asking_for(name, before, after):
                yield Made(question, name.text, False, start, end)


def _told_by(
    sentence: str, here: Sequence[Name], hero: str, articled: set[str]
) -> Iterator[tuple[str, str]]:
    """Questions that the sentence itself answers, each with its answer: "In 2019 Strake moved to
    Dakar." -> "What did Strake do in 2019?", "The bridge was opened on 4 May." -> "When was the
    bridge opened?".

    `hero` is the person that "he" is taken to mean, `articled` are the names that follow "the".
    """
    if done := _DONE.match(sentence):
        who = hero if done["who"] in ("He", "She") else done["who"]
        known = [n.text for n in here if n.kind in ("person", "organisation")] + [hero]
        if who and any(one == who or who in one.split() for one in known):
            when = [done["front"]] if done["front"] else _WHEN.findall(done["rest"])
            for each in when[:1]:
                asked = f"happened to {who}" if done["was"] else f"did {who} do"
                yield f"What {asked} {each[0].lower()}{each[1:]}?", done["rest"]
    if turned := _TURNED.match(sentence):
        who = hero if turned["who"] in ("He", "She") else turned["who"]
        if who.startswith(("The ", "A ", "An ")):
            who = who[0].lower() + who[1:]
        elif not who or (who != hero and not any(who.startswith(one.text) for one in here)):
            return
        was, _, be = turned["was"].partition(" ")
        asked = " ".join(f"{was} {who} {be} {turned['rest']}".split())
        yield f"{'When' if turned['when'] else 'Why'} {asked}?", turned["when"] or turned["why"]
    for at, name in enumerate(here):
        before, _, after = sentence.partition(name.text)
        if name.kind != "place" and not _AT.search(before) and _SAYS.search(f"{before}|{after}"):
            who = f"the {name.text}" if name.text in articled else name.text
            yield f"What did {who} say?", sentence
            rest = re.split(rf"{_SPEAKS}(?: (?:the )?(?:[A-Z]\w* ?)*)?", after, maxsplit=1)[-1]
            for other in here[at + 1 :]:
                the = "the " if other.text in articled else ""
                if other.kind and other.text in rest and other.text not in name.text:
                    yield f"What did {who} say about {the}{other.text}?", sentence


def _asking_for(name: Name, before: str, after: str) -> Iterator[str]:
    """Questions about a name, whichever sentence answers them."""
    if office := _OFFICE.search(before):
        yield f"Who is the {office[1]}{name.text}?"
    if name.kind == "person":
        if _TOLD.search(f"{before}|{after}"):
            yield f"Who is {name.text}?"
        if _AGED.match(after):
            yield f"How old is {name.text}?"
