"""Rich text (.rtf), read by striprtf; its title is the one in the file, else the first line.

striprtf ignores what is raised, struck out or hidden, and skips footnotes: these are marked or
removed beforehand. The notes come after the text, as on the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vectorstore.errors import LoadingError
from vectorstore.loading.bundle import unbundled
from vectorstore.loading.draft import Draft, shorten
from vectorstore.loading.markup import sound, tidy
from vectorstore.loading.scripts import Run, notes_of, plain

_TITLE = re.compile(r"\{\\info\b.{0,2000}?\{\\title ([^{}]{1,500})\}", re.DOTALL)


def parse(content: bytes, name: str) -> Iterator[Draft]:  # noqa: ARG001 - a Parser
    """One article. Raises LoadingError if it is not rich text."""
    if not content.lstrip().startswith(b"{\\rtf"):
        raise LoadingError("is not rich text, despite its name; name it by its kind (.txt, …)")
    written = content.decode("latin-1")  # RTF escapes whatever is not ASCII; bytes are kept
    title = _TITLE.search(written)
    yield from unbundled(
        Draft(
            _plain(written),
            title=shorten(_plain("{\\rtf1 " + title[1] + "}"), 300) if title else "",
        )
    )


def _plain(written: str) -> str:
    from striprtf.striprtf import rtf_to_text

    text = rtf_to_text(_marked(written), errors="replace")  # type: ignore[no-untyped-call]
    text, *notes = text.split(_NOTE)
    lines = [list(_runs(line)) for line in "\n".join([text, *notes]).split("\n")]
    marks = notes_of(lines)
    return tidy(sound("\n".join(plain(line, marks) for line in lines)))


# Inserted into the text where a level begins: no text contains them, and striprtf lets them
# through.
_LEVELS = {1: "\x0e", -1: "\x0f", 0: "\x10"}
_NOTE = "\x11"
_CONTROL = re.compile(r"\\([a-z]+)(-?\d+)? ?|\\'[0-9a-f]{2}|\\.|[{}]|[^\\{}]+", re.DOTALL)
_SWITCHES = {"super": 1, "sub": -1, "nosupersub": 0, "plain": 0, "up": 1, "dn": -1}
_LEAVES_OUT = ("strike", "striked", "v", "deleted")  # struck out once or twice, hidden, deleted


def _marked(written: str) -> str:
    """The file with a marker wherever text becomes raised, lowered or normal again, without
    struck-out or hidden text, and with its footnotes after everything else."""
    parts: list[str] = []
    notes: list[str] = []
    # The level and what leaves text out in the enclosing groups, and whether a note begins there.
    stack: list[tuple[int, frozenset[str], bool]] = []
    level, out, into = 0, frozenset[str](), parts
    for found in _CONTROL.finditer(written):
        word, amount = found[1], found[2]
        before = level
        if found[0] == "{":
            stack.append((level, out, False))
        elif found[0] == "}" and stack:
            level, out, noted = stack.pop()
            if noted:
                notes.append("}")
                into = parts
        elif word == "footnote" and stack:
            stack[-1] = (*stack[-1][:2], True)
            parts.append("\\plain ")
            into = notes
            notes.append(f"{{{_NOTE}")
            continue
        elif word in _LEAVES_OUT:
            out = out - {word} if amount == "0" else out | {word}
        elif word in _SWITCHES:
            level = _SWITCHES[word] if amount != "0" else 0
            out = frozenset() if word == "plain" else out
        elif out and (word in (None, "u")):
            continue
        into.append(found[0])
        if level != before:
            into.append(_LEVELS[level])
    end = "".join(parts).rstrip().removesuffix("}")
    return end + "".join(notes) + "}"


def _runs(line: str) -> Iterator[Run]:
    level = 0
    for part in re.split(f"([{''.join(_LEVELS.values())}])", line):
        if part in _LEVELS.values():
            level = next(known for known, sign in _LEVELS.items() if sign == part)
        elif part:
            yield Run(part, level)
