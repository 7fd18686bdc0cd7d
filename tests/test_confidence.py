"""Calibrations: read, refused, and what they say."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from assistant import ModelError
from assistant.reading.confidence import UNCALIBRATED, Logistic, load_calibration

GIVEN = {
    "forms": {"span": {"weights": {"score": 2.0, "unknown": -1.0}, "intercept": 0.5}},
    "threshold": 0.4,
    "reader_sha256": "ab",
    "date": "2026-01-02",
    "data": "ten questions",
}


def test_a_calibration_is_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(json.dumps(GIVEN), "utf-8")
    found = load_calibration(file)
    assert found is not None
    assert (found.threshold, found.reader_sha256, found.file) == (0.4, "ab", file)
    assert found.made == "2026-01-02, ten questions"
    expected = 1 / (1 + math.exp(-(0.5 + 2.0 * 1.5 - 1.0)))
    assert found.confidence("span", {"score": 1.5, "unknown": 1.0}) == pytest.approx(expected)
    assert found.confidence("list", {"score": 1.5}) == 0.0


@pytest.mark.parametrize(
    "text", ["", "[]", '{"threshold": "high"}', '{"forms": {"span": 3}, "threshold": 1}']
)
def test_a_broken_one_is_refused_with_the_remedy(tmp_path: Path, text: str) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(text, "utf-8")
    with pytest.raises(ModelError, match="calibrate the reader again"):
        load_calibration(file)


def test_there_may_be_none(tmp_path: Path) -> None:
    assert load_calibration(tmp_path / "calibration.json") is None


def test_however_large_a_signal_the_confidence_is_a_probability() -> None:
    for score in (-1e9, 0.0, 1e9):
        assert 0.0 <= Logistic({"score": 1.0}, 0.0)({"score": score}) <= 1.0


def test_without_a_calibration_a_name_that_is_missing_outweighs_the_score() -> None:
    sure, unknown = ({"score": 4.0, "names": share} for share in (0.0, 1.0))
    assert (
        UNCALIBRATED.confidence("span", sure) > 0.9 > 0.1 > UNCALIBRATED.confidence("span", unknown)
    )
