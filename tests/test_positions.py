"""Contradictions are told, newest first; corrections win; look-alikes and copies raise no alarm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant import Answer, Citation, Statement
from assistant.positions import (
    Rated,
    agreeing,
    of_another,
    of_another_year,
    outdated,
    taken_back,
    weighed,
    with_positions,
    with_rivals,
)
from assistant.prompts import load_phrases
from assistant.reader import Reading
from benchmarks import conflicts
from tests.fake_reader import fake_assistant
from vectorstore import Article, Passage

PHRASES = load_phrases("extractive")
PAIRS = conflicts.load()


def rated(
    name: str, text: str, span: str, day: date | None = date(2025, 9, 18), *, title: str = ""
) -> Rated:
    passage = Passage(
        f"{name}:0", name, 0, len(text), text, title or f"Flood on the Ennet {name}", name.title()
    )
    passage = replace(passage, published=day)
    start = text.index(span)
    return Reading(passage, start, start + len(span), span, 4.0), 0.9


MAYOR = rated("gazette", "The River Ennet drove 340 people from their homes on Wednesday.", "340")
BRIGADE = rated(
    "echo",
    "More than 520 people had to leave their homes when the River Ennet flooded on Wednesday.",
    "More than 520",
    date(2025, 9, 19),
)
AGENCY = rated("wire", "On Wednesday the River Ennet drove 340 people from their homes.", "340")
HOMES = "How many people had to leave their homes in the flood on the Ennet?"


def test_sides_are_newest_first_and_each_has_its_independent_articles() -> None:
    third = rated("post", "Homes of 340 people stand empty since the Ennet’s flood.", "340 people")
    case = weighed(HOMES, [MAYOR, BRIGADE, third])
    assert case is not None
    assert not case.corrected
    said = [[reading.text for reading in side.readings] for side in case.sides]
    assert said == [["More than 520"], ["340", "340 people"]]
    assert [side.published for side in case.sides] == [date(2025, 9, 19), date(2025, 9, 18)]


def test_a_value_of_another_person_is_no_side() -> None:
    question = "How many votes did Strake win by?"
    his = rated("echo", "Gideon Strake won the vote on Sunday by 231 votes.", "231 votes")
    hers = rated("gazette", "On that occasion Ms. Dufrayne won by 412 votes.", "412 votes")
    nobodys = rated("post", "The vote on Sunday was won by Strake by 198 votes.", "198 votes")
    assert weighed(question, [his, hers]) is None
    assert of_another(question, hers[0])
    assert not of_another(question, his[0])
    assert not of_another(question, nobodys[0])
    assert not of_another("How many votes was the election won by?", hers[0])
    assert not of_another(HOMES, MAYOR[0])


def test_an_amount_of_another_year_does_not_answer() -> None:
    cancelled = "Breakdowns led to 58 cancelled sailings in 2024, against 31 in 2023."
    of_2024, _ = rated("gazette", cancelled, "58")
    of_2023, _ = rated("gazette", cancelled, "31")
    assert of_another_year("How many sailings were cancelled in 2023?", of_2024)
    assert not of_another_year("How many sailings were cancelled in 2023?", of_2023)
    assert of_another_year("How many sailings were cancelled in 2024?", of_2023)
    assert not of_another_year("How many sailings were cancelled in 2024?", of_2024)
    assert not of_another_year("How many sailings were cancelled?", of_2024)
    # Of 2022 nothing is told: that is for the confidence to say.
    assert not of_another_year("How many sailings were cancelled in 2022?", of_2024)
    born = "She found that 486 babies were born there in 2024, up from 451 the year before."
    assert of_another_year("How many babies were born in 2023?", rated("wire", born, "486")[0])
    assert not of_another_year("How many babies were born in 2023?", rated("wire", born, "451")[0])
    assert not of_another_year("Who was born there in 2023?", rated("wire", born, "486")[0])
    both = rated("gazette", cancelled, "58 cancelled sailings in 2024, against 31")[0]
    assert of_another_year("How many sailings were cancelled in 2023?", both)
    school = "In 2025, the school built in 1998 taught 400 pupils and two of its classes in tents."
    taught = rated("wire", school, "400 pupils")[0]
    assert not of_another_year("How many pupils did the school teach in 2025?", taught)
    budget = "The budget for 2025 rose from €3 million in 2024 to €4 million."
    assert of_another_year("How much was the budget in 2025?", rated("wire", budget, "2024")[0])
    assert of_another_year(
        "How much was the budget in 2025?", rated("wire", budget, "€3 million")[0]
    )
    right = rated("wire", budget, "€4 million")[0]
    assert not of_another_year("How much was the budget in 2025?", right)


def test_what_is_told_names_source_and_day_of_each_side_and_picks_no_winner() -> None:
    answer = with_positions(first_answer(MAYOR), HOMES, [MAYOR, BRIGADE], PHRASES)
    assert answer.text == (
        "Your sources disagree. Echo (19 September 2025): More than 520 [1]; "
        "Gazette (18 September 2025): 340 [2]."
    )
    assert [(p.text, p.citations, p.published) for p in answer.positions] == [
        ("More than 520", (1,), date(2025, 9, 19)),
        ("340", (2,), date(2025, 9, 18)),
    ]
    assert [s.citations for s in answer.statements] == [(1,), (2,)]
    assert_proved(answer, [MAYOR, BRIGADE])


def test_a_correction_wins_and_the_older_value_is_told_as_such() -> None:
    old = rated("gazette", "Strake beat Dufrayne by 231 votes.", "231 votes", date(2025, 10, 13))
    new = rated(
        "echo",
        "Strake has a majority of 198 votes over Dufrayne. Correction: the majority of 231 votes no longer stands.",
        "198 votes",
        date(2025, 11, 4),
    )
    answer = with_positions(
        first_answer(old), "By how many votes did Strake beat Dufrayne?", [old, new], PHRASES
    )
    assert answer.short == "198 votes"
    assert answer.positions == ()
    assert answer.text.startswith("198 votes [1] (4 November 2025). Earlier, Gazette")
    assert answer.text.endswith("231 votes [2].")
    assert_proved(answer, [old, new])


def test_a_newer_article_that_corrects_nothing_does_not_win() -> None:
    case = weighed(HOMES, [BRIGADE, MAYOR])
    assert case is not None
    assert not case.corrected


FERRY = "When is the new Ennet ferry to enter service?"
SPRING = rated(
    "gazette",
    "The new Ennet ferry should enter service in the spring of 2027.",
    "the spring of 2027",
)


@pytest.mark.parametrize(
    ("newer", "day", "changed"),
    [
        ("The Ennet ferry had been promised for the spring of that year.", date(2025, 10, 1), True),
        ("The Ennet ferry had been promised for the spring of that year.", date(2025, 1, 1), False),
        ("The Ennet ferry had been promised for the spring of that year.", None, False),
        ("The Ennet ferry will be blue. It comes in spring.", date(2025, 10, 1), False),
        ("The library is no longer open in spring.", date(2025, 10, 1), False),
    ],
)
def test_an_answer_that_a_newer_passage_takes_back_is_said_to_be_so(
    newer: str, day: date | None, changed: bool
) -> None:
    later = rated("later", newer, "The", day, title="The new ferry: dearer [3]")
    read = [SPRING[0], later[0]]
    assert (outdated(FERRY, SPRING[0], read) is not None) == changed
    answer = with_positions(first_answer(SPRING), FERRY, [SPRING], PHRASES, read)
    said = ("This may have changed since: see “The new ferry: dearer (3)” (1 October 2025).",)
    assert answer.notices == (said if changed else ())
    assert answer.text == first_answer(SPRING).text


@pytest.mark.parametrize(
    ("text", "span", "back"),
    [
        ("A return will cost €12.80 instead of €11.50.", "€11.50", True),
        ("A return will cost €12.80 instead of €11.50.", "€12.80", False),
        ("The majority of 231 votes no longer stands.", "231 votes", True),
        ("He won by 231 votes. The old gate no longer stands.", "231 votes", False),
        ("Turnout was 71.3 per cent, up from 64.8 per cent.", "64.8 per cent", True),
    ],
)
def test_a_value_that_its_own_sentence_takes_back_is_told_apart(
    text: str, span: str, back: bool
) -> None:
    assert taken_back(rated("a", text, span)[0]) == back


def test_an_answer_that_its_own_sentence_takes_back_is_no_side_and_comes_with_a_notice() -> None:
    old = rated("echo", "The majority of 231 votes on the Ennet no longer stands.", "231 votes")
    other = rated("gazette", "The majority on the Ennet is 198 votes.", "198 votes")
    question = "What is the majority on the Ennet?"
    assert weighed(question, [old, other]) is None
    answer = with_positions(first_answer(old), question, [old, other], PHRASES)
    assert answer.notices == ("The sentence quoted says that this no longer holds.",)


def test_an_article_that_has_both_amounts_contradicts_neither() -> None:
    question = "By how many votes did Strake beat Dufrayne?"
    new = rated("echo", "Strake beat Dufrayne by 231 votes.", "231 votes", title="Strake")
    both = rated(
        "gazette", "Dufrayne had 412 votes more.", "412 votes", title="Strake by 231 votes"
    )
    assert weighed(question, [new, both]) is None


def test_who_it_is_does_not_change_because_something_else_did() -> None:
    mayor = rated("a", "Gideon Strake is the mayor of Ennet.", "Gideon Strake", date(2025, 10, 1))
    later = rated(
        "b",
        "Gideon Strake, mayor of Ennet, has a majority that is now 198.",
        "198",
        date(2025, 11, 1),
    )
    assert outdated("Who is the mayor of Ennet?", mayor[0], [mayor[0], later[0]]) is None


def test_a_weekday_as_an_answer_comes_with_the_day_of_its_article() -> None:
    flood = rated("gazette", "The Ennet flooded the town early on Wednesday.", "Wednesday")
    answer = with_positions(first_answer(flood), "When did the Ennet flood?", [flood], PHRASES)
    assert answer.notices == ("“Wednesday” is told in an article of 18 September 2025.",)
    dated = rated("gazette", "The Ennet flooded the town on 17 September.", "17 September")
    answer = with_positions(first_answer(dated), "When did the Ennet flood?", [dated], PHRASES)
    assert answer.notices == ()


def test_the_same_in_other_words_is_no_disagreement_but_agreement() -> None:
    other = rated("post", "About 340 people lost their homes to the Ennet’s flood.", "About 340")
    assert weighed(HOMES, [MAYOR, other]) is None
    assert [r.text for r in agreeing(HOMES, [MAYOR, other])] == ["340", "About 340"]
    answer = with_positions(first_answer(MAYOR, other), HOMES, [MAYOR, other], PHRASES)
    assert answer.notices == ("2 independent sources say so: Gazette and Post.",)
    assert answer.text == first_answer(MAYOR, other).text


def test_a_copy_counts_once() -> None:
    assert len(agreeing(HOMES, [MAYOR, AGENCY])) == 1
    assert (
        weighed(HOMES, [MAYOR, rated("gazette", "It drove 520 people from homes.", "520")]) is None
    )
    answer = with_positions(first_answer(MAYOR, AGENCY), HOMES, [MAYOR, AGENCY], PHRASES)
    assert answer.notices == ()


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        (  # another day
            "How many goals did Brennick score?",
            rated("a", "Brennick scored four goals on Sunday.", "four goals", date(2024, 9, 2)),
            rated("b", "Brennick scored two goals on Sunday.", "two goals", date(2024, 9, 9)),
        ),
        (  # another place
            "How many were hurt in the fire?",
            rated("a", "Three were hurt in a fire in Ostley.", "Three", title="Fire in Ostley"),
            rated("b", "Seven were hurt in a fire in Dunnow.", "Seven", title="Fire in Dunnow"),
        ),
        (  # another year
            "Who won the US Open?",
            rated("a", "In 2021 Raducanu won the US Open.", "Raducanu", title="US Open 2021"),
            rated("b", "In 2022 Swiatek won the US Open.", "Swiatek", title="US Open 2022"),
        ),
        (  # another race
            "Who won the Ennet Regatta?",
            rated("a", "In the men’s race Skennay won the Ennet Regatta.", "Skennay"),
            rated("b", "In the women’s race Harrowick won the Ennet Regatta.", "Harrowick"),
        ),
        (  # both are right
            "Who opposed the Ennet bypass?",
            rated("a", "Farmers opposed the Ennet bypass.", "Farmers"),
            rated("b", "The bird society opposed the Ennet bypass.", "The bird society"),
        ),
        (  # one of them lacks the name that was asked about
            "How old is Gideon Strake?",
            rated("a", "Gideon Strake is 51 years old.", "51", title="Strake"),
            rated("b", "Maren Dufrayne is 58 years old.", "58", title="Dufrayne"),
        ),
        (  # both in one sentence
            "What caused the flood on the Ennet?",
            rated("a", "A gate caused the flood on the Ennet.", "A gate"),
            rated("b", "A gate and a culvert caused the flood on the Ennet.", "culvert"),
        ),
        (  # a majority of votes is no number of votes
            "How many votes did Gideon Strake receive?",
            rated("a", "Gideon Strake received 620 votes, the clerk of Ennet said.", "620 votes"),
            rated(
                "b",
                "Gideon Strake of Ennet won with a majority that is now 198 votes.",
                "198 votes",
            ),
        ),
        (  # a sum a month, and a sum
            "How much does the Ennet pass cost?",
            rated("a", "The Ennet pass costs 40 euros a month.", "40 euros"),
            rated("b", "The Ennet pass costs 90 euros.", "90 euros"),
        ),
        (  # of another order
            "How many votes did Gideon Strake receive in Ennet?",
            rated("a", "Gideon Strake received 6,204 votes in Ennet.", "6,204 votes"),
            rated("b", "Gideon Strake received 12 votes in the hall, Ennet said.", "12 votes"),
        ),
        (  # what is counted has another name
            "How many seats does the Ennet Theatre have?",
            rated("a", "The Ennet Theatre has 612 seats.", "612"),
            rated("b", "The studio of the Ennet Theatre has 90 chairs on wheels.", "90"),
        ),
        (  # nobody knows when
            "Who leads the Ennet club?",
            rated("a", "Hallgarth leads the Ennet club.", "Hallgarth", None),
            rated("b", "Castellane leads the Ennet club.", "Castellane", None),
        ),
    ],
)
def test_look_alikes_raise_no_alarm(question: str, one: Rated, other: Rated) -> None:
    assert weighed(question, [one, other]) is None
    assert weighed(question, [other, one]) is None


def test_two_differences_are_compared_where_one_is_asked_for() -> None:
    one = rated("a", "Rents in Ennet rose by 4.2 per cent, the town said.", "4.2 per cent")
    other = rated("b", "Rents in Ennet are 7.9 per cent higher, tenants said.", "7.9 per cent")
    assert weighed("By how much did rents rise in Ennet?", [one, other]) is not None


def test_one_reading_or_none_is_no_case() -> None:
    assert weighed(HOMES, []) is None
    assert weighed(HOMES, [MAYOR]) is None


def test_a_rival_is_judged_as_if_the_best_were_not_there() -> None:
    doubtful = (BRIGADE[0], 0.1)
    alone = {BRIGADE[0].text: 0.7, MAYOR[0].text: 0.9, AGENCY[0].text: 0.9}

    def confident(readings: Sequence[Reading]) -> list[float]:
        assert MAYOR[0] not in readings
        return [alone[reading.text] for reading in readings]

    read = [MAYOR[0], doubtful[0], AGENCY[0]]
    assert with_rivals([MAYOR], read, confident, 0.5) == [MAYOR, (BRIGADE[0], 0.7)]
    assert with_rivals([MAYOR], read, confident, 0.8) == [MAYOR]
    assert with_rivals([MAYOR, doubtful], read, confident, 0.5) == [MAYOR, doubtful]


@given(st.permutations([MAYOR, BRIGADE, AGENCY]))
def test_the_order_of_the_readings_does_not_change_the_sides(order: list[Rated]) -> None:
    case = weighed(HOMES, order)
    assert case is not None
    assert [side.readings[0].passage.published for side in case.sides] == [
        date(2025, 9, 19),
        date(2025, 9, 18),
    ]


@pytest.mark.parametrize("answer", ["partial", "sentences", "abstention"])
def test_only_a_complete_answer_of_one_span_is_told_otherwise(answer: str) -> None:
    whole = first_answer(MAYOR)
    given = {
        "partial": replace(whole, complete=False),
        "sentences": replace(whole, short=None),
        "abstention": Answer("q", "abstention", "Your articles don't answer this."),
    }[answer]
    assert with_positions(given, HOMES, [MAYOR, BRIGADE], PHRASES) == given


def test_a_mark_in_an_article_is_no_citation_of_ours() -> None:
    gate = rated("gazette", "A gate caused the flood on the Ennet on Wednesday.", "A gate")
    pipe = rated("echo", "A [7] pipe caused the flood on the Ennet on Wednesday.", "A [7] pipe")
    question = "What caused the flood on the Ennet?"
    answer = with_positions(first_answer(gate), question, [gate, pipe], PHRASES)
    assert "A (7) pipe" in answer.text
    assert "[7]" not in answer.text


@pytest.mark.parametrize("pair", PAIRS, ids=[pair["id"] for pair in PAIRS])
def test_the_spans_of_a_pair_stand_in_its_texts(pair: dict[str, object]) -> None:
    for reading, _ in conflicts.readings(pair):
        assert reading.passage.text[reading.start : reading.end] == reading.text


def test_contradictions_are_found_and_hardly_anything_else() -> None:
    found = [conflicts.judged(pair) for pair in PAIRS]
    wanted = [pair["verdict"] for pair in PAIRS]
    alarms = [w for w, f in zip(wanted, found, strict=True) if f != "none"]
    missed = [w for w, f in zip(wanted, found, strict=True) if w != "none" and f == "none"]
    assert len(PAIRS) >= 40
    assert alarms.count("none") <= 0.1 * len(alarms)
    assert len(missed) <= 0.2 * len(wanted)


def test_the_assistant_says_that_its_sources_disagree(tmp_path: Path) -> None:
    articles = [
        Article(
            reading.passage.article_id,
            reading.passage.title,
            reading.passage.text,
            source=reading.passage.source,
            published=reading.passage.published,
        )
        for reading, _ in (MAYOR, BRIGADE)
    ]
    spans = {"how many": ["340 people", "More than 520 people"]}
    with fake_assistant(tmp_path, articles, spans) as assistant:
        answer = assistant.answer(HOMES)
        *_, last = assistant.stream(HOMES)
        narrowed = assistant.answer(HOMES, sources=["Echo"])
    said = [position.text for position in answer.positions]
    assert said == ["More than 520 people", "340 people"]
    assert last == answer
    assert narrowed.positions == ()


def first_answer(*said: Rated) -> Answer:
    """The answer as it is before the sides are weighed: the best span, all of `said` cited."""
    citations = tuple(
        Citation(
            number,
            reading.passage.article_id,
            reading.passage.title,
            reading.passage.source,
            "",
            reading.passage.published,
            0,
            len(reading.passage.text),
            reading.passage.text,
        )
        for number, (reading, _) in enumerate(said, start=1)
    )
    numbers = tuple(citation.number for citation in citations)
    span = said[0][0].text
    text = f"{span} " + "".join(f"[{n}]" for n in numbers)
    return Answer("q", "answer", text, span, (Statement(span, numbers),), citations)


def assert_proved(answer: Answer, said: Sequence[Rated]) -> None:
    texts = {reading.passage.article_id: reading.passage.text for reading, _ in said}
    for number, citation in enumerate(answer.citations, start=1):
        assert citation.number == number
        assert texts[citation.article_id][citation.start : citation.end] == citation.quote
    assert all(f"[{citation.number}]" in answer.text for citation in answer.citations)
