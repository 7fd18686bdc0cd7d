"""Nothing leaves the machine: a whole session in a process that may reach nothing but itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.fake_model_server import ModelServer, Say

# What the process tries is recorded as well as refused: a library may swallow the refusal.
_WATCHED = """
import json, sys

tried = []

def refuse(event, args):
    if event == "socket.connect":
        address = args[1]
        host = address[0] if isinstance(address, tuple) else "unix"
    elif event == "socket.sendto":
        host = args[1][0] if isinstance(args[1], tuple) else "unix"
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = args[0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode()
    if host not in (None, "", "unix", "127.0.0.1", "::1", "localhost"):
        tried.append([event, str(host)])
        raise OSError(f"{event} {host}: this process may reach nothing outside")

sys.addaudithook(refuse)
"""
_SESSION = (
    _WATCHED
    + """
from assistant import Assistant, EmptyIndexError, Settings, answer
from assistant.resources import seeds_folder

try:
    answer("who co-chairs the two-state meeting?")
except EmptyIndexError as error:
    empty = str(error)
with Assistant.open() as assistant:
    report = assistant.index.add(seeds_folder())
found = answer("who co-chairs the two-state meeting?")
refused = answer("What is the capital of Australia?")
print(json.dumps({
    "tried": tried,
    "empty": empty,
    "added": len(report.added),
    "short": found.short,
    "quote": found.citations[0].quote if found.citations else "",
    "refused": refused.kind,
    "imported": sorted(name for name in sys.modules if "." not in name),
}))
"""
)
_WRITTEN = (
    _WATCHED
    + """
from assistant import Assistant
from vectorstore import Article

with Assistant.open() as assistant:
    assistant.index.add_articles([Article("a", "Talks", "France and Saudi Arabia co-chair it.")])
    assistant.warm()
    answers = [assistant.answer("who co-chairs it?") for _ in range(2)]
print(json.dumps({"tried": tried, "texts": [answer.text for answer in answers]}))
"""
)


def test_a_session_reaches_nothing_outside_and_needs_no_environment(
    root: Path, tmp_path: Path
) -> None:
    """Opening, adding the sample articles, answering and refusing, with the default index from
    DATELINE_INDEX, in a process without any other variable."""
    done = subprocess.run(
        [sys.executable, "-c", _SESSION],
        cwd=tmp_path,
        env={
            "PATH": os.defpath,
            "HOME": str(tmp_path),
            "PYTHONPATH": str(root),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DATELINE_INDEX": str(tmp_path / "index"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["tried"] == []
    assert "dateline add" in said["empty"]
    assert said["added"] == len(list((root / "seeds").iterdir()))
    assert said["short"] == "France and Saudi Arabia"
    assert "France and Saudi Arabia" in said["quote"]
    assert said["refused"] == "abstention"
    # The default models need neither torch nor the slow imports that come with it.
    assert not {"torch", "transformers", "sentence_transformers", "gradio"} & set(said["imported"])
    # onnxruntime's own telemetry is native code that no hook sees; unless switched off, it leaves a
    # device id in the home folder before it sends anything.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index"]


def test_a_chat_model_on_this_machine_is_all_that_is_reached(root: Path, tmp_path: Path) -> None:
    """No tokenizer is fetched and nothing is traced, whatever other programs are set to do."""
    with ModelServer(Say("France and Saudi Arabia co-chair it.")) as server:
        done = subprocess.run(
            [sys.executable, "-c", _WRITTEN],
            cwd=tmp_path,
            env={
                "PATH": os.defpath,
                "HOME": str(tmp_path),
                "PYTHONPATH": str(root),
                "PYTHONDONTWRITEBYTECODE": "1",
                "DATELINE_INDEX": str(tmp_path / "index"),
                "DATELINE_MODEL": "openai:scripted",
                "DATELINE_BASE_URL": server.url,
                "LANGSMITH_TRACING": "true",
                "LANGSMITH_API_KEY": "of-another-program",
                "HTTP_PROXY": "http://proxy.invalid:3128",
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["tried"] == []
    assert said["texts"] == ["France and Saudi Arabia co-chair it [1]."] * 2
    assert len(server.requests) == 3  # the model was warmed up before it was asked
