"""docs/answers.md says what the program says."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant import Assistant, Settings
from assistant.resources import seeds_folder
from benchmarks.answers_page import PAGE, QUESTIONS, differences, entries, page

# Another processor may round a score to the other side of a threshold.
ROUNDED = 2


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> str:
    index = tmp_path_factory.mktemp("page") / "index"
    with Assistant.open(Settings(index=index)) as assistant:
        assistant.index.add(seeds_folder())
        return page(assistant)


def test_the_page_has_more_than_thirty_questions_of_all_kinds(made: str) -> None:
    asked = [question for questions in QUESTIONS.values() for question in questions]
    assert len(asked) == len(entries(made)) > 30


def test_the_page_is_up_to_date(made: str) -> None:
    changed = differences(PAGE.read_text(encoding="utf-8"), made)
    assert len(changed) <= ROUNDED, (
        f"answered otherwise: {changed}. Read what has changed, and if it is no worse run "
        "`python -m benchmarks.answers_page`."
    )


def test_every_quotation_on_the_page_stands_in_a_sample(made: str) -> None:
    samples = (
        " ".join(
            " ".join(Path(file).read_text(encoding="utf-8").split())
            for file in sorted(seeds_folder().iterdir())
        )
        .replace("*", "")
        .replace("_", "")
    )
    quotes = [line for line in made.splitlines() if line.startswith("> [")]
    assert len(quotes) > 20
    for line in quotes:
        quote = line.partition("] ")[2].rpartition(" — *")[0]
        assert quote.replace("\\", "").replace("*", "").replace("_", "") in samples
