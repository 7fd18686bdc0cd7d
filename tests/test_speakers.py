"""Who says what in an article."""

from __future__ import annotations

import pytest

from assistant.language.speakers import speakers, speaks
from vectorstore.splitting import sentences

ARTICLE = (
    "Captain Tobias Wrenfield, the authority’s director, said the ship would take 260 passengers. It "
    "will run on batteries.\n\n"
    "“We have patched it for long,” said Mayor Maren Dufrayne, who proposed the motion. “Last winter "
    "the island ran short of oil.”\n\n"
    "Some 140 jobs depend on it, the yard’s manager, Ulla Sorrensby, told the meeting.\n\n"
    "Noor Castellane, the head librarian since 2016, said she had learned of it from a reporter. "
    "“Monday is the day the job-seekers come,” she said.\n\n"
    "Mr. Strake received 6,204 votes, the returning officer, Cornelia Babbage-Roe, announced.\n\n"
    "Ms. Dufrayne said she accepted the outcome. She takes the seat that Mr. Strake gives up. "
    "“Somebody has to lead,” she said.\n\n"
    "The deputy mayor, Fabian Osgrove, warned of the roof.\n\n"
    "Fares will not rise, the council said. Most were expected to stay.\n\n"
    "Volunteers should bring hairdryers, according to the chess club."
)
SPANS = sentences(ARTICLE)
HEARD = [
    (ARTICLE[span.start : span.end], voice)
    for span, voice in zip(SPANS, speakers(ARTICLE, SPANS), strict=True)
]


def voice_of(begins: str) -> object:
    return next(voice for text, voice in HEARD if text.startswith(begins))


@pytest.mark.parametrize(
    ("begins", "who"),
    [
        ("Captain Tobias", "Wrenfield"),
        ("Captain Tobias", "the director"),
        ("“We have patched", "Maren Dufrayne"),
        ("“Last winter", "Dufrayne"),
        ("“Last winter", "the mayor"),
        ("Some 140", "Sorrensby"),
        ("“Monday is", "the head librarian"),
        ("Mr. Strake received", "the returning officer"),
        ("“Somebody has", "Dufrayne"),
        ("The deputy mayor", "the deputy mayor"),
        ("Fares will", "the council"),
        ("Volunteers should", "the chess club"),
    ],
)
def test_a_speaker_is_heard(begins: str, who: str) -> None:
    assert speaks(voice_of(begins), who)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("begins", "who"),
    [
        ("It will run", "Wrenfield"),
        ("Mr. Strake received", "Strake"),
        ("“Somebody has", "Strake"),
        ("The deputy mayor", "the mayor"),
        ("Most were", "the council"),
        ("“We have patched", "Wrenfield"),
        ("Fares will", "the mayor"),
    ],
)
def test_who_is_only_spoken_of_is_not_heard(begins: str, who: str) -> None:
    assert not speaks(voice_of(begins), who)  # type: ignore[arg-type]


def test_a_name_ends_with_its_sentence() -> None:
    text = (
        "It was opened by the minister Ulla Frid. It cost 41 million. Frid said it saves time. "
        "J. K. Holm told the council that it was late."
    )
    spans = sentences(text)
    *_, frid, holm = speakers(text, spans)
    assert speaks(frid, "Ulla Frid")
    assert speaks(holm, "Holm")
    assert not speaks(holm, "Frid")


def test_who_tells_stands_behind_what_is_told() -> None:
    text = (
        "The Karin Holm bridge will not open before summer, the engineer Tor Wiik told the council."
    )
    (told,) = speakers(text, sentences(text))
    assert speaks(told, "Tor Wiik")
    assert speaks(told, "the engineer")
    assert not speaks(told, "Holm")
