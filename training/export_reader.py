"""Exports a trained reader to what the product runs: model.onnx and tokenizer.json.

    python -m training.export_reader HF_FOLDER assistant/weights/reader --data EVAL/squad2_dev

Weights are stored in eight bits where that costs less than half a point of F1 on answerable
questions of squad2_dev's tune split with their gold paragraph; else they stay 32-bit floats.
Matrices are quantised in blocks of 128 (onnxruntime's MatMulNBits, from release 1.22 on), embeddings
by row. Activations are then quantised by block too, so a passage scores the same whatever it is read
beside, and nothing saturates on processors with AVX2 and no VNNI; onnxruntime's quantize_dynamic has
neither virtue.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from training import squad
from training.reading import Model, onnx_network, tokenizer_of

ALLOWED_LOSS = 0.005  # of F1
BLOCK = 128  # weights that share a scale


def main() -> None:
    ap = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    ap.add_argument("model", type=Path, help="Hugging Face folder of the reader")
    ap.add_argument("out", type=Path)
    ap.add_argument("--data", type=Path, required=True, help="folder of squad2_dev")
    ap.add_argument("--questions", type=int, default=2000)
    a = ap.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        tokenizer = tokenizer_of(a.model)
        full = Path(scratch) / "fp32.onnx"
        export(a.model, full)
        sample = _sample(a.data, a.questions)
        small = Path(scratch) / "int8.onnx"
        quantise(full, small)
        report = {
            "fp32": measure(tokenizer, full, sample),
            "int8": measure(tokenizer, small, sample),
        }
        chosen = "int8" if report["fp32"]["f1"] - report["int8"]["f1"] < ALLOWED_LOSS else "fp32"
        made_files = {
            "model.onnx": small if chosen == "int8" else full,
            "tokenizer.json": a.model / "tokenizer.json",
        }
        a.out.mkdir(parents=True, exist_ok=True)
        for name, made in made_files.items():
            fresh = a.out / f".{name}"
            shutil.copyfile(made, fresh)
            fresh.replace(a.out / name)  # whoever reads the old one goes on reading it
    print(json.dumps({"chosen": chosen, "measured": report}, indent=1))


def export(model: Path, file: Path) -> None:
    """The Hugging Face folder as a 32-bit ONNX graph; batch and length are free."""
    import torch
    from transformers import AutoModelForQuestionAnswering

    network: Any = AutoModelForQuestionAnswering.from_pretrained(
        model, dtype=torch.float32, attn_implementation="eager"
    )
    network.eval()
    network.config.return_dict = False
    names = ["input_ids", "attention_mask", "token_type_ids"]
    # The traced graph must not take batch or length for constants: neither may be 1 here.
    example = tuple(torch.ones((2, 16), dtype=torch.int64) for _ in names)
    with torch.no_grad():
        torch.onnx.export(
            network,
            example,
            str(file),
            input_names=names,
            output_names=["start_logits", "end_logits"],
            dynamic_axes={
                name: {0: "batch", 1: "length"} for name in [*names, "start_logits", "end_logits"]
            },
            opset_version=17,
            dynamo=False,
        )


def quantise(full: Path, file: Path) -> None:
    """The graph with its large matrices in eight bits, the rest as it was."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(str(full))
    graph = model.graph
    tables = {t.name: t for t in graph.initializer if len(t.dims) == 2 and min(t.dims) >= BLOCK}
    nodes = []
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in tables:
            name = node.input[1]
            matrix = numpy_helper.to_array(tables[name])
            depth, width = matrix.shape
            blocks = matrix.T.reshape(width, depth // BLOCK, BLOCK)
            values, scales = _eight_bits(blocks)
            graph.initializer.extend(
                [
                    numpy_helper.from_array((values + 128).astype(np.uint8), f"{name}.blocks"),
                    numpy_helper.from_array(scales.reshape(-1), f"{name}.scales"),
                ]
            )
            nodes.append(
                helper.make_node(
                    "MatMulNBits",
                    [node.input[0], f"{name}.blocks", f"{name}.scales"],
                    list(node.output),
                    node.name,
                    domain="com.microsoft",
                    K=depth,
                    N=width,
                    bits=8,
                    block_size=BLOCK,
                    accuracy_level=4,  # eight-bit products, not the matrix made float again
                )
            )
        elif node.op_type == "Gather" and node.input[0] in tables:
            name, rows, out = node.input[0], node.input[1], node.output[0]
            values, scales = _eight_bits(numpy_helper.to_array(tables[name]))
            graph.initializer.extend(
                [
                    numpy_helper.from_array(values.astype(np.int8), f"{name}.rows"),
                    numpy_helper.from_array(scales, f"{name}.scales"),
                ]
            )
            nodes += [
                helper.make_node("Gather", [f"{name}.rows", rows], [f"{out}.row"], f"{out}.row"),
                helper.make_node("Cast", [f"{out}.row"], [f"{out}.float"], f"{out}.float", to=1),
                helper.make_node("Gather", [f"{name}.scales", rows], [f"{out}.scale"], f"{out}.s"),
                helper.make_node("Mul", [f"{out}.float", f"{out}.scale"], [out], f"{out}.mul"),
            ]
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [t for t in graph.initializer if t.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnx.save(model, str(file))


def _eight_bits(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(integers from -127 to 127, the scale of each last axis)"""
    scales = np.maximum(np.abs(values).max(-1, keepdims=True), 1e-12).astype(np.float32) / 127
    return np.clip(np.rint(values / scales), -127, 127), scales


def measure(
    tokenizer: Any, file: Path, sample: list[tuple[squad.Question, str]]
) -> dict[str, float]:
    """Exact match and F1 on the sample, megabytes, and milliseconds for ten passages."""
    network = onnx_network(file)
    spans = Model(tokenizer, network).read([(question.text, text) for question, text in sample])
    pairs = list(zip(spans, sample, strict=True))
    ids = np.full((10, 128), 2000, np.int64)
    times = []
    for _ in range(12):
        began = time.perf_counter()
        network(ids, np.ones_like(ids), np.zeros_like(ids))
        times.append(time.perf_counter() - began)
    return {
        "em": round(float(np.mean([squad.exact(s.text, q.answers) for s, (q, _) in pairs])), 4),
        "f1": round(float(np.mean([squad.f1(s.text, q.answers) for s, (q, _) in pairs])), 4),
        "MB": round(file.stat().st_size / 1e6, 1),
        "ms_10x128": round(1000 * float(np.min(times[2:])), 1),
    }


def _sample(folder: Path, count: int) -> list[tuple[squad.Question, str]]:
    data = squad.part(squad.load(folder), "tune")
    questions = [question for question in data.questions if question.answerable]
    chosen = np.random.default_rng(1).permutation(len(questions))[:count]
    return [(questions[i], data.texts[questions[i].paragraph]) for i in chosen]


if __name__ == "__main__":
    main()
