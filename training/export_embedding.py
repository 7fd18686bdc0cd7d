"""Exports the computation of a sentence-embedding model of BERT's kind as an ONNX graph without weights.

    python -m training.export_embedding MODEL_FOLDER vectorstore/graphs/bert-mean-pooling.onnx

The graph takes input_ids, attention_mask and token_type_ids and gives `embedding`: token vectors
averaged over the mask, scaled to length 1. Its initialisers are external data named as in the
model's state dict, with nothing folded into them, so that the program passes the tensors of the
installed model.safetensors to onnxruntime as they are (SessionOptions.add_external_initializers).
With --check the result is compared with sentence-transformers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

LENGTH = 256  # the model's max_seq_length


def main() -> None:
    ap = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    ap.add_argument("model", type=Path, help="sentence-transformers folder")
    ap.add_argument("out", type=Path)
    ap.add_argument("--check", action="store_true")
    a = ap.parse_args()
    a.out.parent.mkdir(parents=True, exist_ok=True)
    export(a.model, a.out)
    print(f"{a.out}: {a.out.stat().st_size / 1000:.0f} kB")
    if a.check:
        check(a.model, a.out)


def export(model: Path, out: Path) -> None:
    import onnx
    import torch
    from safetensors import safe_open
    from transformers import AutoModel

    class Embedding(torch.nn.Module):
        def __init__(self, bert: Any) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, ids: Any, mask: Any, types: Any) -> Any:
            tokens = self.bert(input_ids=ids, attention_mask=mask, token_type_ids=types)[0]
            weight = mask.unsqueeze(-1).to(tokens.dtype)
            mean = (tokens * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
            return mean / mean.norm(dim=1, keepdim=True).clamp(min=1e-12)

    bert: Any = AutoModel.from_pretrained(
        model, dtype=torch.float32, attn_implementation="eager", add_pooling_layer=False
    )
    bert.config.return_dict = False
    names = ["input_ids", "attention_mask", "token_type_ids"]
    with torch.no_grad():
        torch.onnx.export(
            Embedding(bert).eval(),
            tuple(torch.ones((2, 16), dtype=torch.int64) for _ in names),
            str(out),
            input_names=names,
            output_names=["embedding"],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in names}
            | {"embedding": {0: "batch"}},
            opset_version=17,
            do_constant_folding=False,
            dynamo=False,
        )
    graph = onnx.load(str(out))
    with safe_open(model / "model.safetensors", "np") as weights:
        shapes = {name: list(weights.get_slice(name).get_shape()) for name in weights.keys()}  # noqa: SIM118 - not a mapping
    renamed = {}
    for tensor in graph.graph.initializer:
        name = tensor.name.removeprefix("bert.")
        if name not in shapes:
            if len(tensor.raw_data) > 8192:
                raise SystemExit(f"{tensor.name} is large and not in the state dict")
            continue  # position numbers and the like: part of the computation
        if list(tensor.dims) != shapes[name]:
            raise SystemExit(f"{name} has shape {list(tensor.dims)}, the state dict {shapes[name]}")
        renamed[tensor.name] = name
        tensor.name = name
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        del tensor.external_data[:]
        tensor.external_data.add(key="location", value="model.safetensors")
    for node in graph.graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)
        node.doc_string = ""
        node.ClearField("metadata_props")
    onnx.save(graph, str(out))


def session_of(graph: Path, weights: Path) -> Any:
    """How the program loads it."""
    from vectorstore.runtime import onnxruntime

    ort = onnxruntime()
    from safetensors.numpy import load_file

    tensors = load_file(weights)
    named = [name for name in _external(graph) if name in tensors]
    options = ort.SessionOptions()
    values = [ort.OrtValue.ortvalue_from_numpy(tensors[name]) for name in named]
    options.add_external_initializers(named, values)
    return ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])


def _external(graph: Path) -> list[str]:
    import onnx

    model = onnx.load(str(graph), load_external_data=False)
    return [t.name for t in model.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]


def embed(session: Any, tokenizer: Any, texts: list[str]) -> np.ndarray:
    from training.reading import padded

    ids, mask, types = padded(tokenizer.encode_batch(texts))
    return np.asarray(
        session.run(None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": types})[0]
    )


def check(model: Path, graph: Path) -> None:
    import torch
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

    torch.set_num_threads(2)
    began = time.perf_counter()
    session = session_of(graph, model / "model.safetensors")
    print(f"onnxruntime loads in {time.perf_counter() - began:.2f} s")
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LENGTH)
    began = time.perf_counter()
    reference = SentenceTransformer(str(model), device="cpu")
    print(
        f"sentence-transformers loads in {time.perf_counter() - began:.2f} s, max_seq_length {reference.max_seq_length}"
    )
    texts = _varied()
    worst, largest = 1.0, 0.0
    for first in range(0, len(texts), 20):
        part = texts[first : first + 20]
        ours = embed(session, tokenizer, part)
        theirs = reference.encode(
            part, convert_to_numpy=True, show_progress_bar=False, normalize_embeddings=True
        )
        worst = min(worst, float((ours * theirs).sum(1).min()))
        largest = max(largest, float(np.abs(ours - theirs).max()))
    print(f"{len(texts)} texts: lowest cosine {worst:.8f}, largest difference {largest:.2e}")
    text = "The council said on Tuesday that repairs would take two more weeks. " * 7
    batch = [text[i:] for i in range(32)]
    print(f"speed, 32 texts of about {len(tokenizer.encode(text).ids)} tokens:")
    runs: dict[str, Callable[[], Any]] = {
        "onnxruntime": lambda: embed(session, tokenizer, batch),
        "sentence-transformers": lambda: reference.encode(
            batch, batch_size=32, show_progress_bar=False
        ),
    }
    for name, run in runs.items():
        run()
        times = []
        for _ in range(5):
            began = time.perf_counter()
            run()
            times.append(time.perf_counter() - began)
        print(f"  {name}: {1000 * min(times):.0f} ms")


def _varied() -> list[str]:
    rng = np.random.default_rng(1)
    # fmt: off
    words = [
        "council", "flood", "£3.4m", "“quote”", "Zürich", "naïve", "北京", "пресса", "2021", "U.S.",
        "co-chair's", "—", "İstanbul", "e\u0301tude", "the", "of", "and", "to", "🙂", "#1", "ferry",
        "opened", "Tuesday", "12:30", "مرحبا", "weißes", "Haus", "½", "\u200b", "minister",
    ]
    fixed = ["", " ", ".", "\n\n", "a", "🙂", "\u00ad", "\u200b", "ﬁ", "[CLS]", "[MASK] [SEP]", "Å", "x" * 300]
    # fmt: on
    lengths = [int(n) for n in rng.integers(1, 60, 120)] + [
        int(n) for n in rng.integers(200, 900, 67)
    ]
    return fixed + [" ".join(rng.choice(words, n)) for n in lengths]


if __name__ == "__main__":
    main()
