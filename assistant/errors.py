"""The assistant's branches of the one tree drawn in `vectorstore.errors`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vectorstore.errors import DatelineError


class QuestionError(DatelineError):
    """The question is empty, too long, or not text."""


class TooManyQuestionsError(QuestionError):
    """More questions than are accepted at once, or per minute from one visitor; `wait` is the number of
    seconds after which another may be."""

    def __init__(self, told: str, wait: int = 10) -> None:
        super().__init__(told)
        self.wait = wait


class GivenUpError(DatelineError):
    """Nobody waits for the answer any more, so it is not looked for to the end."""


class CrowdedError(DatelineError):
    """So many passwords from an address wait to be checked that no more are accepted; `wait` is the
    number of seconds until one may be."""

    def __init__(self, wait: float) -> None:
        self.wait = math.ceil(wait)
        super().__init__(
            f"several other passwords from this address are being checked; try again in {self.wait} s"
        )


class CollectionError(DatelineError):
    """A collection cannot be made or removed, or there is none of that name."""


class UnknownCollectionError(CollectionError):
    """There is no collection of that name; the message lists those there are."""

    def __init__(self, name: str, there: Sequence[str]) -> None:
        known = f"there are {', '.join(there)}" if there else "there is none yet"
        super().__init__(
            f"there is no collection {name!r:.80}; {known}. `dateline collections create NAME` makes one."
        )


class AccessKeyError(DatelineError):
    """A program's key cannot be made, or there is none of that name."""


class ConversationNotFoundError(DatelineError):
    """The visitor has no conversation or answer of this id."""


class QuoteNotFoundError(DatelineError):
    """The visitor has saved no quote of this id."""


class NoPictureError(DatelineError):
    """There is no picture of this page: the article is not from a PDF, the PDF is gone or has
    changed, has no such page, or cannot be drawn."""


class EmptyIndexError(DatelineError):
    """The index holds no article, so nothing can be answered."""


class SettingsError(DatelineError):
    """A setting is unknown, or its value is unusable."""


class ModelError(DatelineError):
    """The reader or a chat model cannot be loaded or used."""


class UnknownModelError(DatelineError):
    """No such model can be chosen here (any more); the message lists those that can."""

    def __init__(self, name: str, there: Sequence[str]) -> None:
        known = f"there are {', '.join(there)}" if there else "there is none"
        super().__init__(
            f"there is no model {name!r:.200} to choose here; {known}. Choose another, or set "
            "DATELINE_MODELS."
        )


class WritingError(ModelError):
    """The chat model wrote no usable answer.

    `reason` says what happened, in words for a reader of the answer; `remedy` says what whoever set
    up the model can do. `unreachable` is True if the next call would fail as well, `off` if there
    is no model to call.
    """

    def __init__(
        self, reason: str, remedy: str = "", *, unreachable: bool = False, off: bool = False
    ) -> None:
        super().__init__(f"{reason}. {remedy}".rstrip())
        self.reason = reason
        self.remedy = remedy
        self.unreachable = unreachable
        self.off = off


class QuestionsError(DatelineError):
    """A file of questions with known answers cannot be used; the message names the line."""


class CalibrationError(DatelineError):
    """A reader cannot be calibrated, or its calibration cannot be saved."""
