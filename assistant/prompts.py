"""Prompts and fixed phrases: loads prompts/*.yaml and checks them against their inputs.

    phrases = load_phrases("extractive")
    phrases.say("missing", missing="Australia")     -> "No article mentions Australia."

A phrase with a field that the file does not declare fails when it is loaded, not when it is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from assistant.errors import SettingsError
from assistant.resources import prompts_folder


@dataclass(frozen=True, slots=True)
class Phrases:
    """Fixed wording, by name. `version` changes whenever a word does."""

    name: str
    version: int
    texts: Mapping[str, str]

    def say(self, phrase: str, **values: object) -> str:
        return self.texts[phrase].format(**values)


def load_phrases(name: str, folder: Path | None = None) -> Phrases:
    """The phrases of `name`.yaml in `folder`, by default the prompts that ship.

    Raises SettingsError where the file is not as it should be.
    """
    import yaml

    file = (folder or prompts_folder()) / f"{name}.yaml"
    try:
        found: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(
            f"{file} cannot be read: {error}. Install dateline again, or undo the change."
        ) from error
    wrong = _fault(found, name)
    if wrong:
        raise SettingsError(f"{file}: {wrong}. Install dateline again, or undo the change.")
    return Phrases(
        name, found["version"], {key: text.strip() for key, text in found["phrases"].items()}
    )


def _fault(found: Any, name: str) -> str | None:
    if not isinstance(found, dict) or set(found) != {"name", "version", "inputs", "phrases"}:
        return "it needs exactly name, version, inputs and phrases"
    if found["name"] != name or type(found["version"]) is not int:
        return f"its name must be {name!r} and its version a number"
    inputs, phrases = found["inputs"], found["phrases"]
    if not isinstance(inputs, list) or not isinstance(phrases, dict):
        return "inputs must be a list and phrases a mapping"
    for key, text in phrases.items():
        if not isinstance(text, str):
            return f"the phrase {key!r} is not a text"
        try:
            fields = {field for _, field, _, _ in Formatter().parse(text) if field is not None}
        except ValueError as error:
            return f"the phrase {key!r} has a brace that is no field ({error})"
        if unknown := fields - set(map(str, inputs)):
            return f"the phrase {key!r} uses {sorted(unknown)}, which inputs does not name"
    return None
