"""Answers questions about your own articles, each answer proved by quoted passages.

    from dateline import Assistant, Settings, answer

The public names of `assistant` and `vectorstore` in one place; both can still be imported directly.
Importing this package loads no model and no heavy library.
"""

from assistant import (
    Answer,
    Assistant,
    Citation,
    DatelineError,
    EmptyIndexError,
    ModelError,
    Position,
    QuestionError,
    Settings,
    SettingsError,
    Statement,
    Trace,
    Turn,
    answer,
)
from vectorstore import (
    AddReport,
    Article,
    Filter,
    Finding,
    Hit,
    Index,
    Passage,
    Progress,
    Skipped,
)

__all__ = [
    "AddReport",
    "Answer",
    "Article",
    "Assistant",
    "Citation",
    "DatelineError",
    "EmptyIndexError",
    "Filter",
    "Finding",
    "Hit",
    "Index",
    "ModelError",
    "Passage",
    "Position",
    "Progress",
    "QuestionError",
    "Settings",
    "SettingsError",
    "Skipped",
    "Statement",
    "Trace",
    "Turn",
    "answer",
]
