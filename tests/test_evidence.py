"""Answers that take sentences, seen from outside: over fakes that find and read."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant import Answer, Assistant
from assistant.prompts import load_phrases
from tests.fake_reader import Answers, fake_assistant
from vectorstore import Article

FERRY = Article(
    "ferry",
    "New ferry will be dearer",
    "The new ferry will cost 45 million crowns, the port authority said on Thursday. It had been "
    "promised for 38 million.\n\n"
    "Captain Tobias Wrenfield, the authority’s director, put the increase down to the price of "
    "steel. “I gave you a figure in good faith, and it was wrong,” he said.\n\n"
    "Mayor Maren Dufrayne claimed that the ferry would pay for itself. She has backed it from the "
    "first.\n\n"
    "Gideon Strake of the opposition called the ferry a gamble with other people’s money. The "
    "council did not cancel the ferry. The motion failed by eight votes to five.",
    source="Gazette",
    published=date(2025, 6, 27),
)
CUP = Article(
    "cup",
    "The cup comes home",
    "Skennay won the cup on Saturday, two lengths clear of Quoyle. The race was delayed because a "
    "gale had wrecked the pontoon.\n\n"
    "Writers from Norway, Turkey and France watched the race. So did a poet from Ghana.",
    source="Post",
    published=date(2025, 7, 28),
)
BOTH = (FERRY, CUP)
TEXTS = {article.id: article.text for article in BOTH}


def asked(folder: Path, question: str, answers: Answers | None = None) -> Answer:
    return fake_assistant(folder, BOTH, answers or {}).answer(question)


def told(answer: Answer) -> str:
    return " ".join(statement.text for statement in answer.statements)


# -- what somebody said ------------------------------------------------------------------------


def test_what_somebody_said_is_told_and_nobody_elses_words(tmp_path: Path) -> None:
    answer = asked(tmp_path, "What did Wrenfield say about the ferry's price?")
    assert answer.answered
    assert "put the increase down to the price of steel" in told(answer)
    assert "Dufrayne" not in told(answer)
    assert "gamble" not in told(answer)


def test_he_said_belongs_to_whom_was_named_last(tmp_path: Path) -> None:
    answer = asked(tmp_path, "What did Wrenfield say about the wrong figure?")
    assert "I gave you a figure" in told(answer)


@pytest.mark.parametrize(
    "question",
    [
        "What did Wrenfield say about climate change?",
        "What did Quoyle say about the ferry?",
        "What did Wrenfield say about the gamble?",
        "What did Wrenfield say about the bridge to Thursday?",
    ],
)
def test_what_somebody_did_not_say_is_not_answered(tmp_path: Path, question: str) -> None:
    assert asked(tmp_path, question).kind == "abstention"


def test_that_somebody_spoke_is_told_with_the_words(tmp_path: Path) -> None:
    project = Article(
        "project",
        "The bridge",
        "Mayor Ann Rook defended the bridge. “It costs more than we said,” she told the meeting. The "
        "opposition left.",
    )
    answer = fake_assistant(tmp_path, [project], {}).answer("What did Ann Rook say of the bridge?")
    assert told(answer) == (
        "Mayor Ann Rook defended the bridge. “It costs more than we said,” she told the meeting."
    )


def test_what_is_asked_of_somebody_else_in_the_article_is_not_told_for_it(tmp_path: Path) -> None:
    answer = asked(tmp_path, "What did Strake say about the price of steel?")
    assert "Wrenfield" not in told(answer)
    assert "price of steel" not in told(answer)


def test_a_claim_stays_a_claim(tmp_path: Path) -> None:
    answer = asked(tmp_path, "What did the mayor say about the ferry?")
    assert "Mayor Maren Dufrayne claimed that the ferry would pay for itself." in told(answer)


# -- why ---------------------------------------------------------------------------------------


def test_a_reason_is_told_with_the_sentence_that_gives_it(tmp_path: Path) -> None:
    answer = asked(tmp_path, "Why was the race delayed?", {"why": ["a gale"]})
    assert "because a gale had wrecked the pontoon" in told(answer)
    assert answer.short is None


@pytest.mark.parametrize(
    "question",
    ["Why did the ferry sink?", "Why did the council resign?", "Why was the cup stolen?"],
)
def test_a_reason_that_no_passage_is_read_to_give_is_not_made_up(
    tmp_path: Path, question: str
) -> None:
    assert asked(tmp_path, question).kind == "abstention"


# -- topics and summaries ----------------------------------------------------------------------


def test_a_summary_begins_with_what_the_article_begins_with(tmp_path: Path) -> None:
    answer = asked(tmp_path, "Summarise the article about the ferry")
    assert answer.statements[0].text.startswith("The new ferry will cost 45 million crowns")
    assert {citation.article_id for citation in answer.citations} == {"ferry"}
    assert 1 <= len(answer.statements) <= 4


@pytest.mark.parametrize(
    "question",
    [
        "Tell me about the airport",
        "Summarise the article about the election",
        "Tell me about Ada Thorne",
        "What happened at the airport?",
    ],
)
def test_what_no_article_is_about_is_not_told_of(tmp_path: Path, question: str) -> None:
    answer = asked(tmp_path, question)
    assert answer.kind == "abstention"
    assert answer.confidence < 0.5


def test_a_person_is_told_of_by_the_sentences_that_name_him(tmp_path: Path) -> None:
    answer = asked(tmp_path, "Tell me about Gideon Strake")
    assert "Gideon Strake of the opposition" in told(answer)
    assert "Skennay" not in told(answer)


def test_what_is_new_is_told_newest_first(tmp_path: Path) -> None:
    answer = asked(tmp_path, "What's new?")
    assert [citation.article_id for citation in answer.citations] == ["cup", "ferry"]
    assert answer.statements[0].text.startswith("Skennay won the cup")


def test_nothing_new_is_told_from_articles_that_a_limit_leaves_out(tmp_path: Path) -> None:
    with fake_assistant(tmp_path, BOTH) as assistant:
        answer = assistant.answer("What's new?", sources=["Gazette"])
    assert {citation.article_id for citation in answer.citations} == {"ferry"}


# -- yes or no ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "begins"),
    [
        ("Did Skennay win the cup on Saturday?", "Skennay won"),
        ("Did the mayor say the ferry would pay for itself?", "Mayor Maren"),
        ("Did the council cancel the ferry?", "No: The council did not cancel the ferry."),
        ("Was the race delayed?", "Yes: The race was delayed"),
        ("Will the ferry pay for itself?", "Mayor Maren Dufrayne claimed"),
        ("Does the new ferry cost 45 million crowns?", "The new ferry will cost"),
    ],
)
def test_yes_or_no_is_said_only_where_the_same_is_stated(
    tmp_path: Path, question: str, begins: str
) -> None:
    answer = asked(tmp_path, question)
    assert answer.text.startswith(begins) or begins in answer.text
    if not begins.startswith(("Yes", "No")):
        assert not answer.text.startswith(("Yes", "No"))


# -- lists and parts ---------------------------------------------------------------------------


def test_a_list_has_all_of_its_items_each_cited_where_it_stands(tmp_path: Path) -> None:
    more = Article("more", "More", "Writers came from Chile too, and the race began.")
    assistant = fake_assistant(tmp_path, (*BOTH, more), {"which": ["Turkey", "Chile"]})
    answer = assistant.answer("Which countries did the writers at the race come from?")
    assert [statement.text for statement in answer.statements] == [
        "Norway, Turkey and France",
        "Chile",
    ] or [statement.text for statement in answer.statements] == [
        "Chile",
        "Norway, Turkey and France",
    ]
    assert len({statement.citations for statement in answer.statements}) == 2
    assert "; " in answer.text


def test_the_part_that_is_not_answered_is_named(tmp_path: Path) -> None:
    answer = asked(tmp_path, "Who won the cup, and when was the cup made?", {"who": ["Skennay"]})
    assert answer.short == "Skennay"
    assert [n for n in answer.notices if "When was the cup made?" in n]
    assert answer.text == "Skennay [1]"


def test_a_part_that_leans_on_the_first_is_filled_in(tmp_path: Path) -> None:
    answer = asked(
        tmp_path, "Who won the cup, and where was it made?", {"who": ["Skennay"], "x": ["y"]}
    )
    (notice,) = answer.notices
    assert "the cup" in notice


@pytest.mark.parametrize("question", ["When was the race?", "How many watched the race?"])
def test_a_span_of_the_wrong_kind_is_no_answer(tmp_path: Path, question: str) -> None:
    wrong = {"when": ["Quoyle"], "how many": ["Quoyle"]}
    assert asked(tmp_path, question, wrong).kind == "abstention"


def test_a_name_of_the_question_that_stands_nowhere_makes_it_doubtful(tmp_path: Path) -> None:
    knows = {"who": ["Skennay"]}
    assistant = fake_assistant(tmp_path, BOTH, knows)
    assert assistant.answer("Who won the cup in Skennay?").answered
    strange = assistant.answer("Who won the cup in Ballymore?")
    assert strange.kind == "abstention"
    assert "No article mentions Ballymore." in strange.text


# -- time --------------------------------------------------------------------------------------

LATER = Article(
    "later",
    "Vote on the ferry",
    "Gideon Strake of the opposition called the ferry a success after all. The vote on the ferry "
    "ended at midnight.",
    source="Echo",
    published=date(2025, 9, 1),
)


@pytest.mark.parametrize(
    ("question", "there", "elsewhere"),
    [
        ("What did Gideon Strake say about the ferry in June 2025?", "a gamble", "a success"),
        ("What did Gideon Strake say about the ferry in September 2025?", "a success", "a gamble"),
        ("What did Gideon Strake say about the ferry before the vote?", "a gamble", "a success"),
        ("What was the first article about the ferry?", "45 million", "a success"),
        ("What did Gideon Strake first say about the ferry?", "a gamble", "a success"),
        ("What did Gideon Strake say most recently about the ferry?", "a success", "a gamble"),
    ],
)
def test_what_is_told_is_of_the_time_asked_about(
    tmp_path: Path, question: str, there: str, elsewhere: str
) -> None:
    answer = fake_assistant(tmp_path, (FERRY, LATER), {}).answer(question)
    assert there in told(answer)
    assert elsewhere not in told(answer)


def test_what_happened_in_a_month_needs_no_topic(tmp_path: Path) -> None:
    answer = asked(tmp_path, "What happened in July 2025?")
    assert [citation.article_id for citation in answer.citations] == ["cup"]


# -- what hangs --------------------------------------------------------------------------------


def test_a_chain_of_pronouns_takes_no_more_with_it_than_the_question_needs(tmp_path: Path) -> None:
    speech = Article(
        "speech",
        "Strake speaks",
        "“I knocked on every door,” Mr. Strake told supporters. “People asked who reads the "
        "letters.” He named three aims. He does not cancel the ferry, he said, because the penalty "
        "would be 9 million.",
    )
    reader: Answers = {"why": ["because the penalty would be 9 million"]}
    assistant = fake_assistant(tmp_path, (speech,), reader)
    known = told(assistant.answer("Why does Strake not cancel the ferry?"))
    assert known == "He does not cancel the ferry, he said, because the penalty would be 9 million."
    unknown = told(assistant.answer("Why is the ferry not cancelled?"))
    assert unknown.endswith(known)
    assert "knocked" not in unknown


# -- laws --------------------------------------------------------------------------------------

QUESTIONS = st.sampled_from(
    [
        "What did Wrenfield say about the ferry?",
        "Why was the race delayed?",
        "How did the race go?",
        "Tell me about the ferry",
        "Tell me about Gideon Strake",
        "Summarise the articles",
        "What happened at the race?",
        "What's new?",
        "Did Skennay win the cup?",
        "Which countries did they come from?",
        "Who won the cup, and why was the race delayed?",
        "Who is Tobias Wrenfield?",
        "ferry price",
        "Was the council wrong, and who said so?",
    ]
)
sentences = st.sampled_from(
    [
        "The ferry is late.",
        "Tobias Wrenfield said the ferry was “not late”.",
        "“It is,” he said.",
        "He won the race [2] because of a gale.",
        "It cost 5 crowns!",
        "Gideon Strake 🌊 came from Norway, Turkey and France.",
        "“No.”",
        "Yes.",
        "\n\n",
        "Skennay did not win the cup.",
        "and",
        "They said: “Was it?”",
    ]
)
articles = st.lists(st.lists(sentences, min_size=1, max_size=9).map(" ".join), max_size=4)
READ: Answers = {"who": ["Skennay"], "why": ["a gale"], "which": ["Turkey"], "how": ["late"]}


def world(folder: Path, texts: list[str]) -> Assistant:
    given_articles = [
        Article(f"a{n}", f"Ferry {n}", f"ferry race {text}", published=date(2025, 1, 1 + n))
        for n, text in enumerate(texts)
    ]
    return fake_assistant(folder, (*BOTH, *given_articles), READ)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(articles, QUESTIONS)
def test_an_answer_is_cited_exactly_and_adds_no_word_but_the_fixed_ones(
    tmp_path_factory: pytest.TempPathFactory, written: list[str], question: str
) -> None:
    assistant = world(tmp_path_factory.mktemp("law"), written)
    *partial, answer = assistant.stream(question)
    texts = {one.id: assistant.index.get(one.id).text for one in assistant.index.articles()}
    assert answer == assistant.answer(question)
    assert answer.answered == bool(answer.citations)
    used = {number for statement in answer.statements for number in statement.citations}
    assert used == {citation.number for citation in answer.citations}
    for citation in answer.citations:
        assert texts[citation.article_id][citation.start : citation.end] == citation.quote != ""
    for statement in answer.statements:
        assert statement.citations
        assert any(statement.text in text for text in texts.values())
    for earlier in partial:
        assert answer.statements[: len(earlier.statements)] == earlier.statements
    if answer.answered:
        phrases = load_phrases("extractive")
        left = answer.text
        for statement in sorted(answer.statements, key=lambda each: -len(each.text)):
            left = left.replace(re.sub(r"\[(\d+)\]", r"(\1)", statement.text), " ", 1)
        for fixed in ("affirmed", "denied"):
            left = left.replace(phrases.say(fixed), " ")
        assert not re.sub(r"\[\d+\]|[;\s]", "", left)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(articles, QUESTIONS, st.randoms(use_true_random=False))
def test_the_order_of_adding_articles_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, written: list[str], question: str, chance: Random
) -> None:
    first = world(tmp_path_factory.mktemp("one"), written)
    given_articles = [first.index.get(one.id) for one in first.index.articles()]
    chance.shuffle(given_articles)
    second = fake_assistant(tmp_path_factory.mktemp("other"), given_articles, READ)
    one, other = first.answer(question), second.answer(question)
    assert (one.kind, one.text, one.citations) == (other.kind, other.text, other.citations)


def test_an_item_of_a_list_is_not_told_without_what_leads_it_in(tmp_path: Path) -> None:
    rules = Article(
        "rules",
        "How courts work",
        "Courts decide cases of many kinds. An appeal is not:\n\n- a second hearing of the whole case\n"
        "- a new trial by another court of the county\n\nMost people never see a court.",
    )
    span = "a new trial by another court of the county"
    reader = fake_assistant(tmp_path, [rules], {"how": [span]})
    answer = reader.answer("how is a new trial by another court of the county described?")
    assert answer.answered
    assert "a new trial" in answer.citations[0].quote
    assert answer.citations[0].quote.startswith("An appeal is not:")


def test_yes_or_no_takes_a_statement_on_the_day_and_on_what_was_done(tmp_path: Path) -> None:
    news = Article(
        "news",
        "Library to shut on Mondays",
        "The library saves money. On the other weekdays the library will close at five.\n\n"
        "Sixteen ballots for Ms. Dufrayne had been bundled with those of the winner.",
    )
    assistant = fake_assistant(tmp_path, [news], {})
    assert assistant.answer("is the library closed on Mondays?").kind == "abstention"
    assert assistant.answer("did Dufrayne win the election?").kind == "abstention"
    assert assistant.answer("will the library close at five on the other weekdays?").answered


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_summary_has_at_most_as_many_sentences_as_are_asked_for(
    tmp_path: Path, most: int
) -> None:
    answer = asked(tmp_path, f"Summarise the article about the ferry in {most} sentences")
    assert 1 <= len(re.findall(r"[.!?]”?(?:\s|$)", told(answer))) <= most


def test_what_happened_to_something_mentioned_tells_of_it_and_not_of_all_else(
    tmp_path: Path,
) -> None:
    flood = Article(
        "flood",
        "River bursts its banks",
        "The river broke over its banks on Wednesday and drove 340 people from their homes. The water "
        "reached the highest level since 2011, when it came up to the bridge, and it stayed there for "
        "most of the day. Families were taken by bus and by lifeboat to the Guildhall, where camp beds "
        "had been put up for them by volunteers. Three people were treated at the hospital, one of "
        "them for a broken wrist.\n\nAt the library the cellar filled, and 4,000 books were ruined.",
    )
    answer = fake_assistant(tmp_path, [flood], {}).answer("What happened to the library?")
    assert told(answer) == "At the library the cellar filled, and 4,000 books were ruined."


def test_nobody_is_a_no_to_anybody(tmp_path: Path) -> None:
    flood = Article("flood", "The flood", "The river flooded the town. Nobody was killed.")
    answer = fake_assistant(tmp_path, [flood], {}).answer("Was anyone killed in the flood?")
    assert answer.text == "No: Nobody was killed. [1]"
    flood = Article("flood", "The flood", "The river rose. Nobody was killed in the flood.")
    answer = fake_assistant(tmp_path, [flood], {}).answer("Was anyone killed in the flood?")
    assert answer.text == "No: Nobody was killed in the flood. [1]"


def test_accounts_that_are_compared_are_told_of_both_articles(tmp_path: Path) -> None:
    race = Article("race", "The race", "The race began an hour late, the harbour master said.")
    answer = fake_assistant(tmp_path, [CUP, race], {}).answer("Compare the reports on the race")
    assert {citation.article_id for citation in answer.citations} == {"cup", "race"}


def test_what_happened_on_a_day_is_told_by_who_names_it_later(tmp_path: Path) -> None:
    later = Article(
        "later",
        "The crew",
        "The union was glad. Its leader had signed an agreement on June 19. It holds until 2030 at least.",
        published=date(2025, 6, 27),
    )
    assistant = fake_assistant(tmp_path, [later, CUP], {})
    answer = assistant.answer("What happened on June 19?", as_of=date(2025, 8, 1))
    assert "Its leader had signed an agreement on June 19." in told(answer)
    assert "cup" not in told(answer)
    of_a_year = assistant.answer("What happened in 2030?", as_of=date(2025, 8, 1))
    assert told(of_a_year).endswith("It holds until 2030 at least.")
    other_year = assistant.answer("What happened on June 19, 2021?", as_of=date(2025, 8, 1))
    assert other_year.kind == "abstention"
    assert (
        assistant.answer("What happened on June 20?", as_of=date(2025, 8, 1)).kind == "abstention"
    )


@pytest.mark.parametrize(
    "said",
    [
        "Nobody was hurt, but fourteen people were rescued.",
        "No doubt many people were hurt.",
        "No one knows how many were hurt.",
        "Nobody was hurt in the storm of 2011.",
        "Nobody was hurt in the storm.",
        "No one was hurt at first, but by morning five were.",
        "None of the people hurt were children.",
        "Nobody was hurt, he said.",
    ],
)
def test_no_is_not_said_for_a_sentence_that_says_something_else(tmp_path: Path, said: str) -> None:
    flood = Article("flood", "The flood", f"The river flooded the town. {said}")
    answer = fake_assistant(tmp_path, [flood], {}).answer("Was anyone hurt in the flood?")
    assert not answer.text.startswith("No:")
