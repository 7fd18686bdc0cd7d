"""Makes one reader of two: the mean of their weights, which keeps most of what either has learnt.

    python -m training.mean_reader runs/restored runs/next/mean runs/both

For a reader and what it became by training on: with new questions it forgets something of what it could, and
the mean of both keeps most of the old and of the new (Wortsman et al. 2022, arXiv 2109.01903).
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file

_WEIGHTS = ("model.safetensors", "heads.safetensors")


def main() -> None:
    ap = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    ap.add_argument("one", type=Path)
    ap.add_argument("other", type=Path, help="of the same network")
    ap.add_argument("out", type=Path)
    ap.add_argument("--share", type=float, default=0.5, help="of the other")
    a = ap.parse_args()
    mean(a.one, a.other, a.out, a.share)


def mean(one: Path, other: Path, out: Path, share: float = 0.5) -> None:
    """Write to `out` what lies between two readers in 32 bits, `share` (0 to 1) of the way to the other."""
    out.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "tokenizer.json"):
        shutil.copyfile(other / name, out / name)
    for name in _WEIGHTS:
        first, second = load_file(one / name), load_file(other / name)
        if {k: v.shape for k, v in first.items()} != {k: v.shape for k, v in second.items()}:
            raise SystemExit(f"{one / name} and {other / name} are of different networks")
        between = {key: first[key].lerp(second[key], share) for key in first}
        save_file(between, out / name, metadata={"format": "pt"})


if __name__ == "__main__":
    main()
