"""Trains a reader, on a processor, against the clock.

    python -m training.train_reader EVAL_FOLDER BASE OUT --minutes 240
    python -m training.train_reader EVAL_FOLDER BASE OUT --minutes 60 --resume

BASE is an encoder in Hugging Face format (all-mpnet-base-v2, or an earlier reader to go on from); what
is learnt from is in `examples.py`, the network in `network.py`. OUT gets the weights at every
checkpoint, their running mean in OUT/mean (which is what ships), and state.pt, from which --resume
goes on.

- Losses: each passage must choose between its words and `<s>`, so that best span - `<s>` is absolute;
  over a group the answer's words must win once `<s>` is subtracted (shared normalisation, Clark and
  Gardner 2018, arXiv 1710.10723), so that scores compare across passages; a token is evidence or
  not; a statement is supported, contradicted or not stated.
- Logits outside of the passage and `<s>` are masked: what decoding never looks at is not learnt.
- Embeddings and the lower layers are frozen (`--frozen`): most of what reading needs is learnt above
  them, in two thirds of the time. No dropout: nothing overfits in so few epochs.
- The learning rate is constant and falls to zero over the last part of the time (`COOL_DOWN`; Hägele
  et al. 2024, arXiv 2405.18392), so that a later run goes on from `warm.pt`, the state before that, as if
  it had been planned.
- Where the processor multiplies sixteen-bit numbers faster (`products.py`), it does.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from training import products
from training.examples import NOT_SUPPORTED, Example, Examples, Group
from training.network import ReaderNetwork
from training.reading import tokenizer_of

SEED = 7
TOKENS = 256
BATCH_TOKENS = 1600  # of a step, about, padding counted
LEARNING_RATE = 4e-5
HEAD_RATE = 10  # times that for the heads, which begin with random numbers
WARM_UP = 100  # steps, after every start
COOL_DOWN = 0.25  # of the time
MEAN = 0.998  # what is kept of the running mean each step
SHARED_WEIGHT = 0.5
EVIDENCE_WEIGHT = 0.5
VERDICT_WEIGHT = 1.0
NEVER = -1e4


def main() -> None:
    ap = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    ap.add_argument("data", type=Path)
    ap.add_argument("base", type=Path)
    ap.add_argument("out", type=Path)
    ap.add_argument("--minutes", type=float, required=True, help="of wall time")
    ap.add_argument("--resume", action="store_true", help="go on from OUT/state.pt")
    ap.add_argument("--first-block", type=int, default=0)
    ap.add_argument("--learning-rate", type=float, default=LEARNING_RATE)
    ap.add_argument("--frozen", type=int, default=6, help="layers from below that do not learn")
    ap.add_argument(
        "--cool-down", type=float, default=COOL_DOWN, help="share of the minutes; 1 to end a run"
    )
    ap.add_argument("--checkpoint-minutes", type=float, default=10)
    ap.add_argument("--threads", type=int, default=2)
    a = ap.parse_args()
    began = time.time()
    torch.manual_seed(SEED)
    torch.set_num_threads(a.threads)
    a.out.mkdir(parents=True, exist_ok=True)
    source = a.out if a.resume else a.base
    tokenizer = tokenizer_of(source, TOKENS)
    network = ReaderNetwork(source)
    network.train()
    precision = products.precision()
    if precision != torch.float32:
        products.narrow(network.encoder.encoder, precision)
    products.keep_memory()
    parameters = _learning(network, a.frozen)
    optimiser = torch.optim.AdamW(parameters, lr=a.learning_rate, weight_decay=0.01, fused=True)
    learning = [p for group in parameters for p in group["params"]]
    mean = [p.detach().clone() for p in learning]
    scale = products.Scale()
    step, seen, number, used, taken = 0, 0, a.first_block, 0.0, 0
    if a.resume:
        state = torch.load(a.out / "state.pt", weights_only=True)
        if len(state["mean"]) == len(mean):  # else other layers are thawed now: begin anew
            optimiser.load_state_dict(state["optimiser"])
            mean = state["mean"]
        step, seen, number = (state[name] for name in ("step", "seen", "block"))
    examples = Examples(a.data, tokenizer)
    print(f"{time.time() - began:.0f} s: ready; {precision}; {examples.counts}", flush=True)

    def save(name: str = "state.pt") -> None:
        network.save(a.out, source / "tokenizer.json")
        state = {"optimiser": optimiser.state_dict(), "mean": mean, "step": step, "seen": seen}
        torch.save(state | {"block": number + 1}, a.out / name)
        kept = [p.detach().clone() for p in learning]
        with torch.no_grad():
            for p, value in zip(learning, mean, strict=True):
                p.copy_(value)
            network.save(a.out / "mean", source / "tokenizer.json")
            for p, value in zip(learning, kept, strict=True):
                p.copy_(value)
        print(f"{time.time() - began:.0f} s: saved at step {step} as {name}", flush=True)

    means: dict[str, float] = {}
    saved = time.time()
    warm = False
    while used < 1:
        for batch in batches(examples.block(number), random.Random(SEED + number)):
            used = (time.time() - began) / (a.minutes * 60)
            if used >= 1:
                break
            if used > 1 - a.cool_down and not warm:
                warm = True
                save()  # so that OUT's weights and its state stay of one moment
                save("warm.pt")
                (a.out / "warm").mkdir(exist_ok=True)
                network.save(a.out / "warm", source / "tokenizer.json")
            rate = min(1, (taken + 1) / WARM_UP) * min(1, (1 - used) / a.cool_down)
            for group in optimiser.param_groups:
                group["lr"] = a.learning_rate * rate * group["times"]
            optimiser.zero_grad()
            losses = losses_of(network, batch)
            total = sum(losses.values(), torch.zeros(()))
            (total * scale.factor).backward()  # type: ignore[no-untyped-call]
            if scale.unscale(learning):
                torch.nn.utils.clip_grad_norm_(learning, 1.0)
                optimiser.step()
                keep = min(MEAN, (step + 1) / (step + 20))
                with torch.no_grad():
                    torch._foreach_lerp_(mean, learning, 1 - keep)
            step += 1
            taken += 1
            seen += sum(map(len, batch))
            for name, value in losses.items():
                means[name] = means.get(name, value.item()) * 0.98 + value.item() * 0.02
            if step % 50 == 0:
                told = ", ".join(f"{name} {value:.3f}" for name, value in sorted(means.items()))
                print(
                    f"{time.time() - began:.0f} s  {used:.1%}  block {number}  step {step}  "
                    f"passages {seen}  loss {told}",
                    flush=True,
                )
            if time.time() - saved > a.checkpoint_minutes * 60:
                save()
                saved = time.time()
        number += 1
    save()


def _learning(network: ReaderNetwork, frozen: int) -> list[dict[str, Any]]:
    """Groups of the parameters that learn: the encoder's upper layers, and the heads."""
    for parameter in network.encoder.parameters():
        parameter.requires_grad = False
    upper = [p for layer in network.layers[frozen:] for p in layer.parameters()]
    for parameter in upper:
        parameter.requires_grad = True
    heads = [p for name, p in network.named_parameters() if not name.startswith("encoder.")]
    return [{"params": upper, "times": 1.0}, {"params": heads, "times": float(HEAD_RATE)}]


def batches(groups: Sequence[Group], chance: random.Random) -> Iterator[list[Group]]:
    """Groups of like length together, batches in random order."""
    order = sorted(groups, key=lambda group: (max(len(e.ids) for e in group), chance.random()))
    cut: list[list[Group]] = [[]]
    for group in order:
        rows = sum(map(len, cut[-1])) + len(group)
        if cut[-1] and rows * max(len(e.ids) for e in group) > BATCH_TOKENS:
            cut.append([])
        cut[-1].append(group)
    chance.shuffle(cut)
    yield from cut


def losses_of(network: nn.Module, batch: Sequence[Group]) -> dict[str, torch.Tensor]:
    """The weighted losses by name; a loss of which the batch has no example is left out."""
    examples = [example for group in batch for example in group]
    ids, mask, types, passage = tensors(examples)
    found = network(ids, mask, types)
    losses = {}

    logits = torch.stack([found.start, found.end], 1)  # (examples, 2, length)
    seen = passage.clone()
    seen[:, 0] = True
    log = functional.log_softmax(logits.masked_fill(~seen[:, None], NEVER), -1)
    own = []
    for row, example in enumerate(examples):
        if example.span is not None:
            own.append(-(log[row, 0, example.span[0]] + log[row, 1, example.span[1]]) / 2)
        elif example.within:
            inside = torch.zeros_like(passage[row])
            for first, last in example.within:
                inside[first : last + 1] = True
            own.append(-log[row][:, inside].logsumexp(-1).mean())
    if own:
        losses["own"] = torch.stack(own).mean()

    above = (logits - logits[:, :, :1]).masked_fill(~passage[:, None], NEVER)
    shared = []
    row = 0
    for group in batch:
        target = group[0].span
        if len(group) > 1 and target and target[0]:
            every = above[row : row + len(group)].transpose(0, 1).reshape(2, -1).logsumexp(-1)
            shared += [every[0] - above[row, 0, target[0]], every[1] - above[row, 1, target[1]]]
        row += len(group)
    if shared:
        losses["shared"] = SHARED_WEIGHT * torch.stack(shared).mean()

    told = [row for row, example in enumerate(examples) if example.evidence is not None]
    if told:
        truth = torch.zeros_like(found.evidence)
        for row in told:
            for first, last in examples[row].evidence or ():
                truth[row, first : last + 1] = 1
        each = functional.binary_cross_entropy_with_logits(found.evidence, truth, reduction="none")
        each = (each * passage).sum(-1) / passage.sum(-1).clamp(min=1)
        losses["evidence"] = EVIDENCE_WEIGHT * each[told].mean()

    judged = [row for row, example in enumerate(examples) if example.verdict is not None]
    if judged:
        log = functional.log_softmax(found.verdict[judged], -1)
        each_verdict = []
        for line, row in zip(log, judged, strict=True):
            verdict = examples[row].verdict or 0
            each_verdict.append(
                -line[1:].logsumexp(-1) if verdict == NOT_SUPPORTED else -line[verdict]
            )
        share = len(judged) / len(examples)  # a lone statement among questions weighs little
        losses["verdict"] = VERDICT_WEIGHT * min(1.0, 4 * share) * torch.stack(each_verdict).mean()
    return losses


def tensors(
    examples: Sequence[Example], pad: int = 1
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids, attention mask, token types and which tokens are the passage's; (examples, length) each."""
    length = max(len(example.ids) for example in examples)
    ids = torch.full((len(examples), length), pad, dtype=torch.long)
    mask, types = (torch.zeros((len(examples), length), dtype=torch.long) for _ in range(2))
    passage = torch.zeros((len(examples), length), dtype=torch.bool)
    for row, example in enumerate(examples):
        ids[row, : len(example.ids)] = torch.tensor(example.ids)
        types[row, : len(example.ids)] = torch.tensor(example.types)
        mask[row, : len(example.ids)] = 1
        passage[row, example.passage[0] : example.passage[1]] = True
    return ids, mask, types, passage


if __name__ == "__main__":
    main()
