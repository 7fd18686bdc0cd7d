"""Readers in training, read as the program reads: `open_training_reader(folder).read(question, passages)`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from assistant.reading.network import NetworkReader, onnx_reader

TOKENS = 384


def tokenizer_of(folder: Path, tokens: int = TOKENS) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(tokens, strategy="only_second")
    return tokenizer


def open_training_reader(folder: Path, threads: int = 2) -> NetworkReader:
    """A folder with model.onnx, or one that train_reader.py wrote."""
    if (folder / "model.onnx").is_file():
        return onnx_reader(folder)
    return NetworkReader(str(folder), lambda: (tokenizer_of(folder), _network(folder, threads)))


def _network(folder: Path, threads: int) -> Any:
    import torch

    from training.network import ReaderNetwork

    torch.set_num_threads(threads)
    network = ReaderNetwork(folder).eval()

    def run(ids: Any, mask: Any, types: Any) -> dict[str, Any]:
        with torch.inference_mode():
            found = network(*(torch.from_numpy(rows) for rows in (ids, mask, types)))
        return {name: value.numpy() for name, value in found._asdict().items()}

    return run
