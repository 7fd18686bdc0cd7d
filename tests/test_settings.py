"""Settings: where they come from, and what is refused before anything opens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from assistant import DatelineError, Settings, SettingsError


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
    with pytest.raises(SettingsError, match=r"indx is no setting; known are index, model"):
        Settings(indx="x")


def test_an_unknown_variable_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_INDEKS", "x")
    with pytest.raises(
        SettingsError, match=r"DATELINE_INDEKS, which is no setting.*DATELINE_INDEX"
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
    ],
)
def test_an_unusable_value_is_refused_with_the_settings_name(name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=f"setting {name} = "):
        Settings(**{name: value})


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
