"""Settings: where they come from, and what is refused before anything opens."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from assistant import DatelineError, Settings, SettingsError
from assistant.settings import settings_file


def test_every_setting_has_a_default() -> None:
    settings = Settings()
    assert settings.index.name == "index"
    assert settings.model == "reader"
    assert settings.embedding_model == "all-MiniLM-L6-v2"
    assert settings.reader_model == "dateline-reader"
    assert settings.threshold is None
    assert settings.chroma_url is None


def test_every_setting_is_described() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name


def test_the_default_index_lies_in_the_users_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Settings().index == tmp_path / "dateline" / "index"
    assert list(tmp_path.iterdir()) == []


def test_the_environment_fills_in_and_the_call_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_INDEX", "/from/environment")
    monkeypatch.setenv("DATELINE_THRESHOLD", "0.25")
    assert Settings().index == Path("/from/environment")
    assert Settings().threshold == 0.25
    assert Settings(index="/from/call").index == Path("/from/call")


def test_an_empty_variable_is_as_good_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Settings().index
    monkeypatch.setenv("DATELINE_INDEX", "")
    assert Settings().index == usual


def test_an_unknown_setting_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(SettingsError, match=r"indx is not a setting; known are index, model"):
        Settings(indx="x")


def test_an_unknown_variable_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_INDEKS", "x")
    with pytest.raises(
        SettingsError, match=r"DATELINE_INDEKS, which is not a setting.*DATELINE_INDEX"
    ):
        Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("index", ""),
        ("index", " "),
        ("index", "a\0b"),
        ("index", "~no-such-user-of-this-machine/index"),
        ("index", None),
        ("index", 5),
        ("model", "gpt-9"),
        ("embedding_model", ""),
        ("reader_model", " "),
        ("threshold", 1.5),
        ("threshold", -0.1),
        ("threshold", float("nan")),
        ("threshold", "high"),
        ("passages_read", 0),
        ("passages_read", 1_000),
        ("chroma_url", "localhost:8000"),
        ("base_url", "localhost:8000"),
        ("model", "openai:"),
        ("model", "openai"),
        ("model", "mistral:large"),
        ("model_timeout", 0),
        ("prompt_tokens", 10),
        ("answer_tokens", 0),
        ("unsupported", "hide"),
        ("contradicted", "hide"),
    ],
)
def test_an_unusable_value_is_refused_with_the_settings_name(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=f"setting {name} = "):
        Settings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("threshold", "5", "a number from 0 to 1, or leave it out"),
        ("threshold", "-0.1", "a number from 0 to 1, or leave it out"),
        ("threshold", "nan", "a number from 0 to 1, or leave it out"),
        ("threshold", "0,5", "a number from 0 to 1, or leave it out"),
        ("passages_read", "many", "a whole number from 1 to 100"),
        ("passages_read", "1.5", "a whole number from 1 to 100"),
        ("passages_read", "0", "a whole number from 1 to 100"),
        ("model_timeout", "0", "a number above 0 and up to 600"),
        ("model_timeout", "3600", "a number above 0 and up to 600"),
        ("model_timeout", "20s", "a number above 0 and up to 600"),
        ("prompt_tokens", "10", "a whole number of 300 or more, or leave it out"),
        ("answer_tokens", "1e99", "a whole number of 16 or more"),
        ("unsupported", "hide", '"mark" or "remove"'),
        ("tracing", "perhaps", "true or false"),
        ("base_url", "localhost:8000", "the address as http://host:port"),
    ],
)
def test_a_wrong_value_is_told_with_where_it_is_from_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, settings_toml: Path, name: str, value: str, allowed: str
) -> None:
    def told(**call: str) -> str:
        with pytest.raises(SettingsError) as caught:
            Settings(**call)
        return str(caught.value)

    variable = f"DATELINE_{name.upper()}"
    assert told(**{name: value}) == f"setting {name} = {value!r}: give {allowed}"
    settings_toml.write_text(f'{name} = "{value}"\n')
    assert told() == f"setting {name} = {value!r} (from {settings_toml}): give {allowed}"
    monkeypatch.setenv(variable, value)
    assert told() == f"setting {name} = {value!r} (from {variable}): give {allowed}"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("index", 5, "give the path of a folder"),
        ("tls_key", 5, "give the path of a file, or leave it out"),
        ("model", None, "give a text"),
        ("base_url", 5, "give a text, or leave it out"),
        ("threshold", [], "give a number from 0 to 1, or leave it out"),
    ],
)
def test_a_value_of_another_type_is_told_with_what_is_allowed(
    name: str, value: Any, allowed: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings(**{name: value})
    assert str(caught.value) == f"setting {name} = {value!r}: {allowed}"


def test_several_wrong_settings_are_all_told_at_once() -> None:
    with pytest.raises(SettingsError, match=r"threshold.*passages_read|passages_read.*threshold"):
        Settings(threshold=2, passages_read=0)


def test_a_refusal_is_of_the_one_tree() -> None:
    with pytest.raises(DatelineError):
        Settings(threshold=2)


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings(index="~/news").index == tmp_path / "news"


def test_a_dotenv_file_in_the_working_folder_is_not_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("DATELINE_INDEX=/from/dotenv\nDATELINE_NONSENSE=1\n")
    monkeypatch.chdir(tmp_path)
    assert Settings().index != Path("/from/dotenv")


def test_settings_cannot_be_changed() -> None:
    settings = Settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.threshold = 0.5


# -- the settings file -------------------------------------------------------------------------


@pytest.fixture
def settings_toml(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = settings_file()
    assert file == tmp_path / "dateline" / "settings.toml"
    file.parent.mkdir()
    file.touch(mode=0o600)
    return file


def test_the_file_fills_in_the_environment_wins_and_the_call_before_both(
    settings_toml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_toml.write_text('model = "openai:file"\nthreshold = 0.3\nindex = "/of/the/file"\n')
    monkeypatch.setenv("DATELINE_MODEL", "openai:environment")
    settings = Settings(index="/of/the/call")
    assert settings.model == "openai:environment"
    assert settings.threshold == 0.3
    assert settings.index == Path("/of/the/call")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('modle = "reader"', "sets modle, which is not a setting"),
        ("model = ", "cannot be read"),
        ("threshold = 7", "setting threshold = 7"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    settings_toml: Path, content: str | bytes, why: str
) -> None:
    settings_toml.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SettingsError, match=why):
        Settings()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_with_a_key_that_others_can_read_is_refused(settings_toml: Path, mode: int) -> None:
    settings_toml.write_text('api_key = "sk-secret-0123456789"\n')
    settings_toml.chmod(mode)
    with pytest.raises(SettingsError, match="chmod 600") as caught:
        Settings()
    assert "sk-secret" not in str(caught.value)
    settings_toml.write_text("threshold = 0.3\n")  # without a key in it, others may read it
    assert Settings().threshold == 0.3


def test_a_key_is_in_no_message_and_no_representation(
    settings_toml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_toml.write_text('api_key = "sk-secret-0123456789"\n')
    settings = Settings()
    assert settings.key == "sk-secret-0123456789"
    assert "secret-" not in f"{settings} {settings!r} {settings.model_dump()}"
    settings_toml.write_text("api_key = [1, 'sk-secret-0123456789']\n")
    with pytest.raises(SettingsError, match="setting api_key") as caught:
        Settings()
    told = "".join(traceback.format_exception(caught.value))
    assert "sk-secret" not in told


def test_the_providers_own_key_goes_to_no_other_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    assert Settings(model="openai:gpt-9").key == "sk-of-openai"
    assert Settings(model="openai:x", base_url="http://127.0.0.1:8080/v1").key is None
    assert Settings(model="anthropic:claude-9").key is None
    assert Settings(model="ollama:qwen3").key is None
    assert Settings().key is None


@pytest.mark.parametrize(
    ("given", "local"),
    [
        ({}, True),
        ({"model": "ollama:qwen3"}, True),
        ({"model": "ollama:gpt-oss:120b-cloud"}, False),
        ({"model": "ollama:qwen3", "base_url": "http://192.168.1.5:11434"}, False),
        ({"model": "openai:x", "base_url": "http://127.0.0.1:8080/v1"}, True),
        ({"model": "openai:x", "base_url": "http://localhost:8080/v1"}, True),
        ({"model": "openai:x", "base_url": "http://[::1]:8080/v1"}, True),
        ({"model": "openai:x", "base_url": "https://127.0.0.1.example.org/v1"}, False),
        ({"model": "openai:x"}, False),
        ({"model": "anthropic:x"}, False),
        ({"chroma_url": "http://127.0.0.1:8000"}, True),
        ({"chroma_url": "http://vectors.example.org"}, False),
        ({"tracing": True}, False),
    ],
)
def test_whether_anything_leaves_this_computer_is_known(given: dict[str, Any], local: bool) -> None:
    assert Settings(**given).local == local
