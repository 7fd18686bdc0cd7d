"""Runs a reader, torch or ONNX, over pairs of question and passage, and decodes as the product does.

The best span of at most 30 tokens by start + end, over the passage's tokens only; its score is
that sum less start[CLS] + end[CLS], so that scores compare across passages and questions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Encoding, Tokenizer

ANSWER_TOKENS = 30
TOKENS = 384
Network = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, slots=True)
class Span:
    """`text` is empty and `score` minus infinity where there was no passage to read."""

    text: str
    score: float


class Model:
    """A tokenizer and a network, as `read(pairs) -> spans`."""

    def __init__(self, tokenizer: Tokenizer, network: Network) -> None:
        self._tokenizer = tokenizer
        self._network = network

    def read(self, pairs: Sequence[tuple[str, str]], batch: int = 32) -> list[Span]:
        encodings = self._tokenizer.encode_batch(list(pairs))
        spans: list[Span] = [Span("", float("-inf"))] * len(pairs)
        order = sorted(range(len(pairs)), key=lambda i: len(encodings[i].ids))
        for first in range(0, len(order), batch):
            rows = order[first : first + batch]
            starts, ends = self._network(*padded([encodings[i] for i in rows]))
            for row, i in enumerate(rows):
                spans[i] = decode(encodings[i], pairs[i][1], starts[row], ends[row])
        return spans


def decode(encoding: Encoding, text: str, start: np.ndarray, end: np.ndarray) -> Span:
    tokens = np.flatnonzero(np.array([part == 1 for part in encoding.sequence_ids]))
    if not len(tokens):
        return Span("", float("-inf"))
    sums = start[tokens].astype(np.float64)[:, None] + end[tokens].astype(np.float64)[None, :]
    sums = np.where(
        np.triu(np.ones_like(sums)) - np.triu(np.ones_like(sums), ANSWER_TOKENS), sums, -np.inf
    )
    first, last = divmod(int(np.argmax(sums)), len(tokens))
    begin, finish = encoding.offsets[tokens[first]][0], encoding.offsets[tokens[last]][1]
    return Span(text[begin:finish], float(sums[first, last] - start[0] - end[0]))


def padded(encodings: Sequence[Encoding]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Input ids, attention mask, token types."""
    length = max(len(encoding.ids) for encoding in encodings)
    ids, mask, types = (np.zeros((len(encodings), length), np.int64) for _ in range(3))
    for row, encoding in enumerate(encodings):
        ids[row, : len(encoding.ids)] = encoding.ids
        mask[row, : len(encoding.ids)] = 1
        types[row, : len(encoding.ids)] = encoding.type_ids
    return ids, mask, types


def tokenizer_of(folder: Path, tokens: int = TOKENS) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(tokens, strategy="only_second")
    return tokenizer


def open_model(folder: Path, threads: int = 2) -> Model:
    """A folder with model.onnx, or a Hugging Face one."""
    tokenizer = tokenizer_of(folder)
    onnx = folder / "model.onnx"
    return Model(
        tokenizer, onnx_network(onnx, threads) if onnx.is_file() else torch_network(folder, threads)
    )


def onnx_network(file: Path, threads: int = 2) -> Network:
    from vectorstore.runtime import onnxruntime

    ort = onnxruntime()

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def run(ids: np.ndarray, mask: np.ndarray, types: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        start, end = session.run(
            ["start_logits", "end_logits"],
            {"input_ids": ids, "attention_mask": mask, "token_type_ids": types},
        )
        return start, end

    return run


def torch_network(folder: Path, threads: int = 2) -> Network:
    import torch
    from transformers import AutoModelForQuestionAnswering

    torch.set_num_threads(threads)
    model: Any = AutoModelForQuestionAnswering.from_pretrained(folder, dtype=torch.float32)
    model.eval()

    def run(ids: np.ndarray, mask: np.ndarray, types: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            found = model(
                input_ids=torch.from_numpy(ids),
                attention_mask=torch.from_numpy(mask),
                token_type_ids=torch.from_numpy(types),
            )
        return found.start_logits.numpy(), found.end_logits.numpy()

    return run
