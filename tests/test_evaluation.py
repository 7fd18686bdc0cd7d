"""Evaluation: failures really caused at every stage, the figures, the report, and the command."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant import Assistant, Settings
from assistant.answers import Turn
from assistant.cli import app
from assistant.errors import QuestionsError
from assistant.evaluation.evaluating import Evaluation, Stage, evaluate, report, risk_coverage_plot
from assistant.evaluation.labelled import LabelledQuestion, Place, to_line
from tests.fake_index import FakeIndex
from tests.fake_reader import FakeReader, fake_assistant
from vectorstore import Article

FERRY = Article(
    id="ferry-1", title="The ferry", text="The new ferry costs 38 million, said Ada Wren."
)
BRIDGE = Article(id="bridge-2", title="The bridge", text="The old bridge costs 12 million.")
ARTICLES = (FERRY, BRIDGE)
ANSWERS = {"ferry": ["38 million"], "bridge": ["12 million"]}


def asked(
    question: str, *answers: str, article: str = "ferry-1", **more: object
) -> LabelledQuestion:
    articles = (article,) if answers and article else ()
    return LabelledQuestion(question, answers, articles, **more)  # type: ignore[arg-type]


def evaluated(
    folder: Path,
    *questions: LabelledQuestion,
    answers: dict[str, list[str]] | None = None,
    articles: Sequence[Article] = ARTICLES,
) -> Evaluation:
    with fake_assistant(folder, articles, ANSWERS if answers is None else answers) as assistant:
        return evaluate(assistant, questions)


def only_stage(evaluation: Evaluation) -> Stage | None:
    (outcome,) = evaluation.outcomes
    return outcome.stage


# -- stages ------------------------------------------------------------------------------------


def test_a_right_answer_and_a_right_refusal_have_no_failed_stage(tmp_path: Path) -> None:
    found = evaluated(
        tmp_path, asked("what costs the ferry", "38 million"), asked("who owns the moon")
    )
    assert [(o.right, o.stage) for o in found.outcomes] == [(True, None), (False, None)]


def test_an_article_that_shares_no_word_is_not_retrieved(tmp_path: Path) -> None:
    question = asked("how dear is this boat", "38 million")
    assert only_stage(evaluated(tmp_path, question)) == "not retrieved"


def test_a_passage_found_and_never_read_is_ranked_low(tmp_path: Path) -> None:
    index = FakeIndex(tmp_path / "articles.json")
    index.add_articles(ARTICLES)
    settings = Settings(index=tmp_path, passages_read=1)
    # Two words of the question occur in the bridge's article, one in the ferry's.
    question = asked("what costs the old million", "38 million", "38 million,")
    with Assistant(index, FakeReader(), settings) as assistant:
        (outcome,) = evaluate(assistant, [question]).outcomes
    assert (outcome.stage, outcome.rank) == ("ranked low", 2)


def test_another_passage_preferred_to_the_right_one_is_ranked_low(tmp_path: Path) -> None:
    found = evaluated(
        tmp_path, asked("what costs the ferry", "38 million"), answers={"ferry": ["12 million"]}
    )
    assert only_stage(found) == "ranked low"


def test_the_wrong_words_of_the_right_passage_are_misread(tmp_path: Path) -> None:
    found = evaluated(
        tmp_path, asked("what costs the ferry", "38 million"), answers={"ferry": ["Ada Wren"]}
    )
    assert only_stage(found) == "misread"


def test_the_right_words_from_the_wrong_article_are_not_right(tmp_path: Path) -> None:
    other = Article(id="other-3", title="Another", text="A ferry elsewhere costs 38 million too.")
    found = evaluated(
        tmp_path,
        asked("what costs the ferry", "38 million", article="bridge-2"),
        articles=(BRIDGE, other),
        answers={"ferry": ["38 million"]},
    )
    assert [(o.match.contained, o.right) for o in found.outcomes] == [(True, False)]
    assert only_stage(found) == "ranked low"


def test_a_refusal_with_the_right_passage_read_is_wrong(tmp_path: Path) -> None:
    found = evaluated(tmp_path, asked("what costs the ferry", "38 million"), answers={})
    assert only_stage(found) == "wrongly refused"


def test_an_answer_that_the_articles_do_not_give_is_wrong(tmp_path: Path) -> None:
    assert only_stage(evaluated(tmp_path, asked("what sank the ferry"))) == "wrongly answered"


def test_a_cited_copy_of_the_article_proves_as_much(tmp_path: Path) -> None:
    copy = Article(id="wire-9", title="Wire", text=FERRY.text)
    found = evaluated(
        tmp_path,
        asked("what costs the ferry", "38 million", article="wire-9"),
        articles=(FERRY, copy),
    )
    assert only_stage(found) is None


# -- figures -----------------------------------------------------------------------------------


def test_the_figures_of_four_questions_worked_out_by_hand(tmp_path: Path) -> None:
    found = evaluated(
        tmp_path,
        asked("what costs the ferry", "38 million"),  # right
        asked("what costs the old bridge", "13 million", article="bridge-2"),  # misread
        asked("who owns the moon"),  # refused
        asked("what sank the ferry"),  # answered, wrongly
    )
    figures = found.figures()
    assert figures["recall_1"] == 1.0
    assert (figures["exact"], figures["contained"], figures["right"]) == (0.5, 0.5, 0.5)
    assert figures["f1"] == pytest.approx((1 + 0.5) / 2)
    assert figures["answer_precision"] == pytest.approx(1 / 3)
    assert (figures["refusal_precision"], figures["refusal_recall"]) == (1.0, 0.5)
    assert found.stages() == {
        "not retrieved": 0,
        "ranked low": 0,
        "misread": 1,
        "wrongly refused": 0,
        "wrongly answered": 1,
    }


def test_citations_are_measured_against_the_places_to_be_cited(tmp_path: Path) -> None:
    start = FERRY.text.index("38")
    places = (Place("ferry-1", start, start + 10), Place("bridge-2", 0, 10))
    found = evaluated(tmp_path, asked("what costs the ferry", "38 million", spans=places))
    assert found.figures()["citation_precision"] == 1.0
    assert found.figures()["citation_recall"] == 0.5
    also = evaluated(
        tmp_path,
        asked("what costs the ferry", "38 million", spans=places[1:], also=places[:1]),
    )
    assert also.figures()["citation_recall"] == 1.0


def test_what_was_withheld_counts_on_the_curve_and_not_among_the_answers(tmp_path: Path) -> None:
    with fake_assistant(tmp_path, ARTICLES, ANSWERS, threshold=0.99) as assistant:
        found = evaluate(
            assistant, [asked("what costs the ferry", "38 million"), asked("what sank the ferry")]
        )
    first = found.outcomes[0]
    assert (first.answer.answered, first.right, first.best_right) == (False, False, True)
    assert found.threshold == 0.99
    assert found.figures()["right"] == 0.0
    (row,) = found.curve([0.5])
    assert (row["coverage"], row["risk"], row["right"]) == (1.0, 0.5, 1.0)
    (row,) = found.curve([0.99])
    assert (row["coverage"], row["risk"], row["refusal_recall"]) == (0.0, None, 1.0)


def test_confidence_is_compared_with_the_truth(tmp_path: Path) -> None:
    found = evaluated(
        tmp_path, asked("what costs the ferry", "38 million"), asked("what sank the ferry")
    )
    sure = found.outcomes[0].confidence
    assert sure > 0.9
    assert found.figures()["brier"] == pytest.approx(((1 - sure) ** 2 + sure**2) / 2)
    (row,) = [row for row in found.reliability() if row["questions"]]
    assert (row["questions"], row["right"]) == (2, 0.5)
    assert found.figures()["calibration_error"] == pytest.approx(sure - 0.5)


def test_figures_without_a_question_that_counts_are_absent(tmp_path: Path) -> None:
    figures = evaluated(tmp_path, asked("who owns the moon")).figures()
    assert figures["right"] is None
    assert figures["citation_precision"] is None
    assert figures["refusal_recall"] == 1.0


def test_a_follow_up_is_asked_with_its_history(tmp_path: Path) -> None:
    history = (Turn("user", "What is the ferry?"), Turn("assistant", "a boat"))
    found = evaluated(tmp_path, asked("what does it cost?", "38 million", history=history))
    assert found.outcomes[0].right
    assert "ferry" in found.outcomes[0].answer.trace.question


def test_sentences_are_right_where_they_come_from_the_right_place(tmp_path: Path) -> None:
    told = "The boat that was ordered comes to some thirty-eight million, as Wren has said."
    found = evaluated(
        tmp_path,
        asked("what costs the ferry", told),
        asked("what costs the ferry", told, article="bridge-2"),
    )
    assert [o.right for o in found.outcomes] == [True, False]


# -- what cannot be asked ----------------------------------------------------------------------


def test_an_article_may_be_named_by_its_title_or_how_its_id_begins(tmp_path: Path) -> None:
    found = evaluated(
        tmp_path,
        asked("what costs the ferry", "38 million", article="The ferry"),
        asked("what costs the ferry", "38 million", article="ferry"),
    )
    assert all(o.right for o in found.outcomes)


def test_articles_and_spans_that_are_not_there_are_told_before_anything_is_asked(
    tmp_path: Path,
) -> None:
    reader = FakeReader(ANSWERS)
    two = Article(id="ferry-2", title="Also", text="Another ferry.")
    wrong = [
        asked("what costs the ferry", "38 million", article="none", line=4),
        asked("what costs the ferry", "38 million", article="ferry", line=7),
        asked("what costs it", "38 million", spans=(Place("ferry-1", 0, 999),), line=9),
    ]
    with (
        fake_assistant(tmp_path, (*ARTICLES, two), reader=reader) as assistant,
        pytest.raises(QuestionsError) as error,
    ):
        evaluate(assistant, wrong)
    said = str(error.value)
    assert "line 4: no article has the id or title 'none'" in said
    assert "line 7: 2 articles" in said
    assert "line 9: a span ends at 999" in said
    assert reader.asked == []


# -- showing -----------------------------------------------------------------------------------


def test_the_report_names_each_miss_and_its_stage(tmp_path: Path) -> None:
    found = evaluated(
        tmp_path,
        asked("what costs the ferry", "39 million", id="q7", kind="money"),
        asked("what sank the ferry", kind="absent"),
    )
    text = report(found)
    assert "misread" in text
    assert "q7  what costs the ferry" in text
    assert "wanted 39 million; said 38 million" in text
    assert "| money " in text
    assert "**0.50**" in text  # where the threshold stands


def test_the_plot_is_a_drawing_with_the_curve_and_where_we_stand(tmp_path: Path) -> None:
    found = evaluated(
        tmp_path, asked("what costs the ferry", "38 million"), asked("what sank the ferry")
    )
    drawing = ET.fromstring(risk_coverage_plot(found))  # noqa: S314  our own text
    names = [element.tag.rpartition("}")[2] for element in drawing.iter()]
    assert (names.count("polyline"), names.count("circle")) == (1, 1)
    assert found.risk_at_coverage() == [(0.5, 1.0), (1.0, 0.5)]


# -- the command -------------------------------------------------------------------------------


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    with Assistant.open(Settings(index=folder)) as assistant:
        assistant.index.add_articles(
            [
                Article(
                    id="meeting",
                    title="Talks near",
                    text="The ministerial meeting on the two-state solution will be co-chaired by "
                    "France and Saudi Arabia. It is to be held in New York.",
                )
            ]
        )
    return folder


def run(index: Path, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["--index", str(index), "evaluate", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_the_command_prints_figures_and_draws(tmp_path: Path, index: Path) -> None:
    file = tmp_path / "questions.jsonl"
    lines = [
        asked("Who co-chairs the meeting?", "France and Saudi Arabia", article="meeting"),
        asked("What is the capital of Australia?"),
    ]
    file.write_text("\n".join(map(to_line, lines)), "utf-8")
    plot = tmp_path / "risk.svg"
    code, stdout, _ = run(index, str(file), "--plot", str(plot))
    assert code == 0
    assert "refusals: precision / recall" in stdout
    assert plot.read_text("utf-8").startswith("<svg")
    code, stdout, _ = run(index, str(file), "--json")
    found = json.loads(stdout)
    assert code == 0
    assert (found["questions"], found["answerable"]) == (2, 1)
    assert found["figures"]["right"] == 1.0
    assert [o["stage"] for o in found["outcomes"]] == [None, None]
    assert found["outcomes"][0]["citations"][0]["article"] == "meeting"


def test_the_command_fails_on_a_file_that_it_cannot_use(tmp_path: Path, index: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text('{"question": "who?"}\n', "utf-8")
    code, stdout, stderr = run(index, str(file), "--json")
    assert (code, stdout) == (1, "")
    assert "line 1" in stderr
    file.write_text('{"question": "who?", "answers": []}\n', "utf-8")
    code, _, stderr = run(index, str(file), "--plot", str(tmp_path))
    assert code == 1
    assert "cannot be written" in stderr
    assert run(index, str(tmp_path / "none.jsonl"))[0] == 1
    assert run(index)[0] == 2
