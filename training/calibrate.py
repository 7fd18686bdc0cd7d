"""What the shipped reader's scores are worth, found out on development data and kept beside it.

    python -m training.calibrate EVAL_FOLDER assistant/weights/reader

Asks questions of known outcome through the program's own path and fits what `dateline calibrate` fits
(assistant/calibrating.py says how). The questions come from squad2_dev's tune split, articles the
reader never saw: half of them can be answered, a quarter have had their article hidden from the
search, a quarter are adversarial; from every other question of clapnq, which sentences answer or a
look-alike does not; and from the sample articles: news, asked as people ask. The result, with its curve, goes into calibration.json beside the weights it belongs to.
"""

from __future__ import annotations

import argparse
import json
import pickle
import tempfile
from collections.abc import Iterator
from pathlib import Path

from assistant.calibrating import Judged, fit, judge
from assistant.labelled import LabelledQuestion
from assistant.reader import Reader, onnx_reader
from benchmarks.answers import Set, clapnq, opened, samples, squad, told

SHARES = {"answerable": 0.5, "absent": 0.25, "adversarial": 0.25}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument(
        "reader", type=Path, help="the reader's folder, which gets calibration.json"
    )
    parser.add_argument(
        "--questions", type=int, default=600, help="of squad2_dev; of clapnq half as many"
    )
    parser.add_argument("--split", default="tune")
    parser.add_argument("--vectors", type=Path, help="keep vectors there between runs")
    parser.add_argument("--raw", type=Path, help="keep the outcomes there (pickled)")
    arguments = parser.parse_args()
    reader = onnx_reader(arguments.reader)
    drawn = squad(arguments.data / "squad2_dev", arguments.split, arguments.questions)
    sets = [
        Set(drawn.articles, list(_shares(drawn.questions, arguments.questions))),
        samples(arguments.data),
    ]
    if (arguments.data / "clapnq").is_dir():
        long = clapnq(arguments.data / "clapnq")
        sets.append(Set(long.articles, long.tuning[: arguments.questions // 2]))
    outcomes = [each for one in sets for each in _asked(one, reader, arguments.vectors)]
    if arguments.raw:
        arguments.raw.write_bytes(pickle.dumps(outcomes))
    fitted = fit(outcomes)
    fitted["data"] = (
        f"squad2_dev's {arguments.split} split, clapnq and the samples: {fitted['data']}"
    )
    fitted["reader_sha256"] = reader.sha256
    fresh = arguments.reader / "calibration.new"
    fresh.write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")
    fresh.replace(arguments.reader / "calibration.json")
    print(json.dumps({k: v for k, v in fitted.items() if k != "curve"}, indent=1))


def _shares(questions: list[LabelledQuestion], count: int) -> Iterator[LabelledQuestion]:
    """So many of each kind; the absent ones are not those that are asked as answerable."""
    for kind, share in SHARES.items():
        of_kind = [question for question in questions if question.kind == kind]
        first = round(SHARES["answerable"] * count) if kind == "absent" else 0
        yield from of_kind[first : first + round(share * count)]


def _asked(one: Set, reader: Reader, vectors: Path | None) -> Iterator[Judged]:
    with (
        tempfile.TemporaryDirectory() as folder,
        opened(Path(folder), one.articles, reader, vectors) as assistant,
    ):
        yield from judge(assistant, one.questions, hide=False, progress=told)


if __name__ == "__main__":
    main()
