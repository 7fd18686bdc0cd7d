"""Markdown with front matter in YAML, TOML or JSON: title, date, author or authors, source, url, language, and
tags, categories or keywords.

A head of such lines without fences is read if it cannot be meant as text: see `head`. A file in
which front matter with a title begins several times is that many articles; so are texts separated
by rules that `bundle` recognises.

The article's text is everything after the line that closes the front matter, verbatim. Other keys
are ignored. Every value is read as the characters written there (`title: 1984` is "1984", `no` is
a language), and YAML's aliases and tags do nothing, so front matter can neither expand nor run
anything.

An invalid date or address is left out, with a notice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from vectorstore.articles import Skipped
from vectorstore.errors import LoadingError
from vectorstore.loading.bundle import unbundled
from vectorstore.loading.dates import Days
from vectorstore.loading.draft import Draft, apart, first_line, language_code, shorten, web_address
from vectorstore.loading.fields import names_of, tags_of
from vectorstore.loading.head import without_head
from vectorstore.loading.text import decode

_OPENING = re.compile(r"---[ \t]*\r?\n")
_CLOSING = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.MULTILINE)
_FRONT_MATTER = re.compile(
    r"^---[ \t]*\r?\n(?:(?:[A-Za-z_][\w -]*:|[ \t-]|#)[^\n]*\n){1,60}?(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)",
    re.MULTILINE,
)
_TITLE = re.compile(r"^title:", re.IGNORECASE | re.MULTILINE)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(\S.*)$", re.MULTILINE)
_LONGEST = 10_000  # characters of front matter: YAML takes a second for some ten thousand tokens
_LONGEST_HEADING = 1_000
_TAGS = ("tags", "tag", "categories", "category", "keywords", "topics")
_UNQUOTED = "mapping values are not allowed here"
_SIMPLE = re.compile(r"([A-Za-z][\w-]*):[ \t]+([^\s\[{&*!|>#].*)")
_WITH_COLON = re.compile(r":(?:\s|\Z)")
_IN_QUOTES = re.compile(r"\"[^\"]*\"|'(?:[^']|'')*'")
_TOML = re.compile(
    r"\+\+\+[ \t]*\r?\n(.{0,10000}?)^\+\+\+[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)
_DEEPEST = 20  # levels of nesting in front matter


def parse(content: bytes, name: str) -> Iterator[Draft | Skipped]:  # noqa: ARG001 - a Parser
    """One article, or several, of which any with unreadable front matter is yielded as Skipped.
    Raises LoadingError, with the line, if that of a single article cannot be read."""
    whole = decode(content)
    starts = [
        found.start()
        for found in _FRONT_MATTER.finditer(whole)
        if _TITLE.search(found[0]) is not None
    ]
    if len(starts) < 2 or whole[: starts[0]].strip():
        yield from _articles(whole)
        return
    drafts: list[Draft | Skipped] = []
    for start, end in pairwise([*starts, len(whole)]):
        try:
            drafts += _articles(whole[start:end])
        except LoadingError as error:
            line = whole.count("\n", 0, start) + 1
            drafts.append(Skipped(f"the article from line {line} on", f"in its {error}"))
    yield from apart(drafts)


def _articles(whole: str) -> Iterator[Draft]:
    headed = without_head(whole)
    if headed is None:
        draft = _fronted(whole)
    else:
        draft = headed if len(list(unbundled(Draft(whole)))) == 1 else Draft(whole)
    for each in unbundled(draft):
        title = each.title or _heading(each.text) or first_line(each.text)
        yield replace(each, title=title)


def _fronted(whole: str) -> Draft:
    """A text with what its front matter says about it."""
    fields, text = _front_matter(whole)
    values = {key: value for key, (value, _) in fields.items()}
    notices = []
    dated = "date" if "date" in values else "published"
    given = values.get(dated) or None
    if given in ("true", "false"):  # as Jekyll says whether it is a draft
        given = None
    published = Days([given]).day(given)
    if given and published is None:
        notices.append(
            f"front matter, line {fields[dated][1]}: {dated} {given!r} names no day and was left out; "
            "write it as 2025-07-26"
        )
    url = _scalar(values.get("url"))
    if url and not web_address(url):
        notices.append(
            f"front matter, line {fields['url'][1]}: url {url!r} is not an http or https address, "
            "and was left out"
        )
    if str(values.get("draft")).lower() == "true" or str(values.get("published")) == "false":
        notices.append("its front matter says that it is a draft")
    return Draft(
        text,
        title=_scalar(values.get("title")),
        published=published,
        authors=names_of(values.get("authors") or values.get("author")),
        source=_scalar(values.get("source")),
        url=web_address(url),
        language=language_code(_scalar(values.get("language"))),
        notices=tuple(notices),
        tags=tags_of(*map(values.get, _TAGS)),
    )


def _front_matter(whole: str) -> tuple[dict[str, tuple[Any, int]], str]:
    """The fields with the line of each, and the text after them."""
    if found := _TOML.match(whole):
        return _toml_fields(found[1]), whole[found.end() :]
    if whole.startswith("{") and (headed := _json_fields(whole)):
        return headed
    opening = _OPENING.match(whole)
    closing = _CLOSING.search(whole, opening.end()) if opening else None
    if opening is None or closing is None:
        return {}, whole
    written = whole[opening.end() : closing.start()]
    if len(written) > _LONGEST:
        raise LoadingError(f"its front matter is longer than {_LONGEST:,} characters")
    fields = _fields(written)
    # Two rules around prose are Markdown too: then none of it is front matter.
    return ({}, whole) if fields is None else (fields, whole[closing.end() :])


def _json_fields(whole: str) -> tuple[dict[str, tuple[Any, int]], str] | None:
    """The fields of a JSON object with a title, which Hugo reads as front matter, and the text after
    it; None if it is text."""
    try:
        values, end = json.JSONDecoder().raw_decode(whole[:_LONGEST])
    except (ValueError, RecursionError):
        return None
    after = re.match(r"[ \t]*\r?\n(?:[ \t]*\r?\n)*", whole[end:])
    if "title" not in values or after is None:
        return None
    fields = {
        name.lower(): (value if isinstance(value, list) else str(value), 1)
        for name, value in values.items()
    }
    return fields, whole[end + after.end() :]


def _toml_fields(written: str) -> dict[str, tuple[Any, int]]:
    """Raises LoadingError if it is not TOML."""
    import tomllib

    try:
        values = tomllib.loads(written)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise LoadingError(f"its front matter is not TOML: {error}") from error
    inner = [each for name, each in values.items() if name in ("taxonomies", "params", "extra")]
    for each in inner:  # where Hugo and Zola put tags and authors
        values = each | values if isinstance(each, dict) else values
    return {
        name.lower(): (value if isinstance(value, list) else str(value), 2)
        for name, value in values.items()
    }


def _fields(written: str) -> dict[str, tuple[Any, int]] | None:
    import yaml

    class Shallow(yaml.BaseLoader):
        """Limits nesting, whatever Python would allow: each level makes every token slower."""

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
        if error.problem == _UNQUOTED and (quoted := _quoted(written)) != written:
            return _fields(quoted)
        line = error.problem_mark.line + 2 if error.problem_mark else 2
        raise LoadingError(
            f"front matter, line {line}: {error.problem or error.context}"
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise LoadingError(f"its front matter is not YAML: {error}") from error
    return fields


def _quoted(written: str) -> str:
    """Front matter with quotes around values that contain a colon, as YAML wants it and many people
    don't know."""

    def quote(line: str) -> str:
        found = _SIMPLE.fullmatch(line.rstrip())
        if found is None or not _WITH_COLON.search(found[2]) or _IN_QUOTES.fullmatch(found[2]):
            return line
        value = found[2].strip("\"'").replace("'", "''")
        return f"{found[1]}: '{value}'"

    return "\n".join(map(quote, written.split("\n")))


def _plain(node: Any) -> Any:
    """A scalar's characters, or those of a list's scalars (of a mapping in it, its `name`)."""
    import yaml

    if isinstance(node, yaml.ScalarNode):
        empty = node.style is None and node.value.lower() in ("", "~", "null")
        return "" if empty else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value if not isinstance(item, yaml.SequenceNode)]
    # No deeper than this: with aliases, a few lines can nest endlessly.
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
