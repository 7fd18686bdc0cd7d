"""The reader's training data is sound: every offset in its written questions cuts out words."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def rows(root: Path) -> list[dict[str, Any]]:
    with gzip.open(root / "training" / "written.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_a_passage_is_asked_about_once(rows: list[dict[str, Any]]) -> None:
    assert len({(row["source"], row["passage"]) for row in rows}) == len(rows) > 1000


def test_only_what_is_invented_stands_in_the_file(rows: list[dict[str, Any]]) -> None:
    assert {row["source"] for row in rows if "text" in row} == {"invented"}


def test_answers_are_slices_of_their_evidence_and_evidence_of_the_text(
    rows: list[dict[str, Any]],
) -> None:
    for row in rows:
        for item in row["items"]:
            evidence = item.get("evidence", [])
            if "answer" in item:
                start, end = item["answer"]
                assert any(a <= start < end <= b for a, b in evidence), item
            for a, b in evidence if "text" in row else ():
                words = row["text"][a:b]
                assert words.strip() == words != "", item


def test_what_is_not_stated_has_no_evidence_and_all_else_of_a_statement_has(
    rows: list[dict[str, Any]],
) -> None:
    statements = [item for row in rows for item in row["items"] if item["form"] != "question"]
    for item in statements:
        assert bool(item.get("evidence")) == (item["form"] != "not_stated"), item
    assert {item["form"] for item in statements} == {"supported", "contradicted", "not_stated"}
