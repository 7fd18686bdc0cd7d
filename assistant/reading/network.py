"""Readers that run a network: the shipped ones in onnxruntime, any Hugging Face one by setting.

    reader = open_reader("dateline-reader")         the shipped cascade
    reader = open_reader("/models/roberta-squad2")  a Hugging Face question-answering model

A passage's score is that of its best span minus that of the empty answer at the first token (Devlin
et al. 2019, section 4.3). Passages are read one by one, and the shipped readers are trained so that
scores are comparable (Clark and Gardner 2018). The article's title is read in front of a passage
and is never part of an answer.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.errors import ModelError
from assistant.reading.confidence import Calibration, load_calibration
from assistant.reading.giving_up import go_on
from assistant.reading.reader import CascadeReader, Reader, Reading, Scored, Verdict, first_for
from assistant.resources import strong_weights_folder, weights_folder
from vectorstore.home import expanded
from vectorstore.runtime import session
from vectorstore.splitting import sentences

if TYPE_CHECKING:
    import numpy as np
    from tokenizers import Encoding, Tokenizer

    from vectorstore.articles import Passage

    Logits = np.ndarray[tuple[Any, ...], np.dtype[np.float32]]
    # (input ids, attention mask, token types), each int64 (1, length) -> logits by name: start and
    # end, each (1, length), and if the network has them, evidence (1, length) and verdict (1, 3)
    Network = Callable[[Any, Any, Any], Mapping[str, Logits]]

DEFAULT = "dateline-reader"
CLOSELY = 7  # passages that the strong reader reads at most: measured, see benchmarks/results.md
_TOKENS = 384  # question and passage together
_QUESTION_TOKENS = 96
_ANSWER_TOKENS = 30
_HEADING = 280  # characters
_SPANS = 6  # per passage: about one per sentence
_REMEDY = "Give another folder as reader_model, or install dateline again for the shipped one."


def open_reader(name: str, calibrations: Path | None = None) -> Reader:
    """The shipped reader, or any Hugging Face question-answering model in a local folder.

    Its calibration is one in the folder `calibrations`, otherwise the one beside its weights; one
    made for other weights is ignored. Models are loaded on first use. Raises ModelError, saying what
    to do, if one cannot be loaded.
    """
    if name == DEFAULT:
        return shipped_reader(weights_folder(), calibrations)
    folder = expanded(name)
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"the reader {name!r} is not a folder with a Hugging Face question-answering model "
            f"(no config.json there). Give such a folder, or {DEFAULT!r}, as reader_model."
        )
    return NetworkReader(
        name,
        lambda: (_tokenizer(folder), _torch(folder)),
        _calibrations(folder, calibrations),
        sorted([*folder.glob("*.safetensors"), *folder.glob("pytorch_model*.bin")]),
    )


def recalibrated(reader: Reader, name: str, calibrations: Path) -> Reader:
    """The same reader with the calibration of another index; its models are loaded once for both.
    `name` is what it was opened with."""
    folder = weights_folder() if name == DEFAULT else expanded(name)
    known = _calibrations(folder, calibrations)
    if isinstance(reader, CascadeReader | NetworkReader):
        return reader.calibrated_by(known)
    return reader


def shipped_reader(folder: Path, calibrations: Path | None = None) -> Reader:
    """The cascade of the readers `small` and `strong` in this folder; without a `strong`, the
    installed one. If the folder itself holds a model.onnx, that reader alone."""
    if (folder / "model.onnx").is_file():
        return onnx_reader(folder, calibrations=calibrations)
    strong = folder / "strong"
    return CascadeReader(
        onnx_reader(folder / "small"),
        onnx_reader(strong if strong.is_dir() else strong_weights_folder()),
        CLOSELY,
        _calibrations(folder, calibrations),
    )


def onnx_reader(
    folder: Path, name: str = DEFAULT, calibrations: Path | None = None
) -> NetworkReader:
    """The reader in a folder with model.onnx, tokenizer.json and, once made, calibration.json."""
    return NetworkReader(
        name,
        lambda: (_tokenizer(folder), _onnx(folder)),
        _calibrations(folder, calibrations),
        [folder / "model.onnx", *sorted(folder.glob("*.bin"))],
    )


class NetworkReader:
    """A network with start and end logits, whatever runs it.

    `calibrations` are candidates: the first that belongs to these weights is its calibration.
    """

    def __init__(
        self,
        name: str,
        load: Callable[[], tuple[Tokenizer, Network]],
        calibrations: Sequence[Calibration] = (),
        weights: Sequence[Path] = (),
    ) -> None:
        self.name = name
        self.calibrations = tuple(calibrations)
        self._load = load
        self._weights = tuple(weights)
        self._loading = threading.Lock()
        self._loaded: tuple[Tokenizer, Network] | None = None

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the weight files, one after the other. Raises ModelError."""
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
        return first_for(self.sha256, self.calibrations)

    def calibrated_by(self, calibrations: Sequence[Calibration]) -> NetworkReader:
        """The same network, loaded once for both."""
        return NetworkReader(self.name, self._ready, calibrations, self._weights)

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        tokenizer, network = self._ready()
        question = _shortened(tokenizer, question)
        encodings = tokenizer.encode_batch(
            [(question, _heading(passage) + passage.text) for passage in passages]
        )
        # One at a time: on a CPU as fast as a batch of ten, and without padding, so that a passage
        # scores the same whatever it is read with.
        found = []
        for passage, encoding in zip(passages, encodings, strict=True):
            go_on()
            found.append(_reading(passage, encoding, network(*_inputs(encoding))))
        return found

    def _ready(self) -> tuple[Tokenizer, Network]:
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded


def _calibrations(folder: Path, calibrations: Path | None) -> list[Calibration]:
    """Those kept in the folder `calibrations`, and the one beside the weights."""
    kept = sorted(calibrations.glob("*.json")) if calibrations is not None else []
    found = [load_calibration(file) for file in (*kept, folder / "calibration.json")]
    return [calibration for calibration in found if calibration is not None]


def _reading(passage: Passage, encoding: Encoding, logits: Mapping[str, Logits]) -> Reading:
    """The best spans of one passage, each of at most 30 tokens, by start + end, and what else the
    network says about it."""
    import numpy as np

    shift = len(_heading(passage))
    inside = [
        part == 1 and begin >= shift
        for part, (begin, _) in zip(encoding.sequence_ids, encoding.offsets, strict=True)
    ]
    tokens = np.flatnonzero(inside)
    if not len(tokens):
        return Reading(passage, passage.start, passage.start, "", -math.inf)
    offsets = [encoding.offsets[int(token)] for token in tokens]
    start, end = logits["start"][0], logits["end"][0]
    starts, ends = start[tokens].astype(np.float64), end[tokens].astype(np.float64)
    sums = starts[:, None] + ends[None, :]
    sums[
        ~(np.tri(len(tokens), k=_ANSWER_TOKENS - 1, dtype=bool) & np.tri(len(tokens), dtype=bool).T)
    ] = -np.inf
    nothing = float(start[0] + end[0])
    spans: list[Scored] = []
    while len(spans) < _SPANS and np.isfinite(sums.max()):
        first, last = divmod(int(np.argmax(sums)), len(tokens))
        score = float(sums[first, last]) - nothing
        begin, finish = offsets[first][0] - shift, offsets[last][1] - shift
        spans.append(Scored(passage.start + begin, passage.start + finish, score))
        # Everything that begins before its end and ends after its start.
        sums[: last + 1, first:] = -np.inf
    best = spans[0]
    return Reading(
        passage,
        best.start,
        best.end,
        passage.text[best.start - passage.start : best.end - passage.start],
        best.score,
        tuple(spans),
        _evidence(passage, [(b - shift, e - shift) for b, e in offsets], logits, tokens),
        _verdict(logits),
    )


def _evidence(
    passage: Passage,
    offsets: Sequence[tuple[int, int]],
    logits: Mapping[str, Logits],
    tokens: Any,
) -> tuple[Scored, ...]:
    """The passage's sentences, each with the mean of its tokens' logits, leaving out those cut off
    and those without a word, such as a row of asterisks."""
    if "evidence" not in logits:
        return ()
    values = logits["evidence"][0][tokens]
    found = []
    for begin, finish in sentences(passage.text):
        own = [i for i, (low, high) in enumerate(offsets) if low < finish and begin < high]
        if own and any(map(str.isalnum, passage.text[begin:finish])):
            score = float(values[own].mean())
            found.append(Scored(passage.start + begin, passage.start + finish, score))
    return tuple(found)


def _verdict(logits: Mapping[str, Logits]) -> Verdict | None:
    import numpy as np

    if "verdict" not in logits:
        return None
    values = logits["verdict"][0].astype(np.float64)
    shares = np.exp(values - values.max())
    return Verdict(*(float(share) for share in shares / shares.sum()))


def _heading(passage: Passage) -> str:
    """The article's title, read in front of the passage: it says what "the ship" is. Left out if the
    text begins with it."""
    title = " ".join((passage.heading or passage.title).split()).removesuffix("…")[:_HEADING]
    return "" if not title or passage.text.startswith(title) else f"{title}. "


def _inputs(encoding: Encoding) -> tuple[Any, Any, Any]:
    """Input ids, attention mask and token types, each int64 of shape (1, length)."""
    import numpy as np

    types = [int(part == 1) for part in encoding.sequence_ids]
    rows = (encoding.ids, encoding.attention_mask, types)
    ids, mask, types_ = (np.array([row], np.int64) for row in rows)
    return ids, mask, types_


def _shortened(tokenizer: Tokenizer, question: str) -> str:
    """As much of the question as leaves room for a passage; the tokenizer would refuse a longer one."""
    # The tokenizer cuts only the second of a pair, so the question has to be that.
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
        opened = session(file)
    except Exception as error:  # onnxruntime's exceptions have no common class
        raise ModelError(
            f"the reader's weights {file} cannot be read ({error}). {_REMEDY}"
        ) from error
    takes = {given.name for given in opened.get_inputs()}
    gives = [out.name for out in opened.get_outputs()]
    names = [name.removesuffix("_logits") for name in gives]

    def run(ids: Any, mask: Any, types: Any) -> Mapping[str, Logits]:
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        found = opened.run(gives, {name: value for name, value in given.items() if name in takes})
        return dict(zip(names, found, strict=True))

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
    if loading["missing_keys"]:  # any BERT would load, with a randomly initialised head
        raise ModelError(
            f"the model in {folder} was not trained to answer questions: it lacks "
            f"{', '.join(sorted(loading['missing_keys']))}. {_REMEDY}"
        )
    model.eval()
    takes_types = getattr(model.config, "type_vocab_size", 0) > 1

    def run(ids: Any, mask: Any, types: Any) -> Mapping[str, Logits]:
        extra = {"token_type_ids": torch.from_numpy(types)} if takes_types else {}
        with torch.inference_mode():
            found = model(
                input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask), **extra
            )
        return {"start": found.start_logits.numpy(), "end": found.end_logits.numpy()}

    return run
