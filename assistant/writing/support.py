"""Does a passage support a sentence, contradict it, or not say? Judged by a few exact rules and the reader.

    verdict = support("France and Oman co-chair it on July 9.", passages, judge)
    verdict.found               "contradicted"
    verdict.against             "names": Oman stands where the passage has Saudi Arabia
    verdict.proofs[0]           the sentence that comes closest, as a span of its article

The reader's verdict on a passage decides: it goes by the meaning, in whatever words, but overlooks
one altered word among many. Exact details are left to rules, which can only veto
(benchmarks/results.md has both apart and together): one to three adjacent sentences of a passage
must contain every name, number and date of a sentence; compared with it, no name, number or date
may take the place of another, no two may have changed places, and one that says nearly the same
must not deny it. Two passages together, which the reader cannot read at once, must have most of the
sentence's words; so must a single one if no reader judges. Pure functions except for `judge`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache, lru_cache
from itertools import combinations
from typing import Literal

from assistant.question.words import function_words, stem_of, unaccented
from assistant.reading.reader import Verdict
from vectorstore.articles import Passage
from vectorstore.context import MONTHS
from vectorstore.splitting import Span, sentences

Found = Literal["supported", "contradicted", "not_stated"]
Against = Literal["", "words", "names", "numbers", "order", "negation", "judge"]
# The reader's verdict on a sentence by a passage; None if the reader gives no verdicts.
Judge = Callable[[str, Passage], Verdict | None]

SURE = 0.4  # the judge's probability from which a sentence is supported
_HALF = 0.5  # and from which a passage that says nearly the same contradicts it
DENIED = 0.95  # and from which it is contradicted, and may be left out
COPIED = 0.9  # share of a sentence's words in its proof from which the judge has to deny it
ENOUGH = 0.70  # share of a sentence's words that its proof must have if there is no judge

_WINDOW = 3  # sentences
_JUDGED = 3  # passages that the judge is asked about, the closest first: each takes it a while
_LONGER = 0.06  # share of words that one more sentence must add
_SOME = 0.2  # share of a sentence's words below which a proof proves nothing of it
_NEARLY = 0.7  # share of a sentence's words from which a proof says nearly the same


@dataclass(frozen=True, slots=True)
class Proof:
    """The span of a passage's article that comes closest to a sentence; `share` of the sentence's
    words are in it, 0..1."""

    passage: Passage
    span: Span
    share: float


@dataclass(frozen=True, slots=True)
class Support:
    """What passages say about a sentence, and what speaks against it if they do not support it.

    `proofs` are best first: one or two spans that support it, the one that contradicts it, or the closest one, if any.
    """

    found: Found
    proofs: tuple[Proof, ...]
    against: Against = ""

    @property
    def supported(self) -> bool:
        return self.found == "supported"


def support(
    sentence: str,
    passages: Sequence[Passage],
    judge: Judge | None = None,
    *,
    question: str = "",
) -> Support:
    """Judge `sentence` by `passages`; the closest of those that support it is the proof.

    One that supports it outweighs one that contradicts it. `question` is what it answers: of
    several places that say "July 9", the one about what was asked is taken. The question itself
    proves nothing.
    """
    claim = _Claim.of(sentence)
    asked = _Claim.of(question)
    found = (_closest(claim, asked, passage) for passage in passages)
    closest = [near for near in found if near is not None]
    closest.sort(key=lambda near: -near.rank)
    if not closest:
        return Support("not_stated", (), "words")
    for near in closest:
        if _verbatim(sentence, near.proof):
            return Support("supported", (near.proof,))
    tried = [
        (near, _veto(claim, [near], sentence)) for near in closest[: _JUDGED if judge else None]
    ]
    for near, veto in tried:
        if not veto and _says(claim, near, sentence, judge):
            return Support("supported", (near.proof,))
    denied = [(near, veto) for near, veto in tried if _denied(near, veto, sentence, judge)]
    together = _complementary(claim, closest)
    if (
        together
        and not denied
        and not _veto(claim, together, sentence)
        and _share(claim, *(near.said for near in together)) >= ENOUGH
    ):
        return Support("supported", tuple(near.proof for near in together))
    if denied:
        near, veto = denied[0]
        return Support("contradicted", (near.proof,), veto or "judge")
    return Support("not_stated", (closest[0].proof,), tried[0][1] or "words")


def claims_something(sentence: str) -> bool:
    """Whether `sentence` has anything to prove: "Here is what they say:" does not."""
    claim = _Claim.of(sentence)
    if claim.names or claim.numbers:
        return True
    return len(claim.words) > (_LEAD_IN_WORDS if sentence.rstrip().endswith(":") else 1)


# -- what is said ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a text says, as far as words show it."""

    words: frozenset[str]  # stems of content words
    names: tuple[str, ...]  # lower case
    numbers: tuple[_Number, ...]
    months: frozenset[str]
    denied: frozenset[str]  # stems that follow a negation
    plain: frozenset[str]  # stems that occur somewhere without one
    lowered: frozenset[str] = field(default=frozenset())  # every word, in lower case

    @classmethod
    def of(cls, text: str) -> _Claim:
        return _read(text)


@dataclass(frozen=True, slots=True)
class _Number:
    value: float
    about: bool = False  # "nearly", "more than"

    def stands_in(self, values: frozenset[float]) -> bool:
        if self.value in values:
            return True
        return self.about and any(
            abs(value - self.value) <= _ROUNDED * max(value, self.value) for value in values
        )


@lru_cache(maxsize=2048)
def _read(text: str) -> _Claim:
    words: set[str] = set()
    lowered: set[str] = set()
    names: list[str] = []
    denied: set[str] = set()
    plain: set[str] = set()
    negated = 0  # words that a negation still reaches
    first = True
    previous_capital = False
    tokens = list(_WORD.finditer(text))
    for position, match in enumerate(tokens):
        token = match[0]
        word = _bare(token)
        between = text[tokens[position - 1].end() : match.start()] if position else ""
        if _CLAUSE.search(between):
            negated = 0
        if _SENTENCE_END.search(between):
            first = True
        if word in _NEGATIONS or token.lower().endswith(("n't", "n’t")):
            negated = _REACH
            first = False
            continue
        lowered.add(word)
        following = tokens[position + 1][0] if position + 1 < len(tokens) else ""
        capital = token[:1].isupper()
        if capital and word not in _stop() and word not in _MONTHS and word not in _DAYS:
            alone = (
                first and not following[:1].isupper() and not any(c.isupper() for c in token[1:])
            )
            if not alone or previous_capital:
                names.append(word)
        previous_capital = capital
        first = False
        if word in _stop() or word in _NUMBER_WORDS or not word or word[0].isdigit():
            continue
        stem = stem_of(word)
        words.add(stem)
        if negated:
            denied.add(stem)
            negated -= 1
        else:
            plain.add(stem)
    return _Claim(
        frozenset(words),
        tuple(dict.fromkeys(names)),
        tuple(_numbers(text)),
        frozenset(_MONTHS[word] for word in lowered if word in _MONTHS),
        frozenset(denied),
        frozenset(plain),
        frozenset(lowered),
    )


def _numbers(text: str) -> Iterator[_Number]:
    """Numbers in digits and in words, with their scale: "48 million", "€4.2bn", "twenty-five"."""
    for found in _DIGITS.finditer(text):
        value = float(found["digits"].replace(",", ""))
        scale = _SCALES.get((found["scale"] or "").lower(), 1.0)
        yield _Number(
            value * scale, bool(_ABOUT.search(text, max(0, found.start() - 24), found.start()))
        )
    for found in _SPELT.finditer(text):
        total, part = 0.0, 0.0
        for word in re.findall(r"\w+", found[0].lower()):
            if word == "and":
                continue
            value = _NUMBER_WORDS[word]
            if value >= 1_000:
                total, part = total + (part or 1.0) * value, 0.0
            elif value == 100:
                part = (part or 1.0) * 100
            else:
                part += value
        yield _Number(
            total + part, bool(_ABOUT.search(text, max(0, found.start() - 24), found.start()))
        )


# -- what a passage says -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Near:
    """The window of a passage that says most of a claim."""

    proof: Proof
    said: _Claim
    values: frozenset[float]
    context: frozenset[str]  # words of title and source, and of whom its pronouns refer to
    rank: float


def _closest(claim: _Claim, asked: _Claim, passage: Passage) -> _Near | None:
    """The best window; None if the passage has no sentence that may prove anything."""
    spans = sentences(passage.text)
    best: tuple[float, float, Span] | None = None
    for first, size in _windows(len(spans)):
        span = Span(spans[first].start, spans[first + size - 1].end)
        text = passage.text[span.start : span.end]
        if _COMMAND.search(text):
            continue
        said = _Claim.of(text)
        share = _share(claim, said)
        rank = (
            share
            + _FACTS * _facts(claim, said, _values(text))
            + (_ASKED * _share(asked, said) if asked.words else 0.0)
            - _LONGER * (size - 1)
        )
        if best is None or rank > best[0] + 1e-9:
            best = (rank, share, span)
    if best is None:
        return None
    rank, share, span = best
    text = passage.text[span.start : span.end]
    context = _Claim.of(f"{passage.title}. {passage.source}").lowered
    if _PRONOUN.search(text):  # whom it refers to comes before it
        context |= _Claim.of(passage.text[: span.start]).lowered
    return _Near(
        Proof(passage, Span(passage.start + span.start, passage.start + span.end), share),
        _Claim.of(text),
        _values(text),
        context,
        rank,
    )


def _windows(count: int) -> Iterator[tuple[int, int]]:
    """The first sentence and the size of every window, smaller ones first."""
    for size in range(1, min(_WINDOW, count) + 1):
        for first in range(count - size + 1):
            yield first, size


@lru_cache(maxsize=2048)
def _values(text: str) -> frozenset[float]:
    """Every number in a text, "48 million" both as 48 and as 48,000,000."""
    found = {number.value for number in _numbers(text)}
    found |= {
        float(match[0].replace(",", "")) for match in re.finditer(r"\d[\d,]*(?:\.\d+)?", text)
    }
    return frozenset(found)


def _share(claim: _Claim, said: _Claim, *more: _Claim) -> float:
    """The share of the claim's words that are said; 1 if it has none."""
    if not claim.words:
        return 1.0
    held = said.words.union(*(other.words for other in more))
    return sum(word in held for word in claim.words) / len(claim.words)


def _facts(claim: _Claim, said: _Claim, values: frozenset[float]) -> float:
    """The share of the claim's names, numbers and months that are said."""
    total = len(claim.names) + len(claim.numbers) + len(claim.months)
    if not total:
        return 0.0
    held = sum(any(_same_name(name, word) for word in said.lowered) for name in claim.names)
    held += sum(number.stands_in(values) for number in claim.numbers)
    held += len(claim.months & said.months)
    return held / total


def _complementary(claim: _Claim, closest: Sequence[_Near]) -> list[_Near]:
    """The best window, and the one of another passage that adds most to it; [] if none does."""
    if len(closest) < 2:
        return []
    first = closest[0]
    alone = _share(claim, first.said)
    facts = _facts(claim, first.said, first.values)

    def added(near: _Near) -> float:
        return (
            _share(claim, first.said, near.said)
            - alone
            + _facts(
                claim,
                _joined(first.said, near.said),
                first.values | near.values,
            )
            - facts
        )

    second = max(closest[1:], key=added)
    return [first, second] if added(second) > _LONGER else []


def _joined(one: _Claim, other: _Claim) -> _Claim:
    return _Claim(
        one.words | other.words,
        one.names + other.names,
        one.numbers + other.numbers,
        one.months | other.months,
        one.denied | other.denied,
        one.plain | other.plain,
        one.lowered | other.lowered,
    )


# -- what speaks against it --------------------------------------------------------------------


def _veto(claim: _Claim, nears: Sequence[_Near], sentence: str) -> Against:
    """What these windows lack of the sentence, or say instead; "" if no rule speaks against it."""
    said = nears[0].said
    for near in nears[1:]:
        said = _joined(said, near.said)
    values = frozenset[float]().union(*(near.values for near in nears))
    held = said.lowered.union(*(near.context for near in nears))
    dates = [near.proof.passage.published for near in nears]
    days = {float(part) for day in dates if day for part in (day.year, day.month, day.day)}
    months = said.months | {_MONTH_NAMES[day.month - 1] for day in dates if day}
    if _share(claim, said) < _SOME:
        return "words"
    if not all(n.stands_in(values) or n.value in days for n in claim.numbers):
        return "numbers"
    if not claim.months <= months:
        return "numbers"
    if not all(any(_same_name(name, word) for word in held) for name in claim.names):
        return "names"
    if _share(claim, said) >= _NEARLY and _denies(claim, said):
        return "negation"
    for near in nears:
        if instead := _instead(sentence, near):
            return instead
    return ""


def _says(claim: _Claim, near: _Near, sentence: str, judge: Judge | None) -> bool:
    verdict = judge(sentence, near.proof.passage) if judge else None
    share = _share(claim, near.said)
    if verdict is None:
        return share >= ENOUGH
    copied = share >= COPIED and verdict.not_stated < _HALF and verdict.contradicted < DENIED
    return copied or verdict.supported >= SURE


def _denied(near: _Near, veto: Against, sentence: str, judge: Judge | None) -> bool:
    """Whether the passage says otherwise. If it says nearly the same, the rules can tell as well:
    by themselves what negates the sentence or reverses its order, other vetoes together with the
    judge."""
    nearly = near.proof.share >= _NEARLY
    if nearly and veto in ("order", "negation"):
        return True
    verdict = judge(sentence, near.proof.passage) if judge else None
    if verdict is None:
        return False
    return verdict.contradicted >= (_HALF if veto and nearly else DENIED)


def _verbatim(sentence: str, proof: Proof) -> bool:
    """Whether the sentence is one of the passage's own, word for word."""
    words = _WORD.findall(sentence.lower())
    return any(_WORD.findall(text.lower()) == words for text in _sentences_of(_text(proof)))


def _denies(claim: _Claim, said: _Claim) -> bool:
    """Whether one denies a word that the other says."""
    ours = claim.denied - claim.plain
    theirs = said.denied - said.plain
    if any(word in said.plain and word not in said.denied for word in ours):
        return True
    return any(word in claim.plain and word not in claim.denied for word in theirs)


# -- what stands in the place of what ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Word:
    stem: str
    kind: Literal["", "names", "numbers"]
    letters: str  # as written, in lower case


def _instead(sentence: str, near: _Near) -> Against:
    """What kind of word the sentence has where the passage, which says the same around it, has
    another of this kind: "held in Oslo in May", where the passage says "held in Dakar in May"."""
    passage = near.proof.passage
    told = _Claim.of(f"{passage.title}. {passage.text}")
    known = frozenset(told.names + _Claim.of(sentence).names)
    mine = _words_of(sentence, known)
    for text in _sentences_of(_text(near.proof)):
        theirs = _words_of(text, known)
        if _exchanged(mine, theirs):
            return "order"
        for ours, others in _replaced(mine, theirs):
            for kind in ("names", "numbers"):
                one = [word for word in ours if word.kind == kind]
                other = [word for word in others if word.kind == kind]
                if one and other and not _alike(one, other):
                    return kind
    return ""


def _exchanged(mine: Sequence[_Word], theirs: Sequence[_Word]) -> bool:
    """Whether two names or numbers that both have are in the opposite order around the same words:
    "Ann gave Bob the key" and "Bob gave Ann the key". If just one is in the passive ("was sued
    by"), it is the same order that counts; words that mean the same both ways ("met") never do."""
    here, there = _places(mine), _places(theirs)
    for one, other in combinations(sorted(here.keys() & there.keys(), key=here.__getitem__), 2):
        first, second = sorted((there[one], there[other]))
        between, passive = _between(mine, here[one], here[other])
        around, turned = _between(theirs, first, second)
        fewer, more = sorted((between, around), key=len)
        if not fewer or not fewer <= more or len(more) > _MORE * len(fewer) or fewer <= _mutual():
            continue
        if (there[one] > there[other]) == (passive == turned):
            return True
    return False


def _places(words: Sequence[_Word]) -> dict[str, int]:
    """The position of each name and number that occurs once and gives neither place nor time: "in
    Oslo" may come anywhere. The first word may be a name."""
    stems = [word.stem for word in words]
    return {
        word.stem: place
        for place, word in enumerate(words)
        if (word.kind or (place == 0 and word.letters not in _stop()))
        and stems.count(word.stem) == 1
        and not (place and words[place - 1].letters in _WHERE)
    }


def _between(words: Sequence[_Word], start: int, end: int) -> tuple[frozenset[str], bool]:
    """What is said between two positions, without articles and such, and whether in the passive."""
    said = words[start + 1 : end]
    if start and said and said[-1].stem == words[start - 1].stem:  # "version 3 and version 4"
        said = said[:-1]
    before = [word.letters for word in said[-2:]]
    passive = before[-1:] == ["by"] or before in (["by", "the"], ["by", "a"], ["by", "an"])
    told = (w for w in said if w.letters in _RELATING or w.letters not in _stop())
    return frozenset(stem_of(_PAST.get(word.letters, word.letters)) for word in told), passive


def _replaced(
    mine: Sequence[_Word], theirs: Sequence[_Word]
) -> Iterator[tuple[Sequence[_Word], Sequence[_Word]]]:
    """The few words of one that stand where the other has a few different ones, if much else is the
    same (Ratcliff and Obershelp's matching blocks)."""
    matcher = SequenceMatcher(
        None, [word.stem for word in mine], [word.stem for word in theirs], autojunk=False
    )
    parts = matcher.get_opcodes()
    same = sum(end - begin for kind, begin, end, _, _ in parts if kind == "equal")
    if same < _SAME * len(mine):
        return
    joined: list[tuple[int, int, int, int]] = []
    for kind, begin, end, start, stop in parts:
        between = [word.stem for word in mine[begin:end]]
        if kind != "equal":
            if joined and joined[-1][1] == begin and joined[-1][3] == start:
                begin, start = joined[-1][0], joined[-1][2]
                joined.pop()
            joined.append((begin, end, start, stop))
        elif joined and joined[-1][1] == begin and set(between) <= _JOINING:
            # "France and Oman" is "Oman and France".
            joined[-1] = (joined[-1][0], end, joined[-1][2], stop)
    for begin, end, start, stop in joined:
        if end - begin <= _FEW and stop - start <= _FEW:
            yield mine[begin:end], theirs[start:stop]


def _alike(one: Sequence[_Word], other: Sequence[_Word]) -> bool:
    """Whether any of these words may mean the same as any of those: one a form of the other, or the
    initials of them all."""
    for words, others in ((one, other), (other, one)):
        initials = "".join(word.letters[:1] for word in others)
        if any(len(word.letters) > 1 and word.letters == initials for word in words):
            return True
    return any(
        _same_name(word.letters, more.letters) or _values(word.letters) & _values(more.letters)
        for word in one
        for more in other
    )


def _words_of(text: str, known: frozenset[str]) -> list[_Word]:
    found = []
    begins = True
    end = 0
    for match in _WORD.finditer(text):
        letters = _bare(match[0])
        begins = begins or bool(_SENTENCE_END.search(text[end : match.start()]))
        kind: Literal["", "names", "numbers"] = ""
        if letters[:1].isdigit() or (
            match[0][:1].isupper() and (letters in _MONTHS or letters in _DAYS)
        ):
            kind = "numbers"
        elif match[0][:1].isupper() and letters not in _stop() and (not begins or letters in known):
            kind = "names"
        found.append(_Word(stem_of(letters), kind, letters))
        begins, end = False, match.end()
    return found


@lru_cache(maxsize=2048)
def _sentences_of(text: str) -> tuple[str, ...]:
    return tuple(text[span.start : span.end] for span in sentences(text))


def _text(proof: Proof) -> str:
    start = proof.passage.start
    return proof.passage.text[proof.span.start - start : proof.span.end - start]


# -- words -------------------------------------------------------------------------------------


def _bare(token: str) -> str:
    """In lower case, without a possessive, the dots of "U.S." and accents."""
    return unaccented(re.sub(r"[’']s?$", "", token.lower()).replace(".", ""))


@cache
def _stop() -> frozenset[str]:
    return function_words() | _ATTRIBUTING


@cache
def _mutual() -> frozenset[str]:
    return frozenset(map(stem_of, _MUTUAL))


def _same_name(name: str, word: str) -> bool:
    """Equal, or one a form of the other: "iran" and "iranian"."""
    if name == word:
        return True
    short, long = sorted((name, word), key=len)
    if len(short) >= 4 and long.startswith(short[:-1]) and long[len(short) - 1 :] in _FORMS_E:
        return True
    return len(short) >= 3 and long.startswith(short) and long[len(short) :] in _FORMS


_SAME = 0.3  # share of a sentence's words in the same order that make two of them comparable
_FEW = 3  # words, at most, that may take the place of as few others
_JOINING = frozenset(("and", "or"))
_MORE = 4  # times as many words between two names as the other text has there
_WHERE = frozenset(("in", "on", "at", "near", "during", "since", "until", "before", "after"))
# Words without much content that still say who does what to whom.
_RELATING = frozenset(
    re.findall(r"\w+", "to from than over against into said says say reported made")
)
_ROUNDED = 0.1  # how far "about 50" may be off
_REACH = 3  # content words after a negation that it denies
_FACTS = 0.5  # weight of names and numbers relative to words, in choosing a window
_ASKED = 0.05  # and weight of the question's words
_LEAD_IN_WORDS = 3

_WORD = re.compile(r"\w[\w’'.]*\w|\w")
_CLAUSE = re.compile(r"[,;:.!?()—–“”\"]")
_SENTENCE_END = re.compile(r"[.!?:]")
_PRONOUN = re.compile(
    r"\b(?:he|she|it|they|him|her|his|its|their|them|this|these|those)\b", re.IGNORECASE
)
# What an article says to a language model instead of its readers proves nothing.
_COMMAND = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.]{0,40}"
    r"\b(?:instruction|prompt|rule|question|above|previous|prior|earlier|context|source)s?\b"
    r"|\b(?:system prompt|you are (?:now )?(?:an? )?(?:ai|assistant|language model|chatbot)|as an ai)\b"
    r"|\b(?:answer|reply|respond|output|print|say|write|tell the (?:user|reader))\s+"
    r"(?:only|exactly|nothing but|instead|with the words?)\b",
    re.IGNORECASE,
)
_FORMS = ("s", "n", "an", "ian", "i", "ese", "ish", "ns", "ans", "ians", "is", "er", "ers")
_FORMS_E = ("an", "ian", "ians", "ans", "ic")
_NEGATIONS = frozenset(
    re.findall(r"\w+", "not no never none neither nor nobody nothing nowhere without cannot")
)
_ABOUT = re.compile(
    r"\b(?:about|around|nearly|almost|approximately|roughly|some|over|under|more than|less than|"
    r"at least|up to|estimated|close to)\W*$",
    re.IGNORECASE,
)
_SCALES = {
    "thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "mn": 1e6, "billion": 1e9, "bn": 1e9,
    "b": 1e9, "trillion": 1e12, "tn": 1e12,
}  # fmt: skip
_DIGITS = re.compile(
    r"(?<![\w.])(?:[€$£¥]\s?)?(?P<digits>\d[\d,]*(?:\.\d+)?)"
    r"(?:(?:\s|-)?(?P<scale>thousand|million|billion|trillion|mn|bn|tn|[kmb])\b)?"
    r"(?=$|\W|st\b|nd\b|rd\b|th\b|s\b|\w)",
    re.IGNORECASE,
)
_UNITS = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen",
)
_TENS = re.findall(r"\w+", "twenty thirty forty fifty sixty seventy eighty ninety")
_NUMBER_WORDS: dict[str, float] = {
    **{word: float(value) for value, word in enumerate(_UNITS)},
    **{word: 10.0 * value for value, word in enumerate(_TENS, start=2)},
    "hundred": 100.0, "thousand": 1e3, "million": 1e6, "billion": 1e9,
}  # fmt: skip
# "one" alone is more often a pronoun than a number.
_SPELT = re.compile(
    r"\b(?!(?:one|zero|hundred|thousand|million|billion)\b(?![\s-]+(?:hundred|thousand|million|billion)))"
    rf"(?:{'|'.join(_NUMBER_WORDS)})(?:[\s-]+(?:and\s+)?(?:{'|'.join(_NUMBER_WORDS)}))*\b",
    re.IGNORECASE,
)
_MONTH_NAMES = tuple(name.lower() for name in MONTHS)
_MONTHS = {
    **{name: name for name in _MONTH_NAMES if name not in ("march", "may")},
    **{name[:3]: name for name in _MONTH_NAMES if name not in ("march", "may")},
    "sept": "september",
}
_DAYS = frozenset(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
# What a model says about its sources, not about the subject.
_ATTRIBUTING = frozenset(
    re.findall(
        r"\w+",
        "according article articles mentioned passage passages report reported said says see source sources "
        "stated states",
    )
)
_MUTUAL = frozenset(
    re.findall(
        r"\w+",
        "met meet married marry wed spoke speak talked agreed fought fight "
        "played play merged shared border differ compete resemble equal",
    )
)
# Participles that differ from the past tense: "gave", "was given by".
_PAST = dict(
    zip(
        re.findall(
            r"\w+", "given taken seen beaten written chosen driven thrown stolen broken known"
        ),
        re.findall(r"\w+", "gave took saw beat wrote chose drove threw stole broke knew"),
        strict=True,
    )
)
