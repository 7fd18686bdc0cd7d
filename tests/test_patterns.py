"""None of Dateline's patterns takes more than linear time, whatever is in the text.

Every pattern that a module holds, however deep, or that is written where it is used, is run the way
it is used there, on repeated characters and pairs: spaces, letters, brackets, and every character
that the pattern itself names. What is judged is how the time grows with the text, not its length.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from re import _parser  # the parser of patterns
from types import ModuleType
from typing import Any

import pytest

import assistant
import vectorstore
from tests.growth import growth

PACKAGES = (assistant, vectorstore)
REPEATED = [
    *" \n\ta1A.,-[(\"'’&<>/_*`—é\r:|#=“",
    *("a ", "A ", "1 ", "1,", "a.", "A.", "a-", "a'", "\n ", "<a", "[1", "Aa ", "\r\n", "a\n", "a,"),
    *("1:", "1-", "a1", "a&", "a/", "A. ", "(a", "“a", "$1", "1 a ", "a=", "the ", "May ", "and "),
]  # fmt: skip
BEHIND = ["", "\0"]  # makes a match up to the end fail
LENGTH = 4_000  # characters
QUICK = 0.004  # seconds for that many: anything quadratic takes far longer, on any machine
STEEPEST = 1.5  # of the exponent: 1 is linear, 2 quadratic

Pattern = re.Pattern[str] | re.Pattern[bytes]
SEARCHING = {"search", "findall", "finditer", "sub", "subn", "split"}
METHODS = {*SEARCHING, "match", "fullmatch"}


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def patterns() -> dict[str, tuple[Pattern, frozenset[str]]]:
    """Every pattern by its place, with the methods by which it is used."""
    found: dict[str, tuple[Pattern, frozenset[str]]] = {}
    met: set[int] = set()
    for module in modules():
        source = Path(module.__file__ or "").read_text(encoding="utf-8")
        for name, value in vars(module).items():
            for place, pattern in within(f"{module.__name__}.{name}", value):
                if id(pattern) not in met:
                    met.add(id(pattern))
                    found[place] = pattern, used(name, source)
        for line, method, written in inline(source):
            found[f"{module.__name__}:{line}"] = written, frozenset({method})
    return found


def within(place: str, value: object, depth: int = 0) -> Iterator[tuple[str, Pattern]]:
    """The patterns in a value: in containers, and in our own classes, instances and functions."""
    if isinstance(value, re.Pattern):
        yield place, value
    elif depth < 6:
        for name, part in parts(value):
            yield from within(f"{place}{name}", part, depth + 1)


def parts(value: Any) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for number, pair in enumerate(value.items()):
            yield f"[{number}]", pair
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from ((f"[{number}]", part) for number, part in enumerate(value))
    elif inspect.isfunction(value) and is_ours(value):
        yield ".defaults", value.__defaults__ or ()
        yield ".keywords", value.__kwdefaults__ or {}
    elif is_ours(value if isinstance(value, type) else type(value)) and hasattr(value, "__dict__"):
        yield from ((f".{name}", part) for name, part in vars(value).items())


def is_ours(value: Any) -> bool:
    return value.__module__.partition(".")[0] in {package.__name__ for package in PACKAGES}


def used(name: str, source: str) -> frozenset[str]:
    """The ways in which it is used under its name; all of them if none can be seen."""
    ways = re.findall(rf"\b{re.escape(name)}\s*\.\s*(\w+)(?=\()?", source)
    return frozenset(METHODS.intersection(ways)) or frozenset(METHODS)


def inline(source: str) -> Iterator[tuple[int, str, Pattern]]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(ast.Name("re"), method),
                args=[ast.Constant(str() | bytes() as pattern), *_],
            ) if method in METHODS:
                yield node.lineno, method, re.compile(pattern)


def signs(pattern: Pattern) -> list[str]:
    """The characters that it names, except letters and digits."""
    named: set[str] = set()

    def look(parsed: Any) -> None:
        if isinstance(parsed, (list, tuple)) or hasattr(parsed, "data"):
            parsed = list(parsed)
            if len(parsed) == 2 and str(parsed[0]) == "LITERAL":
                named.add(chr(parsed[1]))
            for part in parsed:
                look(part)

    look(_parser.parse(pattern.pattern, pattern.flags))
    return sorted(sign for sign in named if not sign.isalnum() and sign.isprintable())


def works(pattern: Any, ways: frozenset[str]) -> Iterator[Callable[[Any], object]]:
    if ways & SEARCHING:
        yield lambda text: sum(1 for _ in pattern.finditer(text))
    if "match" in ways:
        yield pattern.match
    if "fullmatch" in ways:
        yield pattern.fullmatch


ALL = patterns()


def steep(pattern: Pattern, ways: frozenset[str]) -> list[str]:
    found = []
    repeated = dict.fromkeys([*REPEATED, *signs(pattern)])
    for unit, end, work in product(repeated, BEHIND, works(pattern, ways)):

        def on(length: int, unit: str = unit, end: str = end) -> str | bytes:
            text = (unit * length)[:length] + end
            return text.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else text

        def once(length: int, work: Callable[[Any], object] = work, on: Any = on) -> object:
            return work(on(length))

        if grows(once) > STEEPEST:
            found.append(f"{unit!r} repeated, then {end!r}")
    return found


def grows(work: Callable[[int], object]) -> float:
    """The exponent of the growth, once it takes long enough to be measured; 0 if it never does."""
    for length in (LENGTH // 8, LENGTH):  # the shorter one cuts short what would take for ever
        began = time.process_time()
        work(length)
        if time.process_time() - began > QUICK:
            return growth(
                work, length // 4
            )  # up to twice this: far above what is too quick to measure
    return 0.0


@pytest.mark.parametrize("place", ALL)
def test_no_pattern_takes_longer_than_its_text_is_long(place: str) -> None:
    assert steep(*ALL[place]) == []


def test_patterns_are_found_wherever_they_are_and_bad_ones_told() -> None:
    assert len(ALL) > 150
    held = dict(within("x", {"a": [({re.compile("b")},)]}))
    assert [pattern.pattern for pattern in held.values()] == ["b"]
    assert steep(re.compile(r"\s*x"), frozenset({"search"}))
    assert steep(re.compile(r"-+[^x]*-+\Z"), frozenset({"match"}))
    assert not steep(re.compile(r"(?<!\s)\s*+x"), frozenset({"search"}))
