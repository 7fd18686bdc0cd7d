"""Follow-ups become questions that stand alone; questions that do already are left as they are."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant import Turn
from assistant.language.wording import roots
from assistant.rewriting import standalone


def said(*texts: str) -> list[Turn]:
    """A conversation: what the user and the assistant said by turns."""
    return [Turn("assistant" if n % 2 else "user", text) for n, text in enumerate(texts)]


CONFERENCE = said("Where was the Conference on the Question of Jerusalem held?", "Dakar [1]")
TWO_STATES = said(
    "Which countries will chair the ministerial meeting on the two-state solution?",
    "France and Saudi Arabia [1][2]",
)
RACE = said("Who won the women's race in 2025?", "a crew of dockers [1]")
WRITERS = said(
    "Which writers will be at the festival?", "Jørn Hestvåg and Zeynep Korağan [1]; others [2]"
)
LIBRARIAN = said("Who is the head librarian at Pellow Street?", "Noor Castellane [1]")
ELECTION = said("Who won the mayoral by-election in 2023?", "Ms. Dufrayne [1]")
FLOOD = said("What caused the flood in Ennetmouth?", "a sluice gate at Millrace Lock [1]")
GAZA = said("What did Khiari say about Gaza?", "“The plan was also welcomed.” [1]")
MAYOR = said("Where was Mayor Dufrayne while the council voted?", "Corvale [1]")
CHIEF = said("Who is Anselm Rookby?", "the county’s chief fire officer [1]")
REFUSED = "Your articles don't answer this."
UNANSWERED = said("who won the mayoral election?", REFUSED)
STRAKE = said("Who won the mayoral by-election?", "Gideon Strake [1]")

FOLLOW_UPS = [
    # only question words
    (
        CONFERENCE,
        "and when was that?",
        "When was the Conference on the Question of Jerusalem held?",
    ),
    (CONFERENCE, "when?", "When was the Conference on the Question of Jerusalem held?"),
    (CONFERENCE, "Why", "Why was the Conference on the Question of Jerusalem held?"),
    (
        CONFERENCE,
        "when and why?",
        "When and why was the Conference on the Question of Jerusalem held?",
    ),
    (
        ELECTION,
        "by how much?",
        "By how much was it that Ms. Dufrayne won the mayoral by-election in 2023?",
    ),
    (ELECTION, "why?", "Why was it that Ms. Dufrayne won the mayoral by-election in 2023?"),
    (
        said("Who was elected mayor in October?", "Gideon Strake [1]"),
        "and where?",
        "Where was Gideon Strake elected mayor in October?",
    ),
    (
        said("Who got the Pellow Prize in 2023?", "Ms. Valdourão [1]"),
        "for which book?",
        "For which book was it that Ms. Valdourão got the Pellow Prize in 2023?",
    ),
    (
        said("Did the mayor want to keep patching up the Lady Ennet?", "No, she did not [1]"),
        "why?",
        "Why did the mayor want to keep patching up the Lady Ennet?",
    ),
    (
        said("Where was the Conference on Jerusalem held, and when?", "Dakar on July 9 [1]"),
        "who hosted it?",
        "Who hosted the Conference on Jerusalem?",
    ),
    (FLOOD, "and last year?", "What caused the flood in Ennetmouth last year?"),
    (
        CONFERENCE,
        "what happened then?",
        "What happened after the Conference on the Question of Jerusalem?",
    ),
    (FLOOD, "what else happened?", "What happened with the flood in Ennetmouth?"),
    (
        said("Which country hosted the Conference?", "Senegal [1]"),
        "and the city?",
        "Which city hosted the Conference?",
    ),
    (
        said("What did Mayor Dufrayne say about the ferry?", "“It is old,” she said. [1]"),
        "and the union leader?",
        "What did the union leader say about the ferry?",
    ),
    # it, that, there, then
    (CONFERENCE, "who organised it?", "Who organised the Conference on the Question of Jerusalem?"),
    (CONFERENCE, "how many people live there?", "How many people live in Dakar?"),
    (FLOOD, "when did it happen?", "When did the flood in Ennetmouth happen?"),
    (FLOOD, "who is to blame for that?", "Who is to blame for the flood in Ennetmouth?"),
    (
        said("What will be bought for the maternity ward?", "A U.S.-built scanner [1]"),
        "how much will it cost?",
        "How much will a U.S.-built scanner cost?",
    ),
    (
        TWO_STATES,
        "What is that meeting an opportunity to do?",
        "What is the ministerial meeting on the two-state solution an opportunity to do?",
    ),
    (
        said("When did the flood happen?", "in September [1]"),
        "who was mayor then?",
        "Who was mayor in September?",
    ),
    (
        said("Who won the women's race at the regatta in 2023?", "nurses [1]"),
        "and who won it in 2020?",
        "Who won the women's race at the regatta in 2020?",
    ),
    (
        said("Where were people taken?", "to the Guildhall [1]"),
        "what was put up there in the night?",
        "What was put up at the Guildhall in the night?",
    ),
    (
        said("What stands in the window?", "the Pilots’ Cup [1]"),
        "who gave it?",
        "Who gave the Pilots’ Cup?",
    ),
    (
        said("What did the board give the ward?", "A scanner [1]"),
        "when will it be used?",
        "When will a scanner be used?",
    ),
    # a name it has had before
    (
        said("What did she put together?", "the programme of the Festival of Tides [1]"),
        "how much does the festival cost?",
        "How much does the Festival of Tides cost?",
    ),
    (
        [*said("Who runs the Festival of Tides?", "Noor Castellane [1]"), *LIBRARIAN],
        "how much does the festival cost?",
        "How much does the Festival of Tides cost?",
    ),
    # persons
    (LIBRARIAN, "Where was she born?", "Where was Noor Castellane born?"),
    (LIBRARIAN, "what is her salary?", "What is Noor Castellane’s salary?"),
    (
        LIBRARIAN,
        "And since when has she been doing that?",
        "Since when has Noor Castellane been the head librarian at Pellow Street?",
    ),
    (MAYOR, "What did she say about it?", "What did Mayor Dufrayne say about the council?"),
    (CHIEF, "what did he say about the flood?", "What did Anselm Rookby say about the flood?"),
    (
        said("Who is deputy mayor of Ennetmouth?", "Clementine Hask [1]"),
        "who had the job before her?",
        "Who had the job before Clementine Hask?",
    ),
    (
        said("Who started the petition?", "Ines Hallgarth, a retired schoolteacher [1]"),
        "how old is she?",
        "How old is Ines Hallgarth?",
    ),
    (TWO_STATES, "What did they say?", "What did France and Saudi Arabia say?"),
    (
        said("Who had to leave their homes in the flood?", "340 people in the lower town [1]"),
        "where were they taken?",
        "Where were 340 people in the lower town taken?",
    ),
    # A place is no person, and there was none before.
    (
        CONFERENCE,
        "What did she say about it?",
        "What did she say about the Conference on the Question of Jerusalem?",
    ),
    # another year, place or name
    (RACE, "and in 2023?", "Who won the women's race in 2023?"),
    (RACE, "2023?", "Who won the women's race in 2023?"),
    (RACE, "what about 2023?", "Who won the women's race in 2023?"),
    (RACE, "what about the men's race?", "Who won the men's race in 2025?"),
    (GAZA, "and about Jerusalem?", "What did Khiari say about Jerusalem?"),
    (GAZA, "and Guterres?", "What did Guterres say about Gaza?"),
    (GAZA, "what about Guterres?", "What did Guterres say about Gaza?"),
    (
        said("What happened at the bridge?", "It broke [1]"),
        "at the port?",
        "What happened at the port?",
    ),
    (
        said("What did the mayor say about the flood?", "Nothing [1]"),
        "how about Gideon Strake?",
        "What did Gideon Strake say about the flood?",
    ),
    (
        said("Who came second in the main race?", "Nether Quoyle [1]"),
        "and third?",
        "Who came third in the main race?",
    ),
    (
        said("How much does a single reading at the festival cost?", "€8 [1]"),
        "and a pass for all four days?",
        "How much does a pass for all four days at the festival cost?",
    ),
    (
        said("Who rescued people?", "the Eastmarch fire service [1]"),
        "how many rescues did they make?",
        "How many rescues did the Eastmarch fire service make?",
    ),
    # more of the same
    (
        WRITERS,
        "who else?",
        "Which writers will be at the festival besides Jørn Hestvåg and Zeynep Korağan?",
    ),
    (
        WRITERS,
        "which of them comes from Norway?",
        "Which of Jørn Hestvåg and Zeynep Korağan comes from Norway?",
    ),
    (FLOOD, "tell me more", "What about the flood in Ennetmouth?"),
    # too short to be about anything
    (FLOOD, "how many people were hurt?", "How many people were hurt, the flood in Ennetmouth?"),
    (
        said("Who opens the Festival of Tides?", "Jørn Hestvåg [1]"),
        "and who is last?",
        "Who is last, the Festival of Tides?",
    ),
    # a follow-up of a follow-up
    (
        [*RACE, *said("and in 2023?", "nurses [1]")],
        "and in 2021?",
        "Who won the women's race in 2021?",
    ),
    (
        [*CHIEF, *said("what did he say about the flood?", "“A culvert.” [1]")],
        "and where does he live?",
        "Where does Anselm Rookby live?",
    ),
    (
        [*CONFERENCE, *said("when was it?", "July 9 [1]", "who organised it?", "the UN [1]")],
        "and why?",
        "Why was it that the UN organised the Conference on the Question of Jerusalem?",
    ),
    # small talk and refusals in between
    (
        [*CONFERENCE, *said("Thanks!", "You are welcome.")],
        "and when was it?",
        "When was the Conference on the Question of Jerusalem held?",
    ),
    (
        said("Who chairs the board?", "Your articles don't answer this. No article mentions it."),
        "where does she live?",
        "Where does she live, the board?",
    ),
    # what was not answered has no answer to go on with
    (UNANSWERED, "by how much?", "By how much was the mayoral election won?"),
    (UNANSWERED, "who else?", "Who else won the mayoral election?"),
    (UNANSWERED, "and what did she say?", "What did she say about the mayoral election?"),
    (
        [*UNANSWERED, *said("who is his deputy?", REFUSED)],
        "and the library?",
        "What about the library?",
    ),
    (
        [*UNANSWERED, *said("who is his deputy?", REFUSED, "thanks", "You are welcome.")],
        "what happened next?",
        "What happened after the mayoral election?",
    ),
    (
        [*UNANSWERED, *said("what happened next?", REFUSED)],
        "when?",
        "When was the mayoral election?",
    ),
    (
        [*STRAKE, *said("how old is the mayor?", REFUSED)],
        "by how much?",
        "By how much was it that Gideon Strake won the mayoral by-election?",
    ),
    # what is no question is none to go on with
    (
        [*STRAKE, *said("and his deputy?", REFUSED)],
        "what about the ferry?",
        "What about the ferry?",
    ),
    (
        [*STRAKE, *said("and in March?", REFUSED)],
        "what did Brandvik say about that?",
        "What did Brandvik say about the mayoral by-election in March?",
    ),
    (STRAKE, "and the library?", "What about the library?"),
    (
        said("how much does the ferry cost?", "€11.50 [1]"),
        "and the library?",
        "how much does the library cost?",
    ),
    (said("When does the library open?", "at ten [1]"), "who else?", "Who else, the library?"),
]


@pytest.mark.parametrize(
    ("history", "question", "expected"), FOLLOW_UPS, ids=[follow[1] for follow in FOLLOW_UPS]
)
def test_a_follow_up_stands_alone(history: list[Turn], question: str, expected: str) -> None:
    assert standalone(question, history) == expected


@pytest.mark.parametrize(
    ("history", "question"),
    [
        (MAYOR, "What is the capital of Australia?"),
        (MAYOR, "How old was Josiah Pellow when he died?"),
        (MAYOR, "From whom did the head librarian hear that her hours were being cut?"),
        (MAYOR, "How long does it take to cross to Skennay?"),
        (MAYOR, "Is it true that the library closes on Mondays?"),
        (FLOOD, "Who had to leave their homes in 2019?"),
        (FLOOD, "What was Harrowick's time when it won the Pilots' Cup?"),
        (FLOOD, "Why did the Lady Ennet sink?"),
        (CONFERENCE, "Which ship that was launched in 1978 carries 28 cars?"),
        (MAYOR, "How much does the festival cost?"),
        (CONFERENCE, "What did Strake say this year about the ferry contract?"),
    ],
)
def test_a_question_that_names_its_subject_is_left_alone(
    history: list[Turn], question: str
) -> None:
    assert standalone(question, history) == question


def test_a_change_of_topic_drops_the_history(root: Path) -> None:
    """Every question of the sample that stands alone, after another of them."""
    lines = (root / "benchmarks" / "seed_questions.jsonl").read_text("utf-8").splitlines()
    asked = [asked for line in lines if "history" not in (asked := json.loads(line))]
    others = random.Random(7).sample(asked, len(asked))  # noqa: S311 -- an order, no secret
    changed = [
        one["question"]
        for one, other in zip(asked, others, strict=True)
        if one is not other
        and standalone(
            one["question"], said(other["question"], (other["answers"] or ["No."])[0] + " [1]")
        )
        != one["question"]
    ]
    assert len(changed) <= len(asked) // 50, changed


@pytest.mark.parametrize(
    "question",
    [
        "what happened last week?",
        "What happened in September?",
        "any news?",
        "what's new today?",
        "What are my articles about?",
        "summarise the articles",
        "hello",
    ],
)
@pytest.mark.parametrize("history", [CONFERENCE, GAZA, ELECTION, WRITERS])
def test_who_asks_for_the_news_asks_about_everything(history: list[Turn], question: str) -> None:
    assert standalone(question, history) == question


PASSAGES = [
    "Blocked culvert blamed for the flood. Farmers lost 230 sheep. Nobody was killed.",
    "The ward stays open after a grant. They collected 9,140 signatures in January.",
    "Library to shut on Mondays. A petition had 2,300 signatures.",
    "Strake unseats Dufrayne. Turnout rose to 71.3 per cent in the election.",
]


def look(query: str) -> list[str]:
    """The passages that have a word of the query, as a word search does."""
    return [text for text in PASSAGES if roots(query) & roots(text)]


GRANT = said("Who voted against the grant for the ward?", "Mr. Arkwin [1]")


@pytest.mark.parametrize(
    ("history", "question", "expected"),
    [
        (GRANT, "how many sheep died?", "how many sheep died?"),
        (GRANT, "what was the turnout?", "what was the turnout?"),
        (FLOOD, "how many sheep died?", "How many sheep died, the flood in Ennetmouth?"),
        (FLOOD, "was anybody killed?", "Was anybody killed, the flood in Ennetmouth?"),
        (GRANT, "how many signatures?", "How many signatures, the grant for the ward?"),
        # no article has it: nothing says which topic is meant
        (GRANT, "who was promoted?", "Who was promoted, the grant for the ward?"),
        (GRANT, "when is the next one?", "When is the next one, the grant for the ward?"),
    ],
)
def test_a_topic_is_added_unless_the_articles_tell_of_it_apart(
    history: list[Turn], question: str, expected: str
) -> None:
    assert standalone(question, history, look) == expected


@pytest.mark.parametrize(
    "history", [[], said("", "Hello."), said("hello", "Hello."), said("Thanks!")]
)
def test_the_first_question_is_left_as_it_was_typed(history: list[Turn]) -> None:
    assert standalone("and when was that?", history) == "and when was that?"


def test_a_long_question_says_itself_what_it_is_about() -> None:
    long = f"{'It was said in the paper of the town. ' * 8}When was that?"
    assert standalone(long, CONFERENCE) == long


def test_an_endless_conversation_costs_no_more_than_its_end() -> None:
    history = CONFERENCE * 3_000
    assert standalone("and when was that?", history) == standalone("and when was that?", CONFERENCE)


def test_an_endless_turn_is_read_from_its_beginning() -> None:
    history = said("Where was the Conference held? " * 100_000, "Dakar [1] " * 100_000)
    assert standalone("and when was that?", history) == "When was the Conference held?"


def test_broken_unicode_in_the_history_does_not_enter_the_question() -> None:
    history = said("Where\ud83d was\x00 the\nConference held?", "Dakar [1]")
    assert standalone("when?", history).encode()


WORDS = [
    "and", "who", "what about", "in", "2023", "when", "it", "she", "they", "that", "of them", "the",
    "Dakar", "Ms. Hask", "won", "did", "say", "about", "meeting", "?", "[1]", ".", "else", "why", "her",
]  # fmt: skip
texts = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=60)


@given(texts, st.lists(st.builds(Turn, st.sampled_from(["user", "assistant"]), texts), max_size=6))
def test_whatever_was_said_the_question_stays_short_and_is_the_same_again(
    question: str, history: list[Turn]
) -> None:
    rewritten = standalone(question, history)
    assert len(rewritten) <= len(question) + 1_000
    assert rewritten == standalone(question, list(history))
    if question.strip():
        assert rewritten.strip()


@given(st.lists(st.integers(1, 99), min_size=1, max_size=4))
def test_no_mark_of_an_answer_enters_the_question(numbers: list[int]) -> None:
    marks = "".join(f"[{number}]" for number in numbers)
    for question in ("who else?", "which of them came?", "and what did they say?", "why?"):
        assert "[" not in standalone(question, said("Which writers came?", f"A and B {marks}"))
