"""The assistant's branches of the one tree drawn in `vectorstore.errors`."""

from __future__ import annotations

from vectorstore.errors import DatelineError


class QuestionError(DatelineError):
    """The question is empty, too long, or not text."""


class EmptyIndexError(DatelineError):
    """The index holds no article, so nothing can be answered."""


class SettingsError(DatelineError):
    """A setting is unknown, or its value is unusable."""


class ModelError(DatelineError):
    """The reader or a chat model cannot be loaded or used."""


class QuestionsError(DatelineError):
    """A file of questions with known answers cannot be used; the message names the line."""


class CalibrationError(DatelineError):
    """A reader cannot be calibrated, or its calibration not be kept."""
