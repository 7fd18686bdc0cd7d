"""Fixed phrases: the shipped ones are complete, and a broken file fails when it is loaded."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path
from string import Formatter

import pytest
import yaml

from assistant import SettingsError
from assistant.prompts import load_phrases, load_prompt

WHOLE = {"name": "x", "version": 1, "inputs": ["thing"], "phrases": {"said": "About {thing}."}}


def test_every_phrase_that_is_said_is_shipped(root: Path) -> None:
    said = {
        node.args[0].value
        for path in root.glob("assistant/**/*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "say"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    # Some are selected by name before they are said.
    named = {
        node.value
        for path in root.glob("assistant/**/*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    shipped = set(load_phrases("extractive").texts)
    assert said
    assert said <= shipped <= named


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


def test_a_phrase_that_is_there_twice_is_named(tmp_path: Path) -> None:
    twice = "name: x\nversion: 1\ninputs: []\nphrases:\n  no: 'No:'\n  yes: 'Yes:'\n  no: Never.\n"
    (tmp_path / "x.yaml").write_text(twice)
    with pytest.raises(SettingsError, match=r"x\.yaml: 'no' is there twice"):
        load_phrases("x", tmp_path)


@pytest.mark.parametrize("content", [b"phrases: [", b"\xff\xfe\x00", None])
def test_a_file_that_cannot_be_read_is_named_with_the_remedy(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"(?s)x\.yaml cannot be read.*Install dateline again"):
        load_phrases("x", tmp_path)


# -- prompts for chat models -------------------------------------------------------------------

PROMPT = {
    "name": "x",
    "version": 1,
    "inputs": ["question", "refusal"],
    "system": "Answer, or say: {refusal}",
    "user": "{question}",
    "refusal": "No.",
}

# When the words change, raise the version, and put the new digest beside it.
DIGESTS = {
    ("answer", 2): "da852e2b9d84",
    ("rewrite", 1): "cecf5e2edabc",
}


@pytest.mark.parametrize("name", ["answer", "rewrite"])
def test_a_version_names_one_wording(root: Path, name: str) -> None:
    found = yaml.safe_load((root / "prompts" / f"{name}.yaml").read_text("utf-8"))
    version = found.pop("version")
    digest = hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()[:12]
    assert DIGESTS.get((name, version)) == digest, "the words changed: raise the version"


def test_the_refusal_is_the_same_everywhere() -> None:
    refusal = load_phrases("extractive").say("refusal")
    assert load_prompt("answer").refusal == refusal
    assert (
        refusal in load_prompt("answer").messages(found="", question="", sources="", today="")[0][1]
    )


def test_a_prompt_is_filled_in_even_with_braces_in_a_value(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(PROMPT))
    assert load_prompt("x", tmp_path).messages(question="{question} {0}") == [
        ("system", "Answer, or say: No."),
        ("user", "{question} {0}"),
    ]


@pytest.mark.parametrize(
    "broken",
    [
        {**PROMPT, "more": 1},
        {key: value for key, value in PROMPT.items() if key != "user"},
        {**PROMPT, "name": "y"},
        {**PROMPT, "version": "1"},
        {**PROMPT, "inputs": "question"},
        {**PROMPT, "inputs": ["question", "refusal", "idle"]},
        {**PROMPT, "user": "{other}"},
        {**PROMPT, "user": "{question"},
        {**PROMPT, "system": 5},
        [PROMPT],
    ],
)
def test_a_broken_prompt_fails_when_it_is_loaded(tmp_path: Path, broken: object) -> None:
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(broken))
    with pytest.raises(SettingsError, match=r"x\.yaml.*Install dateline again"):
        load_prompt("x", tmp_path)
