"""Answers questions about your own articles, every answer proved by quoted passages.

    from assistant import Assistant, Settings, Turn, answer

Importing this package loads no model and no heavy library.
"""

from assistant.answers import Answer, Citation, Position, Statement, Trace, Turn
from assistant.errors import EmptyIndexError, ModelError, QuestionError, SettingsError
from assistant.factory import Assistant, answer
from assistant.settings import Settings
from vectorstore.errors import DatelineError

__all__ = [
    "Answer",
    "Assistant",
    "Citation",
    "DatelineError",
    "EmptyIndexError",
    "ModelError",
    "Position",
    "QuestionError",
    "Settings",
    "SettingsError",
    "Statement",
    "Trace",
    "Turn",
    "answer",
]
