"""What a person would call the source of an article whose file names none: the file name without
the characters that are there for the computer; or its folder, if the name says nothing.

    source_name("month.zip/00_abberley.txt")        "Abberley"
    source_name("council minutes/2025-07-12.pdf")   "Council minutes"
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_NUMBERED = re.compile(r"\A\d{1,4}[_ .-]+(?=[^\W\d_])")
_HYPHEN = re.compile(r"(?<=[^\W\d_])-(?=\w)|(?<=\w)-(?=[^\W\d_])")
# Names given by programs, and numbers: they tell one file from the next, but not what it is.
_SAYS_NOTHING = re.compile(
    r"(?:(?:index|default|page|article|untitled|document|export|download|text|file|scan|img)s?|"
    r"(?=[0-9a-f-]*\d)[0-9a-f-]{8,}+|[\W\d_]*+|inbox|part)[ _(-]*\d*\)?",
    re.IGNORECASE,
)


def source_name(path: str) -> str:
    """The last part of `path` with a meaningful name, as a person would write it."""
    parts = [part for part in PurePosixPath(path).parts if part != "/"]
    stems = [PurePosixPath(part).stem for part in parts[-1:]]
    stems += [part.removesuffix(".zip") for part in reversed(parts[-3:-1])]
    stems = [_NUMBERED.sub("", stem) for stem in stems]
    told = next((stem for stem in stems if not _SAYS_NOTHING.fullmatch(stem)), None)
    if told is None:
        return stems[0] if stems else path
    told = told if " " in told else _HYPHEN.sub(" ", told)
    told = " ".join(told.replace("_", " ").split())
    return told[:1].upper() + told[1:] if told.islower() else told
