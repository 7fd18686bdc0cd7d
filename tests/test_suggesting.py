"""Questions to offer: made from what articles say, and only those that the articles answer."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.answers import Answer
from assistant.resources import SAMPLES, seeds_folder
from assistant.settings import Settings
from assistant.web.conversations import Conversations
from assistant.web.suggesting import Suggestions, candidates, deciding
from tests.fake_assistant import FakeAssistant, answered, cite
from vectorstore.articles import Article
from vectorstore.errors import StoreError
from vectorstore.loading import load

FERRY = Article("ferry", "The ferry", "The new ferry will cost €12 million, the port said.")
MAYOR = Article("mayor", "A new mayor", "Ada Strake was elected mayor of Ennetmouth by 231 votes.")
DULL = Article("dull", "Nothing", "It rained. Then it rained again, and there was more of it.")


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        (FERRY.text, "How much will the new ferry cost?"),
        (MAYOR.text, "Who was elected mayor of Ennetmouth by 231 votes?"),
        ("The flood was caused by a sluice gate.", "What caused the flood?"),
        ("The conference was held in Dakar.", "Where was the conference held?"),
        ("The bridge will be opened on 4 May.", "When will the bridge be opened?"),
        ("The ferry is to return to the island in March.", "When is the ferry to return?"),
        ("“It is late,” said Noor Castellane.", "What did Noor Castellane say?"),
        ("On Monday 340 people were moved to safety.", "How many people were moved?"),
    ],
)
def test_a_sentence_of_the_news_gives_its_question(sentence: str, question: str) -> None:
    assert question in candidates(Article("a", "A", f"{sentence} That is all."))


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("“It is late,” said Captain Noor Castellane.", "What did Noor Castellane say?"),
        ("Mathematician Hermann Weyl said it was profound.", "What did Hermann Weyl say?"),
        ("As Heald told the paper, it is late.", ""),
        ("“It is late,” said the Ferry Workers Union.", ""),
        ("“It is late,” said University of Arkansas.", ""),
        ("Refugee Council of Britain Enver Solomon said it was late.", ""),
        ("In 1725 he was elected to the academy.", ""),
        ("In 2010 and were awarded two prizes each.", ""),
    ],
)
def test_people_are_asked_about_and_no_bodies_or_pronouns(sentence: str, question: str) -> None:
    assert candidates(Article("a", "A", f"{sentence} That is all.")) == (
        [question] if question else []
    )


def test_what_fits_no_pattern_gives_no_question() -> None:
    assert candidates(DULL) == []
    assert (
        candidates(Article("a", "A", "It was caused by rain. Of the 81, 9 who were old left."))
        == []
    )


def test_only_what_is_answered_from_the_same_article_is_offered() -> None:
    ferry = answered("?", "€12 million [1].", cite(FERRY, "€12 million"), confidence=0.6)
    elsewhere = answered("?", "Twelve [1].", cite(FERRY, "€12 million"))
    assistant = FakeAssistant(
        [FERRY, MAYOR, DULL], answers={"new ferry cost": ferry, "elected": elsewhere}
    )
    suggestions = Suggestions(assistant)
    suggestions()
    suggestions.wait()
    assert suggestions() == ("How much will the new ferry cost?",)
    assert len(assistant.asked) == 2
    suggestions()
    suggestions.wait()
    assert len(assistant.asked) == 2


def test_the_surest_answers_come_first_and_one_article_gives_one_question() -> None:
    articles, answers = [], dict[str, Answer]()
    for number, sure in enumerate((0.3, 0.8, 0.5, 0.6)):
        text = f"The bridge number {number} will cost €9. The tower number {number} will cost €9."
        article = Article(f"b{number}", "Bridge", text)
        articles.append(article)
        answers[f"number {number}"] = answered("?", "€9 [1]", cite(article, "€9"), confidence=sure)
    suggestions = Suggestions(FakeAssistant(articles, answers=answers))
    suggestions()
    suggestions.wait()
    assert [question.split("number ")[1][0] for question in suggestions()] == ["1", "3", "2"]


def test_questions_about_ones_own_articles_come_before_the_samples() -> None:
    sample = Article("sample", SAMPLES[1].title, "The flood came at night.")
    answers = {
        "flood": answered("?", "At night [1].", cite(sample, "at night"), confidence=0.9),
        "ferry": answered("?", "€12 million [1].", cite(FERRY, "€12 million"), confidence=0.2),
    }
    suggestions = Suggestions(FakeAssistant([FERRY, sample], answers=answers))
    suggestions()
    suggestions.wait()
    assert suggestions() == ("How much will the new ferry cost?", SAMPLES[1].question)


def samples() -> list[Article]:
    return [item for item in load(seeds_folder()) if isinstance(item, Article)]


def test_the_samples_questions_are_offered_at_once_and_without_being_asked() -> None:
    assistant = FakeAssistant(samples())
    suggestions = Suggestions(assistant)
    assert suggestions() == tuple(sample.question for sample in SAMPLES)
    assert not suggestions.looking
    assert assistant.asked == []


@pytest.mark.parametrize(
    "change", ["beside others", "same titles", "edited", "missing", "settings"]
)
def test_the_samples_questions_are_asked_as_others_are_where_anything_is_otherwise(
    change: str,
) -> None:
    shipped = samples()
    culvert = next(article for article in shipped if article.title == SAMPLES[1].title)
    articles = {
        "beside others": [FERRY, *shipped],
        "same titles": [Article(s.title, s.title, "Another text.") for s in SAMPLES],
        "edited": [replace(a, title=f"{a.title}!") if a is culvert else a for a in shipped],
        "missing": [article for article in shipped if article is not culvert],
        "settings": shipped,
    }[change]
    assistant = FakeAssistant(articles)  # it answers nothing
    suggestions = Suggestions(assistant, settings="threshold = 1" if change == "settings" else "")
    suggestions()
    suggestions.wait()
    assert suggestions() == ()
    assert SAMPLES[0].question in [asked.question for asked in assistant.asked]


def test_the_application_asks_with_a_higher_threshold_and_with_a_calibration(
    tmp_path: Path,
) -> None:
    shipped = Settings(index=tmp_path)
    assert deciding(shipped) == ""
    assert deciding(shipped.model_copy(update={"threshold": 0.9})) == "threshold = 0.9"
    shipped.calibrations.mkdir()
    (shipped.calibrations / "dateline-reader.json").write_text("{}")
    assert "dateline-reader.json" in deciding(shipped)


def test_what_was_found_is_not_offered_after_an_edit_that_changes_no_count_or_for_other_settings() -> (
    None
):
    ferry = answered("?", "€12 million [1].", cite(FERRY, "€12 million"))
    assistant = FakeAssistant([FERRY], answers={"ferry": ferry})
    with closing(Conversations.open()) as kept:
        first = Suggestions(assistant, kept)
        first()
        first.wait()
        assert first() == ("How much will the new ferry cost?",)
        others = Suggestions(assistant, kept, settings="threshold = 1")
        asked = len(assistant.asked)
        others()
        others.wait()
        assert len(assistant.asked) > asked
        first.wait()
        assistant.index.add_articles(
            [replace(FERRY, text=FERRY.text.replace("new ferry", "old barge"))]
        )
        again = Suggestions(assistant, kept)
        assert again() == ()
        again.wait()
        assert assistant.asked[-1].question == "How much will the old barge cost?"
        first()  # and also without a restart
        first.wait()
        assert first() == ()


def test_what_was_found_is_offered_at_once_after_the_next_start() -> None:
    ferry = answered("?", "€12 million [1].", cite(FERRY, "€12 million"))
    assistant = FakeAssistant([FERRY], answers={"ferry": ferry})
    with closing(Conversations.open()) as kept:
        first = Suggestions(assistant, kept)
        first()
        first.wait()
        asked = len(assistant.asked)
        again = Suggestions(assistant, kept)
        assert again() == first() == ("How much will the new ferry cost?",)
        assert not again.looking
        assert len(assistant.asked) == asked
        assistant.index.add_articles([MAYOR])  # new articles: the search starts again
        again()
        again.wait()
        assert len(assistant.asked) > asked


def test_they_change_with_the_articles() -> None:
    ferry = answered("?", "€12 million [1].", cite(FERRY, "€12 million"))
    assistant = FakeAssistant([FERRY, MAYOR], answers={"ferry": ferry})
    suggestions = Suggestions(assistant)
    suggestions()
    suggestions.wait()
    assert suggestions()
    assistant.index.remove([FERRY.id])
    suggestions()
    suggestions.wait()
    assert suggestions() == ()


def test_a_failure_offers_nothing_and_closing_ends_it() -> None:
    assistant = FakeAssistant([FERRY], failures={"ferry": StoreError("closed; open it again.")})
    suggestions = Suggestions(assistant)
    suggestions()
    suggestions.close()
    assert suggestions() == ()
    assert not [thread for thread in threading.enumerate() if thread.name == "suggesting"]
