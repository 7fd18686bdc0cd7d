"""Properties of fusion, and what counts as a copy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorstore.articles import Passage
from vectorstore.retrieval import RRF_K, collapse, fuse

RANKINGS = st.lists(st.lists(st.integers(0, 30), unique=True, max_size=15), max_size=4)

REPORT = (
    "The council of Ennetmouth voted on Monday to close the library on Pellow Street, and the "
    "mayor said that a van with books will come to the square every week from April on."
)


@given(RANKINGS, st.randoms(use_true_random=False))
def test_the_order_of_the_rankings_does_not_matter(
    rankings: list[list[int]], chance: st.DataObject
) -> None:
    shuffled = list(rankings)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert [key for key, _ in fuse(rankings)] == [key for key, _ in fuse(shuffled)]


@given(RANKINGS)
def test_everything_ranked_is_fused_once_best_first(rankings: list[list[int]]) -> None:
    fused = fuse(rankings)
    assert sorted(key for key, _ in fused) == sorted({key for r in rankings for key in r})
    scores = [round(score, 12) for _, score in fused]
    assert scores == sorted(scores, reverse=True)


@given(st.lists(st.integers(), unique=True, max_size=20))
def test_one_ranking_keeps_its_order(ranking: list[int]) -> None:
    assert [key for key, _ in fuse([ranking])] == ranking


def test_scores_are_those_of_the_paper() -> None:
    fused = dict(fuse([["a", "b"], ["b", "c"]]))
    assert fused["b"] == 1 / (RRF_K + 2) + 1 / (RRF_K + 1)
    assert fused["c"] == 1 / (RRF_K + 2)


def test_near_copies_join_the_first_of_them() -> None:
    near = REPORT.replace("week", "month")
    hits = collapse([([passage("a", REPORT)], 2.0), ([passage("b", near)], 1.0)], 5)
    assert [(hit.passage.id, [copy.id for copy in hit.copies]) for hit in hits] == [("a", ["b"])]
    assert hits[0].score == 2.0


def test_another_figure_is_news() -> None:
    first = passage("a", REPORT + " It will cost 12 million.")
    second = passage("b", REPORT + " It will cost 15 million.")
    assert len(collapse([([first], 2.0), ([second], 1.0)], 5)) == 2


def test_copies_of_a_hit_are_gathered_beyond_k() -> None:
    other = passage("b", "Something else altogether happened in the town of Skennay.")
    late = [passage("c", REPORT), passage("d", REPORT)]
    hits = collapse([([passage("a", REPORT)], 3.0), ([other], 2.0), (late, 1.0)], 1)
    assert [copy.id for copy in hits[0].copies] == ["c", "d"]
    assert len(hits) == 1


@given(st.lists(st.text(max_size=12), max_size=12), st.integers(1, 5))
def test_no_passage_is_lost_or_doubled(texts: list[str], k: int) -> None:
    ranked = [([passage(str(n), text)], 1.0 / (n + 1)) for n, text in enumerate(texts)]
    hits = collapse(ranked, k)
    shown = [p.id for hit in hits for p in (hit.passage, *hit.copies)]
    assert len(shown) == len(set(shown))
    assert len(hits) <= k
    if len(hits) < k:
        assert len(shown) == len(texts)


def test_empty_and_one_word_passages_are_copies_only_of_their_like() -> None:
    texts = ["!!!", "!!!", "???", "yes", "Yes.", "no"]
    hits = collapse([([passage(str(n), t)], 1.0) for n, t in enumerate(texts)], 10)
    assert [[p.id for p in (hit.passage, *hit.copies)] for hit in hits] == [
        ["0", "1"],
        ["2"],
        ["3", "4"],
        ["5"],
    ]


def passage(name: str, text: str) -> Passage:
    return Passage(id=name, article_id=name, start=0, end=len(text), text=text)


@pytest.mark.parametrize("other", ["Jon Dufrayne", "Mara Dufrayne"])
def test_another_name_in_the_same_words_is_news(other: str) -> None:
    text = REPORT + " The council heard from Mara Holt that it would. " + REPORT
    same = [passage("a", text), passage("b", text.replace("heard from", "learnt from"))]
    assert len(collapse([([each], 1.0) for each in same], 5)) == 1
    named = [passage("a", text), passage("b", text.replace("Mara Holt", other))]
    assert len(collapse([([each], 1.0) for each in named], 5)) == 2
