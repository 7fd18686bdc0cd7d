"""Which sentences are the most central to a text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.answering.central import alike, central

NEWS = [
    "The council voted to replace the ferry for €38 million.",
    "The ferry was launched in 1978 and has broken down often.",
    "The mayor said the island needs a new ferry, and the council agreed.",
    "It rained all evening.",
]


def test_the_sentence_that_shares_most_with_the_others_comes_first() -> None:
    ranks = central(NEWS, [1.0] * 4)
    assert ranks.index(max(ranks)) in (0, 2)
    assert ranks.index(min(ranks)) == 3


def test_what_weighs_more_beforehand_ranks_higher() -> None:
    assert central(NEWS, [1, 1, 1, 9])[3] > central(NEWS, [1, 1, 1, 1])[3]


@settings(deadline=None)
@given(st.lists(st.text(alphabet="abc de.", max_size=20), max_size=6), st.data())
def test_ranks_are_shares_of_one_and_the_same_for_the_same(
    given_texts: list[str], data: st.DataObject
) -> None:
    weights = [data.draw(st.floats(0, 10)) for _ in given_texts]
    ranks = central(given_texts, weights)
    assert ranks == central(given_texts, weights)
    assert len(ranks) == len(given_texts)
    assert all(rank >= 0 for rank in ranks)
    assert not ranks or sum(ranks) == pytest.approx(1.0)


def test_a_sentence_that_repeats_another_is_told() -> None:
    assert alike("The vote was nine to four.", "Nine to four was the vote, she said.") == 1.0
    assert alike(NEWS[0], NEWS[3]) == 0.0
