"""What servers and models do in practice, one trait per test: thoughts in every form, requests that
are refused in part, contexts that are too small.

Each trait is shown by a scripted server on loopback, through the real client.
"""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant import Answer
from assistant.errors import WritingError
from assistant.writing.thoughts import Thoughts
from tests.fake_model_server import (
    Answered,
    Depends,
    Fail,
    InOnePiece,
    ModelServer,
    Say,
    Send,
    Step,
)
from tests.test_generating import KEY, QUESTION, SAID, asking
from vectorstore import Article

ANSWER = f"{SAID} [1]."


def ask(folder: Path, *script: Step, **given: Any) -> tuple[Answer, ModelServer]:
    with ModelServer(*script) as server, asking(folder, server.url, **given) as assistant:
        return assistant.answer(QUESTION), server


# -- thoughts ----------------------------------------------------------------------------------

HMM = "Okay, who co-chairs it? Norway pays [9]. Passage 1 says it.\n"
THINKING = {
    "think": f"<think>\n{HMM}</think>\n\n{ANSWER}",
    "nothing thought": f"<think>\n\n</think>\n\n{ANSWER}",
    "thinking": f"<thinking>{HMM}</thinking>{ANSWER}",
    "thought": f"<Thought>{HMM}</Thought>\n<Output>{ANSWER}</Output>",
    "reasoning": f"<reasoning>{HMM}</reasoning>{ANSWER}",
    "with an attribute": f'<think effort="low">{HMM}</think>{ANSWER}',
    "without an opening": f"{HMM}</think>\n\n{ANSWER}",
    "without an opening, another name": f"{HMM}</thinking>{ANSWER}",
    "without an opening, Magistral": f"{HMM}[/THINK]{ANSWER}",
    "without an opening, Gemma": f"thought\n{HMM}<channel|>{ANSWER}",
    "without an opening, harmony": (
        f"{HMM}<|end|><|start|>assistant<|channel|>final<|message|>{ANSWER}"
    ),
    "thoughts in thoughts": f"<think>{HMM}<think>Hm.</think>{HMM}</think>{ANSWER}",
    "Seed-OSS": (
        f"<seed:think>{HMM}<seed:cot_budget_reflect>9</seed:cot_budget_reflect></seed:think>{ANSWER}"
    ),
    "Magistral": f"[THINK]{HMM}[/THINK]{ANSWER}",
    "Kimi-VL": f"◁think▷{HMM}◁/think▷{ANSWER}",
    "Gemma 4": f"<|channel>thought\n{HMM}<channel|>{ANSWER}",
    "MedGemma": f"<unused94>thought\n{HMM}<unused95>{ANSWER}",
    "harmony": (
        f"<|channel|>analysis<|message|>{HMM}<|end|><|start|>assistant<|channel|>commentary"
        f"<|message|>{HMM}<|end|><|start|>assistant<|channel|>final<|message|>{ANSWER}<|return|>"
    ),
    "harmony without its marks": f"analysisWe are asked. {HMM}assistantfinal{ANSWER}",
    "Command A": (
        f"<|START_THINKING|>{HMM}<|END_THINKING|><|START_RESPONSE|>{ANSWER}<|END_RESPONSE|>"
    ),
    "OpenThinker": (
        f"<|begin_of_thought|>{HMM}<|end_of_thought|>\n\n<|begin_of_solution|>{ANSWER}"
        "<|end_of_solution|>"
    ),
    "Apertus": f"<|inner_prefix|>{HMM}<|inner_suffix|>{ANSWER}",
    "Granite": f"Here is my thought process:\n{HMM}\nHere is my response:\n{ANSWER}",
    "Ollama's program": f"Thinking...\n{HMM}...done thinking.\n\n{ANSWER}",
    "before an answer": f"{HMM}<answer>{ANSWER}</answer>",
    "special tokens": f"{ANSWER}<|im_end|></s><｜end▁of▁sentence｜>",
}


@pytest.mark.parametrize("written", THINKING.values(), ids=THINKING)
def test_thoughts_are_no_part_of_the_answer(tmp_path: Path, written: str) -> None:
    answer, _ = ask(tmp_path, Say(written))
    assert answer.text == ANSWER
    assert answer.notices == ()
    assert len(answer.statements) == len(answer.citations) == 1


@pytest.mark.parametrize("written", THINKING.values(), ids=THINKING)
@given(cuts=st.lists(st.integers(0, 300), max_size=12), held=st.booleans())
@settings(max_examples=25, deadline=None)
def test_in_any_cut_the_thoughts_are_the_same(written: str, cuts: list[int], held: bool) -> None:
    thoughts, said, at = Thoughts(held=held), "", 0
    for cut in [*sorted(cuts), len(written)]:
        found = thoughts.feed(written[at:cut])
        at = max(at, cut)
        said = found.text if found.anew else said + found.text
    found = thoughts.finish()
    assert (found.text if found.anew else said + found.text).strip() == ANSWER


@pytest.mark.parametrize(
    "text", ["It is 3 < 4 [1].", "An <b>old</b> wall [TH", "analysis of it", "<", "a\n<3"]
)
def test_what_is_no_thought_stays(text: str) -> None:
    for cut in range(len(text)):
        thoughts = Thoughts()
        parts = [thoughts.feed(text[:cut]), thoughts.feed(text[cut:]), thoughts.finish()]
        assert "".join(part.text for part in parts) == text
        assert not any(part.anew for part in parts)


def test_thoughts_that_were_shown_are_taken_back_and_held_the_next_time(tmp_path: Path) -> None:
    with (
        ModelServer(Say(THINKING["without an opening"])) as server,
        asking(tmp_path, server.url) as assistant,
    ):
        first = [partial.text for partial in assistant.stream(QUESTION)]
        second = [partial.text for partial in assistant.stream(QUESTION)]
    assert any("Okay" in text for text in first)  # it could not be known yet
    assert first[-1] == second[-1] == ANSWER
    assert not any("Okay" in text for text in second)


@pytest.mark.parametrize("beside", ["reasoning_content", "reasoning", "thinking", ""])
def test_thoughts_beside_the_text_are_left_out(tmp_path: Path, beside: str) -> None:
    answer, _ = ask(tmp_path, Say(ANSWER, thoughts=HMM, beside=beside))
    assert answer.text == ANSWER
    assert answer.notices == ()


@pytest.mark.parametrize("model", ["anthropic:x", "ollama:x", "google_genai:x"])
def test_and_so_are_those_of_other_protocols(tmp_path: Path, model: str) -> None:
    with (
        ModelServer(Say(ANSWER, thoughts=HMM)) as server,
        asking(tmp_path, server.root, model=model) as assistant,
    ):
        answer = assistant.answer(QUESTION)
    assert answer.text == ANSWER
    assert answer.notices == ()


@pytest.mark.parametrize("ends", ["stop", "length"])
def test_nothing_but_thoughts_is_told_with_what_to_do(tmp_path: Path, ends: str) -> None:
    answer, _ = ask(tmp_path, Say(f"<think>{HMM}", ends=ends))
    assert answer.text == "France and Saudi Arabia. [1]"
    (notice,) = answer.notices
    assert ("nothing but its thoughts" if ends == "stop" else "still thinking") in notice
    assert "answer_tokens" in notice


def test_a_rewriting_has_no_thoughts_in_it(tmp_path: Path) -> None:
    from assistant import Turn

    history = [Turn("user", "Where is the meeting?"), Turn("assistant", "In Dakar.")]
    script = (Say(f"{HMM}</think>\nWho co-chairs the meeting in Dakar?"), Say(ANSWER))
    with ModelServer(*script) as server, asking(tmp_path, server.url) as assistant:
        answer = assistant.answer("and who co-chairs it?", history=history)
    assert answer.trace.question == "Who co-chairs the meeting in Dakar?"


# -- requests that are refused in part ---------------------------------------------------------


def picky(message: str, refuses: Any, status: int = 400) -> Depends:
    """Refuses, with this message, requests for which `refuses` returns true."""

    def step(asked: dict[str, Any]) -> Answered:
        if refuses(asked):
            return Fail(status, message=message)
        return Say(ANSWER) if asked.get("stream") else InOnePiece(ANSWER)

    return Depends(step)


def has_system(asked: dict[str, Any]) -> bool:
    return any(message["role"] == "system" for message in asked["messages"])


FORBIDDEN = (
    "[{'type': 'extra_forbidden', 'loc': ('body', '%s'), 'msg': 'Extra inputs are not permitted'}]"
)
PICKY = {
    "system role": ("System role not supported", 400, has_system),
    "system role, by the template": (
        "Conversation roles must alternate user/assistant/user/assistant/...", 400, has_system,
    ),
    "system role, as an error of its own": (
        "jinja2.exceptions.TemplateError: System role not supported", 500, has_system,
    ),
    "system role, by its checks": (
        "messages.0.role: Input should be 'user' or 'assistant'", 422, has_system,
    ),
    "max_tokens": (
        "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", 400, lambda asked: "max_tokens" in asked,
    ),
    "any limit": (
        FORBIDDEN % "max_tokens", 400,
        lambda asked: "max_tokens" in asked or "max_completion_tokens" in asked,
    ),
    "temperature": (
        "'temperature' does not support 0 with this model. Only the default (1) is supported.", 400, lambda asked: "temperature" in asked,
    ),
    "temperature, by its checks": (
        FORBIDDEN % "temperature", 422, lambda asked: "temperature" in asked,
    ),
    "streaming": ("Streaming is not supported by this model.", 400, lambda a: a.get("stream")),
    "streaming, by another name": (
        "Your organization must be verified to stream this model.", 400, lambda a: a.get("stream"),
    ),
    "two things, one after the other": (
        "temperature is not allowed, and neither is a system message", 400,
        lambda asked: "temperature" in asked or has_system(asked),
    ),
    "something, and does not say what": (
        "Bad Request", 400, lambda asked: "temperature" in asked or has_system(asked),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("message", "status", "refuses"), PICKY.values(), ids=PICKY)
def test_what_a_server_refuses_is_asked_without_and_remembered(
    tmp_path: Path, message: str, status: int, refuses: Any
) -> None:
    with (
        ModelServer(picky(message, refuses, status)) as server,
        asking(tmp_path, server.url) as assistant,
    ):
        first, asked = assistant.answer(QUESTION), len(server.requests)
        second = assistant.answer(QUESTION)
    assert first.text == second.text == ANSWER
    assert first.notices == second.notices == ()
    assert 2 <= asked <= 3
    assert len(server.requests) == asked + 1  # only one request: the limit is known by now
    assert "co-chaired by France" in json.dumps(server.requests[-1])
    assert "Your articles don't answer this." in json.dumps(server.requests[-1])


def test_the_greatest_length_is_told_by_one_name_only(tmp_path: Path) -> None:
    _, server = ask(tmp_path, Say(ANSWER))
    assert server.requests[0]["max_tokens"] == 400
    assert "max_completion_tokens" not in server.requests[0]


def test_an_answer_in_one_piece_is_read_where_a_stream_was_asked_for(tmp_path: Path) -> None:
    answer, server = ask(tmp_path, InOnePiece(ANSWER))
    assert answer.text == ANSWER
    assert [bool(asked.get("stream")) for asked in server.requests] == [True, False]


def test_a_server_that_takes_nothing_is_told_with_its_words(tmp_path: Path) -> None:
    answer, server = ask(tmp_path, Fail(400, message="No such thing as <b>scripted</b>\nhere"))
    (notice,) = answer.notices
    assert (
        "The server of openai:scripted refused the request (400): its server said “No such thing as "
        "scripted here”: these are the articles' own words. Check the model's name" in notice
    )
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [401, 404, 429])
def test_what_no_other_request_would_mend_is_not_tried_again(tmp_path: Path, status: int) -> None:
    message = "The system message, temperature, stream and max_tokens are not supported"
    _, server = ask(tmp_path, Fail(status, message=message))
    assert len(server.requests) == 1


# -- a context that is too small ---------------------------------------------------------------

LONG = [
    Article(f"long{n}", f"Meeting {n}", f"The ministerial meeting number {n} was long. " * 20)
    for n in range(6)
]
TOO_LONG = {
    "llama.cpp": "the request exceeds the available context size (1024 tokens), try increasing it",
    "llama.cpp, later": "request (2358 tokens) exceeds the available context size (1024 tokens), try "
    "increasing it",
    "vLLM": "This model's maximum context length is 1024 tokens. However, you requested 1300 tokens "
    "(900 in the messages, 400 in the completion). Please reduce the length of the messages.",
    "vLLM, later": "'max_tokens' or 'max_completion_tokens' is too large: 400. This model's maximum "
    "context length is 1024 tokens and your request has 900 input tokens (400 > 1024 - 900).",
    "SGLang": "The input (1358 tokens) is longer than the model's context length (1024 tokens).",
    "llama-cpp-python": "Requested tokens (1358) exceed context window of 1024",
    "LM Studio": "Trying to keep the first 1358 tokens when context the overflows. However, the model "
    "is loaded with context length of only 1024 tokens, which is not enough.",
    "TGI": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 1024. Given: 900 "
    "`inputs` tokens and 400 `max_new_tokens`",
    "Anthropic": "prompt is too long: 1358 tokens > 1024 maximum",
    "Mistral": "Prompt contains 1358 tokens, too large for model with 1024 maximum context length",
    "without a size": "Please reduce the length of the messages.",
}  # fmt: skip


def small_context(message: str, status: int = 400, most: int = 2_500) -> Depends:
    """Refuses requests of more than `most` characters."""

    def step(asked: dict[str, Any]) -> Answered:
        size = sum(len(each["content"]) for each in asked["messages"])
        return Fail(status, message=message) if size > most else Say(ANSWER)

    return Depends(step)


def with_more(assistant: Any) -> Any:
    assistant.index.add_articles(LONG)
    return assistant


@pytest.mark.parametrize("message", TOO_LONG.values(), ids=TOO_LONG)
def test_where_the_context_is_too_small_fewer_passages_are_given(
    tmp_path: Path, message: str
) -> None:
    with (
        ModelServer(small_context(message)) as server,
        asking(tmp_path, server.url) as assistant,
    ):
        first, asked = with_more(assistant).answer(QUESTION), len(server.requests)
        second = assistant.answer(QUESTION)
    assert first.text == second.text == ANSWER
    for (notice,) in (first.notices, second.notices):
        assert re.search(r"openai:scripted was given \d of \d passages, as its context", notice)
        assert f"its server said “{message[:200].strip()}”" in notice
        assert re.search(r"larger context, or set prompt_tokens to \d+\.", notice)
    assert 2 <= asked <= 4
    assert len(server.requests) == asked + 1
    assert "co-chaired by France" in json.dumps(server.requests[-1])


def test_prompt_tokens_as_the_notice_says_them_fit(tmp_path: Path) -> None:
    server_says = small_context(TOO_LONG["llama.cpp"])
    with ModelServer(server_says) as server, asking(tmp_path, server.url) as assistant:
        (notice,) = with_more(assistant).answer(QUESTION).notices
    tokens = int(re.findall(r"prompt_tokens to (\d+)", notice)[0])
    with (
        ModelServer(server_says) as server,
        asking(tmp_path, server.url, prompt_tokens=tokens) as assistant,
    ):
        assert assistant.answer(QUESTION).notices == ()
    assert len(server.requests) == 1


def test_a_context_in_which_nothing_fits_is_told_with_what_to_do(tmp_path: Path) -> None:
    answer, server = ask(tmp_path, Fail(400, message=TOO_LONG["llama.cpp"]))
    (notice,) = answer.notices
    assert "The context of openai:scripted is too small" in notice
    assert "exceeds the available context size (1024 tokens)" in notice
    assert "these are the articles' own words" in notice
    assert "prompt_tokens" in notice
    assert len(server.requests) <= 6


ERROR = json.dumps({"code": 400, "message": TOO_LONG["llama.cpp"], "type": "exceed"})


@pytest.mark.parametrize(
    "body",
    [f'data: {{"error": {ERROR}}}\n\ndata: [DONE]\n\n', f"error: {ERROR}\n\ndata: [DONE]\n\n"],
)
def test_a_refusal_in_the_stream_is_one(tmp_path: Path, body: str) -> None:
    answer, _ = ask(tmp_path, Send([body.encode()]))
    (notice,) = answer.notices
    assert "exceeds the available context size (1024 tokens)" in notice
    assert "prompt_tokens" in notice


def test_the_check_asks_as_much_as_a_question_does(tmp_path: Path) -> None:
    with (
        ModelServer(small_context(TOO_LONG["llama.cpp"])) as server,
        asking(tmp_path, server.url) as assistant,
        pytest.raises(
            WritingError, match=r"context is too small.*1024 tokens.*prompt_tokens"
        ) as told,
    ):
        assistant.check_model()
    assert not told.value.unreachable


def test_the_check_finds_nothing_where_the_context_is_large_enough(tmp_path: Path) -> None:
    with (
        ModelServer(small_context(TOO_LONG["llama.cpp"], most=4_100)) as server,
        asking(tmp_path, server.url) as assistant,
    ):
        assert assistant.check_model() is not None
    sent = sum(len(each["content"]) for each in server.requests[0]["messages"])
    assert 3_500 < sent <= 4_100


def test_ollama_is_told_how_much_it_is_given(tmp_path: Path) -> None:
    for tokens, context in ((1_000, 4_096), (6_000, 6_464)):
        with (
            ModelServer(Say(ANSWER)) as server,
            asking(tmp_path, server.root, model="ollama:x", prompt_tokens=tokens) as assistant,
        ):
            assistant.answer(QUESTION)
        assert server.requests[0]["options"]["num_ctx"] == context


# -- keys --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 422, 429, 500, 503])
@pytest.mark.parametrize(
    "shown",
    [
        KEY,
        f"{KEY[:9]}****6789",
        f"Bearer {KEY}",
        "gsk_0123456789abcdef",
        "https://me:secretword@host/v1",
        "0123456789abcdef0123456789abcdef",
    ],
)
def test_no_key_is_in_a_notice_or_a_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, status: int, shown: str
) -> None:
    caplog.set_level(logging.DEBUG)
    refusal = Fail(status, {"retry-after": "0"}, message=f"no model for {shown}")
    answer, _ = ask(tmp_path, refusal)
    # Without seconds and confidences, which may contain any digits.
    told = re.sub(r"(?<=: )\d+\.\d+(?:e-\d+)?", "", json.dumps(answer.to_dict()))
    assert "no model for" in told
    for part in (KEY, KEY[:9], "6789", "secretword", "456789abcdef"):
        assert part not in told
    assert KEY not in caplog.text
