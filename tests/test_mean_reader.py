"""The mean of two readers' weights."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from safetensors.torch import load_file, save_file  # noqa: E402

from training.mean_reader import mean  # noqa: E402


def reader(folder: Path, **weights: list[float]) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text('{"of": "both"}')
    for file in ("model.safetensors", "heads.safetensors"):
        values = {name: torch.tensor(value) for name, value in weights.items()}
        save_file(values, folder / file)
    return folder


def test_what_lies_between_two_readers_is_a_reader(tmp_path: Path) -> None:
    one = reader(tmp_path / "one", span=[0.0, 1.0], verdict=[4.0])
    other = reader(tmp_path / "other", span=[2.0, 1.0], verdict=[0.0])
    mean(one, other, tmp_path / "half")
    mean(one, other, tmp_path / "most", share=0.75)
    for file in ("model.safetensors", "heads.safetensors"):
        half, most = (load_file(tmp_path / folder / file) for folder in ("half", "most"))
        assert {name: value.tolist() for name, value in half.items()} == {
            "span": [1.0, 1.0],
            "verdict": [2.0],
        }
        assert most["span"].tolist() == [1.5, 1.0]
    assert (tmp_path / "half" / "tokenizer.json").read_text() == '{"of": "both"}'


def test_readers_of_different_networks_have_no_mean(tmp_path: Path) -> None:
    one = reader(tmp_path / "one", span=[0.0, 1.0])
    for name, weights in (("longer", {"span": [1.0]}), ("other", {"evidence": [0.0, 1.0]})):
        other = reader(tmp_path / name, **weights)
        with pytest.raises(SystemExit, match="different networks"):
            mean(one, other, tmp_path / "out")
