"""What an article is about, in three of its sentences."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.render.quoted import Quoted
from assistant.resources import seeds_folder
from assistant.web.brief import NAMES, SENTENCES, about, in_brief
from assistant.web.reading import read_article
from tests.fake_assistant import HARBOUR, MemoryIndex, cite
from vectorstore.articles import Article
from vectorstore.loading import load

SEEDS = [item for item in load(seeds_folder()) if isinstance(item, Article)]
SENTENCE = st.sampled_from(
    [
        "The council voted on Thursday to replace the ferry.",
        "“It is late,” said the mayor of the town.",
        "It was launched in the spring of 1978.",
        "Who pays for the new harbour wall in the end?",
        "No stop here",
        "🌊 The ferry carried forty islanders to the mainland.",
        "A table " + "of figures " * 60 + "ends.",
        "Fares on the island ferry rise again next April.",
    ]
)


def test_every_sample_is_told_in_three_whole_sentences_of_its_own() -> None:
    for article in SEEDS:
        spans = in_brief(article.text)
        said = [article.text[span.start : span.end] for span in spans]
        assert len(said) == SENTENCES
        assert [span.start for span in spans] == sorted(span.start for span in spans)
        assert all(sentence[0] not in '“"' and sentence[-1] in ".!”" for sentence in said)


def test_the_head_of_the_news_is_told() -> None:
    (flood,) = (article for article in SEEDS if "bursts its banks" in article.title)
    assert flood.text[slice(*in_brief(flood.text)[0])].startswith("The River Ennet broke over")


def test_what_it_names_is_told_by_kind_those_named_most_first() -> None:
    text = (
        "Mayor Ada Strake opened the port in Dakar, the capital of Senegal, on July 9. “It is late,” "
        "Ada Strake said. The University of Skagen pays. On 3 May 2026 Captain Noor Castellane, 40, "
        "sailed; work ends in June 2027, and by July 9 it may 5 times be late."
    )
    assert about(text) == {
        "People": ["Ada Strake", "Noor Castellane"],
        "Organisations": ["University of Skagen"],
        "Places": ["Dakar", "Senegal"],
        "Dates": ["July 9", "3 May 2026", "June 2027"],
    }
    assert about("It rained.") == {}
    assert len(about(" ".join(f"It was on {n} May." for n in range(1, 20)))["Dates"]) == NAMES


def test_only_what_is_told_in_brief_tells_what_it_names() -> None:
    index = MemoryIndex([*SEEDS, HARBOUR])
    told = read_article(index, SEEDS[0].id, ()).to_dict()["about"]
    assert told
    for name in (name for names in told.values() for name in names):
        assert name in " ".join(SEEDS[0].text.split())
    assert read_article(index, HARBOUR.id, ()).to_dict()["about"] == {}


def test_what_is_short_is_its_own_summary() -> None:
    assert in_brief(HARBOUR.text) == ()
    assert in_brief("") == ()


@settings(deadline=None)
@given(st.lists(SENTENCE, max_size=30), st.sampled_from([" ", "\n", "\n\n"]))
def test_no_speech_no_question_nothing_that_leans_and_nothing_twice(
    sentences: list[str], between: str
) -> None:
    text = between.join(sentences)
    said = [text[span.start : span.end] for span in in_brief(text)]
    assert len(said) in range(SENTENCES + 1)
    assert len(set(said)) == len(said)
    assert not any(one.startswith(("“", "It ", "A table")) or one.endswith("?") for one in said)


def test_an_article_without_quotes_is_read_with_its_central_sentences_marked() -> None:
    flood = SEEDS[-1]
    index = MemoryIndex([flood, HARBOUR])
    read = read_article(index, flood.id, ()).to_dict()
    assert [one["number"] for one in read["brief"]] == [1, 2, 3]
    for told in read["brief"]:
        run = [each["text"] for each in read["segments"] if told["number"] in each["numbers"]]
        assert "".join(run) == told["text"]
        assert Quoted.parse(told["read"].split("&q=")[1]).found_in(flood.text)
    assert "<mark" not in read_article(index, flood.id, ()).page(None)


def test_where_quotes_are_named_only_these_are_marked() -> None:
    quote = Quoted.of(cite(SEEDS[-1], SEEDS[-1].text[:40]))
    read = read_article(MemoryIndex(SEEDS), SEEDS[-1].id, [quote]).to_dict()
    assert read["brief"] == []
    assert [one["number"] for one in read["quotes"]] == [1]
