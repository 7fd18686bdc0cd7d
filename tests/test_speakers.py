"""Who says what in an article."""

from __future__ import annotations

import pytest

from assistant.language.speakers import Voice, elsewhere, speakers, speaks
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


# Paragraphs as newspapers print them, all invented: who is heard in the sentence that begins so, and
# who is not.
PARAGRAPHS: list[tuple[str, list[tuple[str, str]], list[tuple[str, str]]]] = [
    (
        (
            "The transport minister, Elena Marsh, defended the tunnel on Friday. “It will be "
            "finished,” the minister said. She argued that the delays had been caused by the previous "
            "government. In an interview with Radio North, Marsh called the critics “armchair "
            "engineers”."
        ),
        [
            ("“It will", "Marsh"),
            ("She argued", "Marsh"),
            ("She argued", "the minister"),
            ("In an interview", "the transport minister"),
            ("“It will", "Elena Marsh"),
        ],
        [],
    ),
    (
        (
            "Residents will have to boil their water until Sunday, according to the health "
            "department. Its director, Paul Rennick, warned of a second wave of infections. “Nobody "
            "should drink from the tap,” he said. The mayor, Ada Flint, disagreed."
        ),
        [
            ("Residents will", "the health department"),
            ("Its director", "Rennick"),
            ("“Nobody should", "Rennick"),
            ("“Nobody should", "the director"),
            ("“Nobody should", "Paul Rennick"),
        ],
        [("“Nobody should", "Flint"), ("Residents will", "Rennick")],
    ),
    (
        (
            "“The strike,” said Joanna Petrie, who leads the nurses’ union, “will go on until the "
            "ward is staffed.” She added that talks had not been offered. Hospital managers rejected "
            "that. “We wrote to the union twice,” a spokesman said."
        ),
        [
            ("“The strike", "Petrie"),
            ("She added", "Petrie"),
            ("She added", "the nurses’ union"),
            ("“We wrote", "a spokesman"),
            ("Hospital managers", "managers"),
        ],
        [("“We wrote", "Petrie")],
    ),
    (
        (
            "In Henrik Dahl’s view, the plan is “a bill for our children”. The economist believes "
            "that rates must rise. For Dahl, there is no other way out."
        ),
        [("In Henrik", "Dahl"), ("The economist", "Dahl")],
        [],
    ),
    (
        (
            "Police believe the fire was started deliberately. A spokeswoman for the force, Lena "
            "Ortiz, appealed for witnesses. Two men were seen near the mill, she said, and one of "
            "them carried a can."
        ),
        [
            ("Police believe", "the police"),
            ("A spokeswoman", "Ortiz"),
            ("Two men", "Ortiz"),
            ("Two men", "the spokeswoman"),
        ],
        [],
    ),
    (
        (
            "Professor Ian Holt of the University of Stane found that the river had lost a third of "
            "its salmon. His team, he told the committee, had counted for eleven years. “We were "
            "surprised ourselves,” the biologist added."
        ),
        [("Professor Ian", "Holt"), ("His team", "Holt"), ("“We were", "Holt")],
        [],
    ),
    (
        (
            "The company said on Monday that it would close the plant. It blamed the price of gas. "
            "The union’s secretary, Marta Kowal, accused the company of greed. “They have made money "
            "here for forty years,” said Kowal."
        ),
        [
            ("The company", "the company"),
            ("It blamed", "the company"),
            ("The union", "Kowal"),
            ("“They have", "Kowal"),
        ],
        [("“They have", "the company")],
    ),
    (
        (
            "President Amara Diallo told parliament that the election would be held in May. The head "
            "of state ruled out a third term. Her rival, Kofi Mensah, said he did not believe her."
        ),
        [
            ("President Amara", "Diallo"),
            ("The head", "Diallo"),
            ("Her rival", "Mensah"),
            ("President Amara", "the president"),
        ],
        [("Her rival", "Diallo")],
    ),
    (
        (
            "Asked whether she would resign, Ms. Holm shook her head. “I have a job to finish,” she "
            "said. Opposition leader Per Lund tweeted that the minister had “lost touch”. According "
            "to him, a majority wants an election."
        ),
        [("“I have", "Holm"), ("Opposition leader", "Lund"), ("According to", "Lund")],
        [("According to", "Holm"), ("“I have", "Lund")],
    ),
    (
        (
            "The report’s author, Dr. Nils Ekberg, writes that the dam is safe. He recommends a "
            "second inspection. “There is no reason for alarm.” The county has not yet replied."
        ),
        [("The report", "Ekberg"), ("He recommends", "Ekberg"), ("“There is", "Ekberg")],
        [("The county", "Ekberg")],
    ),
    (
        (
            "“We warned them,” said farmer Tom Barrow. “Nobody listened.” His neighbour, Sue Lacey, "
            "said the same. “They had years,” she said."
        ),
        [
            ("“We warned", "Barrow"),
            ("“Nobody", "Barrow"),
            ("“They had", "Lacey"),
            ("“We warned", "the farmer"),
        ],
        [("“They had", "Barrow")],
    ),
    (
        (
            "UN Secretary-General António Guterres on Tuesday called for a ceasefire. Guterres "
            "described the situation as “beyond words”. The UN chief stressed that aid must reach "
            "everyone. “This must end,” he told reporters in New York."
        ),
        [
            ("UN Secretary", "Guterres"),
            ("Guterres described", "Guterres"),
            ("The UN chief", "Guterres"),
            ("“This must", "Guterres"),
            ("The UN chief", "António Guterres"),
        ],
        [],
    ),
    (
        (
            "Mr. Arkwin, the treasurer, cast the only vote against. The grant “buys time, not a "
            "plan,” he argued, and he asked for a review in 2027. Dr. Lindqvale’s report stated that "
            "closure would have added 50 minutes."
        ),
        [("The grant", "Arkwin"), ("The grant", "the treasurer"), ("Dr. Lindqvale", "Lindqvale")],
        [],
    ),
    (
        (
            "For Klara Weiss, the head of the school, the new rules are “a nightmare”. Weiss’s deputy "
            "was more hopeful. In a statement, the ministry promised to look at them again, saying "
            "that schools had not been consulted enough."
        ),
        [("For Klara", "Weiss"), ("In a statement", "the ministry")],
        [("In a statement", "Weiss")],
    ),
]


@pytest.mark.parametrize(
    ("text", "begins", "who", "is_heard"),
    [
        (text, begins, who, is_heard)
        for text, heard, unheard in PARAGRAPHS
        for is_heard, pairs in ((True, heard), (False, unheard))
        for begins, who in pairs
    ],
)
def test_reported_speech_has_its_speaker(
    text: str, begins: str, who: str, *, is_heard: bool
) -> None:
    spans = sentences(text)
    told = zip(spans, speakers(text, spans), strict=True)
    voice = next(voice for span, voice in told if text[span.start :].startswith(begins))
    assert speaks(voice, who) is is_heard


def test_an_office_named_in_another_article_is_known_from_there() -> None:
    here = Voice("Ms. Brandvik", "")
    there = Voice("Lucja Brandvik", "the union leader Lucja Brandvik")
    assert not speaks(here, "the union leader")
    assert speaks(elsewhere(here, [None, there]), "the union leader")
    assert not speaks(elsewhere(here, [Voice("Tor Wiik", "the union leader")]), "the union leader")
