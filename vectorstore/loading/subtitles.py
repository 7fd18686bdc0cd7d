"""Subtitles and transcripts (.srt, .vtt): what was said, as running text.

pysubs2 reads them. Lines into which a sentence was broken for the screen are joined; a paragraph
begins when the speaker changes, after a silence, or when the last one has become long. What a
caption repeats from the one before, as rolling captions do, is included once. Times are left out.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from vectorstore.errors import LoadingError
from vectorstore.loading.draft import Draft
from vectorstore.loading.markup import sound, tidy
from vectorstore.loading.text import decode

_SILENCE = 4_000  # milliseconds
_ROLLING = (
    100  # milliseconds between captions that repeat each other's lines; later, they are said again
)
_LONG = 600  # characters, after which a paragraph ends with its sentence
_SPEAKER = re.compile(r"<v(?:\.[\w.]+)?\s+([^>]{1,80})>", re.IGNORECASE)
_DASH = re.compile(r"^\s*[-–—]\s*(?=\S)")
_TAG = re.compile(r"</?[a-z][^<>]{0,200}>|\{\\[^{}]{0,200}\}|<\d[\d:.]*>", re.IGNORECASE)
_ENDS = re.compile(r"[.!?…]['\"’”)\]]*\Z")


def parse(content: bytes, name: str) -> Iterator[Draft]:
    """One article. Raises LoadingError if there are no captions in it."""
    import pysubs2

    written = decode(content)
    kind = "vtt" if written.lstrip("\ufeff").startswith("WEBVTT") else "srt"
    try:
        captions = pysubs2.SSAFile.from_string(written, format_=kind, keep_html_tags=True)
    except (pysubs2.exceptions.Pysubs2Error, ValueError, IndexError) as error:
        raise LoadingError(f"is not a subtitle file: {error}") from error
    text = tidy(sound(_running(captions, kind)))
    if not text:
        raise LoadingError("has no captions in it")
    yield Draft(text, title=_title(name))


def _running(captions: object, kind: str) -> str:
    """The captions as paragraphs."""
    whole = ""
    paragraph = ""
    before: list[str] = []
    ended = None
    named = False  # whether the paragraph has a speaker's name
    for caption in captions:  # type: ignore[attr-defined]
        raw = str(caption.text).replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
        spoken = _SPEAKER.search(raw)
        plain = _TAG.sub("", raw)
        plain = html.unescape(plain) if kind == "vtt" else plain
        lines = [" ".join(line.split()) for line in plain.split("\n")]
        lines = [line for line in lines if line]
        pause = 0 if ended is None else caption.start - ended
        rolls = pause <= _ROLLING
        fresh = [line for line in lines if not rolls or line not in before]
        before = lines
        if not fresh:
            continue
        silent = pause > _SILENCE
        ended = caption.end
        other = spoken is not None or _DASH.match(fresh[0]) is not None
        other = other or (named and _ENDS.search(paragraph) is not None)
        full = len(paragraph) > _LONG and _ENDS.search(paragraph) is not None
        if paragraph and (silent or other or full):
            whole += f"{paragraph}\n\n"
            paragraph = ""
        if not paragraph:
            named = spoken is not None
        if spoken and not paragraph:
            fresh[0] = f"{' '.join(spoken[1].split())}: {fresh[0]}"
        for line in fresh:
            begins = paragraph and _DASH.match(line)
            paragraph += ("\n\n" if begins else " " if paragraph else "") + _DASH.sub("", line)
    return whole + paragraph


def _title(name: str) -> str:
    """The film's title, from the file name, without the language suffix."""
    from vectorstore.loading.naming import source_name

    return source_name(
        re.sub(
            r"(?:\.[a-z]{2,3}(?:-[A-Za-z]{2,4})?)?\.(?:srt|vtt)\Z",
            ".srt",
            name,
            flags=re.IGNORECASE,
        )
    )
