"""The extractive reader: is the answer in this passage, and which words are it?

    reader = open_reader("dateline-reader")
    for reading in reader.read("who co-chairs the meeting?", passages):
        reading.score                   answerability, comparable across passages and questions
        reading.start, reading.end      the best span, as offsets into the article
        reading.spans                   the best ones that do not overlap, each with its score

A passage's score is that of its best span minus that of the empty answer at [CLS] (Devlin et al.
2019, section 4.3); passages are read apart and trained to be compared (Clark and Gardner 2018).
It knows passages and questions, not how either came about or what is made of the answer.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from assistant.confidence import Calibration, load_calibration
from assistant.errors import ModelError
from assistant.resources import weights_folder
from vectorstore.runtime import onnxruntime

if TYPE_CHECKING:
    import numpy as np
    from tokenizers import Encoding, Tokenizer

    from vectorstore.articles import Passage

    Logits = np.ndarray[tuple[Any, ...], np.dtype[np.float32]]
    # (input ids, attention mask, token types), each int64 (batch, length) -> start and end logits
    Network = Callable[[Any, Any, Any], tuple[Logits, Logits]]

DEFAULT = "dateline-reader"
_TOKENS = 384  # question and passage together
_QUESTION_TOKENS = 96
_ANSWER_TOKENS = 30
_TITLE = 120  # characters of a title
_REMEMBERED = 100  # readings
_SPANS = 6  # of a passage: about one a sentence
_REMEDY = "Give another folder as reader_model, or install dateline again for the shipped one."


class Scored(NamedTuple):
    """A span of an article and its score."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader found in one passage. Offsets are into the article; `text` is the span.

    `spans` are the best spans that have no word in common, best first: the first is the reading's
    own. A reader that knows no others leaves them out.
    """

    passage: Passage
    start: int
    end: int
    text: str
    score: float
    spans: tuple[Scored, ...] = ()


class Reader(Protocol):
    """Reads passages. One Reading a passage, in the order given; may be used from several threads."""

    name: str

    @property
    def sha256(self) -> str:
        """The hash of its weights."""

    @property
    def calibration(self) -> Calibration | None:
        """What its scores are worth; None where nobody has found out for these weights."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]: ...


def open_reader(name: str, calibrations: Path | None = None) -> SpanReader:
    """The shipped reader, or any Hugging Face question-answering model in a local folder.

    Its calibration is one of the folder `calibrations`, else the one beside its weights; one that
    was made for other weights is passed over. Raises ModelError, with what to do, where it cannot be loaded. Loading happens on first use.
    """
    if name == DEFAULT:
        return onnx_reader(weights_folder(), calibrations=calibrations)
    folder = Path(name).expanduser()
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"the reader {name!r} is not a folder with a Hugging Face question-answering model "
            f"(no config.json there). Give such a folder, or {DEFAULT!r}, as reader_model."
        )
    return SpanReader(
        name,
        lambda: (_tokenizer(folder), _torch(folder)),
        _calibrations(folder, calibrations),
        sorted([*folder.glob("*.safetensors"), *folder.glob("pytorch_model*.bin")]),
    )


def onnx_reader(folder: Path, name: str = DEFAULT, calibrations: Path | None = None) -> SpanReader:
    """The reader in a folder with model.onnx, tokenizer.json and, once made, calibration.json."""
    return SpanReader(
        name,
        lambda: (_tokenizer(folder), _onnx(folder)),
        _calibrations(folder, calibrations),
        [folder / "model.onnx"],
    )


class SpanReader:
    """A network with start and end logits, whatever runs it.

    `calibrations` are candidates: the first that belongs to these weights is its calibration.
    """

    def __init__(
        self,
        name: str,
        load: Callable[[], tuple[Tokenizer, Network]],
        calibrations: Sequence[Calibration],
        weights: Sequence[Path],
    ) -> None:
        self.name = name
        self.calibrations = tuple(calibrations)
        self._load = load
        self._weights = tuple(weights)
        self._loading = threading.Lock()
        self._loaded: tuple[Tokenizer, Network] | None = None

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the files of weights, one after the other. Raises ModelError."""
        found = hashlib.sha256()
        for file in self._weights:
            try:
                found.update(file.read_bytes())
            except OSError as error:
                raise ModelError(
                    f"the reader's weights {file} cannot be read ({error.strerror}). {_REMEDY}"
                ) from error
        return found.hexdigest()

    @cached_property
    def calibration(self) -> Calibration | None:
        return next(
            (c for c in self.calibrations if not c.reader_sha256 or c.reader_sha256 == self.sha256),
            None,
        )

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        tokenizer, network = self._ready()
        question = _shortened(tokenizer, question)
        encodings = tokenizer.encode_batch(
            [(question, _heading(passage) + passage.text) for passage in passages]
        )
        readings = []
        for passage, encoding in zip(passages, encodings, strict=True):
            # One at a time: as fast as a batch of ten on a processor, without padding, and so a
            # passage scores the same whatever it is read beside.
            starts, ends = network(*_inputs(encoding))
            readings.append(_reading(passage, encoding, starts[0], ends[0]))
        return readings

    def warm(self) -> None:
        """Load now what the first question would load."""
        self._ready()

    def _ready(self) -> tuple[Tokenizer, Network]:
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded


class RememberingReader:
    """Another reader that reads a passage only once for the question in hand: who asks the same in
    several ways waits once. For one thread."""

    def __init__(self, reader: Reader) -> None:
        self.name = reader.name
        self.sha256 = reader.sha256
        self.calibration = reader.calibration
        self._reader = reader
        self._known: dict[tuple[str, str], Reading] = {}

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        if all(asked != question for asked, _ in self._known):
            self._known = dict(list(self._known.items())[-_REMEMBERED:])
        new = [p for p in passages if (question, p.id) not in self._known]
        for passage, reading in zip(new, self._reader.read(question, new), strict=True):
            self._known[question, passage.id] = reading
        return [self._known[question, passage.id] for passage in passages]


def _calibrations(folder: Path, calibrations: Path | None) -> list[Calibration]:
    """Those kept in the folder `calibrations`, and the one beside the weights."""
    kept = sorted(calibrations.glob("*.json")) if calibrations is not None else []
    found = [load_calibration(file) for file in (*kept, folder / "calibration.json")]
    return [calibration for calibration in found if calibration is not None]


def _reading(passage: Passage, encoding: Encoding, start: Logits, end: Logits) -> Reading:
    """The best spans of one passage, each of at most 30 tokens, by start + end."""
    import numpy as np

    shift = len(_heading(passage))
    inside = [
        part == 1 and begin >= shift
        for part, (begin, _) in zip(encoding.sequence_ids, encoding.offsets, strict=True)
    ]
    tokens = np.flatnonzero(inside)
    if not len(tokens):
        return Reading(passage, passage.start, passage.start, "", -math.inf)
    starts, ends = start[tokens].astype(np.float64), end[tokens].astype(np.float64)
    sums = starts[:, None] + ends[None, :]
    sums[
        ~(np.tri(len(tokens), k=_ANSWER_TOKENS - 1, dtype=bool) & np.tri(len(tokens), dtype=bool).T)
    ] = -np.inf
    nothing = float(start[0] + end[0])
    spans: list[Scored] = []
    while len(spans) < _SPANS and np.isfinite(sums.max()):
        first, last = divmod(int(np.argmax(sums)), len(tokens))
        begin = encoding.offsets[int(tokens[first])][0] - shift
        finish = encoding.offsets[int(tokens[last])][1] - shift
        score = float(sums[first, last]) - nothing
        spans.append(Scored(passage.start + begin, passage.start + finish, score))
        sums[
            : last + 1, first:
        ] = -np.inf  # whatever begins before its end and ends behind its start
    best = spans[0]
    text = passage.text[best.start - passage.start : best.end - passage.start]
    return Reading(passage, best.start, best.end, text, best.score, tuple(spans))


def _heading(passage: Passage) -> str:
    """The article's title, read in front of the passage: it tells what "the ship" is. Half of the
    reader's training has it. Where the text begins with it, it is not said twice."""
    title = " ".join(passage.title.split()).removesuffix("…")[:_TITLE]
    return "" if not title or passage.text.startswith(title) else f"{title}. "


def _inputs(encoding: Encoding) -> tuple[Any, Any, Any]:
    """Input ids, attention mask and token types, each int64 of shape (1, length)."""
    import numpy as np

    rows = (encoding.ids, encoding.attention_mask, encoding.type_ids)
    ids, mask, types = (np.array([row], np.int64) for row in rows)
    return ids, mask, types


def _shortened(tokenizer: Tokenizer, question: str) -> str:
    """As much of the question as leaves room for a passage; the tokenizer itself would refuse."""
    # As the second of a pair it may be cut; alone, the tokenizer refuses to.
    encoding = tokenizer.encode("", question)
    ends = [
        end
        for part, (_, end) in zip(encoding.sequence_ids, encoding.offsets, strict=True)
        if part == 1
    ]
    return question if len(ends) <= _QUESTION_TOKENS else question[: ends[_QUESTION_TOKENS - 1]]


def _tokenizer(folder: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    file = folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises nothing narrower
        raise ModelError(
            f"the reader's tokenizer {file} cannot be read ({error}). {_REMEDY}"
        ) from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(_TOKENS, strategy="only_second")
    return tokenizer


def _onnx(folder: Path) -> Network:
    file = folder / "model.onnx"
    try:
        session = onnxruntime().InferenceSession(str(file), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions have no common class
        raise ModelError(
            f"the reader's weights {file} cannot be read ({error}). {_REMEDY}"
        ) from error

    def run(ids: Any, mask: Any, types: Any) -> tuple[Logits, Logits]:
        start, end = session.run(
            ["start_logits", "end_logits"],
            {"input_ids": ids, "attention_mask": mask, "token_type_ids": types},
        )
        return start, end

    return run


def _torch(folder: Path) -> Network:
    import torch
    from transformers import AutoModelForQuestionAnswering

    try:
        model, loading = AutoModelForQuestionAnswering.from_pretrained(
            folder, local_files_only=True, output_loading_info=True
        )
    except Exception as error:  # transformers, safetensors and torch each raise their own
        raise ModelError(
            f"{folder} holds no question-answering model that can be loaded ({error}). {_REMEDY}"
        ) from error
    if loading["missing_keys"]:  # any BERT would load, with a head of random numbers
        raise ModelError(
            f"the model in {folder} was not trained to answer questions: it lacks "
            f"{', '.join(sorted(loading['missing_keys']))}. {_REMEDY}"
        )
    model.eval()
    takes_types = getattr(model.config, "type_vocab_size", 0) > 1

    def run(ids: Any, mask: Any, types: Any) -> tuple[Logits, Logits]:
        extra = {"token_type_ids": torch.from_numpy(types)} if takes_types else {}
        with torch.inference_mode():
            found = model(
                input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask), **extra
            )
        return found.start_logits.float().numpy(), found.end_logits.float().numpy()

    return run
