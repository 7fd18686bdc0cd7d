"""What a chat model writes, made into an answer: every sentence proved by a quote, marked, or left out.

    grounding = Grounding(question, passages, wording)
    for token in stream:
        if grounding.feed(token):
            show(grounding.text)            no mark is shown before its sentence has been checked
    grounding.finish()
    grounding.statements, grounding.citations

The model cites passages by number; the answer shows citations of its own, numbered in the order in
which they are used, each narrowed to the sentences of the passage that support the statement. A
number that no passage has is dropped and counted, and so is one whose passage does not support the
sentence. A sentence that cites nothing, or nothing that supports it, is checked against all
passages, and cites the one that does. What none supports is marked; what one contradicts is left
out, or struck through, with the words that say otherwise. It knows neither models nor settings; the
chain decides what becomes of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.answers import Answer, Citation, Statement
from assistant.reading.reader import Reading
from assistant.writing.marks import SentenceStream, Written
from assistant.writing.support import Judge, Proof, Support, claims_something, support
from vectorstore.articles import Passage

Unsupported = Literal["mark", "remove"]
Contradicted = Literal["remove", "strike"]
Rated = tuple[Reading, float]
"""What a reader found in a passage, and its confidence in that."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentence with which the model refuses, and the notes after a sentence that no passage
    supports and after one that a passage contradicts. `unsupported` and `contradicted` say whether
    such a sentence is marked as such or removed."""

    refusal: str
    note: str
    otherwise: str
    unsupported: Unsupported = "mark"
    contradicted: Contradicted = "remove"


class Grounding:
    """One answer as far as it has been written. For one stream, by one thread.

    `unknown` counts marks of passages that do not exist, `unproved` marks of passages that do not
    support their sentence, `corrected` the sentences whose marks were corrected, `unsupported` the
    sentences that no passage supports, and `contradicted` those that one contradicts.
    """

    def __init__(
        self,
        question: str,
        passages: Sequence[Passage],
        wording: Wording,
        judge: Judge | None = None,
    ) -> None:
        self.statements: tuple[Statement, ...] = ()
        self.citations: tuple[Citation, ...] = ()
        self.unknown = 0
        self.unproved = 0
        self.corrected = 0
        self.unsupported = 0
        self.contradicted = 0
        self.refused = False
        self._question = question
        self._passages = tuple(passages)
        self._wording = wording
        self._judge = judge
        self._stream = SentenceStream()
        self._shown = ""
        self._said: set[str] = set()
        self._any = False  # whether the model has written a sentence

    @property
    def text(self) -> str:
        """What can be shown: the sentences checked so far and, unless unsupported ones are to be
        removed, the beginning of the next one. What may become a refusal is not shown yet."""
        tail = self._stream.tail
        if self.refused or not tail or self._wording.unsupported == "remove":
            return self._shown
        if not self._any and _plain(self._wording.refusal).startswith(_plain(tail)):
            return self._shown
        return _behind(self._shown, self._stream.before) + tail

    @property
    def supported(self) -> bool:
        """Whether anything that was written is proved."""
        return any(statement.supported for statement in self.statements)

    def feed(self, token: str) -> bool:
        """Take what the model writes next. Returns whether `text` has changed."""
        before = self.text
        for written in self._stream.feed(token):
            self._take(written)
        return self.text != before

    def finish(self, *, cut: bool = False) -> None:
        """The stream has ended; if it was `cut` off, an incomplete last sentence is left out."""
        for written in self._stream.finish():
            if not cut or written.code or _WHOLE.search(written.text):
                self._take(written)

    def _take(self, written: Written) -> None:
        if self.refused:
            return
        if _is_refusal(written.words, self._wording.refusal):
            # At the beginning it is the answer, whatever follows; later it is about a part.
            self.refused = not self._any
            if self._any:
                self._say(written.before, written.text)
            return
        self._any = True
        if (said := _plain(written.words)) in self._said:
            return  # small models go round in circles
        self._said.add(said)
        known = [n for n in written.numbers if 1 <= n <= len(self._passages)]
        self.unknown += len(written.numbers) - len(known)
        claim = self._claim(written)
        if not claim:
            self._say(written.before, written.text)
            return
        proofs = self._cited(claim, known)
        if not proofs:
            found = self._support(claim, self._passages)
            if not found.supported:
                self._unproved(written, known, found)
                return
            proofs = {proof: self._passages.index(proof.passage) + 1 for proof in found.proofs}
            self.corrected += bool(known)
        else:
            self.unproved += len(set(known) - set(proofs.values()))
        numbers = {proof: self._cite(proof) for proof in proofs}
        self._say(written.before, _marked(written, proofs, numbers))
        cited = tuple(dict.fromkeys(numbers.values()))
        self.statements += (Statement(written.words, cited),)

    def _claim(self, written: Written) -> str:
        """What is to be proved; "" if nothing is. "Yes [1]." claims what was asked."""
        if claims_something(written.words):
            return written.words
        return f"{self._question} {written.words}" if written.numbers else ""

    def _unproved(self, written: Written, known: Sequence[int], found: Support) -> None:
        """What becomes of a sentence that no passage supports."""
        if found.found == "contradicted":
            self.contradicted += 1
            if self._wording.contradicted == "strike":
                number = self._cite(found.proofs[0])
                struck = written.text if written.code else f"~~{written.text}~~"
                self._say(written.before, f"{struck} {self._wording.otherwise} [{number}]")
                self.statements += (Statement(written.words, (number,), supported=False),)
            return
        self.unsupported += 1
        self.unproved += len(set(known))
        if self._wording.unsupported == "mark":
            self._say(written.before, f"{written.text} {self._wording.note}")
            self.statements += (Statement(written.words, (), supported=False),)

    def _cited(self, claim: str, numbers: Sequence[int]) -> dict[Proof, int]:
        """What supports the claim in the cited passages, each alone or, if none does, together, and
        the passage's number."""
        cited = {self._passages[number - 1].id: number for number in numbers}
        passages = [self._passages[number - 1] for number in cited.values()]
        alone = [self._support(claim, [passage]) for passage in passages]
        found = [one for one in alone if one.supported]
        if not found and len(passages) > 1:
            found = [one for one in [self._support(claim, passages)] if one.supported]
        return {proof: cited[proof.passage.id] for one in found for proof in one.proofs}

    def _support(self, claim: str, passages: Sequence[Passage]) -> Support:
        return support(claim, passages, self._judge, question=self._question)

    def _say(self, before: str, text: str) -> None:
        self._shown = _behind(self._shown, before) + text

    def _cite(self, proof: Proof) -> int:
        """The number of the citation of this span; the same words are cited once."""
        passage, span = proof.passage, proof.span
        for known in self.citations:
            if (known.article_id, known.start, known.end) == (passage.article_id, *span):
                return known.number
        number = len(self.citations) + 1
        self.citations += (Citation.within(passage, span, number),)
        return number


def briefest(answer: Answer, readings: Sequence[Rated]) -> Rated | None:
    """The first of the readings, best first, that is in a passage which the answer cites and whose
    words, in any order, are in a statement that cites it; None if there is none."""
    for rated in readings:
        passage, words = rated[0].passage, _words(rated[0].text)
        here = {
            citation.number
            for citation in answer.citations
            if citation.article_id == passage.article_id
            and citation.start < passage.end
            and passage.start < citation.end
        }
        if words and any(
            here.intersection(statement.citations) and words <= _words(statement.text)
            for statement in answer.statements
            if statement.supported
        ):
            return rated
    return None


def polarity(text: str) -> str:
    """The “Yes” or “No” with which `text` begins; "" for “No article …” or “No. 10 …”, too."""
    found = _YES_OR_NO.match(text)
    return found[1].capitalize() if found else ""


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower())) - {"a", "an", "and", "of", "the"}


def _marked(written: Written, proofs: dict[Proof, int], numbers: dict[Proof, int]) -> str:
    """The text with its citations' marks: where the model cited the passage, or at the end."""
    text, end = "", 0
    shown: set[int] = set()
    for place, cited in written.marks:
        text += written.text[end:place]
        end = place
        for proof, number in numbers.items():
            if proofs[proof] in cited:
                text = _with_mark(text, number)
                shown.add(number)
    rest = written.text[end:]
    if text.endswith("]") and rest[:1].isalnum():
        text += " "
    text += rest
    more = [number for number in dict.fromkeys(numbers.values()) if number not in shown]
    if more and not written.code:
        stop = _STOP.search(text)
        body, tail = (text[: stop.start()], stop[0]) if stop else (text, "")
        for number in more:
            body = _with_mark(body, number)
        return body + tail
    for number in more:
        text = _with_mark(text, number)
    return text


def _with_mark(text: str, number: int) -> str:
    """The text with the mark after it: after words with a space, after another mark without, and
    not if it is the same one."""
    mark = f"[{number}]"
    if text.endswith(mark):
        return text
    return text + mark if not text or re.search(r"\[\d+\]$", text) else f"{text.rstrip(' ')} {mark}"


def _behind(shown: str, before: str) -> str:
    """The text with what separates the next sentence from it."""
    if not shown:
        return ""
    blank = "\n\n" if "\n\n" in before else "\n" if "\n" in before else " "
    return shown + blank


def _is_refusal(words: str, refusal: str) -> bool:
    said = _plain(words)
    return bool(said) and said.startswith(_plain(refusal))


def _plain(text: str) -> str:
    """Only letters and digits count: a refusal is one whatever its apostrophes and marks."""
    return "".join(c for c in text.lower() if c.isalnum())


_YES_OR_NO = re.compile(r"\W*(yes|no)\b\s*(?:[,:;!–—\[-]|\.(?!\s*\d)|\Z)", re.IGNORECASE)
_WHOLE = re.compile(r"[.!?…。！？][\"'”’»)\]*_]*$")
_STOP = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’»)*_]*+$")
