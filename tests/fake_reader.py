"""A reader that knows its answers in advance, and an assistant made of fakes around it.

    reader = FakeReader({"co-chairs": ["France and Saudi Arabia"]})
    reader.read("who co-chairs the meeting?", passages)
    assistant = fake_assistant(tmp_path, [Article(...)], {"co-chairs": ["France and Saudi Arabia"]})

A passage containing a phrase given for a word of the question is read as that phrase, with a score
of 4, and the sentence around it is its evidence; any other as its first word, with a score of -4.
With `verdicts`, a passage containing a phrase gives that phrase's verdict on a statement: {"no":
["never opened"]}. It loads nothing. The assistant's index has one passage per article and finds by
words alone (see fake_index.py); its intents are recognised by a question's first words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assistant import Assistant, Settings
from assistant.reading.confidence import UNCALIBRATED, Calibration
from assistant.reading.reader import Reading, Scored, Verdict
from assistant.writing.generating import Writer
from tests.fake_index import FakeIndex
from vectorstore import Article, Passage
from vectorstore.splitting import sentences

SURE = 4.0

Answers = Mapping[str, Sequence[str]]
_VERDICTS = {"yes": Verdict(0.96, 0.02, 0.02), "no": Verdict(0.02, 0.96, 0.02)}
_NOT_STATED = Verdict(0.02, 0.02, 0.96)


class FakeReader:
    def __init__(
        self,
        answers: Answers | None = None,
        *,
        verdicts: Answers | None = None,
        judges: bool = True,
        name: str = "fake",
        calibration: Calibration | None = UNCALIBRATED,
    ) -> None:
        self.name = name
        self.calibration = calibration
        self.sha256 = name
        self.asked: list[str] = []
        self._answers = answers or {}
        self._verdicts = verdicts or {}
        self._judges = judges

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        self.asked.append(question)
        # What is asked last counts most: the question may follow a conversation.
        places = {word: question.lower().rfind(word.lower()) for word in self._answers}
        words = sorted((w for w, at in places.items() if at >= 0), key=lambda w: -places[w])
        phrases = [phrase for word in words for phrase in self._answers[word]]
        return [self._reading(passage, phrases) for passage in passages]

    def _reading(self, passage: Passage, phrases: Sequence[str]) -> Reading:
        phrase = next((phrase for phrase in phrases if phrase in passage.text), None)
        if phrase is not None:
            start, score = passage.text.index(phrase), SURE
        else:
            word = re.search(r"\S+", passage.text)
            start, phrase = (word.start(), word[0]) if word else (0, "")
            score = -SURE
        end = start + len(phrase)
        base = passage.start
        evidence = tuple(
            Scored(
                base + span.start,
                base + span.end,
                SURE if score > 0 and span.start < end and start < span.end else -SURE,
            )
            for span in sentences(passage.text)
        )
        verdict = next(
            (
                _VERDICTS[said]
                for said, told in self._verdicts.items()
                if any(one in passage.text for one in told)
            ),
            _NOT_STATED,
        )
        best = Scored(base + start, base + end, score)
        return Reading(
            passage,
            *best[:2],
            phrase,
            score,
            (best,) if phrase else (),
            evidence,
            verdict if self._judges else None,
        )


def no_vector(_: str) -> Any:
    """A question's embedding where only its words are to tell what is wanted."""
    return np.zeros(384, np.float32)


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
    return Assistant(index, reader or FakeReader(answers), settings, writer, no_vector)
