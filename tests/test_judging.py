"""Right, partly, wrong, refused: how an answer to a labelled question is judged."""

from __future__ import annotations

import pytest

from assistant import Answer, Citation
from assistant.evaluation.judging import Gold, Verdict, verdict
from assistant.evaluation.labelled import LabelledQuestion, Place
from vectorstore import Article

TEXT = (
    "The council voted nine to four on Friday. The ferry will cost 38 million euros, said Ada Wren. "
    "She blamed the rain for the delay of the works on the pier."
)
ARTICLE = Article("a", "Vote", TEXT)


def place(words: str) -> Place:
    start = TEXT.index(words)
    return Place("a", start, start + len(words))


def answer(text: str, *quotes: str, short: str | None = None) -> Answer:
    cited = tuple(
        Citation(n, "a", "", "", "", None, place(quote).start, place(quote).end, quote)
        for n, quote in enumerate(quotes, 1)
    )
    return Answer("q", "answer", text, short, citations=cited)


COST = "The ferry will cost 38 million euros, said Ada Wren."
DELAY = "She blamed the rain for the delay of the works on the pier."
VOTE = "The council voted nine to four on Friday."


@pytest.mark.parametrize(
    ("kind", "answers", "gold", "given", "told"),
    [
        ("howmany", ["38 million euros"], COST, answer("38 million euros. [1]", COST), "right"),
        ("howmany", ["38 million euros"], COST, answer("Ada Wren. [1]", COST), "partly"),
        ("howmany", ["38 million euros"], COST, answer("Nine. [1]", VOTE), "wrong"),
        ("who", ["Ada Wren"], COST, answer("Wren. [1]", COST, short="Wren"), "right"),
        ("yesno", ["No, it rained"], DELAY, answer("No: it rained. [1]", DELAY), "right"),
        ("yesno", ["no"], DELAY, answer("Yes: it did. [1]", DELAY), "wrong"),
        ("yesno", ["no"], DELAY, answer(f"{DELAY} [1]", DELAY), "partly"),
        ("why", ["It had rained a lot."], DELAY, answer(f"{DELAY} [1]", DELAY), "right"),
        ("list", ["nine", "four"], VOTE, answer(f"{VOTE} [1]", VOTE), "right"),
        ("list", ["nine", "eleven"], VOTE, answer(f"{VOTE} [1]", VOTE), "partly"),
        ("summary", ["A vote"], VOTE, answer(f"{VOTE} [1]", VOTE), "right"),
        ("summary", ["A vote"], VOTE, answer(f"{COST} [1]", COST), "wrong"),
        ("who", [], "", answer("Ada Wren. [1]", COST), "wrong"),
        ("who", ["Ada Wren"], COST, Answer("q", "abstention", "No."), "refused"),
        ("who", [], "", Answer("q", "abstention", "No."), "refused"),
    ],
)
def test_what_became_of_a_question(
    kind: str, answers: list[str], gold: str, given: Answer, told: Verdict
) -> None:
    spans = (place(gold),) if gold else ()
    question = LabelledQuestion("q?", tuple(answers), ("a",), spans=spans, kind=kind)
    assert verdict(question, Gold((ARTICLE,), spans), given) == told


def test_the_right_words_have_to_be_proved_by_the_article() -> None:
    question = LabelledQuestion("q?", ("Ada Wren",), ("a",), spans=(place(COST),))
    elsewhere = Citation(1, "b", "", "", "", None, 0, 17, "So said Ada Wren.")
    given = Answer("q", "answer", "Ada Wren. [1]", "Ada Wren", citations=(elsewhere,))
    assert verdict(question, Gold((ARTICLE,), (place(COST),)), given) == "wrong"
