"""Answers written by a chat model, streamed, every sentence checked.

    writer = ChatWriter(Chat(lambda accepts: open_chat_model("ollama:qwen3", …), "ollama:qwen3"), …)
    writer.answer(blank, "who co-chairs the meeting?", found, None, config)      growing answers
    writer.standalone("and when is it?", history, config)                 "When is the meeting?"

All that the chain needs is the protocol `Writer`. The model gets numbered passages, what the
readers found there, and the question: no tools, and nothing else; its output goes through
`thoughts` and `grounding`. If the passages are too long for it, it gets fewer. Whatever else goes
wrong (unreachable, refused, slow, cut off, empty, unproved) is a WritingError, and the chain gives
the articles' own words. It knows no index; how a model is asked is up to `chat`.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Protocol

from assistant.answering.findings import Finding
from assistant.answers import Answer, Trace, Turn
from assistant.errors import WritingError
from assistant.prompts import AROUND, Messages, Phrases, Prompt, tokens_of
from assistant.question.typed import LONGEST
from assistant.writing.bounds import whole
from assistant.writing.chat import Chat
from assistant.writing.grounding import Grounding, Wording
from assistant.writing.sources import conversation, fitting, inert, sources, suggested
from assistant.writing.support import Judge
from assistant.writing.thoughts import Said, Thoughts

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig


class Writer(Protocol):
    """Writes answers from passages. May be used from several threads at a time.

    `name` is what an answer's `model` says. `answer` and `standalone` raise WritingError if nothing
    usable is written, whatever the cause; its reason is reported with the answer given instead.
    """

    name: str

    def answer(
        self,
        blank: Answer,
        question: str,
        found: Sequence[Finding],
        as_of: date | None,
        config: RunnableConfig,
    ) -> Iterator[Answer]:
        """The growing answers to `question` from the passages of `blank`; the last is complete.

        `found` is what the readers would answer, if they are sure; the writer may use it. The
        answers' kind is "answer", or "abstention" if the writer found no answer in the passages:
        the chain then supplies the text. Closing the iterator early stops the writing.
        """
        ...

    def standalone(self, question: str, history: Sequence[Turn], config: RunnableConfig) -> str:
        """The question, completed from the earlier turns, which are given oldest first."""
        ...

    def warm(self) -> None:
        """Load now what the first question would wait for. That one reports any error."""
        ...

    def check(self) -> float:
        """The seconds until its first word. Raises WritingError if there is none, or if the model
        cannot be given as much as it is to read."""
        ...

    def close(self) -> None:
        """Stop what is being written."""
        ...


class ChatWriter:
    """Writes with a chat model.

    `loads` says that its server is the user's own: warming up makes it load the model and read the
    beginning of the prompt.
    """

    def __init__(
        self,
        chat: Chat,
        prompts: tuple[Prompt, Prompt],
        phrases: Phrases,
        wording: Wording,
        *,
        judge: Judge | None = None,
        loads: bool = False,
    ) -> None:
        self.name = chat.name
        self._chat = chat
        self._answering, self._rewriting = prompts
        self._phrases = phrases
        self._wording = wording
        self._judge = judge
        self._loads = loads
        self._unopened = False  # whether the model is known to close thoughts that it did not open

    def answer(
        self,
        blank: Answer,
        question: str,
        found: Sequence[Finding],
        as_of: date | None,
        config: RunnableConfig,
    ) -> Iterator[Answer]:
        claims = [claim for finding in found for claim in finding.claims]
        proving = {proof.passage.id for claim in claims for proof in claim.proofs}
        given = [hit.passage for hit in blank.passages]
        given.sort(key=lambda passage: passage.id not in proving)
        today = as_of or datetime.now(tz=UTC).astimezone().date()
        passages = given

        def messages(room: int) -> Messages:
            nonlocal passages
            around = tokens_of(self._answering.system + self._answering.user + question)
            passages = fitting(given, room - around - _FOUND_TOKENS * bool(found))
            return self._answering.messages(
                sources="\n".join(sources(passages)),
                found=suggested(found, passages),
                question=inert(question),
                today=f"Today is {today:%A}, {today.day} {today:%B %Y}.\n",
            )

        blank = replace(blank, kind="answer", model=self.name, complete=False)
        grounding: Grounding | None = None
        seconds: dict[str, float] = {}
        begun = time.perf_counter()
        cut = ""
        try:
            with contextlib.closing(self._stream(messages, config)) as stream:
                for said in stream:
                    seconds.setdefault("first_token", time.perf_counter() - begun)
                    if grounding is None or said.anew:
                        grounding = Grounding(question, passages, self._wording, self._judge)
                    if grounding.feed(said.text) or said.anew:
                        yield _partial(blank, grounding, seconds)
                    if grounding.refused:
                        break
        except WritingError as error:
            cut = error.reason
            failed = error
        else:
            failed = WritingError(f"{self.name} wrote nothing that stands in the articles")
        if grounding is None:
            raise failed
        grounding.finish(cut=bool(cut))
        if grounding.refused:
            trace = Trace(question, seconds)
            yield replace(blank, kind="abstention", trace=trace, complete=True)
        elif not grounding.supported:
            raise failed
        else:
            notices = (*blank.notices, *self._fewer(len(passages), len(given)))
            yield self._whole(replace(blank, notices=notices), grounding, seconds, cut)

    def standalone(self, question: str, history: Sequence[Turn], config: RunnableConfig) -> str:
        said = conversation(history)

        def messages(room: int) -> Messages:
            while len(said) > 1 and tokens_of("\n".join(said)) > room - _AROUND_HISTORY:
                said.pop(0)
            return self._rewriting.messages(history="\n".join(said), question=inert(question))

        text = ""
        with contextlib.closing(self._stream(messages, config)) as stream:
            for part in stream:
                text = part.text if part.anew else text + part.text
                if len(text) > LONGEST:
                    break
        rewritten = text.strip().strip("\"“”'`").strip()
        if not _may_stand_for(rewritten, question, history):
            raise WritingError(f"{self.name} did not rewrite the question")
        return " ".join(rewritten.split())

    def warm(self) -> None:
        with contextlib.suppress(WritingError):
            self._chat.open()
            if self._loads:
                self._first_word("")

    def check(self) -> float:
        begun = time.perf_counter()
        self._first_word(_FILLER)
        seconds = time.perf_counter() - begun
        if context := self._chat.context:
            raise WritingError(
                f"{self.name} cannot be given {self._chat.prompt_tokens:,} tokens (prompt_tokens), as its "
                f"context is too small{context.quoted}",
                context.remedy,
            )
        return seconds

    def close(self) -> None:
        self._chat.close()

    def _first_word(self, filler: str) -> None:
        """Wait for the first word, with as much `filler` for passages as there is room for."""

        def messages(room: int) -> Messages:
            count = max(0, 4 * (room - tokens_of(self._answering.system)) - AROUND)
            text = filler * (count // max(1, len(filler)))
            return self._answering.messages(
                sources=text, found="", today="", question="Are you there?"
            )

        with contextlib.closing(self._chat.said(messages, {})) as said:
            if next(said, None) is None:
                raise WritingError(f"{self.name} wrote nothing")

    def _whole(
        self, blank: Answer, grounding: Grounding, seconds: dict[str, float], cut: str
    ) -> Answer:
        told = list(blank.notices)
        sentences = _count(grounding.unsupported, "sentence")
        if cut:
            told.append(self._phrases.say("cut_off", reason=cut))
        if grounding.unsupported and self._wording.unsupported == "mark":
            told.append(self._phrases.say("marked", sentences=sentences))
        elif grounding.unsupported:
            told.append(self._phrases.say("left_out", sentences=sentences))
        if grounding.contradicted:
            which = "struck" if self._wording.contradicted == "strike" else "denied_left_out"
            denied = _count(grounding.contradicted, "sentence")
            told.append(self._phrases.say(which, sentences=denied))
        if grounding.corrected:
            marks = _count(grounding.corrected, "citation")
            told.append(self._phrases.say("righted_marks", marks=marks))
        if grounding.unknown:
            marks = _count(grounding.unknown, "citation")
            told.append(self._phrases.say("unknown_marks", marks=marks))
        if grounding.unproved:
            marks = _count(grounding.unproved, "citation")
            told.append(self._phrases.say("unproved_marks", marks=marks))
        proved = sum(statement.supported for statement in grounding.statements)
        share = proved / (proved + grounding.unsupported + grounding.contradicted)
        whole = _partial(blank, grounding, seconds)
        return replace(
            whole, confidence=blank.confidence * share, notices=tuple(told), complete=True
        )

    def _fewer(self, given: int, found: int) -> Iterator[str]:
        """A notice that the model was given fewer passages than it should have been."""
        if (context := self._chat.context) and given < found:
            passages = f"{given} of {_count(found, 'passage')}"
            reason = (
                f"{self.name} was given {passages}, as its context is too small{context.quoted}"
            )
            yield f"{reason}. {context.remedy}"

    def _stream(
        self, messages: Callable[[int], Messages], config: RunnableConfig
    ) -> Generator[Said]:
        """What the model writes, without its thoughts, as it comes and as text that can be stored.
        Raises WritingError as `Chat.said` does."""
        thoughts = Thoughts(held=self._unopened)
        with contextlib.closing(self._chat.said(messages, config)) as said:
            try:
                for text in whole(said):
                    if any(found := thoughts.feed(text)):
                        yield found
            except WritingError as error:
                silent = thoughts.thinking
                if any(found := thoughts.finish(cut=True)):
                    yield found
                if not silent:
                    raise
                raise WritingError(
                    f"{error.reason}, while it was still thinking",
                    "Give it more room with answer_tokens, or switch its thinking off.",
                ) from None
        thinking = thoughts.thinking
        if any(found := thoughts.finish()):
            yield found
        elif thinking:
            raise WritingError(
                f"{self.name} wrote nothing but its thoughts",
                "Give it more room with answer_tokens, or switch its thinking off.",
            )
        if thoughts.unopened:
            self._unopened = True


def _partial(blank: Answer, grounding: Grounding, seconds: dict[str, float]) -> Answer:
    return replace(
        blank,
        text=grounding.text,
        statements=grounding.statements,
        citations=grounding.citations,
        trace=Trace(blank.trace.question, seconds),
        complete=False,
    )


def _may_stand_for(rewritten: str, question: str, history: Sequence[Turn]) -> bool:
    """Whether it is a one-line question whose names and numbers were all mentioned before."""
    if not rewritten or "\n" in rewritten or len(rewritten) > max(_QUESTION, 2 * len(question)):
        return False
    said = " ".join([question, *(turn.text for turn in history)]).lower()
    asked = re.findall(r"[^\W\d_][\w’'-]*|\d[\d.,:]*\d|\d", rewritten)
    names = [w for n, w in enumerate(asked) if w[0].isdigit() or (n > 0 and w[0].isupper())]
    return all(re.sub(r"[’']s?$", "", name.lower()) in said for name in names)


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"


_FOUND_TOKENS = 200  # of room for what the readers found
_AROUND_HISTORY = 300  # tokens of the prompt that asks for a rewrite
_FILLER = "The ministry said that the meeting is held in Dakar on July 9. "
_QUESTION = 300  # characters of a question made to stand alone
