"""Settings: the only reader of the environment.

A setting comes from the call, else from the environment (`DATELINE_INDEX=…`), else from the
settings file in the user's configuration folder (on Linux ~/.config/dateline/settings.toml), else
from its default. Unknown settings are refused, so a typo fails at once instead of being ignored. No
`.env` file is read: files in the working folder must not steer the program. Keys of chat models
come only from the environment or the settings file, and never appear in a message.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, urlsplit

from platformdirs import user_config_path, user_data_path, user_state_path
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from assistant.errors import SettingsError
from assistant.writing.providers import PROVIDERS, is_loopback, passes_on

_PREFIX = "DATELINE_"
_SECRET = frozenset({"api_key", "password", "database"})  # an address may contain a password
# Tokens that a chat model is given: a small machine reads a hundred per second, and the first five
# passages nearly always contain what the first ten do (benchmarks/results.md).
_ROOM_HERE, _ROOM_ELSEWHERE = 1_000, 2_000


class Settings(BaseSettings):
    """How an assistant is set up. Frozen; raises SettingsError for unusable values."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_ignore_empty=True,  # DATELINE_INDEX= counts as unset, not as the working folder
        env_file=None,
        extra="forbid",
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,  # one of the inputs is a key
    )

    index: Path = Field(
        default_factory=lambda: _usual_index(),
        description="The folder of the index; made where it is absent.",
    )
    model: str = Field(
        "reader",
        description='What writes the answers: "reader", the built-in extractive reader, or a chat '
        'model as "openai:…", "anthropic:…", "ollama:…" or "google_genai:…".',
    )
    base_url: str | None = Field(
        None,
        description="The chat model's server, where it is not the provider's own: for openai any "
        "that speaks OpenAI's protocol (llama.cpp, vLLM, LM Studio), as http://host:port/v1.",
    )
    api_key: SecretStr | None = Field(
        None,
        description="The key for the chat model's server; without base_url, that of the provider's "
        "own variable (OPENAI_API_KEY, …) is taken where this is not set. Not for the command line.",
    )
    models: str = Field(
        "",
        description="More chat models to choose from, with commas between them: each as model, and with @ and "
        "its address where it has a server of its own (openai:local@http://127.0.0.1:8080/v1).",
    )
    model_ports: str = Field(
        "11434, 8080, 1234, 8000",
        description="The ports of this computer on which the page looks for servers of chat models, with "
        'commas between them, or "none".',
    )
    model_timeout: float = Field(
        20.0,
        gt=0,
        le=600,
        description="Seconds to wait for the chat model's first word, and for each later one, before "
        "the articles' own words are given instead.",
    )
    prompt_tokens: int | None = Field(
        None,
        ge=300,
        description="About how many tokens the chat model is given: more passages, or a faster "
        "first word on a small machine. Where it is not set, 1,000 for a server on this computer, "
        "2,000 for one elsewhere.",
    )
    answer_tokens: int = Field(
        400, ge=16, description="How many tokens the chat model may write, its thoughts included."
    )
    unsupported: Literal["mark", "remove"] = Field(
        "mark",
        description="What becomes of a sentence of the chat model's that no passage supports.",
    )
    contradicted: Literal["remove", "strike"] = Field(
        "remove",
        description="What becomes of a sentence of the chat model's that a passage contradicts: left "
        "out, or struck out with the words that say otherwise.",
    )
    tracing: bool = Field(
        False,
        description="Let LangSmith record questions, passages and answers, where its own variables "
        "(LANGSMITH_TRACING, LANGSMITH_API_KEY) ask for it.",
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
        20,
        ge=1,
        le=100,
        description="How many passages the reader reads at most for each question.",
    )
    chroma_url: str | None = Field(
        None,
        description="A Chroma server (http://host:port) for the vectors; None keeps them in the index's folder.",
    )

    database: SecretStr | None = Field(
        None,
        description="A PostgreSQL database (postgresql://user:password@host/database?index=name) for the "
        "articles, where several machines share them; it needs chroma_url. None keeps them in the "
        "index's folder. Without a password in it, that of ~/.pgpass or PGPASSWORD is taken.",
    )

    collection: str = Field(
        "",
        description="The collection that is asked, by its name; it lies in `collections` beside the index. "
        "Not together with `index` in one call.",
    )

    password: SecretStr | None = Field(
        None,
        description="The page's password, at least 10 characters; without one only this computer is served.",
    )
    host_names: str = Field(
        "",
        description="Names under which other computers reach the page, with commas between them.",
    )
    proxies: str = Field(
        "",
        description="Addresses or networks of proxies before the page, with commas between them, that "
        "are believed what they say in X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Prefix.",
    )
    root_path: str = Field(
        "",
        description="The path below which a proxy serves the page, such as /dateline; without it, what "
        "a proxy of `proxies` says in X-Forwarded-Prefix.",
    )
    tls_certificate: Path | None = Field(
        None, description="A certificate (PEM) to serve the page over https, with tls_key."
    )
    tls_key: Path | None = Field(None, description="The key (PEM) of tls_certificate.")
    keep_pdfs: int = Field(
        2_000,
        ge=0,
        description="Megabytes of PDFs added on the page that are kept in the index's folder, so that their "
        "pages can be shown beside the text; 0 keeps none.",
    )
    metrics: bool = Field(
        False,
        description="Tell at /metrics how many questions were asked, how long answers took and what "
        "waits, for Prometheus.",
    )

    def __init__(self, **values: Any) -> None:
        known = {_PREFIX + name.upper() for name in type(self).model_fields}
        for name in os.environ:
            if name.startswith(_PREFIX) and name not in known:
                raise SettingsError(
                    f"the environment sets {name}, which is not a setting; known are "
                    f"{', '.join(sorted(known))}. Correct the name or unset it."
                )
        if values.get("index") is not None:
            if values.get("collection"):
                raise SettingsError(
                    "index and collection exclude each other: a collection has a folder of its own. "
                    "Leave one of them out."
                )
            # The folder named in the call counts, whatever the environment says.
            values["collection"] = ""
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError(_reasons(error, values)) from error

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Call, environment, settings file: the first that has a setting decides."""
        return init_settings, env_settings, _FileSource(settings_cls)

    @property
    def server(self) -> str | None:
        """The chat model's server; None means the provider's own."""
        provider = self.model.partition(":")[0]
        usual = PROVIDERS[provider].here if provider in PROVIDERS else ""
        return self.base_url or usual or None

    @property
    def key(self) -> str | None:
        """The key to send to that server. The provider's own key goes to no other server."""
        if self.api_key is not None:
            return self.api_key.get_secret_value()
        provider = PROVIDERS.get(self.model.partition(":")[0])
        if provider is None or not provider.key or self.base_url is not None:
            return None
        return os.environ.get(provider.key) or None

    @property
    def prompt_room(self) -> int:
        """How many tokens the chat model is given, estimated."""
        here = self.server is not None and is_loopback(self.server)
        return self.prompt_tokens or (_ROOM_HERE if here else _ROOM_ELSEWHERE)

    @property
    def goes_to(self) -> tuple[str, ...]:
        """The hosts that questions and passages go to when `model` writes; empty if they stay on
        this computer.

        A server on this computer that forwards them is not detected, except for Ollama's cloud
        models.
        """
        hosts = [
            urlsplit(url).hostname or url
            for url in (self.server, self.chroma_url, self.database_url)
            if url is not None and not is_loopback(url)
        ]
        provider = PROVIDERS.get(self.model.partition(":")[0])
        if provider is not None and (self.server is None or passes_on(self.model)):
            hosts.insert(0, provider.host)
        if self.tracing:
            hosts.append("LangSmith")
        return tuple(dict.fromkeys(hosts))

    @property
    def local(self) -> bool:
        """Whether questions and articles stay on this computer, whichever model is chosen."""
        return not any(each.goes_to for each in self.choices.values())

    @property
    def choices(self) -> dict[str, Settings]:
        """The models that can be chosen, by name, each with the settings under which it writes:
        `model` first, then `models`, and "reader"."""
        found = {self.model: self}
        for name, settings in self.named.items():
            if (settings.model, settings.base_url) != (self.model, self.base_url):
                found.setdefault(name, settings)
        found.setdefault("reader", self.writing_with("reader"))
        return found

    @property
    def named(self) -> dict[str, Settings]:
        """`models`, by name, each with the settings under which it writes."""
        found = {}
        for name in filter(None, map(str.strip, self.models.split(","))):
            model, at, server = name.partition("@http")
            found[name] = self.writing_with(model, f"http{server}" if at else "")
        return found

    def writing_with(self, model: str, server: str = "") -> Settings:
        """The same settings with this model writing, at this server or its provider's own. The key
        for another server is not sent there."""
        own = {"model": model, "base_url": server or None, "api_key": None}
        return self.model_copy(update=own)

    @property
    def ports(self) -> tuple[int, ...]:
        """`model_ports`, one by one."""
        if self.model_ports.strip().lower() == "none":
            return ()
        return tuple(int(port) for port in self.model_ports.split(",") if port.strip())

    @property
    def database_url(self) -> str | None:
        """The address of the PostgreSQL database, with its password."""
        return None if self.database is None else self.database.get_secret_value()

    @property
    def index_name(self) -> str:
        """Where the articles are, for display; without a password."""
        if self.database_url is None:
            return str(self.index)
        address = urlsplit(self.database_url)
        index = dict(parse_qsl(address.query)).get("index", "")
        place = f"{address.netloc.rpartition('@')[2]}{address.path}"
        return f"postgresql://{place}{f'?index={index}' if index else ''}"

    @property
    def collections(self) -> Path:
        """The folder of the collections, beside the unnamed index."""
        return self.index.parent if self.collection else self.index.parent / "collections"

    @property
    def calibrations(self) -> Path:
        """The folder of the results of `dateline calibrate` on the articles of this index."""
        return self.index / "calibrations"

    @property
    def most_kept(self) -> int:
        """`keep_pdfs` in bytes."""
        return self.keep_pdfs * 1_000_000

    @property
    def names(self) -> tuple[str, ...]:
        """`host_names`, one by one."""
        return tuple(name.strip() for name in self.host_names.split(",") if name.strip())

    @property
    def proxy_networks(self) -> tuple[str, ...]:
        """`proxies`, one by one."""
        return tuple(proxy.strip() for proxy in self.proxies.split(",") if proxy.strip())

    @property
    def certificate(self) -> tuple[Path, Path] | None:
        """The files of the certificate and its key; None if not set."""
        if self.tls_certificate is None or self.tls_key is None:
            return None
        return self.tls_certificate, self.tls_key

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Settings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key are given together, or neither")
        return self

    @model_validator(mode="after")
    def _in_its_folder(self) -> Settings:
        if self.collection:
            folder = self.index.parent / "collections" / self.collection
            self.__dict__["index"] = folder  # frozen, but still being constructed
        return self

    @field_validator("collection")
    @classmethod
    def _collection_name(cls, value: str) -> str:
        if value and not is_collection(value):
            raise ValueError("give the name of a collection: letters, digits, - and _, 60 at most")
        return value

    @field_validator("proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for proxy in filter(None, map(str.strip, value.split(","))):
            try:
                ipaddress.ip_network(proxy)
            except ValueError as error:
                raise ValueError(
                    f"give addresses or networks such as 127.0.0.1 or 10.0.0.0/8 ({error})"
                ) from None
        return value

    @field_validator("root_path")
    @classmethod
    def _prefix(cls, value: str) -> str:
        prefix = path_prefix(value)
        if prefix is None:
            raise ValueError(
                "give a path such as /dateline, of letters, digits and ._~- between its slashes"
            )
        return prefix

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
            _check_model(value, '"reader", or a chat model')
        return value

    @field_validator("models")
    @classmethod
    def _known_models(cls, value: str) -> str:
        for each in filter(None, map(str.strip, value.split(","))):
            model, at, server = each.partition("@http")
            _check_model(model, "each chat model")
            address = urlsplit(f"http{server}")
            if at and (not re.match("s?://", server) or not address.hostname or address.username):
                raise ValueError(
                    "give a server after the @ as http://host:port/v1, without a password in it"
                )
        return value

    @field_validator("model_ports")
    @classmethod
    def _ports(cls, value: str) -> str:
        told = [port.strip() for port in value.split(",") if port.strip()]
        usable = all(port.isdecimal() and 0 < int(port) < 65536 for port in told)
        if value.strip().lower() != "none" and not (told and usable):
            raise ValueError('give ports such as 11434, 8080, or "none"')
        return value

    @field_validator("database")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        schemes = ("postgresql://", "postgres://")
        if value is not None and not value.get_secret_value().startswith(schemes):
            raise ValueError("give the address as postgresql://user@host/database?index=name")
        return value

    @model_validator(mode="after")
    def _database_with_server(self) -> Settings:
        if self.database is not None and self.chroma_url is None:
            raise ValueError(
                "database keeps articles for several machines, whose vectors a Chroma server has to keep: "
                "start one (`chroma run --path FOLDER`) and set chroma_url, too"
            )
        if self.database is not None and self.collection:
            raise ValueError(
                "database and collection exclude each other: collections lie in folders. In a database "
                "an index is named in its address: postgresql://host/name?index=NAME"
            )
        return self

    @field_validator("chroma_url", "base_url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("give the address as http://host:port")
        return value


def _check_model(name: str, what: str) -> None:
    provider, _, model = name.partition(":")
    if provider not in PROVIDERS or not model.strip():
        known = ", ".join(f'"{known}:…"' for known in PROVIDERS)
        raise ValueError(f"give {what} as one of {known}")


_COLLECTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")


def is_collection(name: str) -> bool:
    """Whether this is a valid name for a collection; no path is."""
    return bool(_COLLECTION.fullmatch(name))


_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+")
_LONGEST_PATH = 200  # characters


def path_prefix(text: str) -> str | None:
    """A path prefix in the form in use, "/dateline" or "" for none; None if it is invalid."""
    path = text.strip().rstrip("/")
    if path and not path.startswith("/"):
        path = f"/{path}"
    usable = not path or (len(path) <= _LONGEST_PATH and _PATH.fullmatch(path))
    return path if usable else None


def settings_file() -> Path | None:
    """Where the settings file is, whether or not it exists; None if there is no home for it."""
    try:
        return user_config_path("dateline", appauthor=False) / "settings.toml"
    except RuntimeError:
        return None


def secret_file() -> Path | None:
    """Where this computer keeps the secret behind its seals, outside every index; None if there is
    no home for it."""
    try:
        return user_state_path("dateline", appauthor=False) / "secret"
    except RuntimeError:
        return None


def _usual_index() -> Path:
    """The index in the user's data folder. Raises SettingsError if there is no home for one."""
    try:
        return user_data_path("dateline", appauthor=False) / "index"
    except RuntimeError:
        raise SettingsError(
            "this user has no home folder to keep the index in. Name a folder by --index or "
            "DATELINE_INDEX, or set HOME."
        ) from None


class _FileSource(PydanticBaseSettingsSource):
    """The settings file, {} if there is none."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError  # all fields come at once

    def __call__(self) -> dict[str, Any]:
        file = settings_file()
        return {} if file is None else _from_file(file, self.settings_cls.model_fields)


def _from_file(file: Path, known: Collection[str]) -> dict[str, Any]:
    """What the file sets. Raises SettingsError if it is unusable, or exposes a secret."""
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
        mode = file.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:  # invalid TOML or UTF-8 is a ValueError
        raise SettingsError(
            f"the settings file {file} cannot be read: {error}. Correct it, or move it away."
        ) from None
    if unknown := set(found) - set(known):
        raise SettingsError(
            f"the settings file {file} sets {', '.join(sorted(unknown))}, which is not a setting; known "
            f"are {', '.join(sorted(known))}. Correct the name."
        )
    if _SECRET & set(found) and os.name == "posix" and mode & 0o077:
        raise SettingsError(
            f"the settings file {file} holds a secret, and others can read it. Run `chmod 600 {file}`."
        )
    return found


def _reasons(error: ValidationError, call: Collection[str]) -> str:
    """One line per setting: which, where its value comes from, what is wrong, what is allowed.

    `call` is the settings given in the call.
    """
    lines = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"]) or "settings"
        if problem["type"] == "extra_forbidden":
            known = ", ".join(Settings.model_fields)
            lines.append(f"{name} is not a setting; known are {known}")
        else:
            ours = problem["type"] == "value_error" or name not in Settings.model_fields
            wrong = problem["msg"].removeprefix("Value error, ") if ours else _allowed(name)
            # The values of all settings, or of a secret one, are not shown.
            secret = not problem["loc"] or name in _SECRET
            given = "" if secret else f" = {problem['input']!r}"
            lines.append(f"setting {name}{given}{_origin(name, call)}: {wrong}")
    return "; ".join(lines)


def _origin(name: str, call: Collection[str]) -> str:
    """Where the value comes from, in brackets; "" if from the call, or for several settings."""
    if name in call or name not in Settings.model_fields:
        return ""
    variable = _PREFIX + name.upper()
    set_ = next((each for each in os.environ if each.upper() == variable and os.environ[each]), "")
    return f" (from {set_ or settings_file() or 'its default'})"


def _allowed(name: str) -> str:
    """What a setting may be, in words; its bounds are those of its field."""
    field = Settings.model_fields[name]
    kinds = get_args(field.annotation) or (field.annotation,)
    bounds = {
        bound: getattr(each, bound)
        for each in field.metadata
        for bound in ("ge", "gt", "le")
        if hasattr(each, bound)
    }
    if isinstance(kinds[0], str):  # a Literal's
        words = " or ".join(f'"{kind}"' for kind in kinds)
    elif bool in kinds:
        words = "true or false"
    elif int in kinds or float in kinds:
        words = ("a whole number" if int in kinds else "a number") + _between(**bounds)
    elif Path in kinds:
        words = f"the path of a {'folder' if name == 'index' else 'file'}"
    else:
        words = "a text"
    return f"give {words}{', or leave it out' if type(None) in kinds else ''}"


def _between(ge: float | None = None, gt: float | None = None, le: float | None = None) -> str:
    """The bounds of a number in words: " from 0 to 1"."""
    if ge is not None:
        return f" of {ge:,} or more" if le is None else f" from {ge:,} to {le:,}"
    above = f" above {gt:,}" if gt is not None else ""
    upto = f" up to {le:,}" if le is not None else ""
    return " and".join(part for part in (above, upto) if part)
