"""Exports a trained reader to what the program runs: model.onnx with its weights, and tokenizer.json.

    python -m training.export_reader RUN/mean weights/dateline_reader --data EVAL

Weights are stored in eight bits, with a scale for each row, and products are of whole numbers, for
which recent processors have instructions of their own. What suffers is mostly outliers: a few of the
768 channels are ten times as large as the others. So

- each matrix takes over a part of its input's range (SmoothQuant, Xiao et al. 2023, arXiv 2211.10438),
  measured on passages of the training data;
- activations are rounded to seven bits, with a scale for each token: then no sum of two products
  exceeds sixteen bits, and processors that have only AVX2 compute the same as those with VNNI.

Embeddings are stored in eight bits by row. A layer that learnt nothing since OUT's files were written
(`restore_reader.py`, then a run with frozen layers) keeps their whole numbers, to the bit. Prints exact match and F1, given the gold paragraph, in 32
and in 8 bits, on questions of squad2_dev's tune split.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from training import squad
from training.examples import Examples
from training.network import ReaderNetwork
from training.reading import open_training_reader, tokenizer_of
from training.restore_reader import whole_numbers
from vectorstore.articles import Passage

SMOOTH = 0.6  # of an outlier that the matrix takes over
ACTIVATION = 63  # the largest whole number of an activation, seven bits
PASSAGES = 96  # to measure ranges on
LAYERS = 3  # in a file
OUTPUTS = ("start_logits", "end_logits", "evidence_logits", "verdict_logits")


def main() -> None:
    ap = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    ap.add_argument("model", type=Path, help="a folder that train_reader.py wrote")
    ap.add_argument("out", type=Path)
    ap.add_argument("--data", type=Path, required=True, help="the folder of the sets")
    ap.add_argument("--questions", type=int, default=400, help="to measure on; 0 for none")
    a = ap.parse_args()
    network = ReaderNetwork(a.model).eval()
    ranges = measured_ranges(network, Examples(a.data, tokenizer_of(a.model)))
    quantise(network, ranges, earlier(a.out) if (a.out / "model.onnx").is_file() else {})
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch)
        export(network, made / "model.onnx")
        store(made / "model.onnx")
        a.out.mkdir(parents=True, exist_ok=True)
        for file in made.iterdir():
            fresh = a.out / f".{file.name}"
            shutil.copyfile(file, fresh)
            fresh.replace(a.out / file.name)  # whoever reads the old one goes on reading it
        for file in a.out.glob("*.bin"):
            if not (made / file.name).is_file():
                file.unlink()
    shutil.copyfile(a.model / "tokenizer.json", a.out / "tokenizer.json")
    if a.questions:
        sample = _sample(a.data / "squad2_dev", a.questions)
        report = {
            "32 bits": measure(a.model, sample),
            "8 bits": measure(a.out, sample),
            "MB": round(sum(f.stat().st_size for f in a.out.glob("*")) / 1e6, 1),
        }
        print(json.dumps(report, indent=1))


def measured_ranges(network: ReaderNetwork, examples: Examples) -> dict[str, torch.Tensor]:
    """The largest absolute input of every channel of every linear layer of the encoder."""
    layers = {
        name: layer
        for name, layer in network.encoder.encoder.named_modules()
        if isinstance(layer, nn.Linear)
    }
    found = {name: torch.zeros(layer.in_features) for name, layer in layers.items()}

    def watch(name: str) -> Any:
        def hook(_: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
            found[name] = torch.maximum(found[name], given[0].abs().amax((0, 1)))

        return hook

    hooks = [layer.register_forward_pre_hook(watch(name)) for name, layer in layers.items()]
    groups = random.Random(1).sample(examples.block(10_000), PASSAGES)
    with torch.inference_mode():
        for group in groups:
            ids, types = (torch.tensor([row]) for row in (group[0].ids, group[0].types))
            network(ids, torch.ones_like(ids), types)
    for hook in hooks:
        hook.remove()
    return found


def quantise(
    network: ReaderNetwork, ranges: dict[str, torch.Tensor], before: dict[str, Whole]
) -> None:
    """The encoder's linear layers, in place, in whole numbers. Layers with one input (query, key and
    value) share its rounding. What has the weights that `before` stands for stays as it was there."""
    groups: dict[tuple[float, ...], list[str]] = {}
    for name, most in ranges.items():
        groups.setdefault(tuple(most.tolist()), []).append(name)
    for names in groups.values():
        layers = {name: network.encoder.encoder.get_submodule(name) for name in names}
        same = all(
            name in before and torch.equal(before[name].restored(), layer.weight)
            for name, layer in layers.items()
        )
        weight = torch.stack([layer.weight.abs().amax(0) for layer in layers.values()]).amax(0)
        most = ranges[names[0]].clamp(min=1e-5)
        smooth = (most**SMOOTH / weight.clamp(min=1e-5) ** (1 - SMOOTH)).detach()
        inverse = nn.Parameter(
            before[names[0]].inverse if same else 1 / smooth, requires_grad=False
        )
        for name, layer in layers.items():
            path, _, last = name.rpartition(".")
            parent = network.encoder.encoder.get_submodule(path)
            whole = before[name] if same else rounded(layer.weight, smooth)
            setattr(parent, last, WholeNumbers(whole, inverse, layer.bias))


class Whole(NamedTuple):
    """A matrix in eight bits (in, out), its scale for each output, and what the input is multiplied
    by for each channel."""

    weight: torch.Tensor
    scale: torch.Tensor
    inverse: torch.Tensor

    def restored(self) -> torch.Tensor:
        """(out, in), as a linear layer has it."""
        return (self.weight * self.scale * self.inverse[:, None]).T


def rounded(weight: torch.Tensor, smooth: torch.Tensor) -> Whole:
    weight = (weight * smooth).detach().T
    scale = weight.abs().amax(0).clamp(min=1e-8) / 127
    return Whole((weight / scale).round().to(torch.int8), scale, 1 / smooth)


def earlier(folder: Path) -> dict[str, Whole]:
    """The matrices in whole numbers of an exported folder, by the names of the encoder's layers."""
    return {
        name.removeprefix("encoder.encoder."): Whole(*map(torch.from_numpy, parts))
        for name, parts in whole_numbers(folder).items()
    }


class WholeNumbers(nn.Module):
    """A linear layer whose product is of 7-bit activations and 8-bit weights."""

    def __init__(self, whole: Whole, inverse: nn.Parameter, bias: torch.Tensor) -> None:
        super().__init__()
        self.inverse = inverse
        self.weight = nn.Parameter(whole.weight, requires_grad=False)
        self.scale = nn.Parameter(whole.scale, requires_grad=False)
        self.bias = nn.Parameter(bias.detach(), requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = _Product.apply(x, self.inverse, self.weight, self.scale, self.bias)  # type: ignore[no-untyped-call]
        return found


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        _: Any,
        x: torch.Tensor,
        inverse: torch.Tensor,
        weight: torch.Tensor,
        scale: torch.Tensor,
        bias: torch.Tensor,
    ) -> torch.Tensor:
        x = x * inverse
        step = x.abs().amax(-1, keepdim=True).clamp(min=1e-6) / ACTIVATION
        return (x / step).round() @ weight.float() * step * scale + bias

    @staticmethod
    def symbolic(g: Any, x: Any, inverse: Any, weight: Any, scale: Any, bias: Any) -> Any:
        def constant(value: float, kind: torch.dtype = torch.float32) -> Any:
            return g.op("Constant", value_t=torch.tensor(value, dtype=kind))

        x = g.op("Mul", x, inverse)
        most = g.op("ReduceMax", g.op("Abs", x), axes_i=[-1], keepdims_i=1)
        step = g.op("Div", g.op("Max", most, constant(1e-6)), constant(float(ACTIVATION)))
        whole = g.op("Add", g.op("Round", g.op("Div", x, step)), constant(float(ACTIVATION + 1)))
        whole = g.op("Cast", whole, to_i=torch.onnx.TensorProtoDataType.UINT8)
        middle = constant(ACTIVATION + 1, torch.uint8)
        product = g.op("MatMulInteger", whole, weight, middle)
        product = g.op("Cast", product, to_i=torch.onnx.TensorProtoDataType.FLOAT)
        return g.op("Add", g.op("Mul", g.op("Mul", product, step), scale), bias)


def export(network: ReaderNetwork, file: Path) -> None:
    """The network as an ONNX graph; batch and length are free."""
    names = ["input_ids", "attention_mask", "token_type_ids"]
    # The traced graph must not take batch or length for constants: neither may be 1 here.
    example = tuple(torch.full((2, 16), 5, dtype=torch.int64) for _ in names)
    free = {name: {0: "batch", 1: "length"} for name in (*names, *OUTPUTS[:3])}
    with torch.no_grad():
        torch.onnx.export(
            _Plain(network),
            example,
            str(file),
            input_names=names,
            output_names=list(OUTPUTS),
            dynamic_axes={**free, OUTPUTS[3]: {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )


class _Plain(nn.Module):
    def __init__(self, network: ReaderNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> Any:
        return tuple(self.network(ids, mask, types))


def store(file: Path) -> None:
    """Embeddings in eight bits, and the weights in files beside the graph, three layers in each: what is
    frozen keeps its files, so a new version adds only the others to the repository."""
    import onnx
    from onnx import external_data_helper, helper, numpy_helper

    model = onnx.load(str(file))
    graph = model.graph
    tables = {t.name: t for t in graph.initializer}
    nodes = []
    for node in graph.node:
        table = tables.get(node.input[0]) if node.op_type == "Gather" else None
        if table is None or len(table.dims) != 2 or min(table.dims) < 128:
            nodes.append(node)
            continue
        values = numpy_helper.to_array(table)
        scales = np.maximum(np.abs(values).max(1, keepdims=True), 1e-12).astype(np.float32) / 127
        rows = np.clip(np.rint(values / scales), -127, 127).astype(np.int8)
        name, where, out = table.name, node.input[1], node.output[0]
        graph.initializer.extend(
            [
                numpy_helper.from_array(rows, f"{name}.rows"),
                numpy_helper.from_array(scales, f"{name}.scales"),
            ]
        )
        nodes += [
            helper.make_node("Gather", [f"{name}.rows", where], [f"{out}.row"], f"{out}.row"),
            helper.make_node("Cast", [f"{out}.row"], [f"{out}.float"], f"{out}.float", to=1),
            helper.make_node("Gather", [f"{name}.scales", where], [f"{out}.scale"], f"{out}.s"),
            helper.make_node("Mul", [f"{out}.float", f"{out}.scale"], [out], f"{out}.mul"),
        ]
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [t for t in graph.initializer if t.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    for tensor in graph.initializer:
        if len(tensor.raw_data) > 1024:
            external_data_helper.set_external_data(tensor, location=file_of(tensor.name))
    onnx.save(model, str(file))


def file_of(tensor: str) -> str:
    """The file that a tensor is stored in, by its name."""
    if tensor.endswith(".rows"):
        return "embeddings.bin"
    layer = re.search(r"layer\.(\d+)\.", tensor)
    if layer is None:
        return "heads.bin"
    first = int(layer[1]) // LAYERS * LAYERS
    return f"layers-{first}-{first + LAYERS - 1}.bin"


def measure(folder: Path, sample: list[tuple[squad.Question, Passage]]) -> dict[str, float]:
    """Exact match and F1 on the sample."""
    reader = open_training_reader(folder)
    spans = [reader.read(question.text, [passage])[0].text for question, passage in sample]
    pairs = list(zip(spans, sample, strict=True))
    return {
        "EM": round(float(np.mean([squad.exact(s, q.answers) for s, (q, _) in pairs])), 4),
        "F1": round(float(np.mean([squad.f1(s, q.answers) for s, (q, _) in pairs])), 4),
    }


def _sample(folder: Path, count: int) -> list[tuple[squad.Question, Passage]]:
    data = squad.part(squad.load(folder), "tune")
    questions = [question for question in data.questions if question.answerable]
    chosen = np.random.default_rng(1).permutation(len(questions))[:count]
    found = []
    for i in chosen:
        paragraph = questions[i].paragraph
        text = data.texts[paragraph]
        passage = Passage(paragraph, paragraph, 0, len(text), text, data.titles[paragraph])
        found.append((questions[i], passage))
    return found


if __name__ == "__main__":
    main()
