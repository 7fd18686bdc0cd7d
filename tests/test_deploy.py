"""What the files in deploy/ name exists: paths, settings, commands, the health check's address."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from assistant.api import create_app
from assistant.cli import app
from assistant.settings import Settings
from assistant.web.access import Access
from assistant.web.sessions import Sessions
from tests.fake_assistant import FakeAssistant
from tests.serving import served

XDG = {"XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"}
SETTINGS = {f"DATELINE_{name.upper()}" for name in Settings.model_fields}


@pytest.fixture
def containerfile(root: Path) -> list[tuple[str, str]]:
    """Its instructions, each with its arguments."""
    text = (root / "deploy" / "Containerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.split("\n"))]


@pytest.fixture
def compose(root: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((root / "deploy" / "compose.yaml").read_text("utf-8"))
    return parsed


@pytest.fixture
def unit(root: Path) -> list[tuple[str, str]]:
    text = (root / "deploy" / "dateline.service").read_text("utf-8")
    return [
        (key, value)
        for key, equals, value in (line.partition("=") for line in text.splitlines())
        if equals and not key.startswith("#")
    ]


def all_of(instructions: list[tuple[str, str]], word: str) -> list[str]:
    return [rest for found, rest in instructions if found == word]


def one(instructions: list[tuple[str, str]], word: str) -> str:
    (rest,) = all_of(instructions, word)
    return rest


def parsed(arguments: list[str]) -> list[str]:
    """The chain of commands these arguments select; fails at anything the command line rejects."""
    command: Any = typer.main.get_command(app)
    taken: list[str] = []
    context = command.make_context("dateline", list(arguments), resilient_parsing=False)
    while hasattr(command, "commands"):
        rest = [*context._protected_args, *context.args]
        name, command, rest = command.resolve_command(context, rest)
        taken.append(name)
        context = command.make_context(name, rest, parent=context)
    return taken


def test_what_is_copied_into_the_image_is_in_the_clone_and_not_ignored(
    root: Path, containerfile: list[tuple[str, str]]
) -> None:
    copied = [
        path.removeprefix("./")
        for rest in all_of(containerfile, "COPY")
        if not rest.startswith("--from=")
        for path in rest.split()[:-1]
    ]
    assert copied
    ignored = (root / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in ignored
    for path in copied:
        assert (root / path).exists(), path
        assert f"!{path}" in ignored, path
    # So is what the build backend reads: the folders of the wheel, its readme and licences.
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    wanted = {
        *wheel["packages"],
        *wheel["force-include"],
        project["project"]["readme"],
        *(name for name in project["project"]["license-files"] if "/" not in name),
        *("pyproject.toml", "constraints.txt", "weights"),
    }
    assert wanted == set(copied)


def test_torch_is_the_release_that_is_tested(root: Path) -> None:
    """If a pip line asks just for torch, constraints.txt decides which release."""
    for file in ("deploy/Containerfile", "docs/running.md", "README.md"):
        text = (root / file).read_text("utf-8")
        lines = [line for line in text.splitlines() if re.search(r"pip install\b.*\btorch\b", line)]
        assert lines, file
        for line in lines:
            assert "-c constraints.txt" in line, file
            assert "torch==" not in line, file


def test_the_chroma_server_is_the_client_s_release(root: Path, compose: dict[str, Any]) -> None:
    version = compose["services"]["chroma"]["image"].rpartition(":")[2]
    assert f"chromadb=={version}" in (root / "constraints.txt").read_text("utf-8").splitlines()


def test_every_variable_is_a_setting(
    root: Path,
    containerfile: list[tuple[str, str]],
    compose: dict[str, Any],
    unit: list[tuple[str, str]],
) -> None:
    in_image = dict(pair.split("=", 1) for pair in shlex.split(all_of(containerfile, "ENV")[-1]))
    in_unit = dict(value.split("=", 1) for value in all_of(unit, "Environment"))
    in_compose = compose["services"]["dateline"]["environment"]
    assert set(in_image) - {"PATH", "HOME"} == {"XDG_STATE_HOME", "DATELINE_INDEX"}
    assert set(in_unit) - {"HOME"} == {"XDG_STATE_HOME", "DATELINE_INDEX"}
    assert set(in_compose) <= SETTINGS
    for file in (root / "deploy").iterdir():
        named = set(re.findall(r"\b(?:DATELINE|XDG)_[A-Z_]+", file.read_text("utf-8")))
        assert named <= SETTINGS | XDG, file.name


def test_all_that_is_kept_is_in_the_one_volume(
    containerfile: list[tuple[str, str]], compose: dict[str, Any], unit: list[tuple[str, str]]
) -> None:
    volume = one(containerfile, "VOLUME")
    image = dict(pair.split("=", 1) for pair in shlex.split(all_of(containerfile, "ENV")[-1]))
    assert compose["services"]["dateline"]["volumes"] == [f"data:{volume}"]
    state = f"/var/lib/{one(unit, 'StateDirectory')}"
    service = dict(value.split("=", 1) for value in all_of(unit, "Environment"))
    for name in ("HOME", "XDG_STATE_HOME", "DATELINE_INDEX"):
        assert image[name].startswith(f"{volume}/")
        assert Path(service[name]).is_relative_to(state)


def started(containerfile: list[tuple[str, str]]) -> list[str]:
    command = [
        *json.loads(one(containerfile, "ENTRYPOINT")),
        *json.loads(one(containerfile, "CMD")),
    ]
    assert command[0] == "dateline"
    return command[1:]


def test_the_image_and_the_service_serve_the_page(
    containerfile: list[tuple[str, str]], unit: list[tuple[str, str]]
) -> None:
    assert parsed(started(containerfile)) == ["chat"]
    program, *arguments = shlex.split(one(unit, "ExecStart"))
    assert Path(program).name == "dateline"
    assert parsed(arguments) == ["chat"]


def documented(root: Path) -> Iterator[list[str]]:
    text = (root / "docs" / "running.md").read_text("utf-8")
    section = text.split("## In a container, as a service\n")[1].split("\n## ")[0]
    for block in re.findall(r"^```sh\n(.*?)^```", section, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            at = [n for n, word in enumerate(words) if word == "key"]
            if at:
                assert Path(words[at[0] - 1]).name == "dateline"
                yield words[at[0] :]


def test_the_commands_of_the_docs_are_known(root: Path) -> None:
    found = [parsed(arguments) for arguments in documented(root)]
    assert found == [["key", "create"]] * 2


@pytest.mark.parametrize("arguments", [["serve"], ["chat", "--adress", "x"], ["key", "make", "x"]])
def test_a_command_that_is_not_there_would_be_found(arguments: list[str]) -> None:
    with pytest.raises(Exception, match=r"(?i)no such"):
        parsed(arguments)


def test_the_health_check_passes_while_the_page_with_its_password_is_served_and_not_after(
    containerfile: list[tuple[str, str]], compose: dict[str, Any]
) -> None:
    python, *command = json.loads(one(containerfile, "HEALTHCHECK").partition("CMD ")[2])
    assert python == "python"
    arguments = started(containerfile)
    port = arguments[arguments.index("--port") + 1]
    assert one(containerfile, "EXPOSE") == port
    assert compose["services"]["dateline"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    asked = f"http://127.0.0.1:{port}"
    assert command[-1].count(asked) == 1

    def check(address: str) -> int:
        """The check's own code, pointed at the free port that the test serves on."""
        # With a longer timeout, since the cores may be busy with other things.
        code = command[-1].replace(asked, address).replace("timeout=4", "timeout=60")
        done = subprocess.run([sys.executable, *command[:-1], code], capture_output=True)
        return done.returncode

    with closing(Sessions.open()) as sessions:
        access = Access("four words of mine", sessions)
        with served(create_app(FakeAssistant(), page=False, access=access)) as address:
            assert check(address) == 0
            assert check(f"{address}/nothing") != 0
    assert check(address) != 0


def test_podman_is_told_to_keep_the_health_check(
    root: Path, containerfile: list[tuple[str, str]]
) -> None:
    assert one(containerfile, "HEALTHCHECK")  # which Podman's default format drops with a warning
    for file in ("deploy/Containerfile", "docs/running.md"):
        told = re.findall(r"podman build\b.*", (root / file).read_text("utf-8"))
        assert told, file
        assert all("--format docker" in line for line in told), file


def test_every_container_is_confined(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {"dateline", "chroma"}
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        named = {volume.partition(":")[0] for volume in service["volumes"]}
        assert named <= set(compose["volumes"])
    assert compose["services"]["chroma"]["profiles"] == ["chroma"]
    assert "ports" not in compose["services"]["chroma"]


def test_compose_builds_from_the_clone(root: Path, compose: dict[str, Any]) -> None:
    build = compose["services"]["dateline"]["build"]
    context = (root / "deploy" / build["context"]).resolve()
    assert context == root
    assert (context / build["dockerfile"]).is_file()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands(shell: str) -> None:
    """As the shell's own script, printed by --show-completion, asks for them."""
    asked = {
        "COMP_WORDS": "dateline ch",
        "COMP_CWORD": "1",
        "_TYPER_COMPLETE_ARGS": "dateline ch",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    done = CliRunner().invoke(
        app, [], prog_name="dateline", env={"_DATELINE_COMPLETE": f"complete_{shell}", **asked}
    )
    assert "chat" in done.output
    assert "export" not in done.output
