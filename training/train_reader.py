"""Trains the extractive reader, on a processor, against the clock.

    python -m training.train_reader EVAL_FOLDER BASE OUT --stop-at 11:02
    python -m training.train_reader EVAL_FOLDER BASE OUT --minutes 60 --resume

BASE is a Hugging Face folder: an earlier reader to go on from, or a BERT encoder to start from (a
new span head is then made). EVAL_FOLDER holds squad1_train and squad2_dev. OUT gets the weights in
Hugging Face format at every checkpoint, beside state.pt, from which --resume goes on.

What is learnt, and why:

- Passages as the product cuts them (about 120 word pieces), with the article's title before half
  of them ("Title. passage"), so that the reader can do with and without.
- Every question comes as a group: the passage with the answer, and one or two that word search
  finds and that lack the answer, from the same article half of the time. Each passage on its own
  must choose between its words and [CLS], so that best span - [CLS] is absolute; and over the group
  the answer's words must win once [CLS] is subtracted (shared normalisation, Clark and Gardner
  2018), so that scores compare across passages.
- The adversarial unanswerable questions of squad2_dev's train split, against their own paragraph;
  and, for want of more of them, answerable questions in which a name or a number was changed for
  another of the same article, against the passage that answered them before: look-alikes of another
  year, person or place are what a reader falls for most.
- Logits outside of the passage and [CLS] are masked: what decoding never looks at is not learnt.
- Embeddings are frozen (half of the weights, a third of a step), there is no dropout (far from one
  epoch nothing overfits, and on a processor it is slow), and matrix products run in bfloat16.
- The learning rate falls linearly with the clock and reaches zero at the end, whatever else the
  machine does.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import AutoModelForQuestionAnswering

from training import squad
from training.reading import tokenizer_of

SEED = 7
TOKENS = 192
SEQUENCES = 24  # a step, about
LEARNING_RATE = 1e-4
WARM_UP = 60  # steps
SHARED_WEIGHT = 0.5  # of the loss over the group
SECOND_NEGATIVE = 0.25  # of the questions get two
TITLES = 0.5
SWAPPED = 0.2  # of the answerable questions come once more with a name or number changed
# Questions of one block: from squad1_train, and from squad2_dev's train split with and without answer.
BLOCK = (1200, 160, 220)
# A run of capitalised words, or a number.
_NAME = re.compile(r"\b[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*|\b\d[\d,.]*\d\b|\b\d\b")


@dataclass(frozen=True, slots=True)
class Example:
    """One question with one passage; `first` and `last` are 0 ([CLS]) where it holds no answer."""

    ids: list[int]
    types: list[int]
    first: int
    last: int


Group = list[Example]


class Examples:
    """Blocks of groups without end; block n is the same in every run."""

    def __init__(self, data: Path, tokenizer: Tokenizer) -> None:
        large = squad.load(data / "squad1_train")
        small = squad.part(squad.load(data / "squad2_dev"), "train")
        self._tokenizer = tokenizer
        self._pieces = large.pieces + small.pieces
        self._of: dict[str, list[int]] = {}
        for i, piece in enumerate(self._pieces):
            self._of.setdefault(piece.paragraph, []).append(i)
        self._search = squad.WordSearch(self._pieces)
        self._kinds = [
            large.questions,
            [question for question in small.questions if question.answerable],
            [question for question in small.questions if not question.answerable],
        ]

    def block(self, number: int) -> list[Group]:
        chance = random.Random(SEED * 100_003 + number)
        groups = []
        for questions, count in zip(self._kinds, BLOCK, strict=True):
            chosen = _window(questions, number * count, count)
            found = self._search.search([question.text for question in chosen], 20)
            for question, row in zip(chosen, found, strict=True):
                group = self._group(question, [int(i) for i in row], chance)
                if group:
                    groups.append(group)
                if group and question.answerable and chance.random() < SWAPPED:
                    changed = self._swapped(question, chance)
                    if changed:
                        groups.append([changed])
        return groups

    def _group(self, question: squad.Question, found: list[int], chance: random.Random) -> Group:
        if not question.answerable:
            # The piece of its paragraph that word search likes best; it was written to mislead.
            own = self._of[question.paragraph]
            best = next((i for i in found if i in own), own[0])
            return [self._example(question, best, -1, chance)]
        end = question.start + len(question.answers[0])
        gold = next(
            (i for i in self._of[question.paragraph] if self._pieces[i].holds(question.start, end)),
            None,
        )
        if gold is None:
            return []
        first = self._example(question, gold, question.start, chance)
        if not first.first:
            return []
        answer = question.answers[0].lower()
        others = [i for i in found if i != gold and answer not in self._pieces[i].text.lower()]
        same = [i for i in others if self._pieces[i].article == question.article]
        group = [first]
        for _ in range(1 + (chance.random() < SECOND_NEGATIVE)):
            pool = same[:3] if same and chance.random() < 0.5 else others[:5]
            if pool:
                other = chance.choice(pool)
                others.remove(other)
                same = [i for i in same if i != other]
                group.append(self._example(question, other, -1, chance))
        return group

    def _swapped(self, question: squad.Question, chance: random.Random) -> Example | None:
        """The question about somebody, somewhere or some year else, which its passage does not answer."""
        end = question.start + len(question.answers[0])
        pieces = self._of[question.paragraph]
        gold = next((i for i in pieces if self._pieces[i].holds(question.start, end)), None)
        # Not the first word, which is a capital whatever it is.
        names = [found for found in _NAME.finditer(question.text) if found.start()]
        if gold is None or not names:
            return None
        chosen = chance.choice(names)
        number = chosen[0][0].isdigit()
        answer = question.answers[0].lower()
        # Of the passages next to it in the collection: nearly always the same article.
        near = self._pieces[max(0, gold - 6) : gold + 7]
        others = {
            found[0]
            for piece in near
            if piece.article == question.article
            for found in _NAME.finditer(piece.text)
            if found.start()
            and found[0][0].isdigit() == number
            and (not number or len(found[0]) == len(chosen[0]))
            and piece.text[found.start() - 2] not in ".!?"
        }
        others = {
            other
            for other in others
            if other.lower() not in question.text.lower()
            and chosen[0].lower() not in other.lower()
            and other.lower() not in answer
            and answer not in other.lower()
        }
        if not others:
            return None
        other = chance.choice(sorted(others))
        text = question.text[: chosen.start()] + other + question.text[chosen.end() :]
        return self._example(replace(question, text=text), gold, -1, chance)

    def _example(
        self, question: squad.Question, number: int, start: int, chance: random.Random
    ) -> Example:
        piece = self._pieces[number]
        title = f"{piece.title}. " if chance.random() < TITLES else ""
        encoding = self._tokenizer.encode(question.text, title + piece.text)
        first = last = 0
        if start >= 0:
            begin = start - piece.start + len(title)
            finish = begin + len(question.answers[0])
            inside = [i for i, part in enumerate(encoding.sequence_ids) if part == 1]
            offsets = encoding.offsets
            first = next((i for i in inside if offsets[i][0] <= begin < offsets[i][1]), 0)
            last = next((i for i in inside if offsets[i][0] < finish <= offsets[i][1]), 0)
            if not first or last < first:
                first = last = 0
        return Example(encoding.ids, encoding.type_ids, first, last)


def batches(groups: Sequence[Group], chance: random.Random) -> Iterator[list[Group]]:
    """Groups of like length together, batches in random order."""
    order = sorted(groups, key=lambda group: (max(len(e.ids) for e in group), chance.random()))
    cut: list[list[Group]] = [[]]
    for group in order:
        if sum(map(len, cut[-1])) >= SEQUENCES:
            cut.append([])
        cut[-1].append(group)
    chance.shuffle(cut)
    yield from cut


def loss_of(model: Any, batch: Sequence[Group]) -> tuple[torch.Tensor, torch.Tensor]:
    """(each passage against its own [CLS], the group under one normalisation)"""
    examples = [example for group in batch for example in group]
    length = max(len(example.ids) for example in examples)
    ids, types, mask = (torch.zeros((len(examples), length), dtype=torch.long) for _ in range(3))
    for row, example in enumerate(examples):
        ids[row, : len(example.ids)] = torch.tensor(example.ids)
        types[row, : len(example.ids)] = torch.tensor(example.types)
        mask[row, : len(example.ids)] = 1
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = model(input_ids=ids, attention_mask=mask, token_type_ids=types)
    logits = torch.stack([found.start_logits, found.end_logits]).float()
    targets = torch.tensor([[e.first for e in examples], [e.last for e in examples]])
    # [CLS] and the passage with its closing [SEP] (whose type is 1 too; it may not win either).
    passage = types.bool() & (ids != 102)
    seen = passage.clone()
    seen[:, 0] = True
    own = functional.cross_entropy(
        logits.masked_fill(~seen, -1e4).reshape(-1, length), targets.reshape(-1)
    )
    above = (logits - logits[:, :, :1]).masked_fill(~passage, -1e4)
    shared = []
    row = 0
    for group in batch:
        if group[0].first and len(group) > 1:
            for side in range(2):
                all_ = above[side, row : row + len(group)].reshape(-1)
                shared.append(torch.logsumexp(all_, 0) - above[side, row, targets[side, row]])
        row += len(group)
    return own, torch.stack(shared).mean() if shared else own.new_zeros(())


def main() -> None:
    ap = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    ap.add_argument("data", type=Path)
    ap.add_argument("base", type=Path)
    ap.add_argument("out", type=Path)
    end = ap.add_mutually_exclusive_group(required=True)
    end.add_argument("--minutes", type=float, help="of wall time")
    end.add_argument("--stop-at", metavar="HH:MM", help="UTC; the learning rate is zero by then")
    ap.add_argument("--resume", action="store_true", help="go on from OUT/state.pt")
    ap.add_argument(
        "--first-block", type=int, default=0, help="of examples, to go on where BASE had stopped"
    )
    ap.add_argument("--learning-rate", type=float, default=LEARNING_RATE)
    ap.add_argument("--checkpoint-minutes", type=float, default=5)
    ap.add_argument("--threads", type=int, default=2)
    a = ap.parse_args()
    began = time.time()
    seconds = a.minutes * 60 if a.minutes else _until(a.stop_at)
    torch.manual_seed(SEED)
    torch.set_num_threads(a.threads)
    a.out.mkdir(parents=True, exist_ok=True)
    state_file = a.out / "state.pt"
    source = a.out if a.resume else a.base
    tokenizer = tokenizer_of(source, TOKENS)
    model: Any = AutoModelForQuestionAnswering.from_pretrained(
        source, dtype=torch.float32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    model.train()
    for parameter in model.bert.embeddings.parameters():
        parameter.requires_grad = False
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=a.learning_rate, weight_decay=0.01, fused=True)
    step, seen, number, done = 0, 0, a.first_block, 0.0
    if a.resume:
        state = torch.load(state_file, weights_only=True)
        optimiser.load_state_dict(state["optimiser"])
        step, seen, number, done = (state[name] for name in ("step", "seen", "block", "done"))
    examples = Examples(a.data, tokenizer)
    print(f"{time.time() - began:.0f} s: ready, {seconds / 60:.0f} minutes in all", flush=True)

    first = time.time()
    left = seconds - (first - began)
    saved, progress = first, done

    def save() -> None:
        model.save_pretrained(a.out)
        (a.out / "tokenizer.json").write_bytes((a.base / "tokenizer.json").read_bytes())
        state = {"optimiser": optimiser.state_dict(), "step": step, "seen": seen}
        torch.save(state | {"block": number + 1, "done": progress}, state_file)
        print(f"{time.time() - began:.0f} s: saved at step {step}", flush=True)

    means, counted = [0.0, 0.0], 0
    while progress < 1:
        for batch in batches(examples.block(number), random.Random(SEED + number)):
            progress = done + (1 - done) * (time.time() - first) / left
            if progress >= 1:
                break
            for g in optimiser.param_groups:
                g["lr"] = a.learning_rate * min(1, (step + 1) / WARM_UP) * (1 - progress)
            optimiser.zero_grad()
            own, shared = loss_of(model, batch)
            (own + SHARED_WEIGHT * shared).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            step += 1
            seen += sum(map(len, batch))
            counted += 1
            for i, value in enumerate((own.item(), shared.item())):
                means[i] += (value - means[i]) * max(0.02, 1 / counted)
            if step % 25 == 0:
                print(
                    f"{time.time() - began:.0f} s  {progress:.1%}  block {number}  step {step}  "
                    f"passages {seen}  loss {means[0]:.3f} own, {means[1]:.3f} shared",
                    flush=True,
                )
            if time.time() - saved > a.checkpoint_minutes * 60:
                save()
                saved = time.time()
        number += 1
    save()


def _until(clock: str) -> float:
    hour, minute = map(int, clock.split(":"))
    now = dt.datetime.now(dt.UTC)
    return (now.replace(hour=hour, minute=minute, second=0) - now).total_seconds()


def _window(questions: Sequence[squad.Question], start: int, count: int) -> list[squad.Question]:
    """The next `count` of an endless, seeded shuffle."""
    chosen = []
    for i in range(start, start + count):
        epoch, place = divmod(i, len(questions))
        chosen.append(questions[_order(len(questions), epoch)[place]])
    return chosen


_ORDERS: dict[tuple[int, int], list[int]] = {}


def _order(count: int, epoch: int) -> list[int]:
    if (count, epoch) not in _ORDERS:
        order = list(range(count))
        random.Random(SEED + epoch).shuffle(order)
        _ORDERS[count, epoch] = order
    return _ORDERS[count, epoch]


if __name__ == "__main__":
    main()
