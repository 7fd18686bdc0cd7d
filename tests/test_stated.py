"""A date is an article's own only if it says so, and a source has a name that people use."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_loading import archive, only, written
from tests.test_pdf import Set, issue, lines, printed
from vectorstore.articles import Article
from vectorstore.loading import load
from vectorstore.loading.naming import source_name
from vectorstore.loading.stated import stated_day

STORY = "The seal pup that was found at Orlo weighs 11 kilos.\n\nIt was let free on 3 May 2024."


@pytest.mark.parametrize(
    "head",
    [
        "ORLO, 9 June 2025 — ",
        "Orlo, June 9, 2025 (Reuters) - ",
        "PORT OF ORLO (AP) – June 9th, 2025 – ",
        "TARN and ORLO, Monday 9 June 2025: ",
        "Seal pup found\n\nPublished 9 June 2025\n\n",
        "Seal pup found\nPosted on: Monday, June 9, 2025, 4:15 pm | News\n",
        "Seal pup found\n\nDate: 2025-06-09\n",
        "Seal pup found\n\nVeröffentlicht am 9. Juni 2025 um 16:15 Uhr\n\n",
        "Trouvé\n\nPublié le 9 juin 2025 à 16h15\n\n",
        "2025-06-09\n\n",
        "2025-06-09T16:15:00Z\n\n",
        "Monday, 9 June 2025\n\n",
        "# Seal pup found\n\n*9 June 2025*\n\n",
        "ORLO GAZETTE  Monday, 9 June 2025\n\n",
        "Orlo Gazette | 9 June 2025\n\n",
        "2025-06-09 Seal pup found\n\n",
        "Seal pup found (2025-06-09)\n\n",
        "Seal pup found\nBy Liv Sandmo, 9 June 2025\n\n",
        "Last updated: 9 June 2025\n\n",
        "Seal pup found\n\nPosted on June 9, 2025 by Liv Sandmo\n\n",
        "2025年6月9日\n\n",
    ],
)
def test_a_day_that_an_article_states_of_itself_is_its_own(tmp_path: Path, head: str) -> None:
    assert only(written(tmp_path / "a.txt", head + STORY)).published == date(2025, 6, 9)


def test_what_says_published_outranks_other_days_and_may_stand_at_the_end() -> None:
    assert stated_day(f"Updated 1 July 2025\n{STORY}\n\nPublished 9 June 2025") == date(2025, 6, 9)


@pytest.mark.parametrize(
    "head",
    [
        "",
        "Review of the storm of 9 June 2025\n\n",
        "On 9 June 2025 the pup was found.\n\n",
        "Found on Monday, 9 June 2025, at the pier\n\n",
        "The 9 June 2025 pup\n\n",
        "Liv Sandmo was born on 9 June 1925\n\n",
        "What was known before 9 June 2025\n\n",
        "Data of 9 June 2025 shows eleven kilos\n\n",
        "Monday, 9 June 2025 was the day that Orlo will not forget.\n\n",
        "June 2025\n\n",
        "09/06/2025\n\n",
        "A meeting is planned for 9 June 2025\n\n",
        "© 2025 Orlo Gazette\n\n",
        "Name | Vik\nBorn | 1990-06-09\n\n",
    ],
)
def test_a_day_that_is_merely_spoken_of_is_none(tmp_path: Path, head: str) -> None:
    assert only(written(tmp_path / "a.txt", head + STORY)).published is None


@given(st.text(max_size=300), st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_whatever_stands_below_a_stated_day_does_not_hide_it(text: str, day: date) -> None:
    below = "".join(character for character in text if not character.isdigit())

    assert stated_day(f"Published {day.day} {day:%B} {day.year}\n\n{below}") == day


@given(st.text(max_size=400))
def test_without_figures_there_is_no_day(text: str) -> None:
    assert stated_day("".join(c for c in text if not c.isnumeric())) is None


def test_a_running_head_tells_the_paper_and_the_day(tmp_path: Path) -> None:
    pages = [issue(n, f"{'The mill stands still. ' * n}It\nwas {'told ' * n}of") for n in (1, 2, 3)]

    article = only(written(tmp_path / "scan0001.pdf", printed(*pages)))

    assert (article.source, article.published) == ("BRAE WEEKLY", date(2025, 4, 4))
    plain = only(
        written(tmp_path / "b.pdf", printed([Set("Mill", 60, 740, 16), *lines("It stands.")]))
    )
    assert (plain.source, plain.published) == ("B", None)


# Sources


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("month.zip/00_abberley.txt", "Abberley"),
        ("seeds/003_st-ailiths-maternity-ward.md", "St ailiths maternity ward"),
        ("mail/Orlo Gazette.mbox", "Orlo Gazette"),
        ("articles/2025-07-12-fire_at_mill.txt", "2025-07-12 fire at mill"),
        ("council minutes/2025-07-12.pdf", "Council minutes"),
        ("seeds/000_ec7473386ccb78b7.txt", "Seeds"),
        ("orlo/index.html", "Orlo"),
        ("Taufregister 1788.pdf", "Taufregister 1788"),
        ("東京/ニュース.txt", "ニュース"),
        ("export.json", "export"),
        ("/", "/"),
        ("McKay-Smith letters/download (3).pdf", "McKay-Smith letters"),
        ("U.S. news/12.txt", "U.S. news"),
    ],
)
def test_a_file_is_called_as_a_person_would_call_it(path: str, name: str) -> None:
    assert source_name(path) == name


@given(st.text(min_size=1, max_size=80))
def test_every_name_gives_one_that_can_be_shown(path: str) -> None:
    assert source_name(path) or not path.strip("/. ")


def test_a_site_is_the_source_of_what_has_an_address_and_no_source(tmp_path: Path) -> None:
    record = '{"text": "x", "url": "https://www.orlo.example/seal"}'

    assert only(written(tmp_path / "a.json", record)).source == "orlo.example"


def test_files_in_an_archive_are_called_by_their_own_names(tmp_path: Path) -> None:
    packed = archive({"00_abberley.txt": b"One.", "notes/01.txt": b"Two.", "02.txt": b"Three."})

    found = load(written(tmp_path / "month.zip", packed))

    assert {item.text: item.source for item in found if isinstance(item, Article)} == {
        "One.": "Abberley",
        "Two.": "Notes",
        "Three.": "Month",
    }
