"""What may be stored and asked for: arguments that make no sense are refused before anything is done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from vectorstore.articles import Article, Filter
from vectorstore.errors import ArticleError, SearchError

_MODES = ("hybrid", "words", "vectors")
_MOST = 1_000
_LONGEST_QUERY = 2_000  # characters; the embedding model sees about 1,000


def refuse_what_cannot_be_stored(articles: Sequence[Article]) -> None:
    """Raises ArticleError, naming the article."""
    seen: set[str] = set()
    for article in articles:
        if not isinstance(article, Article):
            raise ArticleError(
                f"{type(article).__name__} is not an Article. Give Article(id=…, …)."
            )
        name = repr(article.id)[:80]
        _refuse_wrong_types(name, article)
        if not article.id.strip():
            raise ArticleError("an article has an empty id. Give every article an id of its own.")
        if article.id in seen:
            raise ArticleError(f"two articles have the id {name}. Give each an id of its own.")
        seen.add(article.id)
        if not article.text.strip():
            raise ArticleError(f"the article {name} has no text. Leave it out, or give it a text.")
        for value in (*_strings(article), *article.authors, *article.tags):
            _refuse_lone_surrogates(name, value)


def _refuse_wrong_types(name: str, article: Article) -> None:
    if not all(isinstance(value, str) for value in _strings(article)):
        wrong = "id, title, text, source, url and language are strings"
    elif isinstance(article.authors, str) or not all(isinstance(a, str) for a in article.authors):
        wrong = "authors are a tuple of strings"
    elif isinstance(article.tags, str) or not all(isinstance(tag, str) for tag in article.tags):
        wrong = "tags are a tuple of strings"
    elif not all(type(page) is int for page in article.pages):
        wrong = "pages are a tuple of offsets"
    elif article.published is not None and (
        # To Python a datetime is a date, but which day it is depends on the place.
        not isinstance(article.published, date) or isinstance(article.published, datetime)
    ):
        wrong = "published is a datetime.date or None"
    else:
        return
    raise ArticleError(f"the article {name} cannot be stored: {wrong}. Correct it and try again.")


def _strings(article: Article) -> tuple[str, ...]:
    return (
        article.id,
        article.title,
        article.text,
        article.source,
        article.url,
        article.language,
    )


def _refuse_lone_surrogates(name: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ArticleError(
            f"the article {name} is not valid Unicode: {value[error.start]!r} at character "
            f"{error.start} is half of a pair. Decode the file again with its real encoding, or "
            "replace it."
        ) from error


def checked_query(query: str, k: int, mode: str, where: Filter) -> str:
    """The query, made searchable. Raises SearchError for arguments that make no sense."""
    if mode not in _MODES:
        raise SearchError(f"mode is {mode!r}; give one of {', '.join(_MODES)}.")
    if not isinstance(query, str):
        raise SearchError(
            f"the query is {type(query).__name__}, not text. Give the words to look for."
        )
    given = {"sources": where.sources, "articles": where.articles}
    given |= {"authors": where.authors, "tags": where.tags}
    for name, names in given.items():
        for each in names or ():
            if not isinstance(each, str) or (not each.isascii() and _half_a_pair(each)):
                raise SearchError(f"{name} has {each!r}; give a list of texts.")
    if type(k) is not int or not 1 <= k <= _MOST:
        raise SearchError(f"k is {k!r}; give a number from 1 to {_MOST}.")
    for name, day in (("after", where.after), ("before", where.before)):
        if day is not None and (not isinstance(day, date) or isinstance(day, datetime)):
            raise SearchError(f"{name} is {day!r}; give a datetime.date.")
    if where.after is not None and where.before is not None and where.after > where.before:
        raise SearchError(f"after ({where.after}) is later than before ({where.before}).")
    # Half a surrogate pair matches nothing.
    plain = query[:_LONGEST_QUERY].encode(errors="replace").decode().strip()
    if not plain:
        raise SearchError("the query is empty. Give the words to look for.")
    return plain


def _half_a_pair(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
