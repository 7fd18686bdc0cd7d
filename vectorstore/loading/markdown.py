"""Markdown with YAML front matter: title, date, author or authors, source, url, language, and
tags, categories or keywords.

Without its fences, a head of such lines is read where it cannot be meant as text: see `head`.

The article's text is everything after the line that closes the front matter, verbatim. Other keys
are ignored. Every value is read as the characters written there (`title: 1984` is "1984", `no` is
a language), and YAML's aliases and tags do nothing, so no front matter can grow or run anything.

A date or address that is none makes the file unusable, on purpose: an article filed under no day
would be left out by every search for days, in silence; refused, its author is told the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from vectorstore.errors import LoadingError
from vectorstore.loading.draft import Draft, first_line, language_code, shorten, web_address
from vectorstore.loading.fields import day_of, names_of, tags_of
from vectorstore.loading.head import without_head
from vectorstore.loading.text import decode

_OPENING = re.compile(r"---[ \t]*\r?\n")
_CLOSING = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.MULTILINE)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(\S.*)$", re.MULTILINE)
_LONGEST = 10_000  # characters of front matter: YAML takes a second for some ten thousand tokens
_LONGEST_HEADING = 1_000
_TAGS = ("tags", "tag", "categories", "category", "keywords", "topics")
_DEEPEST = 20  # levels of what stands in front matter


def parse(content: bytes, name: str) -> Iterator[Draft]:  # noqa: ARG001 - a Parser
    """One article. Raises LoadingError, with the line, where the front matter cannot be read."""
    whole = decode(content)
    headed = without_head(whole)
    if headed is not None:
        title = headed.title or _heading(headed.text) or first_line(headed.text)
        yield replace(headed, title=title)
        return
    fields, text = _front_matter(whole)
    lines = {key: line for key, (_, line) in fields.items()}
    values = {key: value for key, (value, _) in fields.items()}
    try:
        dated = "date" if "date" in values else "published"
        published = day_of(values.get(dated), dated)
        authors = names_of(values.get("authors") or values.get("author"))
    except LoadingError as error:
        raise LoadingError(f"front matter, line {lines.get(dated, 1)}: {error}") from error
    url = _scalar(values.get("url"))
    if url and not web_address(url):
        raise LoadingError(
            f"front matter, line {lines['url']}: url {url!r} is not an http or https address"
        )
    yield Draft(
        text,
        title=_scalar(values.get("title")) or _heading(text) or first_line(text),
        published=published,
        authors=authors,
        source=_scalar(values.get("source")),
        url=url,
        language=language_code(_scalar(values.get("language"))),
        tags=tags_of(*map(values.get, _TAGS)),
    )


def _front_matter(whole: str) -> tuple[dict[str, tuple[Any, int]], str]:
    """The fields with the line of each, and the text after them."""
    opening = _OPENING.match(whole)
    closing = _CLOSING.search(whole, opening.end()) if opening else None
    if opening is None or closing is None:
        return {}, whole
    written = whole[opening.end() : closing.start()]
    if len(written) > _LONGEST:
        raise LoadingError(f"its front matter is longer than {_LONGEST:,} characters")
    fields = _fields(written)
    # Two rules around prose are Markdown too: then nothing of it is front matter.
    return ({}, whole) if fields is None else (fields, whole[closing.end() :])


def _fields(written: str) -> dict[str, tuple[Any, int]] | None:
    import yaml

    class Shallow(yaml.BaseLoader):
        """Goes only so deep, whatever Python would let it: each level makes each token dearer."""

        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            self.depth += 1
            if self.depth > _DEEPEST:
                mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
                raise yaml.composer.ComposerError(None, None, "is nested too deeply", mark)
            try:
                return super().compose_node(parent, index)
            finally:
                self.depth -= 1

    try:
        node = yaml.compose(written, Loader=Shallow)
        if node is None:
            return {}
        if isinstance(node, yaml.ScalarNode):
            return None
        if not isinstance(node, yaml.MappingNode):
            raise LoadingError("front matter, line 2: is not of the form `key: value`")
        fields = {}
        for key, value in node.value:
            fields[str(key.value).lower()] = (_plain(value), key.start_mark.line + 2)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 2
        raise LoadingError(
            f"front matter, line {line}: {error.problem or error.context}"
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise LoadingError(f"its front matter is not YAML: {error}") from error
    return fields


def _plain(node: Any) -> Any:
    """A scalar's characters, or those of a list's scalars (of a mapping in it, its `name`)."""
    import yaml

    if isinstance(node, yaml.ScalarNode):
        empty = node.style is None and node.value.lower() in ("", "~", "null")
        return "" if empty else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value if not isinstance(item, yaml.SequenceNode)]
    # No deeper than this: with aliases, a few lines can nest without end.
    names = (value for key, value in node.value if key.value == "name")
    return next((_plain(value) for value in names if isinstance(value, yaml.ScalarNode)), "")


def _scalar(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _heading(text: str) -> str:
    found = _HEADING.search(text)
    if found is None:
        return ""
    heading = found[1][:_LONGEST_HEADING].rstrip(" \t\r#")
    words = re.sub(r"!?\[([^\[\]]*+)\]\((?:[^()]++|\([^()]*+\))*+\)", r"\1", heading)
    return shorten(re.sub(r"[*`]|(?<!\w)_|_(?!\w)", "", words))
