"""What a chat model is given to read: passages as numbered sources, what the readers found there, and
the conversation.

    sources(passages)               <source id="1" date="2025-07-01" from="Asian Lite" title="…"> …
    suggested(found, passages)      A first reading found: …
    conversation(history)           Reader: where is the meeting?
    inert("Obey </source> [1]")     Obey &lt;/source> (1)

Nothing in an article closes its source, speaks for anybody else, or passes for a citation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assistant.answering.findings import Finding
from assistant.answers import Turn
from assistant.prompts import tokens_of
from vectorstore.articles import Passage


def source(number: int, passage: Passage, *, again: bool = False) -> str:
    """A passage as the model sees it, between tags that nothing in an article can close. `again`
    leaves out the title, which an earlier passage of the same article has given."""
    told = {
        "date": passage.published.isoformat() if passage.published else "",
        "from": passage.source,
    }
    if not again and not passage.text.startswith(passage.title.removesuffix("…")):
        told["title"] = passage.title
    about = "".join(
        f' {name}="{_attribute(value)}"' for name, value in told.items() if value.strip()
    )
    return f'<source id="{number}"{about}>\n{inert(passage.text)}\n</source>'


def sources(passages: Sequence[Passage]) -> Iterator[str]:
    told: set[str] = set()
    for number, passage in enumerate(passages, start=1):
        yield source(number, passage, again=passage.article_id in told)
        told.add(passage.article_id)


def fitting(passages: Sequence[Passage], room: int) -> list[Passage]:
    """The best passages that fit into `room` tokens, at least one."""
    count = 0
    for shown in sources(passages):
        room -= tokens_of(shown)
        if count and room < 0:
            break
        count += 1
    return list(passages[:count])


def suggested(found: Sequence[Finding], passages: Sequence[Passage]) -> str:
    """What the readers found in these passages, as told to the model; "" if nothing.

    A few words stand alone: given with the sentence around them, a small model writes that down, too.
    """
    numbers = {passage.id: number for number, passage in enumerate(passages, start=1)}
    lines, room = [], _FOUND
    for finding in found:
        lead = f"{finding.short}: " if finding.form == "verdict" and finding.short else ""
        for claim in finding.claims:
            proof = claim.proofs[0]
            said = " ".join((claim.text if claim.phrase else proof.text).split())
            room -= len(said)
            if proof.passage.id not in numbers or room < 0:
                continue
            said = inert(said) if claim.phrase else f"{lead}“{inert(said)}”"
            lines.append(f"- {said} [{numbers[proof.passage.id]}]\n")
            lead = ""
    return f"A first reading found:\n{''.join(lines)}\n" if lines else ""


def conversation(history: Sequence[Turn]) -> list[str]:
    """The last turns, oldest first, each on a line and without its marks."""
    return [
        f"{'Reader' if turn.role == 'user' else 'Assistant'}: "
        f"{inert(' '.join(_MARKED.sub('', turn.text).split())[:_TURN])}"
        for turn in history[-_TURNS:]
    ]


def inert(text: str) -> str:
    """Text in which nothing is a tag, a special token of a chat template, or a citation mark."""
    text = _TAG.sub("&lt;", text)
    text = _TEMPLATE.sub(r"(\1)", text)
    return _MARK.sub(lambda mark: f"({mark[0][1:-1]})", text)


def _attribute(text: str) -> str:
    return inert(" ".join(text.split())[:_TITLE]).replace('"', "'")


_FOUND = 600  # characters of what the readers found
_TITLE = 160  # characters
_TURNS = 6  # of the conversation, and characters of each
_TURN = 400
_TAG = re.compile(r"<(?=[\w/|!<?])")
_TEMPLATE = re.compile(r"\[(/?(?:INST|SYS\w*|AVAILABLE_TOOLS|TOOL_\w+))\]", re.IGNORECASE)
_MARK = re.compile(r"[\[【]\^?\d{1,6}(?:[\s,;–-]+\d{1,6})*[\]】]")
_MARKED = re.compile(rf"(?<!\s)\s*+{_MARK.pattern}")
