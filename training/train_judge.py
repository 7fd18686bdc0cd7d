"""Trains the judge: the reader's upper layers once more, for verdicts alone.

    python -m training.restore_reader weights/dateline_reader BASE runs/restored
    python -m training.train_judge EVAL runs/restored weights/dateline_reader runs/judge --minutes 60

The reader's lower layers stay as they are shipped, in eight bits: what they make of every statement
with its passage is computed once, and the upper ones learn from that. So an hour is enough on two
cores, and answers of a few words are not touched by it (Liu et al. 2019, arXiv 1901.11504, share all
layers; here the tasks got in each other's way).

What is learnt from: `claims` and `rte`; statements asked as questions; passages narrowed to a window
around the evidence (the same verdict) or without the evidence (not stated); a number changed in what
is supported (contradicted); an answer behind its question. No article of a tune or test split is used.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from training.examples import NOT_SUPPORTED, Example, Examples, Item, Text, as_question
from training.network import VERDICTS, ReaderNetwork
from training.reading import tokenizer_of

SEED = 11
SHARED = 8  # layers, from below, that the judge shares with the reader
NOT_STATED = VERDICTS.index("not_stated")
SUPPORTED, CONTRADICTED = VERDICTS.index("supported"), VERDICTS.index("contradicted")
_NUMBER = re.compile(r"\b\d[\d,.]*\d\b|\b\d\b")


class JudgeNetwork(nn.Module):
    """`judge(hidden, mask) -> logits` of VERDICTS, shape (batch, 3); `hidden` is what the reader's
    shared layers give, shape (batch, length, width)."""

    def __init__(self, network: ReaderNetwork, shared: int = SHARED) -> None:
        super().__init__()
        self.encoder = network.encoder.encoder
        self.encoder.layer = self.encoder.layer[shared:]
        self.dense, self.verdict = network.dense, network.verdict

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        hidden = hidden.float()
        hide = (1.0 - mask[:, None, None, :].float()) * -10_000.0
        bias = self.encoder.compute_position_bias(hidden)
        for layer in self.encoder.layer:
            hidden = layer(hidden, hide, bias)[0]
        found: torch.Tensor = self.verdict(torch.tanh(self.dense(hidden[:, 0].float())))
        return found


@dataclass(frozen=True, slots=True)
class Row:
    """What the shared layers make of a statement with its passage, (length, width) in half precision."""

    hidden: np.ndarray[Any, np.dtype[np.float16]]
    verdict: int


def main() -> None:
    ap = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    ap.add_argument("data", type=Path, help="the folder of the sets")
    ap.add_argument("restored", type=Path, help="a folder that restore_reader.py wrote")
    ap.add_argument(
        "exported", type=Path, help="the reader as shipped, whose lower layers are shared"
    )
    ap.add_argument("out", type=Path)
    ap.add_argument("--minutes", type=float, default=60)
    ap.add_argument("--rate", type=float, default=3e-5)
    ap.add_argument("--epochs", type=float, default=4, help="at most")
    ap.add_argument(
        "--resume", action="store_true", help="from OUT/judge.pt, with a rate that falls at once"
    )
    a = ap.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    examples = JudgeExamples(a.data, a.restored)
    shared = SharedLayers(a.exported)
    kept = a.out / "rows.pt"
    if kept.is_file():
        rows, tune = torch.load(kept, weights_only=False)
    else:
        rows = shared.rows(examples.train(), a.out / "features.log")
        tune = shared.rows(examples.held_out("tune"))
        torch.save((rows, tune), kept)
    log(f"{len(rows)} rows, {dict(Counter(row.verdict for row in rows))}; {len(tune)} to tune on")
    judge = JudgeNetwork(ReaderNetwork(a.restored))
    if a.resume:
        judge.load_state_dict(torch.load(a.out / "judge.pt", weights_only=True))
    log(f"before: {accuracy(judge, tune)}")
    train(judge, rows, tune, a)


def train(judge: JudgeNetwork, rows: list[Row], tune: list[Row], a: argparse.Namespace) -> None:
    """AdamW against the clock; the rate rises for a twentieth and falls to zero. Keeps the weights' running
    mean in OUT/judge.pt, written whenever the tune split was looked at."""
    decayed = [p for p in judge.parameters() if p.dim() > 1]
    others = [p for p in judge.parameters() if p.dim() <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}],
        lr=a.rate,
    )
    mean = {name: p.detach().clone() for name, p in judge.state_dict().items()}
    began, step, seen, looked = time.monotonic(), 0, 0, 0.0
    losses: list[float] = []
    chance = random.Random(SEED)
    while True:
        for batch in batches(rows, chance):
            gone = max((time.monotonic() - began) / 60 / a.minutes, seen / len(rows) / a.epochs)
            if gone >= 1:
                break
            factor = min(1.0, gone / 0.05) * (1 - gone)
            for group in optimiser.param_groups:
                group["lr"] = a.rate * factor
            hidden, mask, verdicts = batch
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = judge(hidden, mask)
            loss = verdict_loss(logits.float(), verdicts)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(judge.parameters(), 1.0)
            optimiser.step()
            step, seen = step + 1, seen + len(verdicts)
            losses.append(float(loss.detach()))
            keep = min(0.995, step / (step + 10))
            with torch.no_grad():
                for name, p in judge.state_dict().items():
                    if p.dtype.is_floating_point:
                        mean[name].lerp_(p, 1 - keep)
            if time.monotonic() - looked > 300:
                looked = time.monotonic()
                log(
                    f"step {step}, {seen / len(rows):.2f} epochs, loss {np.mean(losses[-100:]):.3f}, {gone:.2f} gone"
                )
                torch.save(mean, a.out / "judge.pt")
        else:
            current = {name: p.clone() for name, p in judge.state_dict().items()}
            judge.load_state_dict(mean)
            log(f"epoch over, mean on tune: {accuracy(judge, tune)}")
            judge.load_state_dict(current)
            continue
        break
    judge.load_state_dict(mean)
    torch.save(judge.state_dict(), a.out / "judge.pt")
    log(f"done, mean on tune: {accuracy(judge, tune)}")


def verdict_loss(logits: torch.Tensor, verdicts: torch.Tensor) -> torch.Tensor:
    """Cross-entropy, smoothed; for NOT_SUPPORTED, of either of the other two."""
    shares = torch.log_softmax(logits, -1)
    either = torch.logaddexp(shares[:, CONTRADICTED], shares[:, NOT_STATED])
    known = shares.gather(1, verdicts.clamp(max=NOT_SUPPORTED - 1)[:, None])[:, 0]
    smoothed = torch.where(verdicts == NOT_SUPPORTED, either, 0.92 * known + 0.08 * shares.mean(-1))
    return -smoothed.mean()


def batches(rows: list[Row], chance: random.Random, tokens: int = 2400) -> Any:
    """Of about so many tokens each, of rows about as long as each other, in random order."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i].hidden) + chance.random() * 24)
    found: list[list[int]] = [[]]
    for i in order:
        if found[-1] and (len(found[-1]) + 1) * len(rows[i].hidden) > tokens:
            found.append([])
        found[-1].append(i)
    chance.shuffle(found)
    for batch in found:
        yield collated([rows[i] for i in batch])


def collated(rows: list[Row]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    length = max(len(row.hidden) for row in rows)
    hidden = torch.zeros(len(rows), length, rows[0].hidden.shape[1])
    mask = torch.zeros(len(rows), length, dtype=torch.int64)
    for number, row in enumerate(rows):
        hidden[number, : len(row.hidden)] = torch.from_numpy(row.hidden).float()
        mask[number, : len(row.hidden)] = 1
    return hidden, mask, torch.tensor([row.verdict for row in rows])


def accuracy(judge: JudgeNetwork, rows: list[Row]) -> str:
    """Shares of each verdict that are judged rightly, and of all."""
    right: Counter[int] = Counter()
    order = sorted(rows, key=lambda row: len(row.hidden))
    judge.eval()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        for at in range(0, len(order), 16):
            hidden, mask, verdicts = collated(order[at : at + 16])
            told = judge(hidden, mask).float().argmax(-1)
            right.update(verdicts[told == verdicts].tolist())
    judge.train()
    of = Counter(row.verdict for row in rows)
    shares = ", ".join(f"{VERDICTS[v]} {right[v] / of[v]:.3f}" for v in sorted(of))
    return f"{sum(right.values()) / len(rows):.3f} ({shares})"


class JudgeExamples:
    """Statements and questions of yes or no with their passages."""

    def __init__(self, data: Path, restored: Path) -> None:
        self._data = data
        self._examples = Examples(data, tokenizer_of(restored))

    def train(self) -> list[Example]:
        chance = random.Random(SEED)
        found: list[tuple[Item, Text]] = []
        claims = self._examples.items("claims")
        for item in claims:
            title, _, text = item.doc.partition("\0")
            whole = Text("", title, text)
            found.append((item, whole))
            varied = item
            if chance.random() < 0.6 and (asked := as_question(item.text)):
                varied = replace(item, text=asked)
            if item.gold and item.verdict in (SUPPORTED, CONTRADICTED):
                drawn = chance.random()
                if drawn < 0.30 and (without := _without(text, item.gold)):
                    none = replace(varied, gold=(), verdict=NOT_STATED)
                    found.append((none, Text("", title, without)))
                elif drawn < 0.75:
                    found.append((varied, Text("", title, _window(text, item.gold, chance))))
                elif varied is not item:
                    found.append((varied, whole))
                if item.verdict == SUPPORTED and (changed := _changed(varied.text, text, chance)):
                    found.append((replace(varied, text=changed, verdict=CONTRADICTED), whole))
            elif varied is not item:
                found.append((varied, whole))
            if chance.random() < 0.06:
                other = chance.choice(claims)
                if other.doc != item.doc:
                    title, _, text = other.doc.partition("\0")
                    none = replace(varied, gold=(), verdict=NOT_STATED)
                    found.append((none, Text("", title, text)))
        found += [
            (item, Text("", "", item.doc.removeprefix("\0")))
            for item in self._examples.items("rte")
            if len(item.doc) < 1200
        ]
        made = [self._examples.judged(item, piece, chance) for item, piece in found]
        made += self._examples.checked(700, chance)
        return made

    def held_out(self, part: str) -> list[Example]:
        chance = random.Random(SEED)
        found = []
        for item in self._examples.claims(part):
            title, _, text = item.doc.partition("\0")
            found.append(self._examples.judged(item, Text("", title, text), chance, titles=1.0))
        return found


def _without(text: str, gold: tuple[str, ...]) -> str:
    """The text without the sentences that hold the evidence; "" if too little is left."""
    from vectorstore.splitting import sentences

    kept = [
        text[cut.start : cut.end]
        for cut in sentences(text)
        if not any(_meet(text, one, cut.start, cut.end) for one in gold)
    ]
    left = " ".join(kept)
    return left if len(left) > 80 else ""


def _window(text: str, gold: tuple[str, ...], chance: random.Random) -> str:
    """The sentences of the evidence, and now and then one around them."""
    from vectorstore.splitting import sentences

    cuts = sentences(text)
    own = [
        i for i, cut in enumerate(cuts) if any(_meet(text, one, cut.start, cut.end) for one in gold)
    ]
    if not own:
        return text
    first = max(0, min(own) - chance.choice((0, 1)))
    last = min(len(cuts) - 1, max(own) + chance.choice((0, 1)))
    return text[cuts[first].start : cuts[last].end]


def _meet(text: str, part: str, start: int, end: int) -> bool:
    at = text.find(part)
    return at >= 0 and at < end and start < at + len(part)


def _changed(statement: str, passage: str, chance: random.Random) -> str:
    """The statement with one of its numbers changed for another; "" if it has none."""
    numbers = list(_NUMBER.finditer(statement))
    if not numbers:
        return ""
    chosen = chance.choice(numbers)
    digits = re.sub(r"[,.]", "", chosen[0])
    other = chosen[0]
    while other == chosen[0] or other in passage:
        if len(digits) == 4 and digits[0] in "12":
            other = str(int(digits) + chance.choice((-9, -4, -2, -1, 1, 2, 3, 7)))
        else:
            fresh = [chance.choice("123456789"), *(chance.choice("0123456789") for _ in digits[1:])]
            made = iter(fresh)
            other = "".join(next(made) if c.isdigit() else c for c in chosen[0])
        if len(digits) == 1 and chance.random() < 0.2:
            return ""
    return statement[: chosen.start()] + other + statement[chosen.end() :]


class SharedLayers:
    """The reader's shared layers as they are shipped, run by onnxruntime."""

    def __init__(self, exported: Path) -> None:
        self._file = exported / "model.onnx"

    def rows(self, examples: list[Example], progress: Path | None = None) -> list[Row]:
        import onnxruntime

        session = onnxruntime.InferenceSession(str(self._file), providers=["CPUExecutionProvider"])
        only = onnxruntime.RunOptions()
        only.only_execute_path_to_fetches = True
        found = []
        for number, example in enumerate(examples):
            ids, types = (np.array([one], np.int64) for one in (example.ids, example.types))
            given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": types}
            takes = {one.name for one in session.get_inputs()}
            (hidden,) = session.run(
                ["shared"], {k: v for k, v in given.items() if k in takes}, only
            )
            assert example.verdict is not None  # noqa: S101
            found.append(Row(hidden[0].astype(np.float16), example.verdict))
            if progress is not None and number % 500 == 0:
                log(f"{number} of {len(examples)} read by the shared layers")
        return found


def log(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


if __name__ == "__main__":
    main()
