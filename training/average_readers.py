"""Averages the weights of readers that were trained one from another.

    python -m training.average_readers OUT READER READER...

Readers of one line of descent lie in one valley of the loss, and the mean of their weights often reads
better than any of them, at the cost of one ("model soup", Wortsman et al. 2022; averaging along a
run: Izmailov et al. 2018). READER and OUT are Hugging Face folders; configuration and tokenizer are
the first one's.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

WEIGHTS = "model.safetensors"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("readers", type=Path, nargs="+")
    arguments = parser.parse_args()
    readers = [load_file(folder / WEIGHTS) for folder in arguments.readers]
    if any(reader.keys() != readers[0].keys() for reader in readers):
        parser.error("these readers are not of one architecture: their weights have other names")
    mean = {
        name: torch.stack([reader[name].float() for reader in readers]).mean(0).to(first.dtype)
        for name, first in readers[0].items()
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    save_file(mean, arguments.out / WEIGHTS, metadata={"format": "pt"})
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(arguments.readers[0] / name, arguments.out / name)


if __name__ == "__main__":
    main()
