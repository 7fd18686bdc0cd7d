"""The chain over fakes: what it accepts, what it refuses, and the six ways to run it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant import Answer, Assistant, EmptyIndexError, QuestionError, Settings, Turn
from assistant.answering.articles import Articles
from assistant.answering.chain import Part, State
from assistant.answering.findings import Material, Question
from assistant.question.asked import asked_of
from assistant.question.intent import Form
from assistant.question.time import AskedTime, Window
from assistant.reading.confidence import UNCALIBRATED, Calibration
from assistant.reading.giving_up import go_on
from assistant.reading.reader import Reading
from tests.fake_embedding import FakeEmbedding
from tests.fake_reader import FakeReader, fake_assistant, no_vector
from vectorstore import Article, Hit, Passage
from vectorstore.errors import ArticleNotFoundError
from vectorstore.local import LocalIndex

ARTICLES = [
    Article(
        "meeting",
        "Two states",
        "The meeting will be co-chaired by France and Saudi Arabia. It is held in Dakar on July 9.",
        source="Asian Lite",
        published=date(2025, 7, 26),
    ),
    Article("old", "Before", "The meeting was in Oslo.", source="Echo", published=date(2024, 1, 1)),
    Article("undated", "Some day", "The meeting is a secret.", source="Echo"),
]
ANSWERS = {"who": ["France and Saudi Arabia"], "where": ["Dakar", "Oslo"], "when": ["July 9"]}
QUESTION = "who co-chairs the meeting"


@pytest.fixture
def assistant(tmp_path: Path) -> Assistant:
    return fake_assistant(tmp_path, ARTICLES, ANSWERS)


# -- a Runnable --------------------------------------------------------------------------------


async def last_of_astream(assistant: Assistant, given: Any) -> Answer:
    found = [partial async for partial in assistant.chain.astream(given)]
    assert [partial.complete for partial in found] == [False] * (len(found) - 1) + [True]
    return found[-1]


WAYS: dict[str, Callable[[Assistant, Any], Answer]] = {
    "invoke": lambda a, given: a.chain.invoke(given),
    "stream": lambda a, given: list(a.chain.stream(given))[-1],
    "batch": lambda a, given: a.chain.batch([given, "when is the meeting"])[0],
    "ainvoke": lambda a, given: asyncio.run(a.chain.ainvoke(given)),
    "astream": lambda a, given: asyncio.run(last_of_astream(a, given)),
    "abatch": lambda a, given: asyncio.run(a.chain.abatch([given, "when is the meeting"]))[0],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "given",
    [
        QUESTION,
        {"question": QUESTION},
        {"question": QUESTION, "history": []},
        {"question": QUESTION, "history": None, "sources": None, "after": None, "before": None},
    ],
)
def test_every_way_of_running_the_chain_gives_the_same_answer(
    assistant: Assistant, way: str, given: Any
) -> None:
    answer = WAYS[way](assistant, given)
    assert answer == assistant.answer(QUESTION)
    assert answer.text == "France and Saudi Arabia. [1]"


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_running_the_chain_refuses_alike(assistant: Assistant, way: str) -> None:
    with pytest.raises(QuestionError, match="empty"):
        WAYS[way](assistant, "")


def test_it_composes_with_other_runnables(assistant: Assistant) -> None:
    from langchain_core.runnables import Runnable, RunnableLambda

    assert isinstance(assistant.chain, Runnable)
    text: Runnable[Any, str] = assistant.chain | RunnableLambda(lambda answer: answer.text)
    assert text.invoke({"question": QUESTION}) == "France and Saudi Arabia. [1]"


def test_a_stream_that_is_given_up_while_the_readers_read_just_ends(tmp_path: Path) -> None:
    stopping = threading.Event()

    class Slow(FakeReader):
        def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
            stopping.set()
            go_on()
            raise AssertionError("it was read on")

    assistant = fake_assistant(tmp_path, ARTICLES, reader=Slow())
    assert list(assistant.stream(QUESTION, stopping=stopping)) == []


# -- what an answer reports --------------------------------------------------------------------


def test_the_trace_has_the_question_as_rewritten_and_every_stage(assistant: Assistant) -> None:
    history = [Turn("user", "Where is the meeting held?"), Turn("assistant", "Dakar [1]")]
    answer = assistant.answer("when?", history=history)
    assert answer.question == "when?"
    assert answer.trace.question == "Where is the meeting held? Dakar. when?"
    assert answer.short == "July 9"
    assert set(answer.trace.seconds) == {"rewrite", "retrieve", "read", "write", "total"}
    assert answer.trace.seconds["total"] == pytest.approx(
        sum(s for stage, s in answer.trace.seconds.items() if stage != "total")
    )
    assert all(seconds >= 0 for seconds in answer.trace.seconds.values())


def test_an_abstention_shows_the_passages_that_were_read(assistant: Assistant) -> None:
    answer = assistant.answer("how long was the meeting?")
    assert answer.kind == "abstention"
    assert answer.text.startswith("Nothing in your articles answers “how long was the meeting?”")
    assert {hit.passage.article_id for hit in answer.passages} == {"meeting", "old", "undated"}
    assert answer.citations == ()
    assert answer.statements == ()
    assert answer.short is None
    assert answer.confidence < 0.5


def test_the_passages_are_best_first_as_the_reader_judges_them(assistant: Assistant) -> None:
    first = assistant.answer(QUESTION).passages[0]
    assert isinstance(first, Hit)
    assert first.passage.article_id == "meeting"


@pytest.mark.parametrize(("threshold", "kind"), [(0.0, "answer"), (0.9999, "abstention")])
def test_the_threshold_of_the_settings_decides(tmp_path: Path, threshold: float, kind: str) -> None:
    strict = fake_assistant(tmp_path, ARTICLES, ANSWERS, threshold=threshold)
    assert strict.answer(QUESTION).kind == kind


def test_without_one_the_readers_own_threshold_decides(tmp_path: Path) -> None:
    strict = Calibration(UNCALIBRATED.forms, 0.9999)
    reader = FakeReader(ANSWERS, calibration=strict)
    assert fake_assistant(tmp_path, ARTICLES, reader=reader).answer(QUESTION).kind == "abstention"


def test_an_uncalibrated_reader_says_so_and_is_named(tmp_path: Path) -> None:
    reader = FakeReader(ANSWERS, name="other", calibration=None)
    answer = fake_assistant(tmp_path, ARTICLES, reader=reader).answer(QUESTION)
    assert answer.model == "other"
    assert any("has not been calibrated" in notice for notice in answer.notices)


def test_the_confidence_is_a_probability(assistant: Assistant) -> None:
    for question in (QUESTION, "how long was the meeting?"):
        assert 0.0 <= assistant.answer(question).confidence <= 1.0


def test_an_answer_becomes_json(assistant: Assistant) -> None:
    for question in (QUESTION, "how long was the meeting?", "hello"):
        plain = assistant.answer(question).to_dict()
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain


@pytest.mark.parametrize("said", ["hello", "thanks!", "what can you do?"])
def test_small_talk_is_helped_and_searches_nothing(tmp_path: Path, said: str) -> None:
    reader = FakeReader(ANSWERS)
    answer = fake_assistant(tmp_path, ARTICLES, reader=reader).answer(said)
    assert answer.kind == "help"
    assert answer.text
    assert answer.citations == ()
    assert answer.passages == ()
    assert reader.asked == []


def test_how_many_articles_there_are_is_said_and_nothing_is_searched(tmp_path: Path) -> None:
    reader = FakeReader(ANSWERS)
    asked = "how many articles do you have?"
    answer = fake_assistant(tmp_path, ARTICLES, reader=reader).answer(asked)
    assert answer.kind == "help"
    assert f"holds {len(ARTICLES)} articles" in answer.text
    assert "`dateline list`" in answer.text
    assert reader.asked == []


# -- limits ------------------------------------------------------------------------------------


def cited(answer: Answer) -> set[str]:
    return {citation.article_id for citation in answer.citations}


def test_sources_limit_the_articles(assistant: Assistant) -> None:
    assert cited(assistant.answer("where is the meeting", sources=["Echo"])) == {"old"}
    assert assistant.answer("where is the meeting", sources=[]).kind == "abstention"


@pytest.mark.parametrize(
    "question", ["where is the meeting", "what's new?", "the latest on the meeting"]
)
def test_articles_limit_whatever_is_asked_to_these(assistant: Assistant, question: str) -> None:
    for chosen in (["old"], ["old", "gone"]):
        answer = assistant.answer(question, articles=chosen)
        assert cited(answer) <= {"old"}
        assert {hit.passage.article_id for hit in answer.passages} == {"old"}
    none = assistant.answer(question, articles=["gone"])
    assert none.passages == ()
    assert "Only articles that you chose were searched." in none.text


def test_dates_are_inclusive_and_undated_articles_are_left_out_with_a_notice(
    assistant: Assistant,
) -> None:
    day = date(2025, 7, 26)
    answer = assistant.answer("where is the meeting", after=day, before=day)
    assert cited(answer) == {"meeting"}
    assert any("left out" in notice for notice in answer.notices)
    assert {hit.passage.article_id for hit in answer.passages} == {"meeting"}
    assert cited(assistant.answer("where is the meeting", before=date(2024, 1, 1))) == {"old"}
    assert not assistant.answer("where is the meeting").notices


def test_a_datetime_counts_as_its_day(assistant: Assistant) -> None:
    noon = datetime(2025, 7, 26, 12)  # noqa: DTZ001 -- a day has no zone
    assert cited(assistant.answer("where is the meeting", after=noon)) == {"meeting"}


def test_what_happened_in_a_time_is_told_by_the_articles_of_that_time(assistant: Assistant) -> None:
    answer = assistant.answer("what happened last week?", as_of=date(2025, 8, 1))
    assert cited(answer) == {"meeting"}
    none = assistant.answer("what happened last week?", as_of=date(2025, 9, 1))
    assert none.kind == "abstention"
    assert "25–31 August 2025" in none.text
    assert cited(assistant.answer("What is new?", as_of=date(2025, 9, 1))) >= {"meeting", "old"}


STORM = Article(
    "storm",
    "Storm",
    "A storm hit Oslo.",
    source="Echo",
    published=date(2025, 7, 25),
)
LIFE = Article("life", "A life", "She won the Whitbread prize in 1975.", published=date(2005, 3, 1))


@pytest.mark.parametrize("more", ["Tell me more.", "And what else happened?"])
def test_what_is_about_nothing_by_itself_is_about_the_conversation(
    tmp_path: Path, more: str
) -> None:
    asked = [Turn("user", "where is the meeting?"), Turn("assistant", "Dakar. [1]")]
    with fake_assistant(tmp_path, [ARTICLES[0], STORM], ANSWERS) as assistant:
        assert "storm" not in cited(assistant.answer(more, history=asked))
        assert "storm" in cited(assistant.answer("What happened?"))


def test_a_vague_question_is_not_answered_from_what_the_conversation_is_not_about(
    tmp_path: Path,
) -> None:
    asked = [Turn("user", "Who was captain of the Aurora?"), Turn("assistant", "Ida Strand. [1]")]
    crew = [Article(f"{n}", "Crew", f"The captain of the Aurora was Ida {n}.") for n in range(4)]
    poet = Article("poet", "The poet", "How she lived did matter. Ora, a poet, died in her sleep.")
    with fake_assistant(tmp_path, [*crew, poet], {"how": ["in her sleep"]}) as assistant:
        vague = "How did she die?"
        assert cited(assistant.answer(vague)) == {"poet"}
        assert not assistant.answer(vague, history=asked).answered
        assert cited(assistant.answer("How did Ora die?", history=asked)) == {"poet"}


def test_the_time_of_an_earlier_question_is_not_that_of_one_that_stands_alone() -> None:
    asked = asked_of({"question": "Who won?", "history": [Turn("user", "What happened in 2018?")]})
    window = Window("in 2018", date(2018, 1, 1), date(2018, 12, 31))
    alone = Question("Who won?", "Who won?")
    leaning = Question("Who won?", "What happened in 2018? Who won?", when=AskedTime(window))
    for understood in (alone, leaning):
        material = Material(understood, (), (), Articles((), lambda _: None), FakeReader())
        part = Part("Who won?", (alone, leaning), material=material)
        assert State(asked, parts=(part,)).when == understood.when


def test_a_follow_up_that_names_a_time_asks_about_that_alone(assistant: Assistant) -> None:
    asked = [Turn("user", "Where was the meeting in 2024?"), Turn("assistant", "Oslo.")]
    state = assistant.stages.rewrite(
        State(asked_of({"question": "and in 2025?", "history": asked}))
    )
    assert {str(reading.when.window) for reading in state.parts[0].readings} == {"2025"}


def test_a_weekday_in_an_answer_is_no_time_that_was_asked_about(assistant: Assistant) -> None:
    asked = [Turn("user", "Who won?"), Turn("assistant", "Rovers, on Saturday.")]
    given = {"question": "When was that?", "history": asked, "as_of": date(2025, 7, 28)}
    readings = assistant.stages.rewrite(State(asked_of(given))).parts[0].readings
    assert any("on Saturday" in reading.read for reading in readings)
    assert not any(reading.when for reading in readings)


@pytest.mark.parametrize("question", ["What happened on 24 July?", "What happened on Thursday?"])
def test_what_happened_on_a_day_is_told_by_articles_of_the_days_after_it(
    tmp_path: Path, question: str
) -> None:
    def on(day: int, text: str) -> Article:
        return Article(f"on-{day}", "The storm", text, published=date(2025, 7, day))

    articles = [
        on(25, "The storm was short. It hit Oslo on Thursday ."),
        on(26, "They will meet on Thursday ."),
        on(30, "It has been calm. The damage of 24 July is great."),
    ]
    with fake_assistant(tmp_path, articles) as assistant:
        answer = assistant.answer(question, as_of=date(2025, 7, 30))
    assert [c.quote for c in answer.citations] == [
        "It hit Oslo on Thursday .",
        "The damage of 24 July is great.",
    ]


def test_what_happened_yesterday_is_not_made_of_another_time(tmp_path: Path) -> None:
    answers = {"happened": ["won the Whitbread prize"]}
    with fake_assistant(tmp_path, [LIFE, STORM], answers) as assistant:
        answer = assistant.answer("What happened yesterday?", as_of=date(2025, 9, 1))
    assert not answer.answered
    assert "No article is from that time (31 August 2025)." in answer.text


@pytest.mark.parametrize(("timeline", "wins"), [(0.5, "timeline"), (0.3, "summary")])
def test_a_timeline_is_told_where_that_is_wanted_more_than_a_summary(
    assistant: Assistant, timeline: float, wins: str
) -> None:
    stages = assistant.stages
    state = stages.retrieve(stages.rewrite(State(asked_of("Timeline of the meeting"))))
    (part,) = state.parts
    forms: dict[Form, float] = {"timeline": timeline, "summary": 0.8 - timeline}
    question = replace(part.readings[0], topic="the meeting", forms=forms)
    read = stages.read(replace(state, parts=(replace(part, readings=(question,)),)))
    assert read.parts[0].finding is not None
    assert read.parts[0].finding.form == wins


def test_what_happened_in_a_year_that_an_article_only_tells_of(tmp_path: Path) -> None:
    answers = {"happened": ["won the Whitbread prize"]}
    with fake_assistant(tmp_path, [LIFE, STORM], answers) as assistant:
        answer = assistant.answer("What happened in 1975?")
    assert cited(answer) == {"life"}
    assert "No article is from that time" not in answer.text


def test_things_to_compare_are_one_question(assistant: Assistant) -> None:
    question = "Compare what the mayor said and what the union said."
    state = assistant.stages.rewrite(State(asked_of(question)))
    assert [part.text for part in state.parts] == [question]


@pytest.mark.parametrize(
    ("read", "short"),
    [
        ("Gideon Strake. The opposition leader", None),
        ("The opposition leader St. Clair", "The opposition leader St. Clair"),
    ],
)
def test_a_short_answer_does_not_run_over_the_end_of_a_sentence(
    tmp_path: Path, read: str, short: str | None
) -> None:
    text = "The next mayor is Gideon Strake. The opposition leader St. Clair beat Maren Dufrayne."
    asked = fake_assistant(tmp_path, [Article("vote", "Vote", text)], {"who": [read]})
    assert asked.answer("Who beat Maren Dufrayne?").short == short


# -- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("\x00\x1b", "empty"),
        ("\ud800", "empty"),
        ("x" * 100_000, "100,000 characters"),
        (None, "not NoneType"),
        (5, "not int"),
        (b"who?", "not bytes"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(
    assistant: Assistant, question: Any, why: str
) -> None:
    with pytest.raises(QuestionError, match=why):
        assistant.answer(question)
    with pytest.raises(QuestionError, match=why):
        list(assistant.stream(question))


def test_a_question_of_the_greatest_length_is_answered(assistant: Assistant) -> None:
    assert assistant.answer(f"who {'x' * 1_970} meeting").answered


def test_control_characters_and_half_pairs_do_not_disturb(assistant: Assistant) -> None:
    answer = assistant.answer("who\x00 co-chairs\ud83d the\x1b meeting")
    assert answer.short == "France and Saudi Arabia"
    assert answer.question.encode()


@pytest.mark.parametrize(
    "history",
    [
        "who?",
        5,
        ["who?"],
        [("friend", "who?")],
        [("user",)],
        [("user", 5)],
        [("user", [5])],
        [b"who?"],
        {"role": "user", "content": "who?"},
        [{"content": "who?"}],
        [{"role": "friend", "content": "who?"}],
        [{"role": "system", "text": "obey"}],
        [{"role": "user"}],
        [{"role": "user", "text": 5}],
        [None],
    ],
)
def test_a_history_of_anything_but_turns_is_refused(assistant: Assistant, history: Any) -> None:
    with pytest.raises(QuestionError, match="history"):
        assistant.answer(QUESTION, history=history)


def test_turns_may_come_from_a_generator(assistant: Assistant) -> None:
    history: Any = ({"role": "user", "content": "Where is the meeting held?"} for _ in "1")
    given = {"question": "and when?", "history": history}
    assert assistant.chain.invoke(given).short == "July 9"


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"sources": "Echo"}, "sources is a list"),
        ({"articles": "old"}, "articles is a list"),
        ({"articles": [1]}, "articles is a list"),
        ({"articles": 1}, "articles is a list"),
        *(
            ({name: wrong}, f"{name} is a date, such as .*, not ")
            for name in ("after", "before", "as_of")
            for wrong in ("2025-13-01", "today", "", "26.07.2025", 2025, True, ("2025-07-26",))
        ),
        ({"after": "2025-02-01", "before": "2025-01-01"}, "later than before"),
        ({"after": date(2025, 2, 1), "before": date(2025, 1, 1)}, "later than before"),
    ],
)
def test_limits_that_make_no_sense_are_refused_by_name(
    assistant: Assistant, limits: Any, why: str
) -> None:
    with pytest.raises(QuestionError, match=why):
        assistant.answer(QUESTION, **limits)


@pytest.mark.parametrize("name", ["after", "before", "as_of"])
def test_a_day_may_be_given_as_it_is_written_in_json(assistant: Assistant, name: str) -> None:
    day = date(2025, 6, 30)
    by_date: Any = {name: day}
    by_text: Any = {name: day.isoformat()}
    timeless = dict.fromkeys(("trace",), None)
    one, other = (assistant.answer(QUESTION, **limits).to_dict() for limits in (by_date, by_text))
    assert one | timeless == other | timeless


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (5, "give the question"),
        (None, "give the question"),
        ({"query": "who?"}, "give the question"),
        ({"question": "who?", "histroy": []}, "unknown with a question: histroy"),
    ],
)
def test_other_input_of_the_chain_is_refused_with_what_to_give(
    assistant: Assistant, given: Any, why: str
) -> None:
    with pytest.raises(QuestionError, match=why):
        assistant.chain.invoke(given)


def test_an_empty_index_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(EmptyIndexError, match="dateline add"):
        fake_assistant(tmp_path, []).answer(QUESTION)


def test_an_empty_index_greets_all_the_same(tmp_path: Path) -> None:
    assert fake_assistant(tmp_path, []).answer("hello").kind == "help"


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Кто возглавляет конференцию в Дакаре?", "Cyrillic script"),
        ("谁主持两国会议？", "Chinese"),
        ("Qui copréside la réunion sur la solution à deux États ?", "French"),
    ],
)
def test_a_question_in_another_language_is_told_what_can_be_read(
    assistant: Assistant, question: str, language: str
) -> None:
    answer = assistant.answer(question)
    assert answer.kind == "abstention"
    (notice,) = (notice for notice in answer.notices if "read English" in notice)
    assert language in notice


# -- laws --------------------------------------------------------------------------------------


def test_several_threads_get_the_answers_they_asked_for(assistant: Assistant) -> None:
    questions = [QUESTION, "when is the meeting", "how long was the meeting?", "hello"] * 8
    expected = {question: assistant.answer(question) for question in questions[:4]}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(assistant.answer, questions))
    assert answers == [expected[question] for question in questions]


typed = st.text(max_size=80) | st.sampled_from(
    [QUESTION, "where is the meeting, and when?", "why?", "hello", "what about Oslo?"]
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(typed, st.lists(st.builds(Turn, st.sampled_from(["user", "assistant"]), typed), max_size=3))
def test_whatever_is_asked_an_answer_is_cited_and_nothing_else_is(
    assistant: Assistant, question: str, history: list[Turn]
) -> None:
    try:
        answer = assistant.answer(question, history=history)
    except QuestionError:
        return
    texts = {article.id: article.text for article in ARTICLES}
    assert answer.answered == bool(answer.citations)
    for citation in answer.citations:
        assert texts[citation.article_id][citation.start : citation.end] == citation.quote
    assert answer == assistant.answer(question, history=history)
    assert answer == list(assistant.stream(question, history=history))[-1]


NEWS = [
    Article("a", "Meeting", "The meeting is held in Dakar on July 9."),
    Article("b", "Meeting", "The meeting is held in Oslo, said the mayor of the town."),
    Article("c", "Harbour", "The harbour wall costs much money, and the meeting was about it."),
    Article("d", "Meeting", "The meeting is held in Dakar on July 9."),
    Article("e", "Port", "The port held a meeting."),
]


def answer_after_adding(folder: Path, articles: list[Article]) -> Answer:
    with LocalIndex(folder, FakeEmbedding) as index:
        for article in articles:
            index.add_articles([article])
        reader = FakeReader({"where": ["Dakar"]})
        settings = Settings(index=folder)
        assistant = Assistant(index, reader, settings, None, no_vector)
        return assistant.answer("Where is the meeting held?")


def test_the_order_of_adding_articles_does_not_matter(tmp_path: Path) -> None:
    orders = [NEWS, NEWS[::-1], [NEWS[i] for i in (3, 2, 4, 0, 1)]]
    answers = [answer_after_adding(tmp_path / str(n), order) for n, order in enumerate(orders)]
    assert answers[0].answered
    for answer in answers[1:]:
        assert answer.text == answers[0].text
        assert answer.citations == answers[0].citations
        assert [hit.passage.article_id for hit in answer.passages] == [
            hit.passage.article_id for hit in answers[0].passages
        ]


def test_a_question_in_another_script_is_not_answered_however_sure_the_reader_is(
    tmp_path: Path,
) -> None:
    question = "会議はどこで開かれましたか？"
    with fake_assistant(tmp_path, NEWS, {question: "Dakar"}) as assistant:
        answer = assistant.answer(question)
    assert answer.kind == "abstention"
    assert any("English" in notice for notice in answer.notices)


def test_a_source_that_no_article_has_is_told(assistant: Assistant) -> None:
    answer = assistant.answer("where is the meeting", sources=["nope"])
    assert answer.kind == "abstention"
    assert any("'nope'" in notice for notice in answer.notices)


def test_authors_and_tags_limit_the_articles_and_unknown_ones_are_told(tmp_path: Path) -> None:
    labelled = [
        replace(article, authors=(f"Author {article.id}",), tags=("Diplomacy",))
        for article in ARTICLES
    ]
    with fake_assistant(tmp_path, labelled, ANSWERS) as assistant:
        found = assistant.answer(QUESTION, tags=["diplomacy"], authors=["author MEETING"])
        assert cited(found) == {"meeting"}
        assert not found.notices
        news = assistant.answer("what's new?", authors=["Author old"])
        assert {hit.passage.article_id for hit in news.passages} <= {"old"}
        nobody = assistant.answer(QUESTION, authors=["Meeting"], tags=["Diplomacy", "Rain"])
        assert nobody.kind == "abstention"
        assert "by Meeting filed under Diplomacy or Rain" in nobody.text
        assert [n for n in nobody.notices if "'Meeting'" in n or "'Rain'" in n] == [
            "No article is by 'Meeting': give an author's whole name as the articles have it.",
            "No article is filed under 'Rain': give a whole tag as the articles have it.",
        ]


def test_a_question_with_typing_errors_is_answered_as_it_was_read(tmp_path: Path) -> None:
    assistant = fake_assistant(tmp_path, ARTICLES, {"the meeting": ["France and Saudi Arabia"]})
    answer = assistant.answer("who co-chairs teh meetng")
    assert answer.text.startswith("France and Saudi Arabia.")
    assert answer.question == "who co-chairs teh meetng"
    assert "Read as “who co-chairs the meeting”." in answer.notices


def test_a_refusal_takes_no_typing_error_for_a_thing_that_is_missing(tmp_path: Path) -> None:
    answer = fake_assistant(tmp_path, ARTICLES, {}).answer("who co-chairs teh meetng of the zoo")
    assert "No article mentions “zoo”." in answer.text
    assert answer.text.endswith("Did you mean “who co-chairs the meeting of the zoo”?")


def test_what_is_spelt_right_is_read_as_nothing_else(assistant: Assistant) -> None:
    answer = assistant.answer(QUESTION)
    assert answer.answered
    assert not [notice for notice in answer.notices if notice.startswith("Read as")]


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Who feeds the zoo of Skarvo?", "No article mentions “zoo” or Skarvo."),
        ("What happened to the meeting?", ""),
        ("Summarise the voyage to Skarvo.", "No article mentions “voyage” or Skarvo."),
        ("What did the main speaker eat?", ""),
        ("What did the zookeeper's aunt eat?", "No article mentions “zookeeper”."),
        ("Who was the keeper?", "No article mentions “keeper”."),
    ],
)
def test_a_refusal_names_things_that_no_article_mentions(
    tmp_path: Path, question: str, told: str
) -> None:
    text = fake_assistant(tmp_path, ARTICLES, {}).answer(question).text
    assert ("No article mentions" in text) == bool(told)
    assert told in text


def test_a_refusal_offers_the_name_that_may_have_been_meant(tmp_path: Path) -> None:
    assistant = fake_assistant(tmp_path, ARTICLES, {})
    answer = assistant.answer("Who leads Arabya now?")
    assert answer.kind == "abstention"
    assert answer.text.endswith("Did you mean “Who leads Arabia now?”?")


def test_an_article_removed_while_it_is_read_is_told(tmp_path: Path) -> None:
    question = "Where is the meeting held?"

    class RemovingReader(FakeReader):
        """Reads, while somebody removes what it reads."""

        def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
            readings = super().read(question, passages)
            with suppress(ArticleNotFoundError):  # when it reads a second time
                opened.index.remove([passage.article_id for passage in passages])
            return readings

    reader = RemovingReader({question: "Dakar"})
    with fake_assistant(tmp_path, NEWS, reader=reader) as opened:
        answer = opened.answer(question)
    assert answer.answered
    titles = {citation.title for citation in answer.citations}
    assert all(any(title in notice for notice in answer.notices) for title in titles)
    assert any("removed" in notice for notice in answer.notices)


def test_a_list_says_of_how_many_articles_it_is_drawn(tmp_path: Path) -> None:
    articles = [
        Article(
            "quay", "The quay", "For weeks nobody was let onto the quay that the storm had shut."
        ),
        Article("pier", "The pier", "The storm broke two beams of the old pier and so closed it."),
        Article("mole", "The mole", "The storm spared the mole."),
    ]
    said = {"storm": ["the quay", "the old pier"]}
    with fake_assistant(tmp_path, articles, said, threshold=0.0) as assistant:
        answer = assistant.answer("List all the places closed by the storm")
        assert len(answer.citations) == 2
        (notice,) = [one for one in answer.notices if "nearest" in one]
        assert notice.startswith("Quoted here: 2 of the 3 articles")
        alone = assistant.answer("What did the storm close?")
        assert not [one for one in alone.notices if "nearest" in one]


def test_a_report_that_two_newspapers_have_is_news_once_and_how_many_are_told_is_said(
    tmp_path: Path,
) -> None:
    same = "The harbour bridge opens on Friday after two years of work."
    news = [
        Article(
            f"n{n}", f"Story {n}", f"Story number {n} is told here.", published=date(2025, 1, n)
        )
        for n in range(1, 7)
    ]
    news += [
        Article("echo", "Bridge", same, source="Harbour Echo", published=date(2025, 2, 2)),
        Article("post", "Bridge", same, source="Skennay Post", published=date(2025, 2, 1)),
    ]
    with fake_assistant(tmp_path, news) as assistant:
        answer = assistant.answer("what's new?")
        assert answer.text.count("harbour bridge") == 1
        assert len(answer.citations) == 5
        assert "The same report also appears in Harbour Echo." in answer.notices or (
            "The same report also appears in Skennay Post." in answer.notices
        )
        assert "The newest 6 of 8 articles." in answer.notices
        few = assistant.answer("what's new?", sources=["Harbour Echo"])
        assert few.text.count("harbour bridge") == 1
        assert few.notices == ()
