"""A reader that knows its answers in advance, and an assistant made of fakes around it.

    reader = FakeReader({"co-chairs": ["France and Saudi Arabia"]})
    reader.read("who co-chairs the meeting?", passages)
    assistant = fake_assistant(tmp_path, [Article(...)], {"co-chairs": ["France and Saudi Arabia"]})

A passage that holds a phrase told for a word of the question is read as that phrase, with a score
of 4; every other as its first word, with a score of -4. It loads nothing. The assistant's index has
one passage an article and finds by words alone (see fake_index.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from assistant import Assistant, Settings
from assistant.confidence import UNCALIBRATED, Calibration
from assistant.reader import Reading
from assistant.writing.generating import Writer
from tests.fake_index import FakeIndex
from vectorstore import Article, Passage

SURE = 4.0

Answers = Mapping[str, Sequence[str]]


class FakeReader:
    def __init__(
        self,
        answers: Answers | None = None,
        *,
        name: str = "fake",
        calibration: Calibration | None = UNCALIBRATED,
    ) -> None:
        self.name = name
        self.calibration = calibration
        self.sha256 = name
        self.asked: list[str] = []
        self._answers = answers or {}

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        self.asked.append(question)
        phrases = [
            phrase
            for word, told in self._answers.items()
            if word.lower() in question.lower()
            for phrase in told
        ]
        return [_reading(passage, phrases) for passage in passages]


def _reading(passage: Passage, phrases: Sequence[str]) -> Reading:
    phrase = next((phrase for phrase in phrases if phrase in passage.text), None)
    if phrase is not None:
        start, score = passage.text.index(phrase), SURE
    else:
        word = re.search(r"\S+", passage.text)
        start, phrase = (word.start(), word[0]) if word else (0, "")
        score = -SURE
    begin = passage.start + start
    return Reading(passage, begin, begin + len(phrase), phrase, score)


def fake_assistant(
    folder: Path,
    articles: Iterable[Article],
    answers: Answers | None = None,
    *,
    reader: FakeReader | None = None,
    threshold: float | None = None,
    writer: Writer | None = None,
) -> Assistant:
    index = FakeIndex(folder / "articles.json")
    index.add_articles(articles)
    settings = Settings(index=folder, threshold=threshold)
    return Assistant(index, reader or FakeReader(answers), settings, writer)
