"""Fixed phrases: the shipped ones are whole, and a broken file fails when it is loaded."""

from __future__ import annotations

import ast
from pathlib import Path
from string import Formatter

import pytest
import yaml

from assistant import SettingsError
from assistant.prompts import load_phrases

WHOLE = {"name": "x", "version": 1, "inputs": ["thing"], "phrases": {"said": "About {thing}."}}


def test_every_phrase_that_is_said_is_shipped(root: Path) -> None:
    said = {
        node.args[0].value
        for path in root.glob("assistant/*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "say"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    shipped = set(load_phrases("extractive").texts)
    assert said
    assert said | {"greeting", "thanks", "about"} == shipped


def test_the_shipped_phrases_declare_no_input_in_vain() -> None:
    phrases = load_phrases("extractive")
    file = Path(__file__).parent.parent / "prompts" / "extractive.yaml"
    declared = set(yaml.safe_load(file.read_text("utf-8"))["inputs"])
    used = {
        field
        for text in phrases.texts.values()
        for _, field, _, _ in Formatter().parse(text)
        if field
    }
    assert used == declared
    assert phrases.version >= 1


def test_a_phrase_is_filled_in_even_with_braces_in_a_value(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(WHOLE))
    assert load_phrases("x", tmp_path).say("said", thing="{thing} {0}") == "About {thing} {0}."


@pytest.mark.parametrize(
    "broken",
    [
        {**WHOLE, "more": 1},
        {key: value for key, value in WHOLE.items() if key != "version"},
        {**WHOLE, "name": "y"},
        {**WHOLE, "version": "1"},
        {**WHOLE, "version": True},
        {**WHOLE, "inputs": None},
        {**WHOLE, "phrases": ["said"]},
        {**WHOLE, "phrases": {"said": 5}},
        {**WHOLE, "phrases": {"said": "About {other}."}},
        {**WHOLE, "phrases": {"said": "About {thing.secret}."}},
        {**WHOLE, "phrases": {"said": "About {}."}},
        {**WHOLE, "phrases": {"said": "About {thing."}},
        ["name"],
        None,
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_named_with_the_remedy(
    tmp_path: Path, broken: object
) -> None:
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(broken))
    with pytest.raises(SettingsError, match=r"x\.yaml.*Install dateline again"):
        load_phrases("x", tmp_path)


@pytest.mark.parametrize("content", [b"phrases: [", b"\xff\xfe\x00", None])
def test_a_file_that_cannot_be_read_is_named_with_the_remedy(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"(?s)x\.yaml cannot be read.*Install dateline again"):
        load_phrases("x", tmp_path)
