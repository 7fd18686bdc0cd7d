"""Finds out on development data what the shipped readers' signals are worth, and keeps it with them.

    python -m training.calibrate EVAL_FOLDER assistant/weights/reader

Asks questions of known outcome through the program's own stages and fits what `dateline calibrate`
fits (assistant/evaluation/calibrating.py). The questions:

- news_dev's train and tune splits: natural questions on news, a seventh of them without an answer.
  Every third is asked once more with its article hidden, which counts three times, and an eighth once
  more after a conversation about something else;
- squad2_dev's tune split: half can be answered, a quarter have their article hidden, a quarter are
  adversarial;
- every second of clapnq's tune quarter: sentences answer, or a look-alike passage does not;
- every third of the yes-or-no questions in the tune part of `claims`, and of its statements asked as such;
- the requests of summaries.jsonl for summaries of the same news, written for this: what comes from the
  article that was meant is right; every third is made once more with that article hidden, as above.

The result, with its curve, goes into calibration.json beside the weights it belongs to.
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from assistant import Assistant, Settings
from assistant.answers import Turn
from assistant.evaluation.calibrating import Judged, fit, judge
from assistant.evaluation.labelled import LabelledQuestion, Place
from assistant.reading.network import shipped_reader
from assistant.reading.reader import Reader
from benchmarks import news, sets
from benchmarks.answers import Set, clapnq, told
from benchmarks.answers import squad as squad_set
from training import squad
from training.examples import as_question
from vectorstore.articles import Article

SHARES = {"answerable": 0.5, "absent": 0.25, "adversarial": 0.25}
SEED = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument(
        "reader", type=Path, help="the readers' folder, which gets calibration.json"
    )
    parser.add_argument("--questions", type=int, default=120, help="of squad2_dev")
    parser.add_argument("--vectors", type=Path, help="keep vectors there between runs")
    parser.add_argument("--raw", type=Path, help="keep the outcomes there (pickled)")
    parser.add_argument("--from-raw", type=Path, help="fit these outcomes instead of asking")
    a = parser.parse_args()
    reader = shipped_reader(a.reader)
    if a.from_raw:
        outcomes = pickle.loads(a.from_raw.read_bytes())  # noqa: S301  our own
    else:
        outcomes = collect(a.data, reader, a.questions, a.vectors)
    if a.raw:
        a.raw.write_bytes(pickle.dumps(outcomes))
    fitted = fit([judged for of_set in outcomes.values() for judged in of_set])
    fitted["data"] = (
        f"news_dev, squad2_dev, clapnq, claims and requests for summaries: {fitted['data']}"
    )
    fitted["reader_sha256"] = reader.sha256
    fresh = a.reader / "calibration.new"
    fresh.write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")
    fresh.replace(a.reader / "calibration.json")
    print(
        json.dumps({name: fitted[name] for name in ("threshold", "auc", "brier", "at_threshold")})
    )


def collect(
    data: Path, reader: Reader, questions: int, vectors: Path | None
) -> dict[str, list[Judged]]:
    """The outcomes of every set, by its name."""
    drawn = squad_set(data / "squad2_dev", "tune", questions)
    long = clapnq(data / "clapnq")
    found = {
        "news_dev": _asked(_news(data), reader, vectors, hide=True),
        "squad2_dev": _asked(
            Set(drawn.articles, list(_shares(drawn.questions, questions))), reader, vectors
        ),
        "clapnq": _asked(Set(long.articles, long.tuning[::2]), reader, vectors),
        "claims": _asked(_yes_or_no(data / "claims"), reader, vectors),
        "summaries": _asked(_summaries(data), reader, vectors, hide=True),
    }
    return {name: list(outcomes) for name, outcomes in found.items()}


def _news(data: Path) -> Set:
    folder = data / "news_dev"
    asked = [*news.questions(folder, "train"), *news.questions(folder, "tune")]
    chance = random.Random(SEED)
    alone = [q for q in asked if not q.history and q.answerable]
    elsewhere = []
    for question in chance.sample(alone, len(alone) // 8):
        other = chance.choice([q for q in alone if q.articles != question.articles])
        turns = (Turn("user", other.question), Turn("assistant", other.answers[0]))
        elsewhere.append(replace(question, history=turns, id=f"{question.id}+"))
    return Set(sets.articles(folder), [*asked, *elsewhere])


def _yes_or_no(folder: Path) -> Set:
    """The questions of yes or no, and as many statements asked as such."""
    found = []
    for row in news.read_lines(folder / "claims.jsonl.gz"):
        own = squad.part_of("claims", row["passage_id"]) == "tune"
        text = row["text"] if row["form"] == "yesno" else as_question(row["text"])
        if own and text:
            answer = {"supported": ("Yes",), "contradicted": ("No",)}.get(row["label"], ())
            articles = (row["passage_id"],) if answer else ()
            found.append(LabelledQuestion(text, answer, articles, kind="yesno"))
    passages = [
        Article(row["passage_id"], row["title"], row["text"])
        for row in news.read_lines(folder / "passages.jsonl.gz")
    ]
    return Set(passages, found[::3])


def _summaries(data: Path) -> Set:
    """Requests for summaries; all of the article that is meant is gold."""
    articles = {article.id: article for article in sets.articles(data / "news_dev")}
    lines = Path(__file__).with_name("summaries.jsonl").read_text("utf-8").splitlines()
    found = []
    for row in map(json.loads, lines):
        meant = [articles[name] for name in row["articles"]]
        everything = tuple(Place(one.id, 0, len(one.text)) for one in meant)
        found.append(
            LabelledQuestion(row["request"], (meant[0].title,), spans=everything, kind="summary")
        )
    return Set(list(articles.values()), found)


def _shares(questions: list[LabelledQuestion], count: int) -> Iterator[LabelledQuestion]:
    for kind, share in SHARES.items():
        yield from [q for q in questions if q.kind == kind][: round(count * share)]


def _asked(
    of_set: Set, reader: Reader, vectors: Path | None, hide: bool = False
) -> Iterator[Judged]:
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "index"
        index = sets.open_index(place, of_set.articles, sets.embedding(vectors))
        with Assistant(index, reader, Settings(index=place)) as assistant:
            yield from judge(assistant, of_set.questions, hide=False, progress=told)
            for judged in judge(assistant, of_set.questions[::3] if hide else [], progress=told):
                yield from [judged] * 3 if judged.kind == "absent" else []


if __name__ == "__main__":
    main()
