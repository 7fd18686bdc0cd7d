"""The tree of errors. Every message says what failed, on what, and what to do next.

DatelineError
├── ArticleError            an article cannot be stored as given
│   └── ArticleNotFoundError    no article has this id
├── LoadingError            a file or page cannot be read
│   └── FetchError              an address cannot or may not be fetched
│       └── UnreachableError        its server is not answering at the moment
├── StoreError              the index cannot be used
│   ├── StoreBusyError          another process holds it and cannot serve us
│   ├── StoreFormatError        not an index, or one of another version
│   └── StoreDamagedError       the file that holds the articles is damaged
├── EmbeddingError          the embedding model cannot be loaded or run
├── SearchError             a search that makes no sense (mode, k, dates)
├── QuestionError           a question that cannot be asked          (assistant)
│   └── TooManyQuestionsError   more than are accepted at once, or in a minute
├── GivenUpError            nobody waits for the answer any more      (assistant)
├── CrowdedError             too many passwords waiting to be checked (assistant)
├── AccessKeyError           a program's key: no such name, or taken  (assistant)
├── ConversationNotFoundError   this visitor has none with that id   (assistant)
├── QuoteNotFoundError       this visitor has no saved quote with that id (assistant)
├── NoPictureError          a page of a PDF cannot be shown          (assistant)
├── EmptyIndexError         there is nothing to answer from          (assistant)
├── SettingsError           a setting is unknown or unusable         (assistant)
└── ModelError              the reader or a chat model cannot be used (assistant)
    └── WritingError            the chat model wrote no usable answer
"""

from __future__ import annotations


class DatelineError(Exception):
    """The root: catch this to catch everything the project raises on purpose."""


class ArticleError(DatelineError):
    """An article cannot be stored as given; nothing from the call was stored."""


class ArticleNotFoundError(ArticleError):
    """No article in the index has this id."""


class LoadingError(DatelineError):
    """A file, folder or page cannot be read as articles."""


class FetchError(LoadingError):
    """An address cannot be fetched, or may not be."""


class UnreachableError(FetchError):
    """The server cannot be reached, or says that it cannot answer now: try again later, after
    `wait` seconds if it says how long it wants to be left alone."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


class StoreError(DatelineError):
    """The index cannot be opened or used."""


class StoreBusyError(StoreError):
    """Another process holds the index and cannot be asked to serve this one."""


class StoreFormatError(StoreError):
    """The folder is not an index, belongs to another program, or is of a newer version."""


class StoreDamagedError(StoreError):
    """The SQLite file that holds the articles is damaged."""


class EmbeddingError(DatelineError):
    """The embedding model cannot be found, loaded or run."""


class SearchError(DatelineError):
    """The arguments of a search make no sense."""
