"""Calibration: what it learns, where it is kept, which reader it applies to, and the command."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from assistant import Assistant, Settings
from assistant.cli import app
from assistant.errors import CalibrationError, QuestionsError
from assistant.evaluation.calibrating import Judged, Option, auc, fit, judge, keep, logistic
from assistant.evaluation.judging import Verdict
from assistant.evaluation.labelled import LabelledQuestion
from assistant.reading.confidence import load_calibration
from assistant.reading.network import open_reader
from assistant.reading.reader import Reading
from assistant.resources import weights_folder
from tests.fake_index import FakeIndex
from tests.fake_reader import FakeReader, no_vector
from vectorstore import Article, Passage

NAMES = "ferry bridge tunnel school library theatre museum market stadium harbour airport prison"
ARTICLES = [
    Article(id=name, title=name, text=f"The {name} costs {number} million.")
    for number, name in enumerate(NAMES.split(), start=11)
]
QUESTIONS = [
    LabelledQuestion(f"what costs the {name}", (f"{number} million",), (name,))
    for number, name in enumerate(NAMES.split(), start=11)
]
ANSWERS = {name: [f"{number} million"] for number, name in enumerate(NAMES.split(), start=11)}


CALIBRATION = {
    "forms": {"span": {"weights": {"score": 1}, "intercept": 0}},
    "threshold": 0.5,
}


class LoudReader(FakeReader):
    """Scores everything a hundred higher, so its raw score always claims certainty."""

    def __init__(self) -> None:
        super().__init__(ANSWERS, name="loud", calibration=None)

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        return [
            replace(
                reading,
                score=reading.score + 100,
                spans=tuple(span._replace(score=span.score + 100) for span in reading.spans),
            )
            for reading in super().read(question, passages)
        ]


def loud_assistant(folder: Path, reader: FakeReader | None = None) -> Assistant:
    index = FakeIndex(folder / "articles.json")
    index.add_articles(ARTICLES)
    return Assistant(index, reader or LoudReader(), Settings(index=folder), None, no_vector)


def test_a_reader_that_is_always_sure_refuses_once_calibrated(tmp_path: Path) -> None:
    nonsense = "what costs the moon"
    with loud_assistant(tmp_path) as assistant:
        before = assistant.answer(nonsense)
        assert before.answered
        assert any("calibrated" in notice for notice in before.notices)
        file = keep(fit(list(judge(assistant, QUESTIONS))), assistant)
    reader = LoudReader()
    reader.calibration = load_calibration(file)
    with loud_assistant(tmp_path, reader) as assistant:
        after = assistant.answer(nonsense)
        assert not after.answered
        assert after.notices == ()
        assert assistant.answer("what costs the ferry").short == "11 million"
        assert assistant.threshold == json.loads(file.read_text("utf-8"))["threshold"]


def test_a_question_is_asked_again_without_its_article(tmp_path: Path) -> None:
    with loud_assistant(tmp_path) as assistant:
        judged = list(judge(assistant, QUESTIONS[:1]))
    assert [each.kind for each in judged] == ["answerable", "absent"]
    spans = [[one for one in each.options if one.form == "span"] for each in judged]
    assert [[one.verdict for one in found] for found in spans] == [["right"], ["wrong"]]


def test_the_right_words_in_another_article_are_not_right(tmp_path: Path) -> None:
    elsewhere = LabelledQuestion("what costs the ferry", ("11 million",), ("bridge",))
    with loud_assistant(tmp_path) as assistant:
        assert {option.verdict for option in next(judge(assistant, [elsewhere])).options} == {
            "wrong"
        }


def test_an_unknown_article_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    reader = LoudReader()
    with loud_assistant(tmp_path, reader) as assistant, pytest.raises(QuestionsError):
        list(judge(assistant, [LabelledQuestion("who?", ("Ada",), ("none",), line=3)]))
    assert reader.asked == []


def test_too_few_questions_are_refused_with_how_many_it_takes(tmp_path: Path) -> None:
    with loud_assistant(tmp_path) as assistant:
        judged = list(judge(assistant, QUESTIONS[:4]))
    with pytest.raises(CalibrationError, match=r"answers to 4 questions.*at least 10"):
        fit(judged)


def test_the_regression_finds_the_weights_that_made_the_data() -> None:
    chance = np.random.default_rng(3)
    rows = chance.normal(size=(4_000, 2))
    truth = 1 / (1 + np.exp(-(2.0 * rows[:, 0] - 1.0 * rows[:, 1] + 0.5)))
    labels = (chance.random(len(rows)) < truth).astype(float)
    assert logistic(rows, labels) == pytest.approx([2.0, -1.0, 0.5], abs=0.2)


def test_perfectly_separated_data_have_finite_weights() -> None:
    rows = np.array([[-1.0]] * 20 + [[1.0]] * 20)
    weights = logistic(rows, (rows[:, 0] > 0).astype(float))
    assert np.isfinite(weights).all()
    assert weights[0] > 1


def test_the_area_counts_pairs_and_half_of_the_ties() -> None:
    assert auc(np.array([3.0, 2.0, 1.0]), np.array([True, False, False])) == 1.0
    assert auc(np.array([1.0, 1.0]), np.array([True, False])) == 0.5
    assert auc(np.array([1.0, 2.0]), np.array([True, False])) == 0.0


OUTCOMES: tuple[tuple[str, Verdict, float], ...] = (
    ("answerable", "right", 2.0),
    ("unanswerable", "wrong", -1.0),
)


def option(form: str, score: float, told: Verdict, suited: float = 1.0) -> Option:
    suits = ("span", "explain") if form == "span" else (form,)
    return Option(form, form, suits, suited, 0.0, {"score": score}, told)


def test_the_curve_refuses_more_as_the_threshold_rises() -> None:
    judged = [
        Judged(kind, "", (option("span", score, right),))
        for kind, right, at in OUTCOMES
        for score in (at, at + 0.5, at - 0.5)
        for _ in range(5)
    ]
    fitted = fit(judged)
    refused = [row["others_refused"] for row in fitted["curve"]]
    assert refused == sorted(refused)
    assert fitted["at_threshold"]["answerable_right"] == 1.0
    assert fitted["at_threshold"]["others_refused"] == 1.0
    assert fitted["curve"][0]["unanswerable_refused"] <= 1.0


# -- where it is kept --------------------------------------------------------------------------


def test_a_form_is_fitted_on_the_questions_that_want_it() -> None:
    """A list does not answer a question that does not ask for one, whatever it contains."""
    judged = []
    for kind, told, score in OUTCOMES * 30:
        judged.append(Judged(kind, "", (option("span", score, told), option("list", 9.0, "right"))))
    fitted = fit(judged)
    assert set(fitted["forms"]) == {"span"}
    assert fitted["auc"] > 0.95


def test_an_answer_in_a_form_that_is_hardly_wanted_is_hardly_sure() -> None:
    judged = []
    for wanted in ("", "yesno"):
        asked = 0.9 if wanted else 0.1
        for kind, told, score in OUTCOMES * 15:
            span = option("span", score, told, 1 - asked)
            judged.append(Judged(kind, wanted, (span, option("yesno", score, told, asked))))
    fitted = fit(judged)
    assert set(fitted["forms"]) == {"span", "yesno"}
    assert fitted["best_right"] == 1.0  # each kind is answered in its own form


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that looks like a reader's; it is never loaded."""
    folder = tmp_path / "reader"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def kept(tmp_path: Path, folder: Path) -> Path:
    with loud_assistant(tmp_path) as assistant:
        fitted = fit(list(judge(assistant, QUESTIONS)))
        other = Assistant(assistant.index, open_reader(str(folder)), assistant.settings)
        return keep(fitted, other)


def test_it_is_used_for_the_weights_it_was_made_for_and_no_others(
    tmp_path: Path, folder: Path
) -> None:
    calibrations = Settings(index=tmp_path).calibrations
    assert open_reader(str(folder), calibrations).calibration is None
    file = kept(tmp_path, folder)
    found = open_reader(str(folder), calibrations).calibration
    assert found is not None
    assert found.file == file
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert open_reader(str(folder), calibrations).calibration is None


def test_it_comes_before_the_one_beside_the_weights(tmp_path: Path, folder: Path) -> None:
    calibrations = Settings(index=tmp_path).calibrations
    beside = folder / "calibration.json"
    beside.write_text(json.dumps(CALIBRATION | {"threshold": 0.77}))
    first = open_reader(str(folder), calibrations).calibration
    assert first is not None
    assert first.threshold == 0.77
    file = kept(tmp_path, folder)
    second = open_reader(str(folder), calibrations).calibration
    assert second is not None
    assert second.file == file


def test_one_beside_other_weights_is_passed_over(tmp_path: Path, folder: Path) -> None:
    beside = CALIBRATION | {"reader_sha256": "0" * 64}
    (folder / "calibration.json").write_text(json.dumps(beside))
    assert open_reader(str(folder)).calibration is None


def test_calibrating_again_replaces_it_and_leaves_no_draft(tmp_path: Path, folder: Path) -> None:
    first, second = kept(tmp_path, folder), kept(tmp_path, folder)
    assert first == second
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_a_folder_that_takes_no_file_is_told(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "calibrations").write_text("in the way")
    with pytest.raises(CalibrationError, match="cannot be kept"):
        kept(tmp_path, folder)


# -- the command -------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_command_calibrates_and_doctor_tells(tmp_path: Path) -> None:
    index = tmp_path / "index"
    file = tmp_path / "questions.jsonl"
    with Assistant.open(Settings(index=index)) as assistant:
        assistant.index.add_articles(ARTICLES)
    file.write_text(
        "\n".join(
            json.dumps(
                {
                    "question": f"What does the {a.id} cost?",
                    "answers": [a.text[-11:-1]],
                    "article": a.id,
                }
            )
            for a in ARTICLES
        ),
        "utf-8",
    )

    def run(*arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, ["--index", str(index), *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    told = run("doctor")[1]
    assert str(weights_folder() / "calibration.json") in told
    assert not re.search(r"[{}'\"]\w+[{}'\"]", told)  # nothing in a program's notation
    code, stdout, _ = run("calibrate", str(file), "--json")
    found = json.loads(stdout)
    assert code == 0
    assert 0 < found["threshold"] < 1
    told = run("doctor")[1]
    assert found["file"] in told
    assert found["data"] in told
    assert re.fullmatch(r"\d+ questions with an answer and \d+ without", found["data"])
    assert sum(found["kinds"].values()) == sum(map(int, re.findall(r"\d+", found["data"])))
    with Assistant.open(Settings(index=index)) as assistant:
        assert assistant.threshold == found["threshold"]
    shutil.rmtree(index / "calibrations")
    assert str(weights_folder() / "calibration.json") in run("doctor")[1]

    file.write_text(file.read_text("utf-8").split("\n")[0], "utf-8")
    code, stdout, stderr = run("calibrate", str(file), "--json")
    assert (code, stdout) == (1, "")
    assert "at least 10" in stderr
