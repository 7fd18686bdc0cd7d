"""The shipped sample articles and their questions are consistent: read here without the program."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.followups import conversations

ROOT = Path(__file__).resolve().parent.parent
SEEDS = ROOT / "seeds"
QUESTIONS = ROOT / "benchmarks" / "seed_questions.jsonl"
REAL = "000_ec7473386ccb78b7.txt"
REAL_SHA256 = "76b68095633e73607ef9626c3b67fe6aa807e5331c788225bdbf2cd697ec4690"
MARK = (
    "*This article is invented: it is a sample, and so are the people, places and figures in it.*"
)
KINDS = {"who", "when", "where", "howmany", "which", "what", "why", "said", "list", "followup"}
WHY_NOT = {"world", "absent", "false_premise"}
FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n", re.DOTALL)
INVENTED = sorted(path.name for path in SEEDS.glob("*.md"))


def _split(name: str) -> tuple[dict[str, Any], str]:
    """Front matter and text of a seed; a .txt file has no front matter and is all text."""
    whole = (SEEDS / name).read_bytes().decode("utf-8")
    if not name.endswith(".md"):
        return {}, whole
    match = FRONT_MATTER.match(whole)
    assert match is not None, f"{name} has no front matter"
    matter = yaml.safe_load(match[1])
    assert isinstance(matter, dict)
    return matter, whole[match.end() :]


def _questions() -> list[dict[str, Any]]:
    return [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]


def test_the_real_article_is_unchanged() -> None:
    assert hashlib.sha256((SEEDS / REAL).read_bytes()).hexdigest() == REAL_SHA256


def test_there_are_eleven_invented_articles_and_nothing_else() -> None:
    assert [name[:3] for name in INVENTED] == [f"{number:03d}" for number in range(1, 12)]
    assert sorted(path.name for path in SEEDS.iterdir()) == [REAL, *INVENTED]


@pytest.mark.parametrize("name", INVENTED)
def test_an_invented_article_says_so_and_is_dated(name: str) -> None:
    matter, text = _split(name)
    assert set(matter) == {"title", "date", "source", "authors", "invented"}
    assert matter["invented"] is True
    assert isinstance(matter["title"], str)
    assert isinstance(matter["source"], str)
    assert matter["authors"]
    assert all(isinstance(author, str) for author in matter["authors"])
    assert type(matter["date"]) is dt.date
    assert dt.date(2025, 3, 1) <= matter["date"] <= dt.date(2025, 11, 30)
    assert text.endswith(f"\n\n{MARK}\n")
    paragraphs = text.removesuffix(f"\n\n{MARK}\n").split("\n\n")
    assert 6 <= len(paragraphs) <= 12
    assert 180 <= len(" ".join(paragraphs).split()) <= 420
    assert '"' not in text
    assert "'" not in text


def test_the_copy_differs_from_its_model_in_two_places() -> None:
    _, model = _split("003_st-ailiths-maternity-ward.md")
    _, copy = _split("004_somebody-went-out-for-cake.md")
    pairs = list(zip(model.split("\n\n"), copy.split("\n\n"), strict=True))
    assert sum(one != other for one, other in pairs) == 2


def test_questions_are_many_unique_and_a_third_unanswerable() -> None:
    questions = _questions()
    assert len(questions) >= 60
    assert [q["id"] for q in questions] == [f"seed-{n:03d}" for n in range(1, len(questions) + 1)]
    asked = Counter((q["question"], json.dumps(q.get("history"))) for q in questions)
    assert max(asked.values()) == 1
    assert {q["kind"] for q in questions} == KINDS
    unanswerable = [q for q in questions if not q["answerable"]]
    assert 3 * len(unanswerable) >= len(questions)
    reasons = Counter(q["why_not"] for q in unanswerable)
    assert set(reasons) == WHY_NOT
    assert min(reasons.values()) >= 10


def test_every_span_slices_to_its_answer() -> None:
    texts = {path.name: _split(path.name)[1] for path in SEEDS.iterdir()}
    for q in _questions():
        if not q["answerable"]:
            assert q["answers"] == []
            assert q["spans"] == []
            assert "also_spans" not in q
            continue
        assert "why_not" not in q, q["id"]
        assert q["answers"], q["id"]
        assert q["spans"], q["id"]
        for span in q["spans"]:
            assert texts[span["file"]][span["start"] : span["end"]] == q["answers"][0], q["id"]
        for span in q.get("also_spans", []):
            # What another article reports instead, if two contradict each other.
            assert texts[span["file"]][span["start"] : span["end"]] in q["answers"][1:], q["id"]
        files = {span["file"] for span in [*q["spans"], *q.get("also_spans", [])]}
        for answer in q["answers"]:
            assert any(answer in texts[name] for name in files), (q["id"], answer)


def test_every_seed_has_a_question_it_answers() -> None:
    answered = {span["file"] for q in _questions() for span in q["spans"]}
    assert answered == {path.name for path in SEEDS.iterdir()}


def test_follow_ups_carry_the_conversation_before_them() -> None:
    follow_ups = [q for q in _questions() if "history" in q]
    assert len(follow_ups) >= 10
    assert {q["kind"] for q in follow_ups} == {"followup"}
    assert all("history" in q for q in _questions() if q["kind"] == "followup")
    for q in follow_ups:
        roles = [turn["role"] for turn in q["history"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2), q["id"]
        assert all(turn["text"] for turn in q["history"])


def test_conversations_are_many_varied_and_their_spans_slice_to_their_answers() -> None:
    texts = {path.name: _split(path.name)[1] for path in SEEDS.iterdir()}
    talks = conversations()
    assert len(talks) >= 30
    assert len({talk["kind"] for talk in talks}) >= 8
    assert any(len(talk["history"]) >= 4 for talk in talks)
    for talk in talks:
        roles = [turn["role"] for turn in talk["history"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2), talk["id"]
        assert talk["rewrite"].endswith("?")
        for span in talk["spans"]:
            said = texts[span["file"]][span["start"] : span["end"]]
            assert said.casefold() == talk["answers"][0].casefold(), talk["id"]
