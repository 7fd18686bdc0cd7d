"""The command line: every command, its JSON, its exit codes and its messages, on a real index."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from typer.testing import CliRunner, Result

from assistant import Assistant, Settings
from assistant.cli import app
from assistant.cli.printing import lines_of_progress
from assistant.resources import SAMPLES, seeds_folder
from tests.fake_model_server import Depends, Fail, ModelServer, Say
from vectorstore.articles import Article, Progress

COMMANDS = (
    *("add", "sync", "list", "show", "edit", "remove", "ask", "chat"),
    *("doctor", "rebuild", "backup", "restore", "evaluate", "calibrate", "feedback"),
    *("collections", "subscriptions", "key", "mcp", "move"),
)
QUESTION = "who co-chairs the two-state meeting?"
UNANSWERABLE = "What is the capital of Australia?"

MEETING = Article(
    id="meeting",
    title="Talks on two states near",
    text="The ministerial meeting on the two-state solution will be co-chaired by France and "
    "Saudi Arabia.\r\nIt is to be held in New York.",
    source="Asian Lite",
    published=None,
)
HOSTILE = Article(
    id="meet-hostile",
    title="[red]Red\x1b[31m\ttitle\nover lines",
    text="Bell \x07, escape \x1b]0;title\x07, and a café by the harbour — “quoted”.",
    source="Wire",
)

Run = Callable[..., Result]


def run_on(folder: Path) -> Run:
    """Runs `dateline --index FOLDER ...` in this process."""

    def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
        result = CliRunner().invoke(app, ["--index", str(folder), *arguments], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The command on an index of its own, empty at first."""
    return run_on(tmp_path / "index")


@pytest.fixture
def two(tmp_path: Path, run: Run) -> Run:
    """The command on an index with MEETING and HOSTILE."""
    with Assistant.open(Settings(index=tmp_path / "index")) as assistant:
        assistant.index.add_articles([MEETING, HOSTILE])
    return run


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The command on an index with the sample articles; tests only read it."""
    run = run_on(tmp_path_factory.mktemp("samples") / "index")
    assert run("add", str(seeds_folder())).exit_code == 0
    return run


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """A folder with two articles and a file that is not one."""
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "ferry.md").write_text(
        "---\ntitle: The new ferry\ndate: 2025-03-14\nsource: Gazette\n---\n"
        "The new ferry costs €38.4 million.\n",
        "utf-8",
    )
    (folder / "library.txt").write_text("The library shuts on Mondays.\n", "utf-8")
    (folder / "broken.txt").write_bytes(b"")
    return folder


# ---------------------------------------------------------------------------------- help and usage


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(run: Run, command: str) -> None:
    help_ = run(command, "--help")
    assert help_.exit_code == 0
    assert re.search(rf"^  Examples?:\n    dateline {command}\b", help_.stdout, re.MULTILINE)
    assert ("--json" in help_.stdout) == (command != "mcp")  # its output is JSON anyway
    assert ("--index" in help_.stdout) == (command not in ("collections", "move"))
    assert ("--collection" in help_.stdout) == (command != "move")


def test_help_lists_every_command_and_exit_code(run: Run) -> None:
    text = run("--help").stdout
    listed = re.findall(r"^  (\w+)  +\S", text.partition("Commands:")[2], re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)
    for code in (0, 1, 2, 3, 4, 130):
        assert re.search(rf"^    {code} +\S", text, re.MULTILINE), code
    assert "..." not in text.partition("Commands:")[2]  # no line of the list is cut off


def test_the_version_is_printed() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert re.fullmatch(r"dateline \S.*\n", result.stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("add",),
        ("ask",),
        ("ask", QUESTION, "--after", "July"),
        ("ask", QUESTION, "--before", "2025-13-01"),
        ("ask", QUESTION, "--as-of", "today"),
        ("ask", QUESTION, "--after", "2025-02-01", "--before", "2025-01-31"),
        ("edit", "meeting"),
        ("edit", "meeting", "--date", "26 July"),
        ("chat", "--port", "70000"),
        ("list", "--no-such-option"),
        ("show", "\udcff"),
        ("edit", "meeting", "--title", "\udcff"),
        ("remove", "--yes", "meeting", "\udcff"),
        ("ask", QUESTION, "--source", "\udcff"),
    ],
)
def test_wrong_usage_is_told_on_stderr_and_exits_with_2(
    run: Run, arguments: tuple[str, ...]
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage: " in result.stderr


def test_the_index_may_be_named_before_or_after_the_command_or_by_the_environment(
    tmp_path: Path, two: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, elsewhere = str(tmp_path / "index"), str(tmp_path / "elsewhere")
    before = two("list", "--json")
    after = CliRunner().invoke(app, ["--index", elsewhere, "list", "--json", "--index", here])
    monkeypatch.setenv("DATELINE_INDEX", here)
    environment = CliRunner().invoke(app, ["list", "--json"])
    assert len(json.loads(before.stdout)) == 2
    assert before.stdout == after.stdout == environment.stdout


def test_an_unknown_setting_in_the_environment_is_an_error(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATELINE_INDX", "x")
    told(run("list"), "DATELINE_INDX", "DATELINE_INDEX")


def told(result: Result, *words: str) -> None:
    """The result is an error: one clear message on stderr, nothing on stdout, no traceback."""
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("dateline: ")
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


# --------------------------------------------------------------------------------------------- add


def test_add_tells_what_was_added_and_what_was_skipped_and_why(run: Run, articles: Path) -> None:
    result = run("add", str(articles))
    assert result.exit_code == 4
    assert result.stdout == "2 added, 1 skipped\n"
    assert re.search(r"^skipped .*broken\.txt: \S", result.stderr, re.MULTILINE)


def test_adding_again_tells_what_changed(run: Run, articles: Path) -> None:
    (articles / "broken.txt").unlink()
    assert run("add", str(articles)).exit_code == 0
    assert run("add", str(articles)).stdout == "0 added, 2 unchanged\n"
    (articles / "library.txt").write_text("The library opens on Mondays.\n", "utf-8")
    assert run("add", str(articles)).stdout == "0 added, 1 updated, 1 unchanged\n"


def test_add_gives_its_report_as_json(run: Run, articles: Path) -> None:
    result = run("add", "--json", str(articles))
    report = json.loads(result.stdout)
    assert result.exit_code == 4
    assert set(report) == {"added", "updated", "unchanged", "skipped", "notices"}
    assert len(report["added"]) == 2
    assert report["updated"] == report["unchanged"] == report["notices"] == []
    (skipped,) = report["skipped"]
    assert set(skipped) == {"source", "reason"}


def test_a_source_that_does_not_exist_is_an_error_and_the_others_are_added(
    run: Run, articles: Path
) -> None:
    result = run("add", str(articles / "absent.txt"), str(articles / "library.txt"))
    assert result.exit_code == 1
    assert result.stdout == "1 added\n"
    assert re.search(r"^dateline: .*absent\.txt", result.stderr, re.MULTILINE)
    told(run("add", str(articles / "absent.txt")), "absent.txt")


def test_an_address_that_may_not_be_fetched_is_an_error(run: Run) -> None:
    told(run("add", "http://127.0.0.1:9/story.html"), "127.0.0.1")


# -------------------------------------------------------------------------------------------- sync


def test_sync_tells_what_became_of_the_articles_and_what_was_skipped(
    run: Run, articles: Path
) -> None:
    first = run("sync", str(articles))
    assert (first.exit_code, first.stdout) == (4, "2 new, 1 skipped\n")
    assert re.search(r"^skipped .*broken\.txt: \S", first.stderr, re.MULTILINE)
    (articles / "broken.txt").unlink()
    (articles / "library.txt").write_text("The library opens on Mondays.\n", "utf-8")
    (articles / "ferry.md").rename(articles / "boat.md")
    again = run("sync", str(articles))
    assert (again.exit_code, again.stdout) == (0, "0 new, 1 changed, 1 moved\n")


def test_sync_removes_only_when_told_and_much_only_when_told_twice(
    run: Run, articles: Path
) -> None:
    run("sync", str(articles))
    (articles / "broken.txt").unlink()
    (articles / "library.txt").unlink()
    kept = run("sync", str(articles))
    assert (kept.exit_code, kept.stdout) == (0, "0 new, 1 unchanged, 1 vanished\n")
    assert "--prune" in kept.stderr
    refused = run("sync", str(articles), "--prune", "--json")
    assert refused.exit_code == 1
    assert "more than a tenth" in refused.stderr
    assert "--yes" in refused.stderr
    report = json.loads(refused.stdout)
    assert (len(report["vanished"]), report["removed"]) == (1, [])
    removed = run("sync", str(articles), "--prune", "--yes")
    assert (removed.exit_code, removed.stdout) == (0, "0 new, 1 unchanged, 1 removed\n")


def test_sync_of_a_folder_that_is_not_there_is_an_error(run: Run, articles: Path) -> None:
    told(run("sync", str(articles / "none")), "none", "cannot be found")


def test_an_article_of_two_files_is_listed_once_with_both(run: Run, articles: Path) -> None:
    (articles / "copy.txt").write_bytes((articles / "library.txt").read_bytes())
    run("sync", str(articles))
    listed = json.loads(run("list", "--json").stdout)
    (twice,) = [article for article in listed if len(article["sources"]) == 2]
    places = [str(articles / name) for name in ("copy.txt", "library.txt")]
    assert [origin["place"] for origin in twice["origins"]] == places
    assert json.loads(run("show", twice["id"], "--json").stdout)["sources"] == twice["sources"]
    shown = run("show", twice["id"]).stdout
    for text in (*twice["sources"], *places):
        assert text in shown
    assert "; ".join(twice["sources"]) in run("list").stdout


def test_sync_watches_a_folder_while_others_use_the_index_until_ctrl_c(
    root: Path, tmp_path: Path, run: Run, articles: Path
) -> None:
    (articles / "broken.txt").unlink()
    arguments = command(tmp_path / "index", "sync", str(articles), "--watch", "--json")
    with on_terminal(arguments, environment(root)) as (process, terminal):
        assert len(told_next(process)["new"]) == 2
        seen(terminal, rb"watching")
        (articles / "strike.txt").write_text("Dockers walked out over night shifts.\n", "utf-8")
        assert len(told_next(process)["new"]) == 1
        (articles / "strike.txt").rename(articles / "dockers.txt")
        assert len(told_next(process)["moved"]) == 1
        assert len(json.loads(run("list", "--json").stdout)) == 3  # served by the watching process
        process.send_signal(signal.SIGINT)
        last = seen(terminal)
        assert process.wait(60) == 0
    assert b"stopped" in last
    assert b"Traceback" not in last


def test_sync_watches_through_the_program_that_holds_the_index(
    root: Path, tmp_path: Path, articles: Path
) -> None:
    (articles / "broken.txt").unlink()
    with Assistant.open(Settings(index=tmp_path / "index")) as holder:
        arguments = command(tmp_path / "index", "sync", str(articles), "--watch", "--json")
        with on_terminal(arguments, environment(root)) as (process, terminal):
            assert len(told_next(process)["new"]) == 2
            (articles / "strike.txt").write_text("Dockers walked out at night.\n", "utf-8")
            (new,) = told_next(process)["new"]
            assert holder.index.get(new).text == "Dockers walked out at night.\n"
            process.send_signal(signal.SIGINT)
            seen(terminal)
            assert process.wait(60) == 0


def test_long_work_tells_how_far_it_is_every_few_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = iter([0.0, 1.0, 6.0, 6.0, 7.0, 12.0, 12.0])
    tell = lines_of_progress("Adding", clock=lambda: next(now))
    for done in (1, 2, 3, 4):
        tell(Progress(done, 9, f"{done}.txt"))
    told_ = capsys.readouterr()
    assert told_.out == ""
    assert told_.err == "Adding: 2 of 9 2.txt\nAdding: 4 of 9 4.txt\n"


# --------------------------------------------------------------------------- list, show, edit, remove


def test_list_prints_one_line_an_article_whatever_its_title_holds(two: Run) -> None:
    result = two("list")
    assert result.exit_code == 0
    rows = sorted(line.split("\t") for line in result.stdout.splitlines())
    assert [row[0] for row in rows] == ["meet-hostile", "meeting"]
    assert all(len(row) == 4 for row in rows)
    assert "\x1b" not in result.stdout


def test_list_gives_json(two: Run) -> None:
    summaries = {summary["id"]: summary for summary in json.loads(two("list", "--json").stdout)}
    assert summaries["meet-hostile"]["title"] == HOSTILE.title
    assert summaries["meeting"]["published"] is None
    assert summaries["meeting"]["characters"] == len(MEETING.text)
    assert summaries["meeting"]["passages"] >= 1


def test_list_of_an_empty_index_says_how_to_add(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    run = run_on(tmp_path / "index")
    result = run("list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "dateline add" in result.stderr
    assert json.loads(run("list", "--json").stdout) == []


def test_show_prints_what_is_known_and_the_text_without_control_characters(two: Run) -> None:
    result = two("show", "meet-hostile")
    assert result.exit_code == 0
    assert "Source:   Wire\n" in result.stdout
    assert "café by the harbour — “quoted”." in result.stdout
    assert not set(result.stdout) & {"\x1b", "\x07"}


def test_show_gives_the_text_verbatim_as_json(two: Run) -> None:
    result = two("show", "--json", "meeting")
    shown = json.loads(result.stdout)
    assert shown["text"] == MEETING.text
    assert shown["id"] == "meeting"
    assert shown["published"] is None
    assert json.loads(two("show", "--json", "meet-hostile").stdout)["text"] == HOSTILE.text


def test_show_takes_the_beginning_of_an_id_where_only_one_begins_so(two: Run) -> None:
    assert json.loads(two("show", "--json", "meet-").stdout)["id"] == "meet-hostile"
    told(two("show", "meet"))
    assert two("show", "meet").stderr == (
        "dateline: no article has the id 'meet', and 2 begin so: meet-hostile, meeting. Write more of "
        "the one you mean.\n"
    )
    told(two("show", "harbour"), "harbour")
    told(two("show", ""))


def test_edit_changes_what_is_given_and_leaves_the_rest(two: Run) -> None:
    changed = two("edit", "meeting", "--date", "2025-07-26", "--source", "Reuters", "--json")
    assert changed.exit_code == 0
    assert json.loads(changed.stdout)["published"] == "2025-07-26"
    shown = json.loads(two("show", "--json", "meeting").stdout)
    assert (shown["published"], shown["source"]) == ("2025-07-26", "Reuters")
    assert (shown["title"], shown["text"]) == (MEETING.title, MEETING.text)

    plain = two("edit", "meeting", "--title", "New title", "--date", "none")
    assert plain.stdout == "meeting: New title · Reuters · no date\n"
    assert json.loads(two("show", "--json", "meeting").stdout)["published"] is None


def test_edit_gives_several_articles_one_source_and_day(two: Run) -> None:
    ids = [line.split("\t")[0] for line in two("list").stdout.splitlines()]
    assert len(ids) == 2
    edited = json.loads(
        two("edit", *ids, "--source", "AP", "--date", "2025-07-26", "--json").stdout
    )
    assert [(each["id"], each["source"], each["published"]) for each in edited] == [
        (each, "AP", "2025-07-26") for each in ids
    ]
    labels = ("--author", "Jane Doe", "--tag", "ports", "--tag", "fares")
    labelled = json.loads(two("edit", ids[0], *labels, "--json").stdout)
    assert (labelled["authors"], labelled["tags"]) == (["Jane Doe"], ["ports", "fares"])
    assert "Tags:     ports, fares\n" in two("show", ids[0]).stdout
    read = json.loads(two("ask", "what is new?", "--tag", "Fares", "--json").stdout)
    assert {hit["passage"]["article_id"] for hit in read["passages"]} <= {ids[0]}
    by_nobody = two("ask", "who met?", "--author", "Doe", "--tag", "ports")
    assert "No article is by 'Doe'" in by_nobody.stdout
    assert json.loads(two("edit", ids[0], "--tag", "none", "--json").stdout)["tags"] == []
    refused = two("edit", *ids, "--title", "One for all")
    assert refused.exit_code == 2
    assert "one by one" in refused.stderr
    assert two("edit", ids[0], "nobody", "--source", "dpa").exit_code == 1
    assert "dpa" not in two("list").stdout


def test_edit_and_remove_take_the_beginning_of_an_id_and_say_which_article_it_was(two: Run) -> None:
    assert two("edit", "meeti", "--title", "x").stdout == "meeting: x · Asian Lite · no date\n"
    removed = two("remove", "meeti", "meetin", "--yes")
    assert (removed.stdout, removed.stderr) == ("Removed 1 article.\n", "  meeting: x\n")
    (left,) = json.loads(two("list", "--json").stdout)
    assert json.loads(two("remove", "meet", "--yes", "--json").stdout) == {"removed": [left["id"]]}


def test_edit_and_remove_touch_nothing_where_several_ids_begin_so(two: Run) -> None:
    before = two("list", "--json").stdout
    for command in (("edit", "meet", "--title", "x"), ("remove", "meeting", "meet", "--yes")):
        told(two(*command), "'meet', and 2 begin so: meet-hostile, meeting. Write more")
    assert two("list", "--json").stdout == before


def test_many_articles_whose_ids_begin_so_are_named_in_part(tmp_path: Path, run: Run) -> None:
    with Assistant.open(Settings(index=tmp_path / "index")) as assistant:
        assistant.index.add_articles(
            Article(f"a{n}", "", f"The tide came in {n}.") for n in range(8)
        )
    told(run("show", "a"), "8 begin so: a0, a1, a2, a3, a4 and 3 more. Write")


def test_remove_looks_for_the_articles_before_it_asks_for_yes(two: Run) -> None:
    told(two("remove", "nope"), "'nope'", "dateline list")


def test_remove_without_a_terminal_needs_yes(two: Run) -> None:
    refused = two("remove", "meeting")
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    assert len(json.loads(two("list", "--json").stdout)) == 2
    assert two("remove", "meeting", "meeting", "--yes").stdout == "Removed 1 article.\n"
    assert json.loads(two("remove", "-y", "--json", "meet-hostile").stdout) == {
        "removed": ["meet-hostile"]
    }
    assert json.loads(two("list", "--json").stdout) == []


def test_remove_removes_nothing_where_one_id_is_unknown(two: Run) -> None:
    told(two("remove", "--yes", "meeting", "absent"), "absent")
    assert len(json.loads(two("list", "--json").stdout)) == 2


# --------------------------------------------------------------------------------------------- ask


def test_ask_answers_with_the_quote_that_proves_it(samples: Run) -> None:
    result = samples("ask", QUESTION)
    assert result.exit_code == 0
    assert "France and Saudi Arabia" in result.stdout
    assert "[1]" in result.stdout
    assert "characters" in result.stdout
    assert "\x1b" not in result.stdout


def test_ask_gives_the_whole_answer_as_json(samples: Run) -> None:
    result = samples("ask", QUESTION, "--json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["kind"], answer["answered"]) == (0, "answer", True)
    citation = answer["citations"][0]
    shown = json.loads(samples("show", "--json", citation["article_id"]).stdout)
    assert shown["text"][citation["start"] : citation["end"]] == citation["quote"]


def test_ask_exits_with_3_where_the_articles_do_not_answer(samples: Run) -> None:
    result = samples("ask", UNANSWERABLE, "--json")
    assert (result.exit_code, json.loads(result.stdout)["kind"]) == (3, "abstention")


def test_a_question_needs_no_quotation_marks(samples: Run) -> None:
    result = samples("ask", *QUESTION.split(), "--json")
    assert (result.exit_code, json.loads(result.stdout)["question"]) == (0, QUESTION)


@pytest.mark.parametrize(
    "command",
    [
        *(("list",), ("show", "a1"), ("edit", "a1", "--title", "New"), ("remove", "a1", "--yes")),
        *(("ask", QUESTION), ("rebuild",), ("backup", "file")),
    ],
)
def test_what_only_reads_makes_no_index(tmp_path: Path, command: tuple[str, ...]) -> None:
    absent = tmp_path / "mistyped"
    told(run_on(absent)(*command), str(absent), "dateline add")
    assert not absent.exists()


def test_doctor_makes_no_index(tmp_path: Path) -> None:
    result = run_on(tmp_path / "mistyped")("doctor", "--json")
    assert result.exit_code == 1  # as with every other command that needs an index
    report = json.loads(result.stdout)
    assert report["healthy"] is False
    (finding,) = [f for f in report["findings"] if f["severity"] != "ok"]
    assert finding["severity"] == "error"
    assert "dateline add FOLDER" in finding["message"]
    assert not (tmp_path / "mistyped").exists()


def test_ask_exits_with_0_for_a_greeting(samples: Run) -> None:
    result = samples("ask", "hello", "--json")
    assert (result.exit_code, json.loads(result.stdout)["kind"]) == (0, "help")


def test_ask_reads_the_question_from_stdin(samples: Run) -> None:
    result = samples("ask", "-", "--json", stdin=f"{QUESTION}\n")
    assert json.loads(result.stdout)["question"] == QUESTION
    assert samples("ask", "-", stdin=b"caf\xe9?").exit_code == 2


def test_ask_looks_only_where_the_filters_let_it(samples: Run) -> None:
    def sources_read(*options: str) -> set[tuple[str, str | None]]:
        result = samples("ask", "What will the new ferry cost?", "--json", *options)
        passages = [hit["passage"] for hit in json.loads(result.stdout)["passages"]]
        return {(passage["source"], passage["published"]) for passage in passages}

    assert len({source for source, _ in sources_read()}) > 1
    assert {source for source, _ in sources_read("--source", "The Harbour Gazette")} == {
        "The Harbour Gazette"
    }
    days = [day for _, day in sources_read("--after", "2025-03-01", "--before", "2025-03-31")]
    assert days
    assert all(day is not None and day.startswith("2025-03") for day in days)
    assert samples("ask", QUESTION, "--as-of", "2025-07-26").exit_code == 0


def test_what_cannot_be_asked_is_an_error(samples: Run) -> None:
    told(samples("ask", "  "))
    assert samples("ask", "half a pair: \udc80?").exit_code in (1, 3)


def test_asking_an_empty_index_says_how_to_add(run: Run) -> None:
    told(run("ask", QUESTION), "dateline add")
    told(run("ask", QUESTION, "--json"), "dateline add")


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_question_offered_with_the_samples_is_answered(samples: Run, sample: Any) -> None:
    titles = [summary["title"] for summary in json.loads(samples("list", "--json").stdout)]
    assert sample.title in titles
    assert samples("ask", sample.question).exit_code == 0


# ------------------------------------------------------------------------------- doctor and rebuild


def test_doctor_finds_nothing_wrong_with_a_good_index(samples: Run) -> None:
    result = samples("doctor")
    assert result.exit_code == 0
    assert result.stdout.startswith("ok ")
    assert not re.search(r"^error", result.stdout, re.MULTILINE)
    report = json.loads(samples("doctor", "--json").stdout)
    assert report["healthy"] is True
    assert {"severity", "message", "remedy"} == set(report["findings"][0])


def test_doctor_asks_the_chat_model(
    samples: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATELINE_MODEL", "openai:scripted")
    with ModelServer(Say("Yes.")) as server:
        monkeypatch.setenv("DATELINE_BASE_URL", server.url)
        told = samples("doctor")
    assert told.exit_code == 0
    assert "openai:scripted (on this computer) said its first word after" in told.stdout
    told = samples("doctor")
    assert told.exit_code == 1
    assert "the chat model does not answer: openai:scripted cannot be reached" in told.stdout
    assert "-> Start its server, or check base_url." in told.stdout


def test_doctor_finds_a_context_that_is_too_small_for_a_question(
    samples: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def small(asked: dict[str, Any]) -> Say | Fail:
        size = sum(len(message["content"]) for message in asked["messages"])
        said = "the request exceeds the available context size (1024 tokens)"
        return Fail(400, message=said) if size > 2_500 else Say("Yes.")

    monkeypatch.setenv("DATELINE_MODEL", "openai:scripted")
    with ModelServer(Depends(small)) as server:
        monkeypatch.setenv("DATELINE_BASE_URL", server.url)
        told = samples("doctor")
    said = " ".join(told.stdout.split())
    assert "the chat model answers, but: openai:scripted cannot be given 1,000 tokens" in said
    assert "exceeds the available context size (1024 tokens)" in said
    assert "larger context, or set prompt_tokens to" in said


def test_ask_takes_a_model_and_its_server(samples: Run) -> None:
    said = "The ministerial meeting is to be co-chaired by France and Saudi Arabia"
    with ModelServer(Say(f"{said}.")) as server:
        options = ("--model", "openai:scripted", "--base-url", server.url)
        told = samples("ask", QUESTION, *options, "--json")
    answer = json.loads(told.stdout)
    assert answer["text"] == f"{said} [1]."
    assert answer["model"] == "openai:scripted"
    assert "France and Saudi Arabia" in answer["citations"][0]["quote"]
    # The server is gone now.
    told = samples("ask", QUESTION, *options)
    assert told.exit_code == 0
    assert "France and Saudi Arabia. [1]" in told.stdout
    assert (
        "The writing model is off (openai:scripted cannot be reached): these are the articles' own "
        "words." in told.stdout
    )


def test_doctor_asks_each_model_and_tells_which_servers_run_here_and_asks_those_nothing(
    samples: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        ModelServer(Say("Yes.")) as chosen,
        ModelServer(Say("Yes."), models=("a:1b", "b:7b"), owner="vllm") as other,
    ):
        monkeypatch.setenv("DATELINE_MODELS", f"openai:scripted@{chosen.url}")
        monkeypatch.setenv("DATELINE_MODEL_PORTS", f"{chosen.port}, {other.port}")
        told = " ".join(samples("doctor").stdout.split())
        assert "openai:scripted (on this computer) said its first word after" in told
        assert "vLLM runs on this computer and is not used; its models: a:1b, b:7b" in told
        assert f"to choose one, set DATELINE_MODELS=openai:a:1b@{other.url}" in told
        assert other.requests == []
        assert "A server runs" not in told  # the one in the settings
        monkeypatch.setenv("DATELINE_MODEL_PORTS", "none")
        assert "vLLM" not in samples("doctor").stdout


def test_ask_takes_one_of_the_models_that_are_set_by_its_name(
    samples: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "The ministerial meeting is to be co-chaired by France and Saudi Arabia"
    with ModelServer(Say(f"{said}.")) as server:
        name = f"openai:second@{server.url}"
        monkeypatch.setenv("DATELINE_MODELS", f"ollama:first, {name}")
        told = samples("ask", QUESTION, "--model", name, "--json")
        assert json.loads(told.stdout)["model"] == "openai:second"
        told = samples("ask", QUESTION, "--json")
        assert json.loads(told.stdout)["model"] == "reader"


def test_ask_refuses_a_model_that_is_none(samples: Run) -> None:
    told = samples("ask", QUESTION, "--model", "gpt-9")
    assert told.exit_code == 1
    assert 'give "reader", or a chat model as one of "openai:…"' in told.stderr


def test_doctor_on_an_empty_index_says_how_to_add(tmp_path: Path, run: Run) -> None:
    Assistant.open(Settings(index=tmp_path / "index")).close()
    result = run("doctor")
    assert result.exit_code == 0
    assert "dateline add" in result.stdout


def test_doctor_reports_an_index_that_cannot_be_opened(tmp_path: Path, run: Run) -> None:
    (tmp_path / "index").write_text("not a folder", "utf-8")
    result = run("doctor", "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["healthy"] is False
    assert report["findings"][-1]["severity"] == "error"
    assert str(tmp_path / "index") in report["findings"][-1]["message"]
    told(run("list"), str(tmp_path / "index"))


def test_rebuild_tells_what_the_index_holds(two: Run) -> None:
    assert re.fullmatch(r"Rebuilt: 2 articles, \d+ passages\.\n", two("rebuild").stdout)
    assert json.loads(two("rebuild", "--json").stdout)["articles"] == 2
    assert two("ask", QUESTION).exit_code == 0


def test_a_restored_backup_answers_the_same_question(two: Run, tmp_path: Path) -> None:
    file = tmp_path / "all.dateline"
    before = json.loads(two("ask", QUESTION, "--json").stdout)
    assert two("backup", str(file)).stdout == f"Backed up to {file}: 2 articles.\n"
    elsewhere = run_on(tmp_path / "elsewhere")
    assert re.fullmatch(
        r"Restored: 2 articles, \d+ passages\.\n", elsewhere("restore", str(file)).stdout
    )
    after = json.loads(elsewhere("ask", QUESTION, "--json").stdout)
    assert (after["text"], after["citations"]) == (before["text"], before["citations"])


def test_a_backup_brings_back_what_was_asked_and_judged(two: Run, tmp_path: Path) -> None:
    from assistant.web.conversations import FILE, Conversations

    with (
        Assistant.open(Settings(index=tmp_path / "index")) as assistant,
        closing(Conversations.open(tmp_path / "index" / FILE)) as kept,
    ):
        asked = kept.begin("visitor", QUESTION)
        answer = assistant.answer(QUESTION)
        kept.finish(asked.id, answer)
        kept.rate("visitor", asked.id, "helpful")
        assert two("backup", str(tmp_path / "all.dateline")).exit_code == 0  # while it is in use
    elsewhere = run_on(tmp_path / "elsewhere")
    assert elsewhere("restore", str(tmp_path / "all.dateline")).exit_code == 0
    with closing(Conversations.open(tmp_path / "elsewhere" / FILE)) as kept:
        (exchange,) = kept.get("visitor", asked.conversation_id).exchanges
    assert (exchange.answer, exchange.verdict) == (answer, "helpful")
    written = elsewhere("feedback", str(tmp_path / "questions.jsonl"))
    assert "1 helpful of 1 judged answers" in written.stdout


def test_restore_replaces_articles_only_when_told(two: Run, tmp_path: Path) -> None:
    file = tmp_path / "all.dateline"
    assert two("backup", str(file), "--json").exit_code == 0
    two("remove", MEETING.id, "--yes")
    refused = two("restore", str(file))
    assert refused.exit_code == 1
    assert "--replace" in refused.stderr
    assert json.loads(two("list", "--json").stdout) != []
    assert json.loads(two("restore", str(file), "--replace", "--json").stdout)["articles"] == 2
    assert two("show", MEETING.id).exit_code == 0


def test_restore_says_which_conversations_it_kept(two: Run, tmp_path: Path) -> None:
    from assistant.web.conversations import FILE, Conversations

    with closing(Conversations.open(tmp_path / "index" / FILE)):
        pass
    assert two("backup", str(tmp_path / "all.dateline")).exit_code == 0
    (tmp_path / "elsewhere").mkdir()
    with closing(Conversations.open(tmp_path / "elsewhere" / FILE)) as kept:
        asked = kept.begin("visitor", QUESTION)
    done = run_on(tmp_path / "elsewhere")("restore", str(tmp_path / "all.dateline"))
    assert done.exit_code == 0
    assert re.search(rf"Kept \S*{FILE} as it is.*--replace", done.stderr.replace("\n", " "))
    with closing(Conversations.open(tmp_path / "elsewhere" / FILE)) as kept:
        assert kept.get("visitor", asked.conversation_id).exchanges


def test_a_backup_without_conversations_holds_none_and_restore_keeps_those_there(
    two: Run, tmp_path: Path
) -> None:
    from assistant.web.conversations import FILE, Conversations

    file, secret = tmp_path / "articles.dateline", "What did nobody else ask?"
    with (
        Assistant.open(Settings(index=tmp_path / "index")),  # the holder leaves them out, too
        closing(Conversations.open(tmp_path / "index" / FILE)) as kept,
    ):
        asked = kept.begin("visitor", secret)
        done = two("backup", "--without-conversations", str(file))
    assert done.stdout == f"Backed up to {file}: 2 articles, without conversations.\n"
    assert secret.encode() not in file.read_bytes()
    elsewhere = run_on(tmp_path / "elsewhere")("restore", str(file))
    assert (elsewhere.exit_code, elsewhere.stderr) == (0, "")
    assert not (tmp_path / "elsewhere" / FILE).exists()
    back = two("restore", "--replace", str(file))
    assert re.search(
        rf"Kept \S*{FILE} as it is: the backup holds none", " ".join(back.stderr.split())
    )
    with closing(Conversations.open(tmp_path / "index" / FILE)) as kept:
        assert kept.get("visitor", asked.conversation_id).exchanges


def test_restore_says_what_is_no_backup(two: Run, tmp_path: Path) -> None:
    assert "there is no backup" in two("restore", str(tmp_path / "none")).stderr
    other = tmp_path / "notes.txt"
    other.write_text("notes", encoding="utf-8")
    assert "is not a backup" in two("restore", str(other), "--replace").stderr


# -------------------------------------------------------------------- in a process, on a terminal


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "assistant", "--index", str(folder), *arguments]


def environment(root: Path, **changes: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(root), **changes}


@pytest.mark.parametrize(
    "encoding", ["ascii", "latin-1", pytest.param("utf-8", marks=pytest.mark.exhaustive)]
)
def test_no_terminal_is_too_poor_to_show_an_article(
    root: Path, tmp_path: Path, two: Run, encoding: str
) -> None:
    plain = environment(root, LC_ALL="C", PYTHONIOENCODING=encoding, PYTHONUTF8="0")

    def shown(*arguments: str) -> tuple[int, bytes]:
        done = subprocess.run(
            command(tmp_path / "index", *arguments), env=plain, capture_output=True, check=False
        )
        assert b"Traceback" not in done.stderr
        return done.returncode, done.stdout

    code, text = shown("show", "meet-hostile")
    assert code == 0
    if encoding == "latin-1":
        assert "café by the harbour ? ?quoted?." in text.decode(encoding)
    assert shown("list", *(["--json"] if encoding == "ascii" else []))[0] == 0
    assert shown("show", "\udcff")[0] == 2


@contextmanager
def on_terminal(
    arguments: list[str], env: dict[str, str], *, stdin: bool = False, stdout: bool = False
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """The process with a terminal as its stderr (and stdin or stdout), and the other end of it."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        arguments,
        env={**env, "TERM": "xterm", "COLUMNS": "100"},
        stdin=theirs if stdin else subprocess.DEVNULL,
        stdout=theirs if stdout else subprocess.PIPE,
        stderr=theirs,
        # The tests' parent process may ignore Ctrl-C, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(theirs)
    with open(ours, "r+b", buffering=0) as terminal:  # noqa: PTH123  a descriptor, not a path
        try:
            yield process, terminal
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            process.communicate()


def told_next(process: subprocess.Popen[bytes], *, limit: float = 120) -> Any:
    """The document in the next line on stdout."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], limit)
    assert ready, "nothing more was told"
    return json.loads(process.stdout.readline())


def seen(terminal: IO[bytes], pattern: bytes | None = None, *, limit: float = 60) -> bytes:
    """What the terminal shows until the pattern appears, or until the process has ended."""
    shown = b""
    while pattern is None or not re.search(pattern, shown):
        ready, _, _ = select.select([terminal], [], [], limit)
        assert ready, f"nothing more came after {shown!r}"
        try:
            more = terminal.read(65536)
        except OSError:  # how a terminal's end shows on Linux
            more = b""
        if not more:
            assert pattern is None, f"{pattern!r} never came: {shown!r}"
            break
        shown += more
    return shown


@pytest.mark.parametrize(("reply", "code", "left"), [(b"y\n", 0, 1), (b"n\n", 1, 2)])
def test_remove_asks_on_a_terminal(
    root: Path, tmp_path: Path, two: Run, reply: bytes, code: int, left: int
) -> None:
    arguments = command(tmp_path / "index", "remove", "meeting")
    with on_terminal(arguments, environment(root), stdin=True) as (process, terminal):
        asked = seen(terminal, rb"Remove 1 article\?")
        assert b"Talks on two states near" in asked
        terminal.write(reply)
        seen(terminal)
        assert process.wait(60) == code
    assert len(json.loads(two("list", "--json").stdout)) == left


SAID = "The ministerial meeting will be co-chaired by France and Saudi Arabia"


def left_on_screen(shown: bytes) -> str:
    """What a terminal finally shows, for the few control codes that drawing growing text takes."""
    rows = [""]
    row = column = 0
    for control, plain in re.findall(
        r"(\x1b\[[?0-9;]*[A-Za-z]|\r|\n)|([^\x1b\r\n]+)", shown.decode()
    ):
        if plain:
            rows[row] = rows[row][:column].ljust(column) + plain + rows[row][column + len(plain) :]
            column += len(plain)
        elif control == "\r":
            column = 0
        elif control == "\n":
            row += 1
            rows += [""] * (row + 1 - len(rows))
        elif control.endswith("A"):
            row = max(0, row - int(control[2:-1] or 1))
        elif control.endswith("K"):
            rows[row] = ""
    return "\n".join(line.rstrip() for line in rows).strip()


def test_a_model_is_read_while_it_writes(root: Path, tmp_path: Path, two: Run) -> None:
    script = Say(f"{SAID} [1]. It is held in New York [1].", holds=16)  # … "held in"
    with ModelServer(script) as server:
        asked = ("ask", QUESTION, "--model", "openai:scripted", "--base-url", server.url)
        arguments = command(tmp_path / "index", *asked)
        with on_terminal(arguments, environment(root), stdout=True) as (process, terminal):
            early = seen(terminal, rb"It is held in")
            assert left_on_screen(early) == f"{SAID} [1]. It is held in"
            assert "“" not in left_on_screen(early)  # no quotes yet
            script.go_on.set()
            shown = early + seen(terminal)
            assert process.wait(60) == 0
        plain = two(*asked).stdout  # not a terminal: printed once, without any control codes
    growing = re.sub(rb"\x1b\[[?0-9;]*[A-Za-z]", b"", shown)
    assert not re.search(rb"\[(?:\r|\n|$)", growing)  # half a mark
    assert left_on_screen(shown) == plain.strip()
    assert plain.startswith(f"{SAID} [1]. It is held in New York [2].\n\n[1] “")
    assert "\x1b" not in plain
    assert shown.count(b"\x1b[?25l") == shown.count(b"\x1b[?25h")  # the cursor is back


def test_what_a_model_wrote_gives_way_to_the_articles_own_words(
    root: Path, tmp_path: Path, two: Run
) -> None:
    with ModelServer(Say("Norway pays 48 million euros for it [1].")) as server:
        asked = ("ask", QUESTION, "--model", "openai:scripted", "--base-url", server.url)
        arguments = command(tmp_path / "index", *asked)
        with on_terminal(arguments, environment(root), stdout=True) as (process, terminal):
            shown = seen(terminal)
            assert process.wait(60) == 0
    assert b"Norway pays 48" in shown
    left = left_on_screen(shown)
    assert "Norway" not in left
    assert left.startswith("France and Saudi Arabia. [1]")
    assert left.endswith("these are the articles' own words.")


def many_articles(folder: Path, count: int) -> dict[str, str]:
    """Writes articles of several passages each; returns file name -> text."""
    folder.mkdir()
    texts = {}
    for number in range(count):
        name = f"{number:04}.txt"
        line = f"Report {number} on the harbour wall of town {number} by the sea of day {number}. "
        texts[name] = f"Report number {number}\n\n" + "\n\n".join([line * 12] * 4)
        (folder / name).write_text(texts[name], "utf-8")
    return texts


def test_ctrl_c_while_adding_keeps_what_was_added_and_running_again_adds_the_rest(
    root: Path, tmp_path: Path, run: Run
) -> None:
    texts = many_articles(tmp_path / "many", 160)
    arguments = command(tmp_path / "index", "add", str(tmp_path / "many"))
    with on_terminal(arguments, environment(root)) as (process, terminal):
        seen(terminal, rb"\b(3[3-9]|[4-9]\d|1\d\d)/160\b")  # the first batch is in
        in_it = len(
            json.loads(run("list", "--json").stdout)
        )  # 32 articles, or fewer if reading is slow
        process.send_signal(signal.SIGINT)
        last = seen(terminal)
        assert process.wait(60) == 130
        assert process.stdout is not None
        assert process.stdout.read() == b""
    (new, all_) = re.findall(rb"interrupted; (\d+) articles new in the index, (\d+) in all", last)[
        0
    ]
    assert b"again" in last
    assert b"Traceback" not in last

    with Assistant.open(Settings(index=tmp_path / "index")) as assistant:
        summaries = assistant.index.articles()
        assert len(summaries) == int(new) == int(all_)
        assert 0 < in_it <= len(summaries) < 160
        for summary in summaries:
            text = assistant.index.get(summary.id).text
            assert text in texts.values()
            assert summary.passages >= 2
        assert [f for f in assistant.index.check() if f.severity == "error"] == []

    again = json.loads(run("add", "--json", str(tmp_path / "many")).stdout)
    assert len(again["unchanged"]) == len(summaries)
    assert len(again["added"]) == 160 - len(summaries)


# -------------------------------------------------------------------------------------------- chat


@contextmanager
def chatting(
    root: Path, folder: Path, *options: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`dateline chat` on a free port, and the address it printed."""
    process = subprocess.Popen(
        command(folder, "chat", "--port", "0", "--json", *options),
        env=environment(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        document = ""
        while not document.endswith("}\n"):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            document += line
        yield process, json.loads(document)["url"]
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()


def test_chat_serves_the_samples_while_other_commands_work_until_ctrl_c(
    root: Path, tmp_path: Path, run: Run
) -> None:
    browser = build_opener(ProxyHandler({}))
    with chatting(root, tmp_path / "index", "--with-samples") as (process, url):
        with browser.open(f"{url.rstrip('/')}/healthz", timeout=60) as reply:
            assert json.load(reply) == {"status": "ok"}
        assert run("ask", QUESTION).exit_code == 0  # served by the process that holds the index
        assert len(json.loads(run("list", "--json").stdout)) == len(list(seeds_folder().iterdir()))
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert run("ask", QUESTION).exit_code == 0


@pytest.mark.parametrize(
    "ending", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.exhaustive)]
)
def test_chat_that_is_told_to_end_closes_the_index_as_by_ctrl_c(
    root: Path, tmp_path: Path, two: Run, ending: signal.Signals
) -> None:
    with chatting(root, tmp_path / "index", "--with-samples") as (process, url):
        asked = json.dumps({"question": QUESTION}).encode()
        request = Request(  # noqa: S310  # it is our own server's
            f"{url.rstrip('/')}/api/answer", asked, {"Content-Type": "application/json"}
        )
        with build_opener(ProxyHandler({})).open(request, timeout=120) as reply:
            assert json.load(reply)["kind"] == "answer"
        process.send_signal(ending)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out, err) == (0, "", "")
    assert "not closed cleanly" not in two("doctor").output
    assert len(json.loads(two("list", "--json").stdout)) == 2  # there were articles: no samples


def test_a_command_that_is_told_to_end_says_so_and_keeps_what_was_added(
    root: Path, tmp_path: Path, run: Run
) -> None:
    many_articles(tmp_path / "many", 160)
    arguments = command(tmp_path / "index", "add", str(tmp_path / "many"))
    with on_terminal(arguments, environment(root)) as (process, terminal):
        seen(terminal, rb"\b(3[3-9]|[4-9]\d|1\d\d)/160\b")
        process.send_signal(signal.SIGTERM)
        last = seen(terminal)
        assert process.wait(60) == 143
    assert b"interrupted" in last
    assert b"Traceback" not in last
    assert json.loads(run("list", "--json").stdout)
    assert "not closed cleanly" not in run("doctor").output


@pytest.mark.parametrize(("ending", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_command_that_does_not_look_for_signals_tells_which_ended_it(
    root: Path, tmp_path: Path, two: Run, ending: signal.Signals, code: int
) -> None:
    process = subprocess.Popen(
        command(tmp_path / "index", "mcp"),
        env=environment(root),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        process.stdin.flush()
        assert process.stdout.readline()
        process.send_signal(ending)
        assert process.wait(60) == code
    finally:
        process.kill()
        _, err = process.communicate()
    assert err == b"dateline: interrupted\n"
    assert "not closed cleanly" not in two("doctor").output


def test_a_thread_left_behind_in_native_code_does_not_abort_the_program_that_ends(
    root: Path,
) -> None:
    code = """
import sys, threading
from assistant.cli import main
from assistant.reading.network import onnx_reader
from assistant.resources import weights_folder
from vectorstore import Passage

reader = onnx_reader(weights_folder() / "small")
begun = threading.Event()
def read():
    while True:
        reader.read("who?", [Passage("a#0", "a", 0, 9, "Ann said.", "")] * 8)
        begun.set()
threading.Thread(target=read, daemon=True).start()
begun.wait()
sys.argv = ["dateline", *sys.argv[1:]]
main()
"""
    for argument, expected in (("--version", 0), ("--nonsense", 2)):
        command = [sys.executable, "-c", code, argument]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == expected
        assert "terminate" not in done.stderr
        assert (done.stdout if expected == 0 else done.stderr).strip()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk here is always full")
def test_output_that_cannot_be_written_is_no_success(root: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "assistant", "--version"]
        done = subprocess.run(command, cwd=root, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode != 0
    assert b"No space left" in done.stderr


def test_a_signal_that_is_ignored_stays_so(root: Path, tmp_path: Path) -> None:
    program = "nohup"  # ignores SIGHUP, as a shell's `nohup dateline chat &` does
    process = subprocess.Popen(
        [program, *command(tmp_path / "index", "chat", "--port", "0", "--json")],
        env=environment(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "{\n"
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()


def test_chat_refuses_an_address_that_others_could_reach(run: Run) -> None:
    told(run("chat", "--host", "0.0.0.0"), "0.0.0.0")  # noqa: S104


# ------------------------------------------------------------------------------------- subscriptions


def test_a_folder_is_subscribed_to_listed_refreshed_and_ended(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "ferry.txt").write_text("The ferry\n\nIt costs 12 million crowns.")
    added = run("subscriptions", "add", str(tmp_path / "paper"), "--every", "30")
    assert (added.exit_code, "every 30 min" in added.stdout, "1 new" in added.stdout) == (0, 1, 1)
    (tmp_path / "paper" / "flood.txt").write_text("The flood\n\nThree hundred were moved.")
    (each,) = json.loads(run("subscriptions", "refresh", "1", "--json").stdout)
    assert (each["result"], each["ours"]) == ("1 new", True)
    assert run("subscriptions").stdout == run("subscriptions", "list").stdout
    assert run("subscriptions", "add", str(tmp_path / "none")).exit_code == 1
    (tmp_path / "paper").rename(tmp_path / "away")
    failed = run("subscriptions", "refresh")
    assert (failed.exit_code, "cannot be found" in failed.stderr) == (1, True)
    assert run("subscriptions", "remove", "2").exit_code == 1
    assert run("subscriptions", "remove", str(tmp_path / "paper")).exit_code == 0
    assert json.loads(run("subscriptions", "list", "--json").stdout) == []
    assert len(run("list").stdout.splitlines()) == 2
