"""Every provider's own client, streamed to over the wire: an answer, and the ways in which it fails.

A scripted server on loopback speaks each one's protocol. What becomes of the words is the same for
all, and tested in test_generating.py.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assistant import Assistant, Settings
from assistant.errors import WritingError
from assistant.factory import _open_writer
from tests.fake_index import FakeIndex
from tests.fake_model_server import Fail, ModelServer, Say, free_port
from tests.fake_reader import FakeReader
from tests.test_generating import ARTICLES, KEY, KNOWN, QUESTION, SAID, is_extractive

MODELS = ["openai:scripted", "anthropic:scripted", "ollama:scripted", "google_genai:scripted"]
WHOLE = Say(f"{SAID} [1]. It is held in Dakar on July 9 [1].")
TEXT = f"{SAID} [1]. It is held in Dakar on July 9 [2]."

every_provider = pytest.mark.parametrize("model", MODELS)


@contextmanager
def asking(
    folder: Path, server: ModelServer, model: str, key: str | None = KEY, patience: float = 20
) -> Iterator[Assistant]:
    base = server.url if model.startswith("openai") else server.root
    given = Settings(index=folder, model=model, base_url=base, api_key=key, model_timeout=patience)
    folder.mkdir(exist_ok=True)
    index = FakeIndex(folder / "articles.json")
    index.add_articles(ARTICLES)
    with Assistant(
        index, FakeReader(KNOWN), given, _open_writer(given, FakeReader(judges=False))
    ) as assistant:
        yield assistant


@every_provider
def test_a_whole_answer_word_by_word(tmp_path: Path, model: str) -> None:
    with ModelServer(WHOLE) as server, asking(tmp_path, server, model) as assistant:
        partials = list(assistant.stream(QUESTION))
    assert partials[-1].text == TEXT
    assert partials[-1].model == model
    assert partials[-1].notices == ()
    assert len({partial.text for partial in partials}) > 10
    assert KEY in server.keys[0]
    said = json.dumps(server.requests[0])
    assert "co-chaired by France" in said
    assert "Your articles don't answer this." in said
    assert not server.requests[0].get("tools")


@every_provider
def test_the_length_of_an_answer_is_limited_and_nothing_is_left_to_chance(
    tmp_path: Path, model: str
) -> None:
    with ModelServer(WHOLE) as server, asking(tmp_path, server, model) as assistant:
        assistant.answer(QUESTION)
    asked = server.requests[0]
    limits = asked.get("options") or asked.get("generationConfig") or asked
    names = ("max_tokens", "num_predict", "maxOutputTokens")
    assert [limits[name] for name in names if name in limits] == [400]
    assert limits["temperature"] == 0


@every_provider
def test_a_refused_key_is_shown_nowhere(
    tmp_path: Path, model: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    told = f"Incorrect API key provided: {KEY}."
    with ModelServer(Fail(401, message=told)) as server, asking(tmp_path, server, model) as it:
        answer = it.answer(QUESTION)
        with pytest.raises(WritingError) as caught:
            it.check_model()
    is_extractive(answer, f"{model} refused the key (401)")
    assert KEY not in caplog.text
    assert KEY not in str(answer.to_dict())
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert KEY not in "".join(capfd.readouterr())


def test_google_says_400_where_a_key_is_wrong(tmp_path: Path) -> None:
    wrong = Fail(400, message="API key not valid. Please pass a valid API key.")
    with ModelServer(wrong) as server, asking(tmp_path, server, MODELS[3]) as assistant:
        is_extractive(assistant.answer(QUESTION), "google_genai:scripted refused the key (400)")


@every_provider
def test_asked_too_often_it_is_asked_again_when_it_says(tmp_path: Path, model: str) -> None:
    often = Fail(429, {"retry-after": "0"})
    with ModelServer(often, WHOLE) as server, asking(tmp_path, server, model) as assistant:
        answer = assistant.answer(QUESTION)
    if model.startswith("ollama"):  # whose client does not pass on the time
        is_extractive(answer, "has been asked too often")
        assert len(server.requests) == 1
    else:
        assert answer.text == TEXT
        assert len(server.requests) == 2


@every_provider
def test_asked_too_often_and_asked_to_wait_too_long(tmp_path: Path, model: str) -> None:
    often = Fail(429, {"retry-after": "300"})
    with ModelServer(often) as server, asking(tmp_path, server, model) as assistant:
        is_extractive(assistant.answer(QUESTION), f"{model} has been asked too often")
    assert len(server.requests) == 1


@every_provider
def test_a_server_that_is_loading_its_model_is_waited_for(tmp_path: Path, model: str) -> None:
    loading = Fail(503, message="Loading model")
    with ModelServer(loading, WHOLE) as server, asking(tmp_path, server, model) as assistant:
        assert assistant.answer(QUESTION).text == TEXT


@every_provider
@pytest.mark.parametrize("ends", ["cut", None, "length", "error"])
def test_cut_off_in_the_middle_of_a_sentence(tmp_path: Path, model: str, ends: str | None) -> None:
    script = Say(f"{SAID} [1]. It is held in", ends=ends)
    with ModelServer(script) as server, asking(tmp_path, server, model) as assistant:
        answer = assistant.answer(QUESTION)
    assert answer.text == f"{SAID} [1]."
    assert answer.model == model
    (notice,) = answer.notices
    assert notice.endswith("the answer may be incomplete.")
    assert ("stopped at 400 tokens" in notice) == (ends == "length")
    assert len(server.requests) == 1


@every_provider
def test_overloaded_before_the_first_word(tmp_path: Path, model: str) -> None:
    """Reported in a stream that began well."""
    script = (Say("", ends="error"), WHOLE)
    with ModelServer(*script) as server, asking(tmp_path, server, model) as assistant:
        answer = assistant.answer(QUESTION)
    if model.startswith("ollama"):  # which reports it without a status
        is_extractive(answer, f"{model} failed (ResponseError)")
    else:
        assert answer.text == TEXT
        assert answer.notices == ()


@every_provider
def test_a_server_that_is_down(tmp_path: Path, model: str) -> None:
    with ModelServer(WHOLE, port=free_port()) as server:
        pass
    with asking(tmp_path, server, model) as assistant:
        is_extractive(assistant.answer(QUESTION), f"{model} cannot be reached")


@every_provider
def test_a_slow_first_word(tmp_path: Path, model: str) -> None:
    script = Say(f"{SAID} [1].", holds=0)
    with ModelServer(script) as server, asking(tmp_path, server, model, patience=1) as assistant:
        is_extractive(assistant.answer(QUESTION), f"{model} did not answer in 1 s")
        assert server.left.wait(60)  # and the connection is closed at once


@every_provider
def test_one_after_the_other_in_one_process(tmp_path: Path, model: str) -> None:
    """The second does not use the connections of the first, which is closed."""
    with ModelServer(WHOLE) as server:
        for number in range(2):
            with asking(tmp_path / str(number), server, model) as assistant:
                assert assistant.answer(QUESTION).text == TEXT


@every_provider
def test_the_keys_of_the_environment_go_to_no_other_server(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI", "ANTHROPIC", "OLLAMA", "GOOGLE", "GEMINI"):
        monkeypatch.setenv(f"{name}_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", KEY)
    with ModelServer(WHOLE) as server, asking(tmp_path, server, model, key=None) as assistant:
        assert assistant.answer(QUESTION).text == TEXT
    assert KEY not in server.keys[0]


@every_provider
def test_no_proxy_of_the_environment_stands_before_this_machine(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with ModelServer(WHOLE) as server, asking(tmp_path, server, model) as assistant:
        assert assistant.answer(QUESTION).text == TEXT
