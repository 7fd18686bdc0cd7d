"""What LangChain's users do with a chain and a retriever, done with ours; and LangChain's own suites.

The suites need no network here: the index and the reader are fakes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    message_to_dict,
)
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder, PromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import ConfigurableField, Runnable, RunnableLambda
from langchain_core.runnables.history import RunnableWithMessageHistory
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import RetrieversIntegrationTests, ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests
from pydantic import TypeAdapter

from assistant import Answer, Assistant, QuestionError, Turn
from assistant.question.asked import turns_of
from tests.fake_index import FakeIndex
from tests.fake_reader import fake_assistant
from tests.test_chain import ANSWERS, ARTICLES, QUESTION
from vectorstore import Article
from vectorstore.retriever import IndexRetriever

pytestmark = [
    pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning"),
]

WHERE, THERE = "Where is the meeting held?", "Dakar [1]"
TURNS = (Turn("user", WHERE), Turn("assistant", THERE))


@pytest.fixture
def assistant(tmp_path: Path) -> Assistant:
    return fake_assistant(tmp_path, ARTICLES, ANSWERS)


# -- histories ---------------------------------------------------------------------------------

FORMS: dict[str, list[Any]] = {
    "messages": [HumanMessage(WHERE), AIMessage(THERE)],
    "chunks": [HumanMessage(WHERE), AIMessageChunk(content=THERE)],
    "chat messages": [
        ChatMessage(content=WHERE, role="user"),
        ChatMessage(content=THERE, role="assistant"),
    ],
    "blocks": [
        HumanMessage([{"type": "text", "text": WHERE}, {"type": "image_url", "image_url": "x"}]),
        AIMessage([{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": THERE}]),
    ],
    "role and content": [
        {"role": "user", "content": WHERE},
        {"role": "assistant", "content": [{"type": "text", "text": THERE}]},
    ],
    "type and content": [{"type": "human", "content": WHERE}, {"type": "ai", "content": THERE}],
    "as stored": [message_to_dict(HumanMessage(WHERE)), message_to_dict(AIMessage(THERE))],
    "dumped": [HumanMessage(WHERE).model_dump(), AIMessage(THERE).model_dump()],
    "pairs": [("human", WHERE), ("ai", THERE)],
    "pairs from JSON": [["user", WHERE], ["assistant", THERE]],
    "all at once": [Turn("user", WHERE), {"role": "assistant", "text": THERE}],
    "among others": [
        SystemMessage("Be brief."),
        {"role": "developer", "content": "Be brief."},
        HumanMessage(WHERE),
        AIMessage("", tool_calls=[{"name": "look", "args": {}, "id": "1"}]),
        {"role": "assistant", "content": None, "tool_calls": []},
        ToolMessage("Dakar", tool_call_id="1"),
        AIMessage(THERE),
    ],
}


@pytest.mark.parametrize("form", FORMS)
def test_a_history_is_read_in_every_form_it_comes_in(assistant: Assistant, form: str) -> None:
    assert turns_of(FORMS[form]) == TURNS
    answer = assistant.chain.invoke({"question": "and when?", "history": FORMS[form]})
    assert answer.short == "July 9"
    assert assistant.answer("and when?", history=FORMS[form]) == answer
    assert list(assistant.stream("and when?", history=iter(FORMS[form])))[-1] == answer


@pytest.mark.parametrize("form", FORMS)
def test_messages_alone_are_a_conversation_whose_last_asks(assistant: Assistant, form: str) -> None:
    messages = [*FORMS[form], HumanMessage("and when?")]
    for given in (messages, tuple(messages), {"messages": messages}, {"question": messages}):
        assert assistant.chain.invoke(given).short == "July 9"


def test_a_question_may_be_a_message(assistant: Assistant) -> None:
    for given in (HumanMessage(QUESTION), {"question": HumanMessage(QUESTION)}):
        answer = assistant.chain.invoke(given)
        assert (answer.question, answer.short) == (QUESTION, "France and Saudi Arabia")


@pytest.mark.parametrize(
    "given",
    [
        [],
        [AIMessage("Dakar")],
        [HumanMessage(WHERE), AIMessage("Dakar")],
        [SystemMessage("Be brief.")],
        {"messages": []},
        {"messages": "who?"},
        {"question": []},
        {"question": AIMessage("who?")},
        {"question": QUESTION, "messages": [HumanMessage("who?")]},
    ],
)
def test_messages_that_ask_nothing_are_refused(assistant: Assistant, given: Any) -> None:
    with pytest.raises(QuestionError):
        assistant.chain.invoke(given)


# -- a history that LangChain keeps ------------------------------------------------------------

SESSION: Any = {"configurable": {"session_id": "one"}}


@pytest.fixture
def kept() -> InMemoryChatMessageHistory:
    return InMemoryChatMessageHistory()


async def streamed(chain: Runnable[Any, Answer], given: Any) -> Answer:
    return [partial async for partial in chain.astream(given, SESSION)][-1]


@pytest.mark.parametrize(
    "run",
    [
        lambda chain, given: chain.invoke(given, SESSION),
        lambda chain, given: list(chain.stream(given, SESSION))[-1],
        lambda chain, given: asyncio.run(chain.ainvoke(given, SESSION)),
        lambda chain, given: asyncio.run(streamed(chain, given)),
    ],
    ids=["invoke", "stream", "ainvoke", "astream"],
)
@pytest.mark.parametrize("asked_by_key", [True, False])
def test_follow_ups_work_with_a_history_of_messages(
    assistant: Assistant,
    kept: InMemoryChatMessageHistory,
    run: Callable[[Runnable[Any, Answer], Any], Answer],
    asked_by_key: bool,
) -> None:
    keys: Any = {"input_messages_key": "question", "history_messages_key": "history"}
    answering: Any = assistant.chain
    chain: Any = RunnableWithMessageHistory(
        answering,
        lambda: kept,
        **(keys if asked_by_key else {}),
    )
    for question, short in ((WHERE, "Dakar"), ("and when?", "July 9")):
        given: Any = {"question": question} if asked_by_key else [HumanMessage(question)]
        answer = run(chain, given)
        assert isinstance(answer, Answer)
        assert answer.short == short
    assert [(message.type, message.text) for message in kept.messages] == [
        ("human", WHERE),
        ("ai", "Dakar. [1]"),
        ("human", "and when?"),
        ("ai", answer.text),
    ]
    (citation,) = kept.messages[1].additional_kwargs["citations"]
    assert citation["quote"] == "It is held in Dakar on July 9."


def test_a_history_is_kept_of_a_chain_that_tries_again_too(
    assistant: Assistant, kept: InMemoryChatMessageHistory
) -> None:
    again: Any = assistant.chain.with_retry(stop_after_attempt=2).with_config(tags=["mine"])
    chain: Any = RunnableWithMessageHistory(
        again, lambda: kept, input_messages_key="question", history_messages_key="history"
    )
    chain.invoke({"question": WHERE}, SESSION)
    assert chain.invoke({"question": "and when?"}, SESSION).short == "July 9"
    assert [message.type for message in kept.messages] == ["human", "ai", "human", "ai"]


def test_the_text_alone_can_be_kept_too(
    assistant: Assistant, kept: InMemoryChatMessageHistory
) -> None:
    text: Runnable[Any, str] = assistant.chain | RunnableLambda(lambda answer: answer.text)
    chain: Any = RunnableWithMessageHistory(
        text,
        lambda: kept,
        input_messages_key="question",
        history_messages_key="history",
    )
    assert chain.invoke({"question": WHERE}, SESSION) == "Dakar. [1]"
    assert chain.invoke({"question": "and when?"}, SESSION).startswith("July 9")
    assert [message.type for message in kept.messages] == ["human", "ai", "human", "ai"]


def test_a_listener_hears_of_a_run_that_failed(assistant: Assistant) -> None:
    heard: list[str] = []
    chain = assistant.chain.with_listeners(on_error=lambda run: heard.append(run.error or ""))
    with pytest.raises(QuestionError):
        chain.invoke("")
    assert "empty" in heard[0]


# -- types, tools and traces -------------------------------------------------------------------


def test_input_and_output_tell_their_shape(assistant: Assistant) -> None:
    given = assistant.chain.get_input_jsonschema()
    assert given["required"] == ["question"]
    assert set(given["properties"]) == {
        *("question", "history", "as_of", "sources", "after", "before", "authors", "tags")
    }
    schema = assistant.chain.get_output_jsonschema()
    (name,) = [name for name in schema["$defs"] if name == "Answer"]
    answer = assistant.answer(QUESTION)
    told = {key for key in answer.to_dict() if key != "answered"}
    assert set(schema["$defs"][name]["properties"]) == told
    read = TypeAdapter(Answer).validate_python(
        {key: value for key, value in answer.to_dict().items() if key != "answered"}
    )
    assert read == answer
    assert assistant.chain.get_graph().draw_mermaid()
    again: Any = assistant.chain.with_retry()
    assert (again.get_input_jsonschema(), again.get_output_jsonschema()) == (given, schema)
    assert again.as_tool().invoke({"question": QUESTION}) == answer


def test_a_chain_can_be_bound_to_limits(assistant: Assistant) -> None:
    bound: Any = assistant.chain.bind(sources=["Asian Lite"], after="2025-01-01")
    assert bound.invoke(QUESTION).short == "France and Saudi Arabia"
    for given in (QUESTION, {"question": QUESTION}, [HumanMessage(QUESTION)]):
        for limited in (
            assistant.chain.bind(sources=["The Herald"]),
            bound.bind(after="2026-01-01"),
        ):
            assert not limited.invoke(given).answered
            assert [a.answered for a in limited.batch([given])] == [False]
            assert not list(limited.stream(given))[-1].answered
    with pytest.raises(QuestionError, match=r"unknown with a question: colour; known are after, "):
        assistant.chain.invoke(QUESTION, colour="red")


def test_a_prompt_can_stand_before_it_and_a_parser_behind_its_text(assistant: Assistant) -> None:
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Be brief."), MessagesPlaceholder("history"), ("human", "{question}")]
    )
    text: Any = RunnableLambda(lambda answer: answer.text)
    chain: Any = prompt | assistant.chain | text | StrOutputParser()
    given = {"question": "and when?", "history": FORMS["messages"]}
    assert chain.invoke(given).startswith("July 9")
    assert list(chain.stream(given)) == [chain.invoke(given)]
    assert (
        PromptTemplate.from_template("{q}").pipe(assistant.chain).invoke({"q": QUESTION}).answered
    )


class _Trace(BaseCallbackHandler):
    def __init__(self) -> None:
        self.begun: list[tuple[str, UUID, UUID | None, set[str]]] = []

    def on_chain_start(
        self,
        serialized: dict[str, Any],
        inputs: dict[str, Any],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        assert (metadata or {})["customer"] == 7
        self.begun.append((kwargs["name"], run_id, parent_run_id, set(tags or ())))


def test_a_trace_shows_the_stages_with_the_callers_tags(assistant: Assistant) -> None:
    trace = _Trace()
    config: Any = {"callbacks": [trace], "tags": ["mine"], "metadata": {"customer": 7}}
    ways: list[Callable[[], object]] = [
        lambda: assistant.chain.invoke(QUESTION, config),
        lambda: list(assistant.chain.stream(QUESTION, config)),
        lambda: asyncio.run(assistant.chain.ainvoke(QUESTION, config)),
    ]
    for way in ways:
        trace.begun.clear()
        way()
        (_, root, above, _), *stages = trace.begun
        assert above is None
        assert [name for name, *_ in trace.begun] == [
            *("dateline", "ask", "rewrite", "retrieve", "read", "write")
        ]
        assert {parent for _, _, parent, _ in stages} == {root}
        assert all("mine" in tags for *_, tags in trace.begun)


def test_a_run_can_be_named(assistant: Assistant) -> None:
    trace = _Trace()
    config: Any = {"callbacks": [trace], "run_name": "night desk", "metadata": {"customer": 7}}
    assistant.chain.invoke(QUESTION, config)
    assert trace.begun[0][0] == "night desk"


def test_events_of_a_run_end_with_the_answer(assistant: Assistant) -> None:
    async def last() -> Any:
        events = assistant.chain.astream_events(QUESTION, version="v2")
        return [event async for event in events][-1]

    event = asyncio.run(last())
    assert (event["event"], event["name"]) == ("on_chain_end", "dateline")
    assert event["data"]["output"] == assistant.answer(QUESTION)


def test_a_tool_takes_limits_and_tells_the_quotes(assistant: Assistant) -> None:
    tool = assistant.chain.as_tool()
    assert tool.name == "ask_articles"
    asked = {"question": QUESTION, "after": "2025-01-01", "sources": ["Asian Lite"]}
    call: Any = {"type": "tool_call", "id": "1", "name": tool.name, "args": asked}
    message = tool.invoke(call)
    assert message.content == (
        "France and Saudi Arabia. [1]\n\n"
        "[1] “The meeting will be co-chaired by France and Saudi Arabia.” — Two states, Asian Lite, "
        "2025-07-26"
    )
    nothing = dict.fromkeys(("history", "as_of", "sources", "after", "before", "authors", "tags"))
    assert tool.invoke(
        {"question": QUESTION, **nothing}
    ).answered  # as models fill in a strict schema
    args: Any = {"question": "and when?", "history": [{"role": "user", "content": WHERE}]}
    assert tool.invoke(args).short == "July 9"
    other = assistant.chain.as_tool(name="archive", description="Looks into the archive.")
    assert (other.name, other.description) == ("archive", "Looks into the archive.")


# -- asynchronously ----------------------------------------------------------------------------


def test_the_assistant_answers_in_an_event_loop(assistant: Assistant) -> None:
    async def asked() -> tuple[Answer, list[Answer]]:
        stream = assistant.astream("and when?", history=FORMS["pairs"])
        return (
            await assistant.aanswer("and when?", history=FORMS["messages"]),
            [partial async for partial in stream],
        )

    answer, partials = asyncio.run(asked())
    assert answer == partials[-1] == assistant.answer("and when?", history=TURNS)
    assert [partial.complete for partial in partials] == [*[False] * (len(partials) - 1), True]


def test_what_cannot_be_asked_is_refused_in_an_event_loop_too(assistant: Assistant) -> None:
    async def streamed() -> None:
        async for _ in assistant.astream(""):
            pass

    with pytest.raises(QuestionError, match="empty"):
        asyncio.run(assistant.aanswer(""))
    with pytest.raises(QuestionError, match="empty"):
        asyncio.run(streamed())


# -- LangChain's own suites --------------------------------------------------------------------


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
class TestTheRetriever(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _articles(self, tmp_path: Path) -> None:
        self.index = FakeIndex(tmp_path / "index.json")
        self.index.add_articles(
            Article(f"a{n}", f"Ferry {n}", f"The ferry of {n} o'clock was late.") for n in range(5)
        )

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return IndexRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"index": self.index}

    @property
    def retriever_query_example(self) -> str:
        return "ferry"

    def test_search_kwargs_can_be_changed_and_configured(self) -> None:
        retriever = self.index.as_retriever(search_kwargs={"k": 2}, tags=["mine"])
        assert len(retriever.invoke("ferry")) == 2
        assert retriever.tags == ["mine"]
        retriever.search_kwargs["k"] = 3
        assert len(retriever.invoke("ferry")) == 3
        assert len(retriever.invoke("ferry", articles=["a1"])) == 1
        limits: Any = ConfigurableField(id="limits")
        config: Any = {"configurable": {"limits": {"articles": ["a1", "a2"]}}}
        found = retriever.configurable_fields(search_kwargs=limits).invoke("ferry", config)
        assert {document.metadata["article_id"] for document in found} == {"a1", "a2"}

    @pytest.mark.parametrize(
        "day", ["2025-07-26", datetime(2025, 7, 26, 9, tzinfo=UTC), date(2025, 7, 26)]
    )
    def test_a_day_may_be_written_in_each_way(self, day: Any) -> None:
        self.index.add_articles(
            [Article("late", "Ferry", "The ferry was late.", published=date(2025, 7, 26))]
        )
        for limits in ({"after": day}, {"after": day, "before": day}):
            found = self.index.as_retriever(search_kwargs=limits).invoke("ferry")
            assert [document.metadata["article_id"] for document in found] == ["late"]

    @pytest.mark.parametrize(
        ("limits", "kind", "said"),
        [
            ({"filter": {}}, TypeError, "unknown in search_kwargs: filter; known are after"),
            ({"sources": "Reuters"}, TypeError, r"not a list of names; write \['Reuters'\]"),
            ({"after": "last week"}, ValueError, "last week"),
        ],
    )
    def test_a_limit_that_means_nothing_is_refused_at_once(
        self, limits: dict[str, Any], kind: type[Exception], said: str
    ) -> None:
        with pytest.raises(kind, match=said):
            self.index.as_retriever(search_kwargs=limits)

    def test_an_unknown_limit_is_refused(self) -> None:
        with pytest.raises(TypeError, match="colour"):
            self.index.as_retriever().invoke("ferry", colour="red")


class _Tool:
    """The chain as the tool under test."""

    @pytest.fixture(autouse=True)
    def _assistant(self, tmp_path: Path) -> None:
        self.assistant = fake_assistant(tmp_path, ARTICLES, ANSWERS)

    @property
    def tool_constructor(self) -> BaseTool:
        return self.assistant.chain.as_tool()

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"question": QUESTION}


class TestTheToolsShape(_Tool, ToolsUnitTests):
    pass


@pytest.mark.anyio
class TestTheTool(_Tool, ToolsIntegrationTests):
    pass
