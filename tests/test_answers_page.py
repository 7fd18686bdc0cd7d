"""docs/answers.md says what the program says."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant import Assistant, Settings
from assistant.resources import seeds_folder
from benchmarks.answers_page import PAGE, QUESTIONS, entries, page

# Another processor may round a score to the other side of a threshold.
ROUNDED = 2


@pytest.fixture(scope="module")
def a_kind(every: bool) -> int | None:
    """How many questions of each kind are asked again."""
    return None if every else 1


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, a_kind: int | None) -> str:
    index = tmp_path_factory.mktemp("page") / "index"
    with Assistant.open(Settings(index=index)) as assistant:
        assistant.index.add(seeds_folder())
        return page(assistant, a_kind)


def test_the_page_has_more_than_thirty_questions_of_all_kinds() -> None:
    asked = [question for questions in QUESTIONS.values() for question in questions]
    told = entries(PAGE.read_text(encoding="utf-8"))
    assert len(asked) == len(told) > 30


def test_the_page_is_up_to_date(made: str, a_kind: int | None) -> None:
    known = entries(PAGE.read_text(encoding="utf-8"))
    told = entries(made)
    assert len(told) == sum(len(of[:a_kind]) for of in QUESTIONS.values())
    changed = [question for question, said in told.items() if known.get(question) != said]
    assert len(changed) <= ROUNDED, (
        f"answered otherwise: {changed}. Read what has changed, and if it is no worse run "
        "`python -m benchmarks.answers_page`."
    )


def test_every_quotation_on_the_page_stands_in_a_sample(made: str, a_kind: int | None) -> None:
    samples = (
        " ".join(
            " ".join(Path(file).read_text(encoding="utf-8").split())
            for file in sorted(seeds_folder().iterdir())
        )
        .replace("*", "")
        .replace("_", "")
    )
    quotes = [line for line in made.splitlines() if line.startswith("> [")]
    assert len(quotes) > (8 if a_kind == 1 else 30)
    for line in quotes:
        quote = line.partition("] ")[2].rpartition(" — *")[0]
        assert quote.replace("\\", "").replace("*", "").replace("_", "") in samples
