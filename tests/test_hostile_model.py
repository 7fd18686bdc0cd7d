"""A malicious or broken model server: every provider's client against it, end to end.

Whatever it sends, the articles' own words are given in bounded time and memory, and the notice says
what happened.
"""

from __future__ import annotations

import gzip
import itertools
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from assistant.answers import Answer
from assistant.factory import _open_writer
from assistant.settings import Settings
from assistant.writing.marks import SentenceStream
from tests.fake_model_server import ModelServer, Say, Send, Step
from tests.fake_reader import FakeReader
from tests.growth import growth
from tests.test_generating import QUESTION, SAID, asking

LIMIT = 4_800  # characters: 400 tokens
PROVIDERS = ["openai", "anthropic", "ollama", "google_genai"]


def ask(folder: Path, provider: str, *script: Step, **settings: Any) -> tuple[Answer, ModelServer]:
    with ModelServer(*script) as server:
        base = server.url if provider == "openai" else server.root
        with asking(
            folder, base, model=f"{provider}:scripted", api_key="sk-secret-of-mine", **settings
        ) as assistant:
            return assistant.answer(QUESTION), server


def told(answer: Answer) -> str:
    return " ".join(answer.notices)


# -- too much --------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_of_one_chunk_no_more_is_read_than_an_answer_may_have(
    tmp_path: Path, provider: str
) -> None:
    said = f"{SAID} [1]. "
    answer, _ = ask(tmp_path, provider, Say("", cut=[said + "Norway pays for it all. " * 50_000]))
    assert len(answer.text) < 2 * LIMIT
    assert answer.citations
    assert "was stopped at 400 tokens" in told(answer)


HOSTILE = ["[1", "[", "`", "```\n", "A. ", "[1,  ,  ,  ,  ,  ,  ,  ,  ,  ,  ,  ,  ,  x", "<think>",
           "[1-999999]", "\n", "[1] ", "“", "x", "A1. "]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_is_written_takes_a_bounded_time(tmp_path: Path, text: str) -> None:
    began = time.process_time()
    answer, _ = ask(tmp_path, "openai", Say("", cut=[text * (1_000_000 // len(text))]))
    assert answer.kind in ("answer", "abstention")
    assert time.process_time() - began < 30


def test_each_sentence_may_be_another(tmp_path: Path) -> None:
    sentences = [f"Minister {chr(65 + n % 26)}{n} of Dakar paid {n} euros. " for n in range(2_000)]
    answer, _ = ask(tmp_path, "openai", Say("", cut=sentences))
    assert answer.kind in ("answer", "abstention")


@pytest.mark.parametrize("text", [*HOSTILE, "[1] ", "`a", "  <", "【2", "- ", "a`b`", "†"])
def test_reading_twice_the_text_takes_twice_the_time(text: str) -> None:
    def read(length: int) -> None:
        stream = SentenceStream()
        stream.feed(text * (length // len(text)))
        stream.finish()

    assert growth(read, 1_000) < 1.5


class Endless(Sequence[str]):
    """The same token endlessly."""

    def __init__(self, token: str, pause: float = 0.0) -> None:
        self._token, self._pause = token, pause

    def __iter__(self) -> Iterator[str]:
        while True:
            time.sleep(self._pause)
            yield self._token

    def __len__(self) -> int:
        return 1

    def __getitem__(self, at: Any) -> Any:
        return self._token


@pytest.mark.parametrize("provider", PROVIDERS)
def test_chunks_without_end_that_say_nothing_are_not_listened_to_for_ever(
    tmp_path: Path, provider: str
) -> None:
    answer, server = ask(tmp_path, provider, Say("", cut=Endless("")), answer_tokens=20)
    assert "was stopped" in told(answer)
    assert answer.citations
    assert server.left.wait(30)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path, provider: str) -> None:
    filler = itertools.repeat(b"x" * 1_000_000)
    line = b'{"message": {"content": "' if provider == "ollama" else b'data: {"a": "'
    answer, server = ask(tmp_path, provider, Send(itertools.chain([line], filler)))
    assert "the server sent more than 2,600,000 bytes" in told(answer)
    assert answer.citations
    assert server.left.wait(30)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_answer_that_unfolds_into_more_is_not_unfolded(tmp_path: Path, provider: str) -> None:
    bomb = gzip.compress(b"data: " + b"x" * 50_000_000)
    answer, _ = ask(tmp_path, provider, Send([bomb], headers={"content-encoding": "gzip"}))
    assert "a compressed answer, which was not asked for" in told(answer)
    assert answer.citations


# -- nonsense --------------------------------------------------------------------------------------

NONSENSE = [
    b"",
    b"\n\n\n",
    b"data: \n\n",
    b"data: [DONE]\n\n",
    b"data: {\n\n{\n",
    b"data: null\n\nnull\n",
    b"data: []\n\n[]\n",
    b"data: 3\n\n3\n",
    b'data: {"choices": 3}\n\n{"message": 3}\n',
    b'data: {"choices": [{"delta": {"content": 3}}]}\n\n{"message": {"content": 3}}\n',
    b'data: {"choices": [{"delta": {"content": ["a", {"type": "text"}]}}]}\n\n',
    b'data: {"choices": [{"delta": null, "finish_reason": {"a": 1}}]}\n\n',
    b'data: {"choices": [{"delta": {"content": "\\ud800"}}]}\n\n',
    b'data: {"candidates": [{"content": {"parts": [{"text": 3}]}}]}\n\n',
    b'event: content_block_delta\ndata: {"type": "content_block_delta", "index": 0, "delta": 3}\n\n',
    b"data: " + b"[" * 200_000 + b"\n\n" + b"[" * 200_000 + b"\n",
    b"\xff\xfe\x00" * 1_000,
    b"<html>not a model</html>",
]


# Google's client waits some seconds before giving up, so it does not get every kind of nonsense.
CASES = [
    pytest.param(provider, body, id=f"{provider}-{number}")
    for number, body in enumerate(NONSENSE)
    for provider in PROVIDERS
    if provider != "google_genai" or b"candidates" in body or number in (0, 15)
]


@pytest.mark.parametrize(("provider", "body"), CASES)
def test_nonsense_leaves_the_articles_own_words(tmp_path: Path, provider: str, body: bytes) -> None:
    answer, _ = ask(tmp_path, provider, Send([body]))
    assert answer.kind == "answer"
    assert answer.citations
    assert "these are the articles' own words" in told(answer)
    assert "sk-secret" not in json.dumps(answer.to_dict())


def test_a_character_that_was_cut_in_two_is_put_together(tmp_path: Path) -> None:
    answer, _ = ask(tmp_path, "openai", Say("", cut=[f"{SAID} \ud83c", "\udf0a [1]."]))
    assert answer.text == f"{SAID} 🌊 [1]."


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("half", ["\ud83d", "a\ud800b", "\udfff\ud800"])
def test_half_a_pair_of_surrogates_can_be_kept_and_shown(
    tmp_path: Path, provider: str, half: str
) -> None:
    answer, _ = ask(tmp_path, provider, Say("", cut=[f"{SAID} [1]. ", f"Norway {half} pays. "]))
    json.dumps(answer.to_dict(), ensure_ascii=False).encode()


# -- elsewhere -------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_redirect_takes_neither_the_key_nor_the_articles_elsewhere(
    tmp_path: Path, provider: str
) -> None:
    with ModelServer(Say(SAID)) as elsewhere:
        moved = Send([b""], 307, {"location": f"{elsewhere.root}/v1/chat/completions"})
        answer, _ = ask(tmp_path, provider, moved)
    assert elsewhere.requests == []
    assert answer.citations


def test_the_writer_of_a_hostile_server_can_be_closed_while_it_sends(tmp_path: Path) -> None:
    with ModelServer(Say("", cut=Endless("word ", 0.01))) as server:
        settings = Settings(model="openai:scripted", base_url=server.url, index=tmp_path)
        writer = _open_writer(settings, FakeReader(judges=False))
        assert writer.check() >= 0
        writer.close()
        assert server.left.wait(30)
