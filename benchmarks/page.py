"""The chat page in a browser: how fast it is there, how heavy, how fast it answers, and how many ask.

    python -m benchmarks.page [--loads 5] [--people 16] [--seconds 60] [--questions 4]

Over the sample articles and the assistant as it is shipped, the page in a process of its own, started
as `dateline chat` starts it. Measured in headless Chromium: from opening the address to a box that can
be typed into, with an empty and a filled cache, and the bytes that came; from pressing Enter to the
first words and to the whole answer, drawn. Then many people ask at once for a minute, each with a
cookie of his own and questions that no other asks, through the same requests as the page; every answer
is fetched as Markdown and compared, character by character, with what the assistant says when it is
asked alone. Browser, people and page share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant import Assistant, Settings
from assistant.render.markdown import to_markdown
from assistant.resources import seeds_folder
from benchmarks.header import header
from benchmarks.startup import address_of

if TYPE_CHECKING:
    import httpx
    from selenium.webdriver.chrome.webdriver import WebDriver

QUESTIONS = Path(__file__).parent / "seed_questions.jsonl"

_TYPED = "who co-chairs the two-state meeting?"
_USABLE = "return Boolean(document.querySelector('#dl-box textarea') && document.querySelector('#dl-summary')?.textContent)"
# From Enter on: when the first words of the last answer are drawn, and when its sources are.
_WATCH = """
const done = arguments[0];
const box = document.querySelector('#dl-box textarea');
const rows = document.querySelectorAll('.bot-row').length;
const seen = {};
box.addEventListener('keydown', () => {
  const begun = performance.now();
  const look = () => {
    const row = [...document.querySelectorAll('.bot-row')][rows];
    if (row?.querySelector('.dl-working')) seen.searching ??= performance.now() - begun;
    if (row?.querySelector('.dl-text')) seen.first ??= performance.now() - begun;
    if (row?.querySelector('.dl-actions')) seen.whole ??= performance.now() - begun;
    if (seen.whole) window.seen = seen; else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}, {once: true, capture: true});
done();
"""


@dataclass
class Person:
    """One visitor: what he asked, how long it took, and what was wrong."""

    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", type=int, default=5)
    parser.add_argument("--people", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--questions", type=int, default=4, help="of each, asked in turn")
    given = parser.parse_args()
    print(header("gradio", "starlette", "uvicorn"))
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        with Assistant.open(Settings(index=index)) as assistant:
            assistant.index.add(seeds_folder())
            expected = _expected(assistant, given.people * given.questions)
        with _served(index) as address:
            print("| what | median | lowest | highest |\n|---|---|---|---|")
            _in_the_browser(address, given.loads)
            people = asyncio.run(_ask_at_once(address, expected, given.people, given.seconds))
    _report(people, given.seconds)


def _expected(assistant: Assistant, count: int) -> dict[str, str]:
    """The first questions that need no history, and the answer to each, as Markdown."""
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    asked = [question for line in lines if not (question := json.loads(line)).get("history")]
    texts = list(dict.fromkeys(question["question"] for question in asked))[:count]
    return {text: to_markdown(assistant.answer(text)) for text in texts}


# ------------------------------------------------------------------------------------ one browser


def _in_the_browser(address: str, loads: int) -> None:
    from tests.browser.chromium import chromium

    first, again, sizes, answers = [], [], [], []
    for _ in range(loads):
        with chromium(1280, 860) as driver:
            _bytes(driver)
            first.append(_usable(driver, address))
            sizes.append(_bytes(driver))
            again.append(_usable(driver, address))
            answers += [_answer(driver) for _ in range(2)]
    _row("open the page, empty cache: box usable", first, "s")
    _row("open the page again: box usable", again, "s")
    _row("bytes over the wire, empty cache", [size / 1_000_000 for size in sizes], "MB")
    for name, what in (
        ("searching", "Enter to “Searching…”"),
        ("first", "Enter to the first words of the answer"),
        ("whole", "Enter to the whole answer with its sources"),
    ):
        _row(what, [seen[name] / 1000 for seen in answers if name in seen], "s")


def _usable(driver: WebDriver, address: str) -> float:
    begun = time.perf_counter()
    driver.get(address)
    while not driver.execute_script(_USABLE):
        if time.perf_counter() - begun > 120:
            raise SystemExit("the page did not become usable in 120 s")
    return time.perf_counter() - begun


def _bytes(driver: WebDriver) -> int:
    """The bytes that came over the wire since the last call."""
    time.sleep(1)  # for what loads last
    sizes = 0
    for entry in driver.get_log("performance"):  # type: ignore[no-untyped-call]
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.loadingFinished":
            sizes += int(message["params"]["encodedDataLength"])
    return sizes


def _answer(driver: WebDriver) -> dict[str, float]:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    driver.execute_async_script(_WATCH)
    box = driver.find_element(By.CSS_SELECTOR, "#dl-box textarea")
    box.send_keys(_TYPED)
    # Typing is over; measuring starts with the key that asks.
    driver.execute_async_script(_WATCH)
    box.send_keys(Keys.ENTER)
    begun = time.perf_counter()
    while (seen := driver.execute_script("return window.seen")) is None:
        if time.perf_counter() - begun > 120:
            raise SystemExit("no answer in 120 s")
        time.sleep(0.05)
    driver.execute_script("delete window.seen")
    assert isinstance(seen, dict)  # noqa: S101 -- the script above made it
    return seen


def _row(what: str, values: Sequence[float], unit: str) -> None:
    low, high = min(values), max(values)
    print(
        f"| {what} | {statistics.median(values):.2f} {unit} | {low:.2f} | {high:.2f} |", flush=True
    )


# ------------------------------------------------------------------------------------- many people


async def _ask_at_once(
    address: str, expected: dict[str, str], count: int, seconds: float
) -> list[Person]:
    import httpx

    people = [Person() for _ in range(count)]
    shares = [list(expected)[number::count] for number in range(count)]
    until = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=4 * count)
    async with asyncio.TaskGroup() as group:
        for person, share in zip(people, shares, strict=True):
            client = httpx.AsyncClient(
                base_url=address, timeout=120, trust_env=False, limits=limits
            )
            group.create_task(_visit(client, person, share, expected, until))
    return people


async def _visit(
    client: httpx.AsyncClient,
    person: Person,
    questions: Sequence[str],
    expected: dict[str, str],
    until: float,
) -> None:
    """Ask one question after another, each in its own conversation, until the time is up."""
    async with client:
        await client.get("/")
        config = (await client.get("/config")).json()
        ids = {part["props"].get("elem_id"): part["id"] for part in config["components"]}
        event = next(
            event["id"]
            for event in config["dependencies"]
            if [ids["dl-box"], "submit"] in [list(target) for target in event["targets"]]
        )
        asked = 0
        while time.monotonic() < until:
            question = questions[asked % len(questions)]
            asked += 1
            begun = time.perf_counter()
            shown = await _asked(client, question, event, ids["dl-box"])
            person.seconds.append(time.perf_counter() - begun)
            names = re.findall(r"dl-answer-([\w-]+)", shown)
            if len(names) != 1:
                person.wrong.append(f"{question!r} was shown as {shown[:200]!r}")
                continue
            saved = await client.get(f"/answer/{names[0]}.md")
            if saved.status_code != 200 or saved.text != expected[question]:
                person.wrong.append(f"{question!r} was answered {saved.text[:200]!r}")
        listed = (await client.get("/conversations")).json()["conversations"]
        strange = {row["title"] for row in listed} - {_title(text) for text in questions}
        if strange or len(listed) != asked:
            person.wrong.append(f"{len(listed)} conversations for {asked} questions, {strange}")


async def _asked(client: httpx.AsyncClient, question: str, event: int, box: int) -> str:
    """The transcript that the page finally shows, as Gradio's own script would get it."""
    session = secrets.token_hex(6)
    body = {
        "data": [question, "", [], None, None],
        "fn_index": event,
        "session_hash": session,
        "event_data": None,
        "trigger_id": box,
    }
    (await client.post("/gradio_api/queue/join", json=body)).raise_for_status()
    where = {"session_hash": session}
    async with client.stream("GET", "/gradio_api/queue/data", params=where) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data:"):
                message = json.loads(line.removeprefix("data:"))
                if message["msg"] == "process_completed":
                    return _shown(message)
    return "nothing"


def _shown(message: dict[str, Any]) -> str:
    if not message["success"]:
        return json.dumps(message)
    return json.dumps(message["output"]["data"][1], ensure_ascii=False)


def _title(question: str) -> str:
    from assistant.web.conversations import TITLE

    title = " ".join(question.split())
    return title if len(title) <= TITLE else title[: TITLE - 1].rstrip() + "…"


def _report(people: Sequence[Person], seconds: float) -> None:
    took = sorted(second for person in people for second in person.seconds)
    wrong = [line for person in people for line in person.wrong]
    each = Counter(len(person.seconds) for person in people)
    middle, nearly_all = (took[min(len(took) - 1, int(share * len(took)))] for share in (0.5, 0.95))
    print(
        f"\n{len(people)} people for {seconds:.0f} s: {len(took)} answers, {min(each)} to {max(each)} "
        f"each; median {middle:.2f} s, 95 % within {nearly_all:.2f} s, longest {took[-1]:.2f} s; "
        f"{len(wrong)} wrong, failed or another's."
    )
    for line in wrong[:10]:
        print(f"- {line}")
    if wrong:
        raise SystemExit(1)


@contextmanager
def _served(index: Path) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "assistant", "--index", str(index), "chat", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield address_of(process)
    finally:
        process.terminate()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


if __name__ == "__main__":
    main()
