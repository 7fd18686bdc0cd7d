"""The page over the real assistant and the sample articles, end to end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from assistant import Assistant, Settings
from assistant.resources import SAMPLES, seeds_folder
from tests.browser.conftest import Opened, served
from tests.browser.page import Page
from vectorstore import Article

QUESTION = "who co-chairs the two-state meeting?"


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with Assistant.open(Settings(index=tmp_path_factory.mktemp("index"))) as assistant:
        assert assistant.index.add(seeds_folder()).skipped == ()
        yield assistant


@pytest.fixture(scope="module")
def real(seeded: Assistant) -> Iterator[str]:
    with served(seeded, [sample.question for sample in SAMPLES]) as address:
        yield address


def test_a_typed_question_is_answered_with_its_proof(
    opened: Opened, real: str, seeded: Assistant
) -> None:
    page = opened(real)
    page.ask(QUESTION)
    (citation,) = seeded.answer(QUESTION).citations
    assert "France and Saudi Arabia" in page.text(".dl-text")
    assert page.quotes() == [citation.quote]
    page.cite()
    assert page.reader_marked() == citation.quote
    assert page.words("#dl-reader-text") == [seeded.index.get(citation.article_id).text]


def test_every_example_gives_what_the_assistant_says(
    opened: Opened, real: str, seeded: Assistant
) -> None:
    for number, sample in enumerate(SAMPLES):
        page = opened(real)
        _offers(page, [sample.question for sample in SAMPLES])
        page.click("#dl-examples button", number)
        page.finished()
        answer = seeded.answer(sample.question)
        assert page.text(".dl-text").split() == answer.text.split()
        assert page.quotes() == [citation.quote for citation in answer.citations]


def test_what_the_articles_do_not_say_is_not_answered(opened: Opened, real: str) -> None:
    page = opened(real)
    page.ask("who won the world cup in 1998?")
    assert page.citations() == []
    assert page.all(".dl-closest .dl-source")


def test_from_an_empty_index_to_a_cited_answer_without_typing(
    opened: Opened, tmp_path: Path
) -> None:
    with (
        Assistant.open(Settings(index=tmp_path / "index")) as assistant,
        opened.served(assistant, None) as address,
    ):
        page = opened(address)
        page.click(".dl-do-samples")
        page.until(lambda: "These are sample articles." in page.text("#dl-summary"))
        page.until(lambda: len(_offered(page)) == 3)  # chosen from the index, by asking them
        question = _offered(page)[0]
        page.click("#dl-examples button")
        page.finished()
        assert page.text(".dl-question") == question
        assert page.citations()
        page.cite()
        (quote, *_) = (citation.quote for citation in assistant.answer(question).citations)
        assert page.reader_marked() == quote


def _offers(page: Page, questions: list[str]) -> None:
    page.until(lambda: _offered(page) == questions)


def _offered(page: Page) -> list[str]:
    return [text for text in page.texts("#dl-examples button") if text]


def test_articles_that_contradict_each_other_are_both_heard(opened: Opened, tmp_path: Path) -> None:
    council = Article(
        "council",
        "Bridge to open in spring",
        "The Mill Bridge in Ennet will open to traffic on 14 March, the county council said on "
        "Monday. Work began two years ago.",
        "Ennet Echo",
        published=date(2025, 2, 3),
    )
    contractor = Article(
        "contractor",
        "Mill Bridge delayed",
        "The Mill Bridge in Ennet will open to traffic on 2 May, the contractor Halden said on "
        "Friday. Bad weather slowed the paving.",
        "Harbour Gazette",
        published=date(2025, 2, 21),
    )
    with Assistant.open(Settings(index=tmp_path)) as assistant:
        assistant.index.add_articles([council, contractor])
        with opened.served(assistant, ()) as address:
            page = opened(address)
            page.ask("When will the Mill Bridge open?")
            rows = page.texts(".dl-position")
            papers = ["Harbour Gazette\n21 Feb 2025 [1]", "Ennet Echo\n3 Feb 2025 [2]"]
            assert ["\n".join(row.split("\n")[-2:]) for row in rows] == papers
            assert page.texts(".dl-text") == ["Your sources disagree."]  # the table says it once
            page.click(".dl-position a.cite", 0)
            page.until(lambda: page.text("#dl-reader h2") == contractor.title)
            assert contractor.text.startswith(page.reader_marked())
            page.click(".dl-position a.cite", 1)
            page.until(lambda: page.text("#dl-reader h2") == council.title)
            assert council.text.startswith(page.reader_marked())
