"""The network that is trained: an encoder with three heads, for one text (question or statement)
read with one passage.

    span        a start and an end logit a token; `<s>` stands for "not in this passage"
                (Devlin et al. 2019, section 4.3)
    evidence    a logit a token: does it belong to a sentence that the answer rests on?
    verdict     three logits: the passage supports the statement, contradicts it, does not say. For a
                question that wants yes or no: yes, no, not said

A folder holds the encoder in Hugging Face format, `heads.safetensors` and `tokenizer.json`. An
encoder without heads gets new ones; a question-answering model keeps its span head.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoModel

VERDICTS = ("supported", "contradicted", "not_stated")


class Logits(NamedTuple):
    """Shapes: (batch, length), the same, the same, (batch, 3)."""

    start: torch.Tensor
    end: torch.Tensor
    evidence: torch.Tensor
    verdict: torch.Tensor


class ReaderNetwork(nn.Module):
    """`network(ids, mask, types) -> Logits`, all logits 32 bits."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.encoder: Any = AutoModel.from_pretrained(
            folder,
            dtype=torch.float32,
            add_pooling_layer=False,
            attn_implementation="eager",
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        width = self.encoder.config.hidden_size
        self.takes_types = getattr(self.encoder.config, "type_vocab_size", 0) > 1
        self.tokens = nn.Linear(width, 3)
        self.dense = nn.Linear(width, width)
        self.verdict = nn.Linear(width, len(VERDICTS))
        heads = folder / "heads.safetensors"
        if heads.is_file():
            self.load_state_dict(load_file(heads), strict=False)
        else:
            for layer in (self.tokens, self.dense, self.verdict):
                nn.init.normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)
            _take_span_head(folder, self.tokens)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> Logits:
        extra = {"token_type_ids": types} if self.takes_types else {}
        hidden = self.encoder(input_ids=ids, attention_mask=mask, **extra).last_hidden_state.float()
        start, end, evidence = self.tokens(hidden).unbind(-1)
        verdict = self.verdict(torch.tanh(self.dense(hidden[:, 0])))
        return Logits(start, end, evidence, verdict)

    @property
    def layers(self) -> Any:
        return self.encoder.encoder.layer

    def save(self, folder: Path, tokenizer: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.encoder.save_pretrained(folder)
        heads = {
            name: value.contiguous()
            for name, value in self.state_dict().items()
            if not name.startswith("encoder.")
        }
        save_file(heads, folder / "heads.safetensors")
        if tokenizer.resolve() != (folder / "tokenizer.json").resolve():
            shutil.copyfile(tokenizer, folder / "tokenizer.json")


def _take_span_head(folder: Path, tokens: nn.Linear) -> None:
    file = folder / "model.safetensors"
    weights = load_file(file) if file.is_file() else {}
    if "qa_outputs.weight" in weights:
        with torch.no_grad():
            tokens.weight[:2] = weights["qa_outputs.weight"]
            tokens.bias[:2] = weights["qa_outputs.bias"]
