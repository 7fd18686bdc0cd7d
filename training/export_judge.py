"""Exports a trained judge: judge.onnx and judge.bin, beside the reader whose lower layers it shares.

    python -m training.export_judge runs/restored runs/judge weights/dateline_reader

The reader's graph gets one more output, `shared`: what its lower layers give, which the judge reads.
Weights and products are in eight bits, as the reader's (export_reader.py). Prints the share of the tune
split that is judged rightly, in 32 and in 8 bits.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper

from training.export_reader import PASSAGES, quantise, ranges_while, store
from training.network import ReaderNetwork
from training.train_judge import SHARED, JudgeNetwork, Row, accuracy, collated


def main() -> None:
    ap = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    ap.add_argument("restored", type=Path, help="a folder that restore_reader.py wrote")
    ap.add_argument("run", type=Path, help="a folder that train_judge.py wrote")
    ap.add_argument("out", type=Path, help="the reader as it is shipped")
    a = ap.parse_args()
    judge = JudgeNetwork(ReaderNetwork(a.restored))
    judge.load_state_dict(torch.load(a.run / "judge.pt", weights_only=True))
    judge.eval()
    rows, tune = torch.load(a.run / "rows.pt", weights_only=False)
    print(f"32 bits: {accuracy(judge, tune)}")
    sample = random.Random(1).sample(rows, PASSAGES)
    quantise(judge.encoder, ranges_while(judge.encoder, lambda: _read(judge, sample)))
    print(f"8 bits: {accuracy(judge, tune)}")
    share(a.out / "model.onnx")
    export(judge, a.out / "judge.onnx")


def _read(judge: JudgeNetwork, rows: list[Row]) -> None:
    for row in rows:
        hidden, mask, _ = collated([row])
        judge(hidden, mask)


def share(file: Path, layers: int = SHARED) -> None:
    """Gives the reader's graph the output `shared`, where it does not have it."""
    model = onnx.load(str(file), load_external_data=False)
    graph = model.graph
    if any(output.name == "shared" for output in graph.output):
        return
    norm = f"/network/encoder/encoder/layer.{layers - 1}/output/LayerNorm/LayerNormalization"
    node = next(node for node in graph.node if node.name == norm)
    name = node.output[0]
    for other in graph.node:
        for i, given in enumerate(other.input):
            if given == name:
                other.input[i] = "shared"
    node.output[0] = "shared"
    width = next(t.dims[0] for t in graph.initializer if t.name == node.input[1])
    shape = ["batch", "length", width]
    graph.output.append(helper.make_tensor_value_info("shared", TensorProto.FLOAT, shape))
    fresh = file.with_suffix(".new")
    onnx.save(model, str(fresh))
    fresh.replace(file)


def export(judge: JudgeNetwork, file: Path) -> None:
    """The judge as an ONNX graph, which takes `shared` and `attention_mask`."""
    width = judge.dense.in_features
    with torch.no_grad():
        torch.onnx.export(
            judge,
            (torch.randn(2, 16, width), torch.ones(2, 16, dtype=torch.int64)),
            str(file),
            input_names=["shared", "attention_mask"],
            output_names=["verdict_logits"],
            dynamic_axes={
                "shared": {0: "batch", 1: "length"},
                "attention_mask": {0: "batch", 1: "length"},
                "verdict_logits": {0: "batch"},
            },
            opset_version=17,
            dynamo=False,
        )
    store(file, "judge.bin")


if __name__ == "__main__":
    main()
