"""Where articles disagree, and where one corrects another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from assistant import Answer
from assistant.reading.confidence import Calibration, Logistic
from assistant.reading.reader import Reading, Scored, Verdict
from tests.fake_reader import FakeReader, fake_assistant
from vectorstore import Article, Passage

QUESTION = "How many people had to leave their homes in the flood?"
OLDER = Article(
    "gazette",
    "The flood",
    "In the flood 340 people had to leave their homes.",
    source="Gazette",
    published=date(2025, 9, 18),
)
NEWER = Article(
    "echo",
    "The flood",
    "More than 520 people had to leave their homes in the flood.",
    source="Echo",
    published=date(2025, 9, 19),
)
CORRECTED = Article(
    "echo",
    "The flood",
    "In the flood 520 people had to leave their homes, not 340 people as first reported.",
    source="Echo",
    published=date(2025, 9, 20),
)
SAYS = {"how many": ["More than 520 people", "520 people", "340 people"]}
OTHERWISE = {"no": ["340", "520"]}


def ask(folder: Path, *articles: Article, verdicts: dict[str, list[str]] | None = None) -> Answer:
    reader = FakeReader(SAYS, verdicts=OTHERWISE if verdicts is None else verdicts)
    with fake_assistant(folder, articles, reader=reader) as assistant:
        answer = assistant.answer(QUESTION)
    texts = {article.id: article.text for article in articles}
    for citation in answer.citations:
        assert texts[citation.article_id][citation.start : citation.end] == citation.quote
    return answer


@pytest.mark.parametrize("articles", [(OLDER, NEWER), (NEWER, OLDER)])
def test_both_sides_are_told_the_newest_first_with_the_papers_names(
    tmp_path: Path, articles: tuple[Article, ...]
) -> None:
    answer = ask(tmp_path, *articles)
    assert answer.text == (
        "Your sources disagree.\n\n"
        "Echo (19 September 2025): More than 520 people. [1]\n\n"
        "Gazette (18 September 2025): 340 people. [2]"
    )
    assert [(p.text, p.citations, p.published) for p in answer.positions] == [
        ("More than 520 people.", (1,), date(2025, 9, 19)),
        ("340 people.", (2,), date(2025, 9, 18)),
    ]
    assert answer.short == "More than 520 people"
    assert len(answer.citations) == 2


# The older article cannot know the newer value; what the judge makes of that does not count.
@pytest.mark.parametrize(
    "verdicts", [OTHERWISE, {"no": ["as first reported"], "yes": ["In the flood 340"]}]
)
def test_a_newer_article_that_names_the_older_value_corrects_it(
    tmp_path: Path, verdicts: dict[str, list[str]]
) -> None:
    answer = ask(tmp_path, OLDER, CORRECTED, verdicts=verdicts)
    assert answer.text == (
        "520 people. [1]\n\nEarlier, Gazette (18 September 2025) had it as 340 people [2]."
    )
    assert answer.positions == ()
    assert answer.short == "520 people"


class Undecided(FakeReader):
    """Prefers the value that a correction repeats, and finds the new one, too."""

    def _reading(self, passage: Passage, phrases: Sequence[str]) -> Reading:
        reading = super()._reading(passage, phrases)
        start = passage.text.find("520 people")
        other = Scored(passage.start + start, passage.start + start + 10, -3.0)
        return replace(reading, spans=(*reading.spans, *((other,) if start >= 0 else ())))


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("CORRECTION: the flood", "520 people. [1]\n\nEarlier, Gazette (18 September 2025)"),
        ("Corrected: the flood", "520 people. [1]\n\nEarlier, Gazette (18 September 2025)"),
        ("The flood, counted correctly", "340 people. [1]"),
    ],
)
def test_an_article_headed_as_a_correction_gives_the_value_that_counts(
    tmp_path: Path, title: str, told: str
) -> None:
    reader = Undecided({"how many": ["340 people"]}, verdicts={})
    with fake_assistant(
        tmp_path, [OLDER, replace(CORRECTED, title=title)], reader=reader
    ) as assistant:
        assert assistant.answer(QUESTION).text.startswith(told)


def test_an_article_that_lacks_a_name_of_the_question_is_no_side(tmp_path: Path) -> None:
    text = "In the flood of Ivelifirth 340 people had to leave their homes."
    named = replace(OLDER, id="a", text=text)  # the first of two as likely
    with fake_assistant(
        tmp_path, [named, NEWER], reader=FakeReader(SAYS, verdicts=OTHERWISE)
    ) as assistant:
        assert assistant.answer(QUESTION).positions
        answer = assistant.answer(
            "How many people had to leave their homes in the flood of Ivelifirth?"
        )
    assert answer.text == "340 people. [1]"


PILOT = Article("gazette", "Strike", "Dagmar Flint, a harbour pilot, went home.", source="Gazette")
CHAIR = Article("echo", "Crane", "Dagmar Flint, who chairs a club, protested.", source="Echo")


def test_two_descriptions_of_somebody_are_both_told(tmp_path: Path) -> None:
    says = {"dagmar": ["a harbour pilot", "who chairs a club"]}
    reader = FakeReader(says, verdicts={"no": ["pilot", "chairs"]})
    with fake_assistant(tmp_path, [PILOT, CHAIR], reader=reader) as assistant:
        answer = assistant.answer("Tell me who Dagmar Flint is.")
    assert answer.positions == ()
    assert sorted(answer.text.split("\n\n")) == ["A harbour pilot. [1]", "Chairs a club. [2]"] or (
        sorted(answer.text.split("\n\n")) == ["A harbour pilot. [2]", "Chairs a club. [1]"]
    )


def test_a_description_in_much_the_same_words_is_not_told_again(tmp_path: Path) -> None:
    again = replace(CHAIR, text="Dagmar Flint, the harbour pilot of the year, protested.")
    says = {"dagmar": ["a harbour pilot", "the harbour pilot of the year"]}
    with fake_assistant(tmp_path, [PILOT, again], says) as assistant:
        answer = assistant.answer("Tell me who Dagmar Flint is.")
    assert len(answer.citations) == len(answer.statements) == 1


def test_nobody_is_described_by_a_sentence_about_somebody_else(tmp_path: Path) -> None:
    other = Article("other", "Crash", "Iris Flint, who taught physics, died.", source="Post")
    says = {"dagmar": ["who taught physics", "a harbour pilot"]}
    with fake_assistant(tmp_path, [other, PILOT], says) as assistant:
        answer = assistant.answer("Tell me who Dagmar Flint is.")
        assert answer.text == "A harbour pilot. [1]"


def test_what_one_newspaper_says_twice_is_not_confirmed(tmp_path: Path) -> None:
    again = replace(OLDER, id="again", text=f"It is known by now. {OLDER.text}")
    other = replace(again, id="other", source="Echo")
    for second, told in ((again, ()), (other, ("2 independent sources agree: Gazette and Echo.",))):
        folder = tmp_path / second.id
        folder.mkdir()
        reader = FakeReader(SAYS, verdicts={})
        with fake_assistant(folder, [OLDER, second], reader=reader) as assistant:
            assert assistant.answer(QUESTION).notices == told


def test_a_value_within_another_corrects_nothing(tmp_path: Path) -> None:
    text = "In the flood 520 people had to leave their homes, of 1340 people who live there."
    answer = ask(tmp_path, OLDER, replace(CORRECTED, text=text))
    assert answer.text.startswith("Your sources disagree.")


def test_what_the_judge_does_not_call_a_contradiction_is_none(tmp_path: Path) -> None:
    answer = ask(tmp_path, OLDER, NEWER, verdicts={})
    assert answer.positions == ()
    assert len(answer.citations) == 1


def test_one_article_does_not_disagree_with_itself(tmp_path: Path) -> None:
    assert ask(tmp_path, CORRECTED).positions == ()


def test_an_article_without_a_date_is_told_last(tmp_path: Path) -> None:
    undated = Article("echo", "The flood", NEWER.text, source="Echo")
    answer = ask(tmp_path, OLDER, undated)
    assert [p.published for p in answer.positions] == [date(2025, 9, 18), None]
    assert "Echo (no date)" in answer.text


OFF = Article(
    "record",
    "The inquiry",
    "The detectors had been off for weeks before the blaze.",
    source="Record",
    published=date(2026, 9, 29),
)
ON = Article(
    "times",
    "The blaze",
    "Before the blaze the detectors had been maintained.",
    source="Times",
    published=date(2026, 3, 6),
)
JUDGING = Calibration({"verdict": Logistic({"sure": 1.0}, 0.0)}, 0.5)
WERE_ON = "Were the detectors on before the blaze?"


@pytest.mark.parametrize("other", ["no", "yes"])
def test_where_one_article_settles_it_with_yes_and_another_with_no_both_are_told(
    tmp_path: Path, other: str
) -> None:
    said = {"were": ["been maintained", "off for weeks"]}
    judged = {"yes": ["maintained"]}
    judged[other] = [*judged.get(other, []), "off for weeks"]
    reader = FakeReader(said, verdicts=judged, calibration=JUDGING)
    with fake_assistant(tmp_path, [ON, OFF], reader=reader) as assistant:
        answer = assistant.answer(WERE_ON)
    if other == "yes":
        assert (answer.short, answer.positions) == ("Yes", ())
        return
    assert answer.text == (
        "Your sources disagree.\n\n"
        "Record (29 September 2026): No: The detectors had been off for weeks before the blaze. [1]\n\n"
        "Times (6 March 2026): Yes: Before the blaze the detectors had been maintained. [2]"
    )
    assert answer.short == "No"
    assert [p.citations for p in answer.positions] == [(1,), (2,)]


def test_what_only_comes_close_is_no_side(tmp_path: Path) -> None:
    reader = FakeReader(
        {"were": ["been maintained"]},
        verdicts={"yes": ["main"], "no": ["weeks"]},
        calibration=JUDGING,
    )
    with fake_assistant(tmp_path, [ON, OFF], reader=reader) as assistant:
        answer = assistant.answer(WERE_ON)
    assert (answer.short, answer.positions) == ("Yes", ())


class ReaderOfTwoMatters(FakeReader):
    """A judge for whom neither passage says anything about what the other says."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        found = super().read(question, passages)
        if question == WERE_ON:
            return found
        return [replace(reading, verdict=Verdict(0.0, 0.0, 1.0)) for reading in found]


def test_yes_and_no_to_different_matters_are_no_disagreement(tmp_path: Path) -> None:
    reader = ReaderOfTwoMatters(
        {"were": ["been maintained", "off for weeks"]},
        verdicts={"yes": ["maintained"], "no": ["off for weeks"]},
        calibration=JUDGING,
    )
    with fake_assistant(tmp_path, [ON, OFF], reader=reader) as assistant:
        assert assistant.answer(WERE_ON).positions == ()
