"""kill -9 at N seeded moments of opening, adding, updating, removing, rebuilding and changing the
model: is anything lost that was acknowledged, is anything half-written, does the next run converge?

    python -m benchmarks.crash --moments 200 --seed 1

A small fake embedding stands in for the model: what is on trial is what is written, and when.
Ends with status 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from pathlib import Path

from tests.crashing import OPERATIONS, Killing, Outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--moments", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    begun = time.monotonic()
    outcomes: list[Outcome] = []
    logging.getLogger("vectorstore").setLevel(logging.ERROR)  # repairs are expected after kills
    with (
        tempfile.TemporaryDirectory() as folder,
        Killing(Path(folder) / "index", arguments.seed) as killing,
    ):
        for number in range(arguments.moments):
            outcomes.append(killing.once())
            if not outcomes[-1].sound:
                print(f"moment {number}: {outcomes[-1]}")
    _print_table(outcomes)
    print(f"\nseed {arguments.seed}, {time.monotonic() - begun:.0f} s")
    return 0 if all(outcome.sound for outcome in outcomes) else 1


def _print_table(outcomes: list[Outcome]) -> None:
    print(f"{'killed in':<12}{'kills':>7}{'lost':>7}{'half-written':>14}{'converged':>11}")
    for operation in (*OPERATIONS, "between"):
        _print_row(operation, [o for o in outcomes if o.operation == operation])
    _print_row("all", outcomes)


def _print_row(name: str, outcomes: list[Outcome]) -> None:
    lost = sum(len(outcome.lost) for outcome in outcomes)
    half = sum(len(outcome.half_written) for outcome in outcomes)
    converged = sum(not outcome.not_converged for outcome in outcomes)
    print(f"{name:<12}{len(outcomes):>7}{lost:>7}{half:>14}{converged:>11}")


if __name__ == "__main__":
    raise SystemExit(main())
