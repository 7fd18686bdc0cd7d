"""Makes the shipped eight-bit weights 32 bits wide again, to train on from.

    python -m training.restore_reader weights/dateline_reader BASE runs/restored
    python -m training.train_reader EVAL runs/restored runs/next --minutes 120

BASE is the encoder they were trained from, whose configuration and tokenizer are used.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from training.network import ReaderNetwork

_PREFIX = "network."


def main() -> None:
    ap = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    ap.add_argument("exported", type=Path, help="the folder with model.onnx")
    ap.add_argument("base", type=Path)
    ap.add_argument("out", type=Path)
    a = ap.parse_args()
    network = ReaderNetwork(a.base)
    missing, _ = network.load_state_dict(restored(a.exported), strict=False)
    if missing:
        raise SystemExit(f"{a.exported} lacks {', '.join(missing)}: it is of another network")
    network.save(a.out, a.base / "tokenizer.json")


def restored(folder: Path) -> dict[str, torch.Tensor]:
    """The parameters of a ReaderNetwork, from what `export_reader` wrote."""
    values = _values(folder)
    found: dict[str, np.ndarray] = {}
    for name, value in values.items():
        layer = name.removesuffix(".weight")
        if _is_whole(name, values):
            # (in, out), made larger by what the activations gave up.
            inverse = values[_shared_inverse(layer, values)]
            found[name] = (value * values[f"{layer}.scale"] * inverse[:, None]).T
        elif name.endswith(".rows"):
            table = name.removesuffix(".rows")
            found[table] = value * values[f"{table}.scales"]
        elif re.match(r"onnx::MatMul_\d+$", name) and value.shape[1] == 3:
            found["tokens.weight"] = value.T
        elif value.dtype == np.float32 and not name.endswith((".scale", ".scales", ".inverse")):
            found[name] = value
    return {
        name: torch.from_numpy(np.ascontiguousarray(v, np.float32)) for name, v in found.items()
    }


def whole_numbers(folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The matrices in eight bits of what `export_reader` wrote, by layer: the numbers (in, out), the
    scales and the inverses."""
    values = _values(folder)
    layers = [name.removesuffix(".weight") for name in values if _is_whole(name, values)]
    return {
        layer: tuple(
            np.array(values[name])
            for name in (f"{layer}.weight", f"{layer}.scale", _shared_inverse(layer, values))
        )
        for layer in layers
    }


def _values(folder: Path) -> dict[str, np.ndarray]:
    graph = onnx.load(str(folder / "model.onnx")).graph
    return {t.name.removeprefix(_PREFIX): numpy_helper.to_array(t) for t in graph.initializer}


def _is_whole(name: str, values: dict[str, np.ndarray]) -> bool:
    return values[name].dtype == np.int8 and f"{name.removesuffix('.weight')}.scale" in values


def _shared_inverse(layer: str, values: dict[str, np.ndarray]) -> str:
    """Query, key and value share theirs, stored with the first of them."""
    if f"{layer}.inverse" in values:
        return f"{layer}.inverse"
    path, _, _ = layer.rpartition(".")
    return next(f"{path}.{name}.inverse" for name in "qkv" if f"{path}.{name}.inverse" in values)


if __name__ == "__main__":
    main()
