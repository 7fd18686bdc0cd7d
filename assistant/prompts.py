"""Prompts and fixed phrases: loads prompts/*.yaml and checks them against their inputs.

    phrases = load_phrases("extractive")
    phrases.say("missing", missing="Australia")     -> "No article mentions Australia."
    prompt = load_prompt("answer")
    prompt.messages(question="who …?", …)           -> [("system", "You answer …"), ("user", "…")]
    tokens_of("You answer …")                       -> 4, by estimate

A phrase with a field that the file does not declare fails when it is loaded, not when it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from assistant.errors import SettingsError
from assistant.resources import prompts_folder

AROUND = 64  # tokens that a chat template puts around a prompt

Messages = list[tuple[str, str]]
"""What a model is asked, as (role, text)."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """Fixed wording, by name. `version` changes whenever a word does."""

    name: str
    version: int
    texts: Mapping[str, str]

    def say(self, phrase: str, **values: object) -> str:
        return self.texts[phrase].format(**values)


@dataclass(frozen=True, slots=True)
class Prompt:
    """The prompt for a chat model. `version` changes whenever a word does.

    `refusal` is the sentence with which the model says that it finds no answer, "" if the prompt
    has none.
    """

    name: str
    version: int
    system: str
    user: str
    refusal: str = ""

    def messages(self, **values: str) -> Messages:
        """The messages, filled in; braces in a value are plain text."""
        values = {"refusal": self.refusal, **values}
        return [
            ("system", self.system.format(**values)),
            ("user", self.user.format(**values)),
        ]


def load_phrases(name: str, folder: Path | None = None) -> Phrases:
    """The phrases of `name`.yaml in `folder`, by default the shipped prompts.

    Raises SettingsError if the file is malformed.
    """
    file = (folder or prompts_folder()) / f"{name}.yaml"
    found = _read(file)
    if wrong := _fault(found, name):
        raise SettingsError(f"{file}: {wrong}. {_REMEDY}")
    return Phrases(
        name, found["version"], {key: text.strip() for key, text in found["phrases"].items()}
    )


def load_prompt(name: str, folder: Path | None = None) -> Prompt:
    """The prompt of `name`.yaml in `folder`, by default the shipped prompts.

    Raises SettingsError if the file is malformed.
    """
    file = (folder or prompts_folder()) / f"{name}.yaml"
    found = _read(file)
    if wrong := _prompt_fault(found, name):
        raise SettingsError(f"{file}: {wrong}. {_REMEDY}")
    texts = {key: found[key].strip() for key in _TEXTS if key in found}
    return Prompt(name, found["version"], **texts)


def tokens_of(text: str) -> int:
    """How many tokens a model makes of a text, estimated on the high side: a tokenizer would have
    to be downloaded. Four ASCII characters count as one, and so does every other character."""
    others = sum(not c.isascii() for c in text)
    return (len(text) - others) // 4 + others + 1


def _read(file: Path) -> Any:
    import yaml

    safely = getattr(
        yaml, "CSafeLoader", yaml.SafeLoader
    )  # libyaml's, where PyYAML has it: ten times as fast
    try:
        text = file.read_text(encoding="utf-8")
        if twice := _twice(yaml.compose(text, safely)):
            raise SettingsError(f"{file}: {twice!r} is there twice. {_REMEDY}")
        return yaml.load(text, safely)  # noqa: S506  # it is a safe one
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{file} cannot be read: {error}. {_REMEDY}") from error


def _twice(node: Any) -> str | None:
    """A key that occurs twice in a mapping, of which YAML would silently take the last."""
    if getattr(node, "id", "") != "mapping":
        return None
    names = [name.value for name, _ in node.value]
    inner = (_twice(value) for _, value in node.value)
    return next((n for n in names if names.count(n) > 1), next(filter(None, inner), None))


def _fault(found: Any, name: str) -> str | None:
    if not isinstance(found, dict) or set(found) != {"name", "version", "inputs", "phrases"}:
        return "it needs exactly name, version, inputs and phrases"
    if found["name"] != name or type(found["version"]) is not int:
        return f"its name must be {name!r} and its version a number"
    inputs, phrases = found["inputs"], found["phrases"]
    if not isinstance(inputs, list) or not isinstance(phrases, dict):
        return "inputs must be a list and phrases a mapping"
    return next(
        filter(None, (_text_fault(f"phrase {k!r}", t, inputs) for k, t in phrases.items())), None
    )


def _prompt_fault(found: Any, name: str) -> str | None:
    needed = {"name", "version", "inputs", "system", "user"}
    if not isinstance(found, dict) or not needed <= set(found) <= needed | {"refusal"}:
        return "it needs exactly name, version, inputs, system and user, and may have a refusal"
    if found["name"] != name or type(found["version"]) is not int:
        return f"its name must be {name!r} and its version a number"
    inputs = found["inputs"]
    if not isinstance(inputs, list):
        return "inputs must be a list"
    texts = {key: found[key] for key in _TEXTS if key in found}
    if wrong := next(filter(None, (_text_fault(k, t, inputs) for k, t in texts.items())), None):
        return wrong
    if idle := set(map(str, inputs)) - {f for text in texts.values() for f in _fields(text)}:
        return f"inputs names {sorted(idle)}, which nothing uses"
    return None


def _text_fault(what: str, text: Any, inputs: list[Any]) -> str | None:
    if not isinstance(text, str):
        return f"the {what} is not a text"
    try:
        fields = _fields(text)
    except ValueError as error:
        return f"the {what} has a brace that is not a field ({error})"
    if unknown := fields - set(map(str, inputs)):
        return f"the {what} uses {sorted(unknown)}, which inputs does not name"
    return None


def _fields(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field is not None}


_TEXTS = ("system", "user", "refusal")
_REMEDY = "Install dateline again, or undo the change."
