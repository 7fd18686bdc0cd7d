"""A head without fences: read if it is one, and left in the text if it may not be."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorstore.articles import Article
from vectorstore.loading import load
from vectorstore.loading.head import without_head

BODY = "The council said so on Monday.\n\n  Nobody objected.\n"


@pytest.mark.parametrize("ending", ["txt", "md"])
def test_a_head_is_what_a_file_says_of_its_article_and_no_text(tmp_path: Path, ending: str) -> None:
    whole = (
        "Title: The ferry: what it costs\nDATE: 17 July 2025\nauthors: Hestor Quill; Odile Farrant\n"
        f"Source: The Harbour Gazette  \nURL: https://gazette.example/ferry\nLanguage: en-GB\n\n{BODY}"
    )
    article = loaded(tmp_path / f"ferry.{ending}", whole)
    assert article.title == "The ferry: what it costs"
    assert article.published == date(2025, 7, 17)
    assert article.authors == ("Hestor Quill", "Odile Farrant")
    assert article.source == "The Harbour Gazette"
    assert article.url == "https://gazette.example/ferry"
    assert article.language == "en"
    assert article.text == BODY == whole[-len(BODY) :]


def test_without_a_title_the_texts_first_line_is_it(tmp_path: Path) -> None:
    article = loaded(tmp_path / "a.txt", f"Source: Echo\r\nDate: 2025-07-17\r\n \t\r\n\r\n{BODY}")
    assert (article.title, article.source) == ("The council said so on Monday.", "Echo")
    assert article.text == f"\r\n{BODY}"


@pytest.mark.parametrize(
    "head",
    [
        "Title: Only one field\n",
        "Title: The ferry\nPhoto: Bram Tessaly\n",
        "Title: The ferry\nDate: yesterday\n",
        "Title: The ferry\nDate: 07/08/2025\n",
        "Title: The ferry\nURL: harbour gazette\n",
        "Title: The ferry\nLanguage: the plainest\n",
        "Title: The ferry\nTitle: The other ferry\n",
        "Title: The ferry\nAuthor:\n",
        "Title: The ferry\n  that is late\nDate: 2025-07-17\n",
        "Title: The ferry\nDate: 2025-07-17\nIt sails at last.\n",
        "\nTitle: The ferry\nDate: 2025-07-17\n",
        " Title: The ferry\nDate: 2025-07-17\n",
        "Title:The ferry\nDate:2025-07-17\n",
        "Quill: Who pays?\nSource: Nobody.\n",
    ],
)
@pytest.mark.parametrize("ending", ["txt", "md"])
def test_what_may_be_meant_as_text_stays_text(tmp_path: Path, head: str, ending: str) -> None:
    whole = f"{head}\n{BODY}"
    article = loaded(tmp_path / f"a.{ending}", whole)
    assert article.text == whole
    # A date that the text states plainly is the article's, wherever it stands.
    assert article.published == (date(2025, 7, 17) if "2025-07-17" in head else None)


@pytest.mark.parametrize(
    "whole", ["Title: A\nDate: 2025-07-17\n\n \n", "Title: A\nDate: 2025-07-17"]
)
def test_a_head_of_nothing_is_text(tmp_path: Path, whole: str) -> None:
    assert loaded(tmp_path / "a.txt", whole).text == whole


def test_fences_come_first(tmp_path: Path) -> None:
    article = loaded(
        tmp_path / "a.md", f"---\ntitle: Fenced\n---\nTitle: A\nDate: 2025-07-17\n\n{BODY}"
    )
    assert article.title == "Fenced"
    assert article.text.startswith("Title: A\n")


@given(
    st.lists(
        st.one_of(
            st.sampled_from(["Title: A", "Date: 2025-07-17", "Source: Echo", "", " ", "Photo: B"]),
            st.text(max_size=20),
        ),
        max_size=8,
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_the_text_after_a_head_is_the_files_own_to_its_end(lines: list[str], end: str) -> None:
    whole = end.join(lines)
    draft = without_head(whole)
    if draft is not None:
        assert draft.text.strip()
        assert whole.endswith(draft.text)
        cut = whole[: len(whole) - len(draft.text)]
        assert all(":" in line for line in cut.splitlines() if line.strip())


def loaded(path: Path, whole: str) -> Article:
    path.write_bytes(whole.encode())
    (article,) = load(path)
    assert isinstance(article, Article)
    return article
