"""A press database's file of many articles yields each of them, under its own name and day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.test_docx import paragraph, run
from tests.test_loading import only, word, written
from vectorstore.articles import Article, Skipped
from vectorstore.loading import load

OTTER = (
    "An otter has been seen in the Orrin for the first time since 1968, the river trust said.\n\n"
    "It was filmed at night below the weir, eating an eel, by a camera meant for rats."
)
WEIR = "The weir at Orrin is to get a fish ladder. It will cost 310,000 crowns and take a summer."

NEXIS = f"""

                               1 of 2 DOCUMENTS


                                Orrin Courier

                            April 22, 2025 Tuesday

Otter back in the Orrin

BYLINE: Siv Aasen

SECTION: NEWS; Pg. 4

LENGTH: 33 words

DATELINE: ORRIN

{OTTER}

LOAD-DATE: April 23, 2025

LANGUAGE: ENGLISH

PUBLICATION-TYPE: Newspaper


                       Copyright 2025 Orrin Courier Ltd
                             All Rights Reserved

                               2 of 2 DOCUMENTS

                                The Weir Times

                            2 May 2025

Fish to climb

LENGTH: 20 words

{WEIR}

LOAD-DATE: May 3, 2025
"""

OTTER_IN_GERMAN = (
    "Zum ersten Mal seit 1968 ist im Orrin ein Otter gesehen worden, sagte der Flussverein."
)
NEXIS_GERMAN = f"""1 von 2 DOKUMENTEN

Orriner Bote

22. April 2025 Dienstag
Hauptausgabe

Otter im Orrin

AUTOR: Siv Aasen

RUBRIK: LOKALES; S. 4

LÄNGE: 33 Wörter

{OTTER_IN_GERMAN}

UPDATE: 23. April 2025

SPRACHE: GERMAN; DEUTSCH

PUBLICATION-TYPE: Zeitung

Copyright 2025 Orriner Verlag
Alle Rechte vorbehalten

"""
NEXIS_FRENCH = f"""Document 1 de 2

Le Messager

mardi 22 avril 2025

Une loutre

AUTEUR: Siv Aasen

LONGUEUR: 33 mots

{OTTER_IN_GERMAN}

DATE-CHARGEMENT: 23 avril 2025

LANGUE: FRENCH

"""

NEXIS_UNI = f"""Otter back in the Orrin
Orrin Courier
April 22, 2025 Tuesday

Copyright 2025 Orrin Courier Ltd All Rights Reserved

Section: NEWS; Pg. 4
Length: 33 words
Byline: Siv Aasen
Dateline: ORRIN

Body


{OTTER}

Load-Date: April 23, 2025


End of Document

Fish to climb
The Weir Times
May 2, 2025 Friday

Copyright 2025 Weir Times All Rights Reserved

Length: 20 words

Body

{WEIR}

Load-Date: May 3, 2025

End of Document
"""

FACTIVA = f"""Otter back in the Orrin

By Siv Aasen
33 words
22 April 2025
06:10
Orrin Courier
ORRC
English
© 2025 Orrin Courier Ltd

{OTTER}

Document ORRC000020250422el4m0005h

Fish to climb

20 words
2 May 2025
The Weir Times
WEIT
English
Copyright 2025 The Weir Times

{WEIR}

Document WEIT000020250502el520001k
"""

FACTIVA_TAGGED = f"""SE  News
HD  Otter back in the
    Orrin
BY  By Siv Aasen
WC  33 words
PD  22 April 2025
SN  Orrin Courier
SC  ORRC
LA  English
LP
{OTTER.split(chr(10))[0]}
TD
{OTTER.split(chr(10))[2]}
IN  i1 : Rivers
AN  Document ORRC000020250422el4m0005h

HD  Fish to climb
WC  20 words
PD  2 May 2025
SN  The Weir Times
TD
{WEIR}
AN  Document WEIT000020250502el520001k
"""

# Without document numbers, with the text beside its tag.
FACTIVA_PADDED = f"""SE  News
HD  Otter back in the Orrin
BY  By Siv Aasen
WC  33 words
PD  22 April 2025
SN  Orrin Courier
LP  {OTTER.split(chr(10))[0]}

TD  {OTTER.split(chr(10))[2]}

CO  otters : Otters plc

HD  Fish to climb
WC  20 words
PD  2 May 2025
SN  The Weir Times
TD  {WEIR}
"""

PROQUEST = f"""____________________________________________________________

Otter back in the Orrin

Title: Otter back in the Orrin

Author: Siv Aasen

Publication info: Orrin Courier ; Orrin [Orrin]. 22 Apr 2025: 4.

Full text: {OTTER}

Subject: Otters; Rivers

Publication title: Orrin Courier

Publication date: Apr 22, 2025

____________________________________________________________

Title: Fish to climb

Full text: {WEIR}

Publication title: The Weir Times

Publication date: May 2, 2025

Database: International Newsstream
"""

RULED = f"""Title: Otter back in the Orrin
Author: Siv Aasen
Date: 22 April 2025
Source: Orrin Courier

{OTTER}

---

Title: Fish to climb
Date: 2025-05-02
Source: The Weir Times

{WEIR}
"""


@pytest.mark.parametrize(
    "export",
    [
        NEXIS,
        NEXIS.replace("\n", "\r\n"),
        NEXIS_UNI,
        FACTIVA,
        FACTIVA_TAGGED,
        FACTIVA_PADDED,
        PROQUEST,
        RULED,
    ],
    ids=[
        "Nexis",
        "Nexis, Windows",
        "Nexis Uni",
        "Factiva",
        "Factiva, tagged",
        "Factiva, padded",
        "ProQuest",
        "rules",
    ],
)
def test_each_article_of_an_export_is_one(tmp_path: Path, export: str) -> None:
    file = written(tmp_path / "export.txt", export)

    first, second = load(file)

    assert isinstance(first, Article)
    assert isinstance(second, Article)
    assert (first.title, first.source) == ("Otter back in the Orrin", "Orrin Courier")
    assert (first.published, first.authors) == (date(2025, 4, 22), ("Siv Aasen",))
    assert first.text.strip().replace("\r\n", "\n") == OTTER
    assert (second.title, second.source, second.published) == (
        *("Fish to climb", "The Weir Times"),
        date(2025, 5, 2),
    )
    assert second.text.strip() == WEIR
    assert first.id != second.id
    assert list(load(file)) == [first, second]


@pytest.mark.parametrize(
    ("one", "title", "source"),
    [(NEXIS_GERMAN, "Otter im Orrin", "Orriner Bote"), (NEXIS_FRENCH, "Une loutre", "Le Messager")],
)
def test_an_export_may_have_its_labels_in_another_language(
    tmp_path: Path, one: str, title: str, source: str
) -> None:
    both = one + one.replace("1 von 2", "2 von 2").replace("1 de 2", "2 de 2")

    for article in load(written(tmp_path / "a.txt", both)):
        assert isinstance(article, Article)
        assert (article.title, article.source) == (title, source)
        assert (article.published, article.authors) == (date(2025, 4, 22), ("Siv Aasen",))
        assert article.text == OTTER_IN_GERMAN


def test_what_frames_an_export_is_no_article_and_keeps_none_from_being_read(
    tmp_path: Path,
) -> None:
    rule = "_" * 60
    framed = f"Report Information from ProQuest\n\n{PROQUEST}\n{rule}\n\nContact us at: proquest.example\n"

    found = list(load(written(tmp_path / "a.txt", framed)))

    assert [each.title for each in found if isinstance(each, Article)] == [
        "Otter back in the Orrin",
        "Fish to climb",
    ]
    assert len(found) == 2


def test_words_that_look_like_tags_stay_in_the_text(tmp_path: Path) -> None:
    said = "IN LONDON they wept.\nCO 2 rose.\nHD pictures came.\nBY  the river, two columns."
    text = FACTIVA_PADDED.replace(WEIR, f"{WEIR}\n{said}")

    _, second = load(written(tmp_path / "a.txt", text))

    assert isinstance(second, Article)
    assert second.text == f"{WEIR}\n{said}"


def test_an_export_may_come_as_rich_text_or_word(tmp_path: Path) -> None:
    rich = r"{\rtf1\ansi " + NEXIS_UNI.replace("\n", "\\par\n") + "}"
    document = word(body="".join(paragraph(run(line)) for line in NEXIS_UNI.split("\n")))
    for name, content in (("a.rtf", rich), ("a.docx", document)):
        found = [
            item for item in load(written(tmp_path / name, content)) if isinstance(item, Article)
        ]
        assert [item.title for item in found] == ["Otter back in the Orrin", "Fish to climb"], name
        assert WEIR in found[1].text


def test_a_list_of_the_articles_at_the_head_of_an_export_names_none_of_them(
    tmp_path: Path,
) -> None:
    cover = """User Name: = Siv Aasen
Date and Time: = Friday, July 4, 2025 10:12 AM CEST
Job Number: = 2571

Documents (2)

1. Otter back in the Orrin
Client/Matter: -None-
Search Terms: otter
Narrowed by: Timeline: Apr 01, 2025 to May 31, 2025

2. Fish to climb

"""
    first, second = load(written(tmp_path / "export.txt", cover + NEXIS_UNI.lstrip()))

    assert isinstance(first, Article)
    assert isinstance(second, Article)
    assert (first.title, first.source) == ("Otter back in the Orrin", "Orrin Courier")
    assert (first.published, first.text.strip()) == (date(2025, 4, 22), OTTER)
    assert second.title == "Fish to climb"


def test_an_export_may_come_as_a_web_page(tmp_path: Path) -> None:
    parts = "".join(f"<div><p>{line}</p></div>" for line in FACTIVA.split("\n") if line)

    first, second = load(written(tmp_path / "export.html", f"<html><body>{parts}</body></html>"))

    assert isinstance(first, Article)
    assert isinstance(second, Article)
    assert (first.title, second.title) == ("Otter back in the Orrin", "Fish to climb")
    assert (first.text, first.published) == (OTTER, date(2025, 4, 22))


def test_several_articles_in_an_unknown_form_are_told(tmp_path: Path) -> None:
    text = f"Article 1 of 2\n\n{OTTER}\n\nArticle 2 of 2\n\n{WEIR}\n"
    loading = load(written(tmp_path / "a.txt", text))
    (article,) = loading

    assert isinstance(article, Article)
    assert article.text == text
    assert "says that it holds 2 articles" in loading.notices[0].text


def test_articles_of_a_line_are_articles(tmp_path: Path) -> None:
    heads = [f"Title: Part {n}\nDate: 2025-04-0{n}\n\n{text}\n" for n, text in enumerate("ABC", 1)]
    found = list(load(written(tmp_path / "a.txt", "---\n".join(heads))))

    assert [(item.title, item.text.strip()) for item in found if isinstance(item, Article)] == [
        ("Part 1", "A"),
        ("Part 2", "B"),
        ("Part 3", "C"),
    ]


def test_where_one_of_several_cannot_be_read_none_is_taken_apart_and_that_is_told(
    tmp_path: Path,
) -> None:
    parts = [
        f"Title: Otter\nDate: 2025-04-22\n\n{OTTER}\n",
        f"Title: Weir\nDate: the 40th\n\n{WEIR}\n",
        f"Title: Weir\nDate: 2025-05-02\n\n{WEIR}\n",
    ]
    loading = load(written(tmp_path / "a.txt", "\n---\n".join(parts)))
    (article,) = loading

    assert isinstance(article, Article)
    assert WEIR in article.text
    assert "says that it holds 3 articles" in loading.notices[0].text


@pytest.mark.parametrize(
    "text",
    [
        f"{OTTER}\n\n---\n\n{WEIR}\n",
        f"1 of 2\n\n{OTTER}\n\n2 of 2\n\n{WEIR}",
        f"Title: Otter\nDate: 22 April 2025\n\n{OTTER}\n\n---\n\nNo head here.\n\n{WEIR}",
        f"The letters END are not what they were.\nEnd of Document\n\n{WEIR}",
        f"Body\n\n{OTTER}",
    ],
)
def test_what_may_be_one_article_is_one(tmp_path: Path, text: str) -> None:
    assert only(written(tmp_path / "a.txt", text)).text.endswith(text[-80:])


# Articles between rules

SEAL = "Six hundred seals were counted on the banks of Orlo, more than ever."


def ruled(*parts: str, rule: str = "* * *") -> str:
    return f"\n\n{rule}\n\n".join(parts)


@pytest.mark.parametrize("rule", ["* * *", "---", "***", "- - -", "________"])
@pytest.mark.parametrize("name", ["a.md", "a.txt"])
@pytest.mark.parametrize("mark", ["# {}", "## {}", "**{}**", "{}", "{}\n======"])
def test_headlines_with_a_day_between_rules_are_articles(
    tmp_path: Path, rule: str, name: str, mark: str
) -> None:
    text = ruled(
        f"{mark.format('Otter back in the Orrin')}\n\nORRIN, 22 April 2025 — {OTTER}",
        f"{mark.format('Fish to climb')}\n\nBy Siv Aasen, 2 May 2025\n\n{WEIR}\n\n{rule}\n\nThe cost is met.",
        f"{mark.format('Seals counted')}\n\nPublished 3 May 2025\n\n{SEAL}\n",
        rule=rule,
    )
    found = [item for item in load(written(tmp_path / name, text)) if isinstance(item, Article)]

    assert [(item.published, "Otter" in item.title) for item in found] == [
        (date(2025, 4, 22), True),
        (date(2025, 5, 2), False),
        (date(2025, 5, 3), False),
    ]
    assert [item.title.strip("#* ") for item in found][1:] == ["Fish to climb", "Seals counted"]
    assert found[1].text.endswith(f"{WEIR}\n\n{rule}\n\nThe cost is met.")
    assert all(item.text in text for item in found)


@pytest.mark.parametrize(
    "text",
    [
        ruled(f"# The year of the otter\n\n22 April 2025\n\n{OTTER}", WEIR, SEAL),
        ruled(
            f"# The year\n\n1 June 2025\n\n{OTTER}",
            f"## April\n\n22 April 2025\n\n{WEIR}",
            f"## May\n\n2 May 2025\n\n{SEAL}",
        ),
        ruled(f"The year\n\n{OTTER}", f"Fish\n\n{WEIR}", f"Seals\n\n{SEAL}"),
        f"The year\n--------\n\n1 June 2025\n\n{OTTER}\n\nThe weir\n--------\n\n{WEIR}",
    ],
    ids=["breaks", "sections with days", "sections with headings", "underlines"],
)
@pytest.mark.parametrize("name", ["a.md", "a.txt"])
def test_an_article_with_sections_is_one(tmp_path: Path, text: str, name: str) -> None:
    loading = load(written(tmp_path / name, text))
    (article,) = loading

    assert isinstance(article, Article)
    assert article.text == text
    assert not loading.notices


@pytest.mark.parametrize(
    "text",
    [
        ruled(f"# Otter\n\n{OTTER}", f"# Fish\n\n{WEIR}"),
        ruled(
            "The news of the week", f"# A\n\n1 May 2025\n\n{WEIR}", f"# B\n\n2 May 2025\n\n{SEAL}"
        ),
    ],
)
def test_what_only_looks_like_several_articles_is_told(tmp_path: Path, text: str) -> None:
    loading = load(written(tmp_path / "a.md", text))
    (article,) = loading

    assert isinstance(article, Article)
    assert article.text == text
    assert "looks like 2 articles between rules" in loading.notices[0].text


def test_front_matter_that_begins_again_begins_another_article(tmp_path: Path) -> None:
    parts = [
        f"---\ntitle: Otter back\ndate: 2025-04-22\ntags:\n- fish\n---\n{OTTER}\n\n---\n\nMore.\n",
        f"---\ntitle: Fish to climb\nauthor: Siv Aasen\n---\n{WEIR}\n",
        "---\ntitle: x\n  bad: y\n---\nNobody.\n",
    ]
    first, second, third = load(written(tmp_path / "a.md", "\n".join(parts)))

    assert isinstance(first, Article)
    assert isinstance(second, Article)
    assert (first.title, first.tags, second.authors) == ("Otter back", ("fish",), ("Siv Aasen",))
    assert first.text.rstrip() == f"{OTTER}\n\n---\n\nMore."
    assert second.text.strip() == WEIR
    assert isinstance(third, Skipped)
    assert "from line 21 on" in third.source
    assert "front matter, line 3" in third.reason


def test_heads_between_rules_are_articles_in_markdown_too(tmp_path: Path) -> None:
    found = [item for item in load(written(tmp_path / "a.md", RULED)) if isinstance(item, Article)]

    assert [(item.title, item.source) for item in found] == [
        ("Otter back in the Orrin", "Orrin Courier"),
        ("Fish to climb", "The Weir Times"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Subject: that is what the eel was, said Vik.",
        "Copyright law, he said, was made in 1968.\n\nIt has not changed.",
        "Notes: none.\n\nThe trust will film the weir again in May, it said.",
    ],
)
def test_a_line_of_the_text_that_looks_like_a_label_ends_no_article(
    tmp_path: Path, line: str
) -> None:
    for export in (NEXIS, NEXIS_UNI):
        text = export.replace(WEIR, f"{WEIR}\n\n{line}")
        *_, last = (i for i in load(written(tmp_path / "a.txt", text)) if isinstance(i, Article))

        assert last.text.strip() == f"{WEIR}\n\n{line}"
