"""The sets that were written without knowing the program say what they claim to say."""

from __future__ import annotations

import pytest

from benchmarks.blind import SETS, load


@pytest.mark.parametrize("number", SETS)
def test_what_proves_an_answer_stands_in_the_articles(number: int) -> None:
    of_set = load(number)
    texts = {article.id: article.text for article in of_set.articles}
    articles, each = (14, 12) if number <= 4 else (10, 14)
    assert len(texts) == articles
    assert len(of_set.questions) == articles * each
    assert len({question.id for question in of_set.questions}) == articles * each
    for question in of_set.questions:
        assert bool(question.spans) == question.answerable
    for places in [
        *(question.spans for question in of_set.questions),
        *(request.gold for request in of_set.requests),
    ]:
        for place in places:
            told = texts[place.article][place.start : place.end]
            assert told == told.strip()
            assert len(told.split()) > 1
    assert all(request.gold and set(request.articles) <= set(texts) for request in of_set.requests)


def test_one_in_five_has_no_answer() -> None:
    questions = [question for number in SETS for question in load(number).questions]
    without = [question for question in questions if not question.answerable]
    assert len(without) == 4 * 34 + 4 * 28
    assert {question.kind for question in without} == {"look_alike", "false_premise"}
