"""What a reasoning model thinks aloud, taken out of what it says.

    thoughts = Thoughts()
    thoughts.feed("<think>Norway? No.</think>It is held in Dakar.")     Said("It is held in Dakar.")
    thoughts.feed("Hm, Dakar.</think>")     Said("", anew=True): what was said before was thought

Thoughts that are sent beside the answer, as `reasoning_content`, `reasoning` or `thinking`, or as
content of the type "thinking" or "reasoning", are left out when a chunk's text is taken. What
remains are thoughts in the text itself:

| begins with | ends with | written by |
|---|---|---|
| <think>, <thinking>, <thought>, <reasoning>, <reason>, <reflection>, <analysis>, <scratchpad> | the same with a slash | DeepSeek-R1, Qwen3, GLM, EXAONE, and any model asked to |
| the same with a prefix, as <seed:think> | </seed:think> | Seed-OSS |
| nothing: the chat template has opened it | any of the ends in this table | DeepSeek-R1, QwQ, Step3, ERNIE |
| [THINK] | [/THINK] | Magistral |
| ◁think▷ | ◁/think▷ | Kimi-VL |
| <|channel>thought | <channel|> | Gemma 4 |
| <unused94>thought | <unused95> | MedGemma |
| <|channel|>analysis<|message|>, …commentary… | <|end|>, or the next <|channel|> | gpt-oss (harmony) |
| "analysis", without harmony's marks | "assistantfinal" | gpt-oss behind a server that drops them |
| <|START_THINKING|> | <|END_THINKING|> | Command A Reasoning |
| <|begin_of_thought|> | <|end_of_thought|> | OpenThinker, Sky-T1 |
| <|inner_prefix|> | <|inner_suffix|> | Apertus |
| "Here is my thought process:" | "Here is my response:" | Granite 3.2 |
| "Thinking..." on a line | "...done thinking." | Ollama's own program |

Whatever comes before <answer>, <response>, <|START_RESPONSE|>, <|begin_of_solution|> or harmony's
"final" is thought as well. Their tags, and special tokens that a server lets through (<|im_end|>,
</s>), are not part of the text. However the text is cut, the result is the same; it knows neither
sentences nor marks.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple


class Said(NamedTuple):
    """What is said next. `anew` means that everything before it in this answer was thought."""

    text: str
    anew: bool = False


class Thoughts:
    """One answer as it comes. For one stream, by one thread.

    With `held`, nothing is said until the thoughts or the text have ended: for a model that is
    known to close thoughts that it did not open. `thinking` says whether it is thinking now, and
    `unopened` whether it has thought without marking the beginning.
    """

    def __init__(self, *, held: bool = False) -> None:
        self.unopened = False
        self._held = held
        self._kept = ""  # what is said, while it is held
        self._buffer = ""
        self._at = 0  # how much of it has been read
        self._mode: Literal["begin", "said", "thought", "heading"] = "begin"
        self._heading = ""  # of a message in harmony: its role, or its channel
        self._channel = False
        self._closing: re.Pattern[str] | None = None  # what ends thoughts that no tag has begun
        self._anything = False  # whether more than blanks was said
        self._apart = False  # whether thoughts came between what was said and what follows

    @property
    def thinking(self) -> bool:
        return self._held or self._mode in ("thought", "heading")

    def feed(self, text: str) -> Said:
        self._buffer += text
        return self._read(last=False)

    def finish(self, *, cut: bool = False) -> Said:
        """What was held back, now that the text has ended; if it was `cut` off, what was `held` was
        thought."""
        said = self._read(last=True)
        kept = "" if cut and self._held else self._kept
        return Said(kept + said.text, said.anew)

    def _read(self, *, last: bool) -> Said:
        said: list[str] = []
        anew = False
        if self._mode == "begin" and not self._begun(last=last):
            return Said("")
        while (token := self._next(last=last)) is not None:
            text, mark = token
            if text:
                self._take(text, said)
            if mark and self._turn(mark):
                anew = anew or (self._anything and not self._held)
                self.unopened = self.unopened or self._anything
                self._anything = self._apart = False
                self._kept, self._held = "", False
                said.clear()
        self._buffer, self._at = self._buffer[self._at :], 0
        if self._held:
            self._kept += "".join(said)
            return Said("")
        return Said("".join(said), anew)

    def _begun(self, *, last: bool) -> bool:
        """Whether it is known if the text begins with thoughts that no tag opens."""
        begun = self._buffer.lstrip()
        if not last and any(opening.startswith(begun.lower()) for opening, _ in _PLAIN):
            return False
        self._mode = "said"
        for opening, closing in _PLAIN:
            rest = begun[len(opening) :]
            # "analysis" in lower case with a capital right after it; the others in any case.
            if begun.lower().startswith(opening) and (
                opening != "analysis" or (begun.startswith(opening) and rest[:1].isupper())
            ):
                self._mode, self._closing = "thought", closing
                self._buffer = rest
        return True

    def _next(self, *, last: bool) -> tuple[str, str] | None:
        """The text before the next mark, and that mark, "" if it is incomplete; None at the end."""
        buffer, at = self._buffer, self._at
        if at == len(buffer):
            return None
        found = _MARK.search(buffer, at)
        if self._closing is not None and (ended := self._closing.search(buffer, at)):
            found = ended if found is None or ended.start() < found.start() else found
        if found is not None:
            self._at = found.end()
            return buffer[at : found.start()], found[0]
        self._at = len(buffer)
        if not last and (begun := _BEGUN.search(buffer, at)):
            self._at = begun.start()
        if not last and self._closing is not None:
            self._at = max(at, min(self._at, len(buffer) - _LONGEST_CLOSING))
        return (buffer[at : self._at], "") if at < self._at else None

    def _take(self, text: str, said: list[str]) -> None:
        if self._mode == "heading":
            self._heading += text[:_LONGEST_CLOSING]
        if self._mode != "said":
            return
        if self._apart and self._anything and not text[:1].isspace():
            text = f" {text}"
        self._apart = False
        self._anything = self._anything or bool(text.strip())
        said.append(text)

    def _turn(self, mark: str) -> bool:
        """Take a mark. Returns whether everything before it was thought."""
        if self._closing is not None and self._closing.fullmatch(mark):
            self._closing = None
            return self._say()
        name = re.sub(r"[<>|｜\[\]◁▷]", "", mark).strip().lower()
        ends, name = name.startswith("/"), (name.removeprefix("/").split() or [""])[0]
        if mark in ("<|start|>", "<|channel|>", "<|message|>"):
            return self._harmony(name)
        if mark in ("<|end|>", "<|return|>", "<|call|>"):
            return self._say() if self._mode == "heading" else self._leave()
        if name in _ANSWERS:
            return not ends and self._say(anew=True)
        if name in _OPENINGS or mark == "<|channel>":
            self._mode = "thought"
        elif name in _ENDINGS or mark == "<channel|>":
            return self._say()
        elif name.rpartition(":")[2] in _THINKING:
            if ends:
                return self._say()
            self._mode = "thought"
        return False

    def _harmony(self, name: str) -> bool:
        if name == "message":
            final = not self._channel or self._heading.strip().lower().startswith("final")
            channel, self._channel = self._channel, False
            if self._mode == "heading" and not final:
                self._mode = "thought"
                return False
            return self._say(anew=channel)
        self._mode, self._heading, self._channel = "heading", "", name == "channel"
        return False

    def _leave(self) -> bool:
        """Thoughts end here, if it is thinking."""
        if self._mode == "thought":
            self._say()
        return False

    def _say(self, *, anew: bool = False) -> bool:
        """From here on it speaks. Returns whether it was thinking before, with no opening tag."""
        before = anew or self._mode == "said"
        self._mode = "said"
        self._closing = None
        self._apart = True
        return before


_THINKING = frozenset(
    ("think", "thinking", "thought", "thoughts", "reason", "reasoning", "reflection", "analysis",
     "scratchpad", "inner_monologue", "antthinking", "thought_process", "chain_of_thought")
)  # fmt: skip
_OPENINGS = frozenset(("start_thinking", "begin_of_thought", "inner_prefix", "unused94"))
_ENDINGS = frozenset(("end_thinking", "end_of_thought", "inner_suffix", "unused95"))
_ANSWERS = frozenset(
    ("answer", "final_answer", "final", "response", "output", "solution", "start_response",
     "begin_of_solution")
)  # fmt: skip
_GRANITE = re.compile(r"here(?:['’]s| is) my (?:response|answer):", re.IGNORECASE)
_PLAIN = (
    ("analysis", re.compile(r"assistant\s*final(?:\s*message)?")),
    ("here's my thought process:", _GRANITE),
    ("here’s my thought process:", _GRANITE),
    ("here is my thought process:", _GRANITE),
    ("thinking...\n", re.compile(r"\.\.\.done thinking\.")),
)
_LONGEST_CLOSING = 32  # characters
_TAGS = "|".join(sorted({*_THINKING, *_ANSWERS} - {"start_response", "begin_of_solution"}))
_MARK = re.compile(
    rf"</?(?:\w{{1,20}}:)?(?:{_TAGS})(?:\s[^<>]{{0,80}})?>"
    r"|<[|｜][^<>|｜\s]{1,40}[|｜]>|<\|\w{1,20}>|<\w{1,20}\|>|<unused\d+>"
    r"|</?s>|<(?:start|end)_of_turn>|<[be]os>"
    r"|\[/?THINK\]|◁/?think▷",
    re.IGNORECASE,
)
# What may yet become one: an opening bracket near the end, with nothing after it that no mark has.
_BEGUN = re.compile(
    r"(?:<(?:[/|｜]?[\w:|｜▁/-]{0,44}|/?[\w:]{1,40}\s[^<>]{0,80})|\[/?T?H?I?N?K?|◁[/\w]{0,6})\Z",
    re.IGNORECASE,
)
