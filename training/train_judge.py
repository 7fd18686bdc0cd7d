"""Trains the judge's head alone, on what the encoder makes of statements: minutes instead of hours.

    python -m training.train_judge EVAL runs/both runs/judged

Statements that people or a language model write to be judged are far from the text's words where they are
supported, and near to them where they are contradicted. A judge trained on those takes what is copied from
the passage for contradicted: 33 of 80 sentences, each judged against its own passage. So a third of the statements here
are copies: sentences of a passage as they are, cut, or asked as a question; with a name, number or negation
changed; and with another passage. The others are `claims` and `written.jsonl.gz`, so that nothing is forgotten.

The encoder stays as it is, and so do spans and evidence. OUT gets the same network with new heads.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from training import squad
from training.examples import NAME, as_question, lines, nearest, written
from training.network import VERDICTS, ReaderNetwork
from training.reading import tokenizer_of
from vectorstore.splitting import passages, sentences

SEED = 5
CLAIMS, WRITTEN, COPIES = 1400, 1100, 1500
TOKENS = 256
RATE, EPOCHS, BATCH = 3e-4, 12, 64
NOISE = 0.02  # added to the features
NEAR = 0.0005  # weight of the squared distance from the weights before
_IS = re.compile(r"\b(is|was|were|are|has|had|can|will|would|may)\b(?! not)")


class Judged(NamedTuple):
    """A statement or question with its passage; `verdict` is an index of VERDICTS."""

    text: str
    title: str
    passage: str
    verdict: int


def main() -> None:
    ap = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    ap.add_argument("data", type=Path)
    ap.add_argument(
        "reader", type=Path, help="a folder that train_reader.py or mean_reader.py wrote"
    )
    ap.add_argument("out", type=Path)
    a = ap.parse_args()
    torch.manual_seed(SEED)
    chance = random.Random(SEED)
    learnt = [*statements(a.data, "train", chance), *copies(a.data, "train", COPIES, chance)]
    tested = {
        "claims and written": [*statements(a.data, "tune", chance)][:450],
        "copies": [*copies(a.data, "tune", 200, chance)],
    }
    network = ReaderNetwork(a.reader).eval()
    told = _told(network, a.reader, learnt)
    seen = {name: (_told(network, a.reader, rows), rows) for name, rows in tested.items()}
    _report("before", network, seen)
    train(network, told, torch.tensor([row.verdict for row in learnt]))
    _report("after", network, seen)
    shutil.copytree(a.reader, a.out, dirs_exist_ok=True)
    ReaderNetwork.save(network, a.out, a.reader / "tokenizer.json")


def train(network: ReaderNetwork, told: torch.Tensor, verdicts: torch.Tensor) -> None:
    """The heads of verdicts, in place, on features (rows, width) and their verdicts (rows)."""
    learning = [*network.dense.parameters(), *network.verdict.parameters()]
    before = [p.detach().clone() for p in learning]
    for parameter in learning:
        parameter.requires_grad = True
    optimiser = torch.optim.AdamW(learning, lr=RATE, weight_decay=0)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(told)).split(BATCH):
            x = told[rows] + NOISE * torch.randn_like(told[rows])
            logits = network.verdict(torch.tanh(network.dense(x)))
            loss = nn.functional.cross_entropy(logits, verdicts[rows], label_smoothing=0.02)
            for now, then in zip(learning, before, strict=True):
                loss = loss + NEAR * ((now - then) ** 2).sum()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()


def statements(data: Path, part: str, chance: random.Random) -> list[Judged]:
    """Those of `claims` and of `written.jsonl.gz`, as many as are wanted of each."""
    texts = {row["passage_id"]: row for row in lines(data / "claims" / "passages.jsonl.gz")}
    claims = [
        Judged(row["text"], of["title"], of["text"], VERDICTS.index(row["label"]))
        for row in lines(data / "claims" / "claims.jsonl.gz")
        if squad.part_of("claims", row["passage_id"]) == part
        for of in (texts[row["passage_id"]],)
    ]
    rows = [
        (row, item)
        for row in written(data)
        if row["part"] == part
        for item in row["items"]
        if item["form"] != "question"
    ]
    chance.shuffle(claims)
    chance.shuffle(rows)
    found = claims[:CLAIMS]
    for row, item in rows[:WRITTEN]:
        gold = [row["text"][start:end] for start, end in item.get("evidence", ())]
        text = nearest(row["text"], gold or [item["text"]])
        found.append(Judged(item["text"], row["title"], text, VERDICTS.index(item["form"])))
    chance.shuffle(found)
    return found


def copies(data: Path, part: str, count: int, chance: random.Random) -> Iterator[Judged]:
    """Sentences of passages that claims does not hold out, for `part` "train"; else of its tune split."""
    held = [*lines(data / "claims" / "passages.jsonl.gz")]
    if part == "train":
        kept = {
            row["passage_id"].partition(":")[2].split("/")[0]
            for row in held
            if squad.part_of("claims", row["passage_id"]) != "train"
        }
        texts = [
            row
            for row in lines(data / "squad1_train" / "docs.jsonl.gz")
            if row["id"].split("/")[0] not in kept
        ]
        texts = chance.sample(texts, min(3000, len(texts)))
        texts += [row for row in written(data) if row["part"] == "train" and len(row["text"]) > 300]
    else:
        texts = [row for row in held if squad.part_of("claims", row["passage_id"]) == part]
    while count:
        row = chance.choice(texts)
        if made := _copy(row["text"], chance):
            count -= 1
            yield Judged(made[0], row.get("title", ""), *made[1:])


def _copy(text: str, chance: random.Random) -> tuple[str, str, int] | None:
    """A sentence of a text, the passage that it is judged against, and the verdict."""
    start, end = chance.choice(passages(text))
    passage = text[start:end]
    own = [passage[a:b] for a, b in sentences(passage)]
    own = [one for one in own if 6 <= len(one.split()) <= 32 and one.endswith(".")]
    if not own:
        return None
    said, verdict, drawn = chance.choice(own), "supported", chance.random()
    if drawn < 0.12:
        other = chance.choice(passages(text))
        if other == (start, end):
            return None
        passage, verdict = text[other[0] : other[1]], "not_stated"
    elif drawn < 0.5:
        changed = _changed(said, passage if chance.random() < 0.7 else text, chance)
        if changed == said:
            return None
        said, verdict = changed, "contradicted"
    elif drawn < 0.62 and len((cut := said.rpartition(", ")[0]).split()) >= 6:
        said = f"{cut}."
    if chance.random() < 0.4:
        said = as_question(said) or said
    return said, passage, VERDICTS.index(verdict)


def _changed(said: str, near: str, chance: random.Random) -> str:
    """With a negation, or a name or number for another of the same kind; as it was where none is there."""
    if chance.random() < 0.3:
        return _IS.sub(r"\1 not", said, count=1)
    names = [found for found in NAME.finditer(said) if found.start()]
    if not names:
        return said
    one = chance.choice(names)
    number = one[0][0].isdigit()
    others = [
        other[0]
        for other in NAME.finditer(near)
        if other.start()
        and other[0][0].isdigit() == number
        and other[0].lower() not in said.lower()
        and one[0].lower() not in other[0].lower()
        and (not number or len(other[0]) == len(one[0]))
    ]
    if not others:
        return said
    return said[: one.start()] + chance.choice(others) + said[one.end() :]


def _told(network: ReaderNetwork, folder: Path, rows: Sequence[Judged]) -> torch.Tensor:
    """What the encoder makes of each, at its first token: (rows, width)."""
    tokenizer = tokenizer_of(folder, TOKENS)
    found = []
    with torch.inference_mode():
        for row in rows:
            head = (
                f"{row.title[:120]}. "
                if row.title and not row.passage.startswith(row.title)
                else ""
            )
            encoding = tokenizer.encode(row.text, head + row.passage)
            ids = torch.tensor([encoding.ids])
            found.append(network.encoder(ids, torch.ones_like(ids)).last_hidden_state[:, 0].float())
    return torch.cat(found).clone()


def _report(when: str, network: ReaderNetwork, seen: dict[str, tuple[torch.Tensor, Any]]) -> None:
    with torch.no_grad():
        for name, (told, rows) in seen.items():
            verdicts = network.verdict(torch.tanh(network.dense(told))).argmax(1)
            right = sum(int(v) == row.verdict for v, row in zip(verdicts, rows, strict=True))
            print(f"{when}: {name}: {right / len(rows):.3f} of {len(rows)}", flush=True)


if __name__ == "__main__":
    main()
