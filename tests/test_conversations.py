"""Conversations are kept: exactly, for their visitor only, and at any moment."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from assistant.answers import Answer, Turn
from assistant.databases import BACKED_UP, CONVERSATIONS
from assistant.errors import ConversationNotFoundError, QuestionError
from assistant.web.conversations import FILE, TITLE, Conversations, Filters, Heading
from assistant.web.feedback import to_dict
from tests.fake_assistant import (
    ANSWERS,
    CO_CHAIRS,
    COST,
    HARBOUR,
    HOSTILE_ANSWER,
    MEETING,
    START,
    FakeAssistant,
)
from tests.fake_embedding import FakeEmbedding
from vectorstore.articles import Article
from vectorstore.backups import restore
from vectorstore.database import Database
from vectorstore.errors import StoreDamagedError, StoreFormatError
from vectorstore.local import LocalIndex
from vectorstore.stores import Rows

NARROW = Filters(("Asian Lite", "Wire"), date(2025, 1, 2), date(2025, 12, 31), ("a", "b"))


@pytest.fixture
def conversations(rows_of: Callable[[Database], Rows]) -> Conversations:
    return Conversations(rows_of(CONVERSATIONS))


def test_notes_are_kept_in_place_of_those_before(conversations: Conversations) -> None:
    assert conversations.noted("a") is None
    conversations.note("a", "first \x00")
    conversations.note("a", "second \x00")
    assert (conversations.noted("a"), conversations.noted("b")) == ("second \x00", None)


@pytest.mark.parametrize(
    "answer", [*ANSWERS.values(), FakeAssistant().answer("unknown"), replace(COST, complete=False)]
)
def test_an_answer_comes_back_exactly_as_it_was_also_in_another_program(
    tmp_path: Path, answer: Answer
) -> None:
    first = Conversations.open(tmp_path / FILE)
    asked = first.begin("ann", answer.question, NARROW)
    first.finish(asked.id, answer, stopped=not answer.complete)
    first.close()
    second = Conversations.open(tmp_path / FILE)
    (exchange,) = second.get("ann", asked.conversation_id).exchanges
    assert exchange.answer == answer
    assert exchange.answer.to_dict() == answer.to_dict()
    assert exchange.filters == NARROW
    assert exchange.state == ("answered" if answer.complete else "stopped")
    second.close()


def test_a_conversation_holds_its_exchanges_in_order_and_gives_the_history(
    conversations: Conversations,
) -> None:
    first = conversations.begin("ann", COST.question, NARROW)
    conversations.finish(first.id, COST)
    failed = conversations.begin("ann", "boom?", Filters(), first.conversation_id)
    conversations.fail(failed.id, "It failed.")
    stopped = conversations.begin("ann", "slowly?", Filters(), first.conversation_id)
    conversations.finish(stopped.id, replace(COST, complete=False), stopped=True)
    last = conversations.begin("ann", "and who?", Filters(), first.conversation_id)
    kept = conversations.get("ann", first.conversation_id)
    assert [exchange.question for exchange in kept.exchanges] == [
        COST.question,
        "boom?",
        "slowly?",
        "and who?",
    ]
    assert [exchange.state for exchange in kept.exchanges] == [
        "answered",
        "failed",
        "stopped",
        "asked",
    ]
    assert kept.exchanges[1].failure == "It failed."
    assert kept.turns() == [Turn("user", COST.question), Turn("assistant", COST.text)]
    assert kept.turns(before=first.id) == []
    assert kept.turns(before=last.id) == kept.turns()
    assert kept.filters == Filters()


def test_the_last_used_conversation_is_listed_first_under_its_first_question(
    conversations: Conversations,
) -> None:
    first = conversations.begin("ann", f"  why\n {'long ' * 40}")
    second = conversations.begin("ann", "who?")
    assert [heading.id for heading in conversations.headings("ann")] == [
        second.conversation_id,
        first.conversation_id,
    ]
    conversations.begin("ann", "and then?", Filters(), first.conversation_id)
    heading = conversations.headings("ann")[0]
    assert heading == Heading(first.conversation_id, heading.title, heading.changed)
    assert heading.title.startswith("why long long")
    assert len(heading.title) <= TITLE


def test_what_is_anothers_is_as_if_it_never_was(conversations: Conversations) -> None:
    asked = conversations.begin("ann", COST.question)
    conversations.finish(asked.id, COST)
    for act in (
        lambda: conversations.get("bob", asked.conversation_id),
        lambda: conversations.exchange("bob", asked.id),
        lambda: conversations.begin("bob", "?", Filters(), asked.conversation_id),
        lambda: conversations.begin_again("bob", asked.id),
        lambda: conversations.rename("bob", asked.conversation_id, "mine"),
        lambda: conversations.remove("bob", asked.conversation_id),
        lambda: conversations.narrow("bob", asked.conversation_id, NARROW),
        lambda: conversations.rate("bob", asked.id, "helpful"),
        lambda: conversations.get("bob", "never"),
    ):
        with pytest.raises(ConversationNotFoundError, match="no such conversation or answer"):
            act()
    assert conversations.headings("bob") == []
    kept = conversations.get("ann", asked.conversation_id)
    assert kept.title == COST.question
    assert [(e.answer, e.verdict) for e in kept.exchanges] == [(COST, None)]


def test_a_conversation_is_renamed_and_removed(conversations: Conversations) -> None:
    asked = conversations.begin("ann", "who?")
    conversations.rename("ann", asked.conversation_id, " The \n wall ")
    assert conversations.get("ann", asked.conversation_id).title == "The wall"
    with pytest.raises(QuestionError, match="cannot be empty"):
        conversations.rename("ann", asked.conversation_id, " ")
    conversations.remove("ann", asked.conversation_id)
    assert conversations.headings("ann") == []
    with pytest.raises(ConversationNotFoundError):
        conversations.exchange("ann", asked.id)
    conversations.finish(asked.id, COST)  # the answer to a question that was deleted meanwhile
    assert conversations.quoting([HARBOUR.id]) == 0


def test_what_was_removed_is_brought_back_as_it_was_and_not_for_ever(
    rows_of: Callable[[Database], Rows],
) -> None:
    now = [0.0]
    conversations = Conversations(rows_of(CONVERSATIONS), clock=lambda: now[0])
    asked = conversations.begin("ann", COST.question, NARROW)
    conversations.finish(asked.id, COST)
    conversations.rate("ann", asked.id, "helpful")
    before = conversations.get("ann", asked.conversation_id)
    name = conversations.remove("ann", asked.conversation_id)
    with pytest.raises(ConversationNotFoundError, match="too late"):
        conversations.undo("bob", name)
    conversations.undo("ann", name)
    assert conversations.get("ann", asked.conversation_id) == before
    assert conversations.quoting([HARBOUR.id]) == 1
    name = conversations.remove("ann", asked.conversation_id)
    now[0] = 601.0
    with pytest.raises(ConversationNotFoundError, match="too late"):
        conversations.undo("ann", name)
    assert conversations.headings("ann") == []


def test_filters_are_kept_also_before_the_next_question(conversations: Conversations) -> None:
    asked = conversations.begin("ann", "who?")
    before = conversations.headings("ann")
    conversations.narrow("ann", asked.conversation_id, NARROW)
    assert conversations.get("ann", asked.conversation_id).filters == NARROW
    assert conversations.exchange("ann", asked.id).filters == Filters()
    assert conversations.headings("ann") == before


def test_what_is_removed_is_gone_from_the_file(tmp_path: Path) -> None:
    opened = Conversations.open(tmp_path / FILE)
    asked = opened.begin("ann", "zebrafinch?")
    opened.finish(asked.id, COST)
    opened.remove("ann", asked.conversation_id)
    opened.close()
    assert b"zebrafinch" not in (tmp_path / FILE).read_bytes()


def test_answers_that_quote_an_article_are_counted(conversations: Conversations) -> None:
    for visitor, answer in (("ann", COST), ("bob", START), ("ann", CO_CHAIRS)):
        asked = conversations.begin(visitor, answer.question)
        conversations.finish(asked.id, answer)
    assert conversations.quoting([HARBOUR.id]) == 2
    assert conversations.quoting([MEETING.id]) == 2
    assert conversations.quoting([HARBOUR.id, MEETING.id]) == 3
    assert conversations.quoting(["none"]) == 0
    assert conversations.quoting([]) == 0


def test_a_question_is_answered_anew_in_its_place(conversations: Conversations) -> None:
    asked = conversations.begin("ann", COST.question, NARROW)
    conversations.fail(asked.id, "It failed.")
    again = conversations.begin_again("ann", asked.id)
    assert again == asked
    conversations.finish(again.id, COST)
    (exchange,) = conversations.get("ann", asked.conversation_id).exchanges
    assert (exchange.state, exchange.answer, exchange.failure) == ("answered", COST, "")


def test_verdicts_are_kept_with_the_turns_before_them(conversations: Conversations) -> None:
    first = conversations.begin("ann", COST.question)
    conversations.finish(first.id, COST)
    second = conversations.begin("ann", "who?", Filters(), first.conversation_id)
    conversations.finish(second.id, CO_CHAIRS)
    conversations.rate("ann", second.id, "helpful")
    conversations.rate("ann", second.id, "wrong source")
    conversations.rate("ann", first.id, "helpful")
    conversations.rate("ann", first.id, None)
    (rated,) = conversations.rated()
    assert (rated.exchange.id, rated.verdict) == (second.id, "wrong source")
    assert rated.history == (Turn("user", COST.question), Turn("assistant", COST.text))


def test_a_reason_is_kept_with_what_was_not_helpful_and_goes_with_it(
    conversations: Conversations,
) -> None:
    asked = conversations.begin("ann", COST.question)
    conversations.finish(asked.id, COST)
    conversations.rate("ann", asked.id, "not helpful", "incomplete", " no year ")
    (rated,) = conversations.rated()
    assert (rated.exchange.reason, rated.exchange.remark) == ("incomplete", "no year")
    assert to_dict(rated)["reason"] == "incomplete"
    assert to_dict(rated)["remark"] == "no year"
    name = conversations.remove("ann", asked.conversation_id)
    conversations.undo("ann", name)
    assert list(conversations.rated()) == [rated]
    with pytest.raises(QuestionError, match="that was not helpful"):
        conversations.rate("ann", asked.id, "helpful", "other")
    with pytest.raises(QuestionError, match="Shorten it"):
        conversations.rate("ann", asked.id, "not helpful", None, "x" * 1_001)
    conversations.rate("ann", asked.id, "helpful")
    (rated,) = conversations.rated()
    assert (rated.exchange.reason, rated.exchange.remark) == (None, "")


def test_texts_of_any_kind_are_kept(conversations: Conversations) -> None:
    asked = conversations.begin("ann", "a\x00b \ud800 🌊 é'\"")
    conversations.finish(asked.id, HOSTILE_ANSWER)
    (exchange,) = conversations.get("ann", asked.conversation_id).exchanges
    assert exchange.question == "a\x00b ? 🌊 é'\""
    assert exchange.answer == HOSTILE_ANSWER


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    Conversations.open(tmp_path / FILE).close()
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_what_is_not_ours_newer_or_damaged_is_refused_with_what_to_do(tmp_path: Path) -> None:
    strange = tmp_path / "strange"
    with sqlite3.connect(strange) as db:
        db.execute("CREATE TABLE t (x)")
    db.close()
    with pytest.raises(StoreFormatError, match="does not hold Dateline's conversations"):
        Conversations.open(strange)
    newer = tmp_path / "newer"
    Conversations.open(newer).close()
    with sqlite3.connect(newer) as db:
        db.execute(f"PRAGMA user_version = {CONVERSATIONS.newest + 1}")
    db.close()
    with pytest.raises(StoreFormatError, match="written by a newer Dateline"):
        Conversations.open(newer)
    damaged = tmp_path / "damaged"
    damaged.write_bytes(b"SQLite or not " * 1000)
    with pytest.raises(StoreDamagedError, match="Move it away to start"):
        Conversations.open(damaged)


SPY = """
CREATE TRIGGER spy AFTER INSERT ON exchanges BEGIN
    UPDATE conversations SET title = title || new.question WHERE visitor = 'eve';
END
"""


def test_a_trigger_that_copies_what_other_visitors_ask_is_refused(tmp_path: Path) -> None:
    file = tmp_path / FILE
    with closing(Conversations.open(file)) as opened:
        opened.begin("eve", "mine")
    with closing(sqlite3.connect(file)) as db:
        db.execute(SPY)
    with pytest.raises(StoreDamagedError, match=r"did not make the trigger 'spy'.*Move it away"):
        Conversations.open(file)


def test_a_restored_backup_brings_no_trigger_to_what_is_asked(tmp_path: Path) -> None:
    def index(folder: Path) -> LocalIndex:
        return LocalIndex(folder, FakeEmbedding, beside=BACKED_UP)

    with index(tmp_path / "theirs") as theirs:
        theirs.add_articles([Article("a", "Ferry", "The ferry crosses the bay.")])
        with closing(Conversations.open(tmp_path / "theirs" / FILE)) as asked:
            asked.begin("eve", "mine")
        theirs.backup(tmp_path / "good")
        with closing(sqlite3.connect(tmp_path / "theirs" / FILE)) as db:
            db.execute(SPY)
        theirs.backup(tmp_path / "bad")
    with pytest.raises(StoreDamagedError, match="did not make the trigger 'spy'"):
        restore(tmp_path / "bad", tmp_path / "ours", beside=BACKED_UP)
    assert not (tmp_path / "ours" / FILE).exists()
    restore(tmp_path / "good", tmp_path / "ours", beside=BACKED_UP)
    with closing(Conversations.open(tmp_path / "ours" / FILE)) as ours:
        ours.begin("ann", "what nobody else may know")
        assert [heading.title for heading in ours.headings("eve")] == ["mine"]


def test_killed_at_any_moment_it_keeps_every_question_it_took(tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import sys
        from pathlib import Path
        from assistant.web.conversations import Conversations
        from tests.fake_assistant import COST
        conversations = Conversations.open(Path(sys.argv[1]))
        while True:
            asked = conversations.begin("ann", COST.question)
            print(asked.conversation_id, "asked", flush=True)
            conversations.finish(asked.id, COST)
            print(asked.conversation_id, "answered", flush=True)
    """)
    for lines in (1, 4, 9):
        process = subprocess.Popen(
            [sys.executable, "-c", code, tmp_path / FILE],
            cwd=Path(__file__).parent.parent,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        told = [process.stdout.readline().split() for _ in range(lines)]
        process.kill()
        told += [line.split() for line in process.communicate()[0].splitlines(keepends=True)]
        opened = Conversations.open(tmp_path / FILE)
        for conversation_id, state in (pair for pair in told if len(pair) == 2):
            (exchange,) = opened.get("ann", conversation_id).exchanges
            if state == "answered":
                assert (exchange.state, exchange.answer) == ("answered", COST)
            else:
                assert exchange.state in ("asked", "answered")
        opened.close()


def test_filters_kept_by_an_earlier_version_are_read(
    conversations: Conversations,
) -> None:
    asked = conversations.begin("ann", "?")
    with conversations._db.transaction():
        conversations._db.execute(
            "UPDATE conversations SET filters = ?", '[["Wire"], null, "2025-01-02"]'
        )
    kept = conversations.get("ann", asked.conversation_id)
    assert kept.filters == Filters(("Wire",), None, date(2025, 1, 2))


@pytest.mark.parametrize(
    "narrow",
    [
        Filters(authors=("Ness, Ida",)),
        Filters(tags=("kelp", "nets")),
        Filters(("Wire",), date(2025, 1, 2), None, ("a",), ("Ola Brekke",), ("kelp",)),
    ],
)
def test_authors_and_tags_stay_with_the_conversation_and_the_question(
    conversations: Conversations, narrow: Filters
) -> None:
    asked = conversations.begin("ann", "?", narrow)
    assert conversations.get("ann", asked.conversation_id).filters == narrow
    assert conversations.exchange("ann", asked.id).filters == narrow
    conversations.narrow("ann", asked.conversation_id, Filters(tags=("nets",)))
    assert conversations.get("ann", asked.conversation_id).filters == Filters(tags=("nets",))
