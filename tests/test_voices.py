"""Who speaks in a passage in the first person: authors of columns, and people interviewed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.reading.network import onnx_reader
from assistant.resources import weights_folder
from vectorstore import Article, Passage
from vectorstore.splitting import Span
from vectorstore.voices import asks, heading, voiced

COLUMN = Article(
    id="column",
    title="The last boat",
    text=(
        "I rowed out for the last time in May.\n\nMy knees had said so for years, and I had not "
        "listened to them.\n\nThe buyer is a dentist."
    ),
    source="Echo",
)
INTERVIEW = Article(
    id="interview",
    title="‘The sea keeps its own books’",
    text=(
        "The pier was empty. Ada Strake has run the ferry office since 2009.\n\nQ: What changed?\n\n"
        "A: I stopped selling paper tickets.\n\nQ: Did anybody mind?\n\nA: It cost me a friend."
    ),
    authors=("Joost Vermaat",),
)


def headed(article: Article, words: str) -> str:
    start = article.text.index(words)
    return heading(article, Span(start, start + len(words)))


@pytest.mark.parametrize(
    ("changes", "before"),
    [
        ({"authors": ("Ada Strake",)}, "Ada Strake: "),
        ({"authors": ("Ada Strake", "Bo Lind")}, "Ada Strake, Bo Lind: "),
        ({"text": f"By Ada Strake\n\n{COLUMN.text}"}, "Ada Strake: "),
        ({"text": f"**By Ada de Vries**\n\n{COLUMN.text}"}, "Ada de Vries: "),
        ({"text": f"MY SIDE OF THE HARBOUR\n\nby Ada Strake\n\n{COLUMN.text}"}, "Ada Strake: "),
        ({"text": f"Reviewed by Ada Strake\n\n{COLUMN.text}"}, "Ada Strake: "),
        ({"source": "Low Tide (blog) by Ada Strake"}, "Ada Strake: "),
        ({}, ""),
        ({"text": f"By and by\n\n{COLUMN.text}"}, ""),
        ({"text": f"As told to Bo Lind\n\n{COLUMN.text}", "authors": ("Bo Lind",)}, ""),
        ({"source": "Stand by me"}, ""),
    ],
)
def test_the_author_of_a_column_stands_before_its_title(
    changes: dict[str, object], before: str
) -> None:
    article = replace(COLUMN, **changes)  # type: ignore[arg-type]
    assert headed(article, "I rowed out for the last time in May.") == f"{before}The last boat"
    assert headed(article, "The buyer is a dentist.") == "The last boat"


def test_the_author_of_a_report_does_not_though_somebody_in_it_says_i() -> None:
    report = replace(
        COLUMN,
        text="The ferry stopped.\n\nThe pier is shut.\n\nI saw it sink, a witness wrote.",
        authors=("Ada Strake",),
    )
    assert headed(report, "I saw it sink, a witness wrote.") == "The last boat"


def test_an_interview_is_introduced_by_the_first_sentence_that_begins_with_a_name() -> None:
    assert headed(INTERVIEW, "A: I stopped selling paper tickets.") == (
        "‘The sea keeps its own books’. Ada Strake has run the ferry office since 2009."
    )
    assert headed(INTERVIEW, "Q: What changed?") == INTERVIEW.title
    named = replace(INTERVIEW, title="Five questions for Ada Strake")
    assert headed(named, "A: It cost me a friend.") == "Five questions for Ada Strake"
    capitals = replace(INTERVIEW, title="The Sea Keeps Its Own Books")
    assert "Ada Strake has run" in headed(capitals, "A: It cost me a friend.")
    both = replace(INTERVIEW, title="Five Questions For Ada Strake")
    assert headed(both, "A: It cost me a friend.") == "Five Questions For Ada Strake"
    dated = replace(INTERVIEW, text=f"Last Tuesday the pier shut. {INTERVIEW.text}")
    assert "Ada Strake has run" in headed(dated, "A: It cost me a friend.")
    untitled = replace(INTERVIEW, title="")
    assert headed(untitled, "A: It cost me a friend.").startswith("Ada Strake has run")
    nobody = replace(INTERVIEW, text=INTERVIEW.text.replace("Ada Strake", "She"))
    assert headed(nobody, "A: It cost me a friend.") == INTERVIEW.title


def test_nothing_is_introduced_by_itself() -> None:
    text = INTERVIEW.text.replace("has run", "told me that she has run")
    whole = replace(INTERVIEW, text=text)
    assert heading(whole, Span(0, 90)) == INTERVIEW.title


@pytest.mark.parametrize(
    ("text", "speaks"),
    [
        ("I was there.", True),
        ("It was my boat.", True),
        ("“I was there,” said Ada Strake.", False),
        ("‘I didn’t row,’ said Ada Strake. ‘My boat’s gone.’", False),
        ("'I didn't row,' said Ada Strake.", False),
        ("The boats' owners and I were there.", True),
        ("World War I began in 1914.", False),
        ("She was there.", False),
    ],
)
def test_the_first_person_is_told_from_quotations_and_numerals(text: str, speaks: bool) -> None:
    assert voiced(text) is speaks


def test_a_question_ends_like_one_whatever_closes_it() -> None:
    assert asks("**What changed?**")
    assert asks("“What changed?” ")
    assert not asks("What changed.")


def test_a_reader_believes_the_heading_and_answers_from_the_text() -> None:
    text = "For eleven years I taught geography, and then I rowed."
    reader = onnx_reader(weights_folder() / "small")
    alone = Passage("a#1", "a", 40, 40 + len(text), text, "The last boat")
    told = replace(alone, heading="Ada Strake: The last boat")
    before, after = (reader.read("What did Ada Strake teach?", [each])[0] for each in (alone, told))
    assert after.score > before.score
    assert after.text == text[after.start - 40 : after.end - 40] == "geography"
