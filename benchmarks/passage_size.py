"""How long should a passage be? Right answers, and proof found, when the same amount is read.

    python -m benchmarks.passage_size [SET ...] [--sizes 300 450 600 900 1200] [--kept FILE]

Articles are split anew at every size. For each question the passages found are read, best first,
until so many characters (`--read`; ten passages of the shipped size) have been; so every size costs
about the same. Over the sample articles, and over the sets given (benchmarks/sets.py). A set whose
documents are paragraphs ("Article/3") is made into whole articles, without those that the reader was
trained on (training/splits.json).

*right*: of the questions that are answered in the articles, the share where the few words found stand in
the sentence of an answer and share half its words with it (F1 of .5). *F1*: its mean. *apart*: the
area under the ROC curve of their confidence, answerable against not. *proof*: the share of the
marked sentences that support the answer (`gold_sentences`) that lie within the passages read. The
confidence was calibrated at the shipped size, which favours that size where it differs little.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from assistant import Assistant, Settings
from assistant.answering.chain import Chain, State
from assistant.answering.findings import Finding
from assistant.question.asked import asked_of
from assistant.reading.network import DEFAULT, open_reader
from benchmarks.header import header
from benchmarks.retrieval import samples
from benchmarks.sets import Place, Question, articles, embedding, open_index, questions, sample
from vectorstore.articles import Article, Hit, Passage
from vectorstore.local import LocalIndex
from vectorstore.splitting import passages

SIZES = (300, 450, 600, 900, 1200)
READ = 4_500  # characters: about ten passages of the shipped size
_MOST = 60  # passages searched for
SPLITS = Path(__file__).parent.parent / "training" / "splits.json"


@dataclass(frozen=True, slots=True)
class Found:
    """What was read for a question, and the few words that answer it, with their confidence."""

    question: Question
    passages: tuple[Passage, ...]
    best: Finding | None
    seconds: float
    processor: float

    @property
    def confidence(self) -> float:
        return self.best.confidence if self.best else 0.0

    @property
    def said(self) -> str:
        return (self.best and self.best.short) or ""


def find(index: LocalIndex, stages: Chain | None, question: Question, most: int) -> Found:
    """Search, and read passages of `most` characters in total; without stages, only search."""
    begun, used = time.perf_counter(), time.process_time()
    read: list[Hit] = []
    for hit in index.search(question.query, _MOST):
        length = sum(len(one.passage.text) for one in read)
        if read and length + len(hit.passage.text) / 2 > most:
            break
        read.append(hit)
    best = None
    if stages is not None:
        asked = asked_of({"question": question.text, "history": question.history})
        way = stages.rewrite(State(asked)).parts[0].readings[-1]
        found = stages.findings(stages.material(way, read))
        best = next((finding for finding in found if finding.form == "span"), None)
    return Found(
        question,
        tuple(hit.passage for hit in read),
        best,
        time.perf_counter() - begun,
        time.process_time() - used,
    )


def is_right(found: Found) -> bool:
    proofs = [proof for claim in found.best.claims for proof in claim.proofs] if found.best else []
    return f1(found.said, found.question.answers) >= 0.5 and any(
        place.article == proof.passage.article_id
        and place.start < proof.span.end
        and proof.span.start < place.end
        for place in found.question.places
        for proof in proofs
    )


def f1(said: str, answers: Sequence[str]) -> float:
    """The word F1, as in SQuAD (Rajpurkar et al. 2016), against the most similar answer."""
    return max((_f1(_words(said), _words(answer)) for answer in answers), default=0.0)


def apart(present: Sequence[float], absent: Sequence[float]) -> float:
    """The chance that a random one of `present` is above one of `absent` (area under the ROC)."""
    wins = sum((p > a) + (p == a) / 2 for p in present for a in absent)
    return wins / (len(present) * len(absent))


def proof(found: Found) -> float:
    """The share of the question's marked sentences that are within the passages read."""
    places = found.question.places
    held = sum(
        any(
            p.article_id == s.article and p.start <= s.start and s.end <= p.end
            for p in found.passages
        )
        for s in places
    )
    return held / len(places)


def joined(
    paragraphs: Sequence[Article], asked: Sequence[Question]
) -> tuple[list[Article], list[Question]]:
    """Paragraphs as whole articles, without the reader's training articles; as given, if the ids
    are not those of paragraphs."""
    if not all("/" in paragraph.id for paragraph in paragraphs):
        return list(paragraphs), list(asked)
    trained = set(json.loads(SPLITS.read_text(encoding="utf-8"))["train"])
    texts: dict[str, str] = defaultdict(str)
    titles: dict[str, str] = {}
    at: dict[str, tuple[str, int]] = {}
    for paragraph in paragraphs:
        article = paragraph.id.rpartition("/")[0]
        if article not in trained:
            texts[article] += "\n\n" if texts[article] else ""
            at[paragraph.id] = (article, len(texts[article]))
            texts[article] += paragraph.text
            titles[article] = paragraph.title
    there = [
        replace(
            question,
            places=tuple(
                Place(at[p.article][0], at[p.article][1] + p.start, at[p.article][1] + p.end)
                for p in question.places
            ),
        )
        for question in asked
        if all(place.article in at for place in question.places)
        and (question.answerable or not trained.intersection(_about(question)))
    ]
    whole = [Article(id=name, title=titles[name], text=text) for name, text in texts.items()]
    return whole, there


def _about(question: Question) -> set[str]:
    """The articles that an unanswerable question was asked about, if the set says so."""
    return {paragraph.rpartition("/")[0] for paragraph in question.candidates}


def with_proof(added: Sequence[Article], asked: Sequence[Question]) -> list[Question]:
    """Questions with marked sentences, with those sentences as their places."""
    texts = {article.id: article.text for article in added}
    found = []
    for question in asked:
        places = [
            Place(gold, start, start + len(sentence))
            for sentence in question.gold_sentences
            for gold in question.gold
            if (start := texts[gold].find(sentence)) >= 0
        ]
        if places:
            found.append(replace(question, places=tuple(places)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path, nargs="*", metavar="SET")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--read", type=int, default=READ, help="characters read a question")
    parser.add_argument("--questions", type=int, default=200, help="of a kind, by a seeded chance")
    parser.add_argument("--kept", type=Path, help="a file that keeps vectors between runs")
    parser.add_argument("--reader", default=DEFAULT)
    arguments = parser.parse_args()
    print(header())
    print(
        "| set | size | passages read | characters | right | F1 | apart | proof | p50 | processor |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    reader = open_reader(arguments.reader)
    for folder in arguments.sets or [None]:
        if folder is None:
            name, (added, asked) = "samples", samples(answerable_only=False)
        else:
            name = folder.name
            added, asked = joined(articles(folder), questions(folder))
        marked = with_proof(added, asked)
        asked = [
            *sample([q for q in asked if q.places], arguments.questions),
            *sample([q for q in asked if not q.answerable], arguments.questions // 3),
        ]
        model = embedding(arguments.kept)
        for size in arguments.sizes:
            split = partial(passages, size=size)
            with (
                tempfile.TemporaryDirectory() as place,
                open_index(Path(place) / "index", added, model, split) as index,
            ):
                if marked:
                    found = [find(index, None, q, arguments.read) for q in marked]
                else:
                    stages = Assistant(index, reader, Settings(index=Path(place) / "index")).stages
                    find(index, stages, asked[0], arguments.read)  # loads the models
                    found = [find(index, stages, q, arguments.read) for q in asked]
            _report(name, size, found, proved=bool(marked))


def _report(name: str, size: int, found: Sequence[Found], *, proved: bool) -> None:
    cells = [
        name,
        f"{size}",
        f"{statistics.mean(len(f.passages) for f in found):.1f}",
        f"{statistics.mean(sum(len(p.text) for p in f.passages) for f in found):.0f}",
    ]
    present = [f for f in found if f.question.answerable]
    absent = [f.confidence for f in found if not f.question.answerable]
    if proved:
        cells += ["", "", "", f"{statistics.mean(map(proof, found)):.3f}"]
    else:
        said = [f1(f.said, f.question.answers) for f in present]
        cells += [
            f"{statistics.mean(map(is_right, present)):.3f}",
            f"{statistics.mean(said):.3f}",
            f"{apart([f.confidence for f in present], absent):.3f}" if absent else "",
            "",
        ]
    cells += [
        f"{statistics.median(f.seconds for f in found) * 1000:.0f} ms",
        f"{statistics.mean(f.processor for f in found) * 1000:.0f} ms",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


def _words(text: str) -> list[str]:
    return [w for w in re.findall(r"\w+", text.lower()) if w not in ("a", "an", "the")]


def _f1(said: Sequence[str], answer: Sequence[str]) -> float:
    same = sum((Counter(said) & Counter(answer)).values())
    return 2 * same / (len(said) + len(answer)) if same else 0.0


if __name__ == "__main__":
    main()
