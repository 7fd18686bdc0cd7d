"""Settings: the only reader of the environment.

A setting comes from the call, else from the environment (`DATELINE_INDEX=…`), else from its
default. Unknown ones are refused, so a typo fails at once instead of being ignored. No `.env`
file is read: what lies in the working folder must not steer the program.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from assistant.errors import SettingsError

_PREFIX = "DATELINE_"


class Settings(BaseSettings):
    """How an assistant is set up. Frozen; raises SettingsError for what it cannot use."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_ignore_empty=True,  # DATELINE_INDEX= is as good as unset, not the working folder
        env_file=None,
        extra="forbid",
        frozen=True,
        validate_default=True,
    )

    index: Path = Field(
        default_factory=lambda: user_data_path("dateline", appauthor=False) / "index",
        description="The folder of the index; made where it is absent.",
    )
    model: str = Field(
        "reader", description='What writes the answers; "reader" is the built-in extractive reader.'
    )
    embedding_model: str = Field(
        "all-MiniLM-L6-v2",
        description="A sentence-transformers model: the installed one, a local folder, or a hub name.",
    )
    reader_model: str = Field(
        "dateline-reader",
        description="The extractive reader: the one shipped, or a local folder with a Hugging Face "
        "question-answering model; `dateline calibrate` finds out what its scores are worth.",
    )
    threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Answers less confident than this become abstentions; None takes the reader's own.",
    )
    passages_read: int = Field(
        10, ge=1, le=100, description="How many passages the reader reads for each question."
    )
    chroma_url: str | None = Field(
        None,
        description="A Chroma server (http://host:port) for the vectors; None keeps them in the index's folder.",
    )

    password: SecretStr | None = Field(
        None,
        description="The page's password, at least 10 characters; without one only this computer is served.",
    )
    host_names: str = Field(
        "",
        description="Names under which other computers reach the page, with commas between them.",
    )
    tls_certificate: Path | None = Field(
        None, description="A certificate (PEM) to serve the page over https, with tls_key."
    )
    tls_key: Path | None = Field(None, description="The key (PEM) of tls_certificate.")

    def __init__(self, **values: Any) -> None:
        known = {_PREFIX + name.upper() for name in type(self).model_fields}
        for name in os.environ:
            if name.startswith(_PREFIX) and name not in known:
                raise SettingsError(
                    f"the environment sets {name}, which is no setting; known are "
                    f"{', '.join(sorted(known))}. Correct the name or unset it."
                )
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError(_reasons(error)) from error

    @property
    def calibrations(self) -> Path:
        """The folder of what `dateline calibrate` found out on the articles of this index."""
        return self.index / "calibrations"

    @property
    def names(self) -> tuple[str, ...]:
        """`host_names`, one by one."""
        return tuple(name.strip() for name in self.host_names.split(",") if name.strip())

    @property
    def certificate(self) -> tuple[Path, Path] | None:
        """The files of the certificate and its key; None where none is set."""
        if self.tls_certificate is None or self.tls_key is None:
            return None
        return self.tls_certificate, self.tls_key

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Settings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key are given together, or neither")
        return self

    @field_validator("index", mode="before")
    @classmethod
    def _expand(cls, value: object) -> object:
        if not isinstance(value, str | Path):
            return value
        if not str(value).strip() or "\0" in str(value):
            raise ValueError("give the path of a folder")
        try:
            return Path(value).expanduser()
        except RuntimeError as error:
            raise ValueError(str(error)) from error

    @field_validator("embedding_model", "reader_model")
    @classmethod
    def _named(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("give the name or the folder of a model")
        return value

    @field_validator("model")
    @classmethod
    def _known_model(cls, value: str) -> str:
        if value != "reader":
            raise ValueError('only "reader" can write answers so far')
        return value

    @field_validator("chroma_url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("give the address as http://host:port")
        return value


def _reasons(error: ValidationError) -> str:
    """One line a setting: which, what is wrong, what is known."""
    lines = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"]) or "settings"
        if problem["type"] == "extra_forbidden":
            known = ", ".join(Settings.model_fields)
            lines.append(f"{name} is no setting; known are {known}")
        else:
            wrong = problem["msg"].removeprefix("Value error, ")
            # The values of all settings, or the password, are nobody's business.
            secret = not problem["loc"] or name == "password"
            given = "" if secret else f" = {problem['input']!r}"
            lines.append(f"setting {name}{given}: {wrong}")
    return "; ".join(lines)
