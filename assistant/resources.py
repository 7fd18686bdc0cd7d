"""Where the files that ship with the program are: sample articles, prompts, the reader's weights.

In a clone (and an editable install) `seeds/`, `prompts/` and `weights/` lie beside the packages; in
a wheel the first two lie inside `assistant`, and the third is the package `dateline_reader`. This
module knows only names and paths: it reads no files.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from vectorstore.errors import DatelineError

_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Sample:
    """A question to offer when the sample article of this title is in the index."""

    title: str
    question: str


SAMPLES = (
    Sample(
        "Khaled Khiari, particularly highlighted the convergence of UN and OIC efforts in the…",
        "Who co-chairs the two-state meeting?",
    ),
    Sample(
        "River Ennet bursts its banks: 340 moved to safety", "What caused the flood in Ennetmouth?"
    ),
    Sample(
        "Strake unseats Dufrayne by 231 votes",
        "Who won the mayoral election in Ennetmouth?",
    ),
)


def seeds_folder() -> Path:
    """The sample articles. Raises DatelineError if the installation lacks them."""
    return _shipped("seeds", _PACKAGE / "seeds", _PACKAGE.parent / "seeds")


def prompts_folder() -> Path:
    """The prompts, one YAML file each. Raises DatelineError if the installation lacks them."""
    return _shipped("prompts", _PACKAGE / "prompts_data", _PACKAGE.parent / "prompts")


def weights_folder() -> Path:
    """The small reader's weights, and the calibration of both readers.

    Raises DatelineError if the installation lacks them.
    """
    return _shipped("weights of the reader", _PACKAGE / "weights" / "reader")


def strong_weights_folder() -> Path:
    """The strong reader's weights: a separate distribution, which in a clone lies in `weights/`.

    Raises DatelineError if they are not installed.
    """
    package = importlib.util.find_spec("dateline_reader")
    installed = map(Path, package.submodule_search_locations or ()) if package else ()
    clone = _PACKAGE.parent / "weights" / "dateline_reader"
    return _shipped("weights of the strong reader (dateline-reader)", *installed, clone)


def _shipped(what: str, *places: Path) -> Path:
    """The first of these folders that exists: the wheel's comes before the clone's."""
    for place in places:
        if place.is_dir():
            return place
    looked = " and ".join(str(place) for place in places)
    raise DatelineError(
        f"the {what} that ship with dateline are missing (looked in {looked}); "
        "the installation is incomplete: install dateline again"
    )
