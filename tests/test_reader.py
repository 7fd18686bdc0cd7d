"""What holds for every reader, the shipped one and the fake; and models from a folder."""

from __future__ import annotations

import json
import math
import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from assistant import Assistant, ModelError, Settings
from assistant.errors import GivenUpError
from assistant.reading.confidence import Calibration
from assistant.reading.giving_up import let_go_by
from assistant.reading.network import (
    CLOSELY,
    DEFAULT,
    NetworkReader,
    onnx_reader,
    open_reader,
    shipped_reader,
)
from assistant.reading.reader import CascadeReader, Reader, Reading, RememberingReader
from assistant.resources import strong_weights_folder, weights_folder
from tests.fake_index import FakeIndex
from tests.fake_reader import FakeReader
from vectorstore import Article, Passage

pytestmark = pytest.mark.usefixtures("asked_anew")

QUESTION = "who co-chairs the two-state meeting?"
MEETING = (
    "Khiari also pointed to the upcoming ministerial meeting to support the two-state solution, to "
    "be co-chaired by France and Saudi Arabia, as a pivotal opportunity."
)
TEXTS = [
    MEETING,
    "🌊🌊 The café’s owner, Zoë Müller, said: “C’est la vie” 👩‍👩‍👧‍👦 before the flood.",
    "会議は七月九日にダカールで開かれた。フランスとサウジアラビアが共同議長を務める。",
    "e\u0301tat, re\u0301publique and n\u0303 — combining marks, a\u200bzero width, and \ufeff one more.",
    "x",
    "The ward will stay open. " * 120,
    "",
]


def passage(text: str, number: int = 0, *, start: int = 100) -> Passage:
    return Passage(f"a{number}#0", f"a{number}", start, start + len(text), text, f"Title {number}")


PASSAGES = [passage(text, number) for number, text in enumerate(TEXTS)]


@pytest.fixture(scope="module", params=["shipped", "small", "fake"])
def reader(request: pytest.FixtureRequest) -> Reader:
    if request.param == "fake":
        return FakeReader({"co-chairs": ["France and Saudi Arabia"], "who": ["Zoë Müller"]})
    if request.param == "small":
        return onnx_reader(weights_folder() / "small")
    return open_reader(DEFAULT)


@pytest.fixture(scope="module")
def readings(reader: Reader) -> list[Reading]:
    return reader.read(QUESTION, PASSAGES)


def same(one: Sequence[Reading], other: Sequence[Reading]) -> bool:
    """Equal spans, and scores that differ by no more than the order of additions can make them."""
    return [(r.passage, r.start, r.end, r.text) for r in one] == [
        (r.passage, r.start, r.end, r.text) for r in other
    ] and all(math.isclose(a.score, b.score, abs_tol=1e-3) for a, b in zip(one, other, strict=True))


def test_there_is_one_reading_a_passage_in_order(readings: list[Reading]) -> None:
    assert [reading.passage for reading in readings] == PASSAGES


def test_a_span_lies_in_its_passage_and_is_its_very_text(readings: list[Reading]) -> None:
    for reading in readings:
        base = reading.passage.start
        assert base <= reading.start <= reading.end <= reading.passage.end
        assert reading.passage.text[reading.start - base : reading.end - base] == reading.text


def test_a_passage_with_words_has_a_span_with_words(readings: list[Reading]) -> None:
    for reading in readings[:-1]:
        assert reading.text.strip() == reading.text != ""


def test_the_answer_is_found_and_scores_best(readings: list[Reading]) -> None:
    best = max(readings, key=lambda reading: reading.score)
    assert best.text == "France and Saudi Arabia"
    assert best.passage is PASSAGES[0]


def test_an_empty_passage_answers_nothing(readings: list[Reading]) -> None:
    assert readings[-1].text == ""
    assert readings[-1].score < min(reading.score for reading in readings[:2])


def test_no_passages_give_no_readings(reader: Reader) -> None:
    assert reader.read(QUESTION, []) == []


@pytest.mark.parametrize(
    "question", ["who " * 500 + "co-chairs it?", "who 🌊 co-chairs 会議 e\u0301?", "?", "x" * 2_000]
)
def test_a_strange_question_is_read_too(reader: Reader, question: str) -> None:
    found = reader.read(question, PASSAGES[:2])
    assert [reading.passage for reading in found] == PASSAGES[:2]
    assert all(reading.start < reading.end for reading in found)


def read_alike(reader: Reader) -> list[Passage]:
    """As many as a single network reads: a cascade reads more than a few with two."""
    return PASSAGES[-CascadeReader.FEW :] if isinstance(reader, CascadeReader) else PASSAGES


def test_the_order_of_the_batch_does_not_matter(reader: Reader) -> None:
    passages = read_alike(reader)
    forwards = reader.read(QUESTION, passages)
    assert same(reader.read(QUESTION, passages[::-1])[::-1], forwards)


def test_a_passage_reads_alone_as_in_a_batch(reader: Reader) -> None:
    passages = read_alike(reader)
    alone = [reader.read(QUESTION, [one])[0] for one in passages]
    assert same(alone, reader.read(QUESTION, passages))


def test_more_passages_than_a_batch_are_read_alike(reader: Reader) -> None:
    many = [passage(MEETING, number) for number in range(17)]
    found = reader.read(QUESTION, many)
    assert [reading.passage for reading in found] == many
    texts = {reading.text for reading in found if math.isfinite(reading.score)}
    assert texts == {"France and Saudi Arabia"}


def test_offsets_count_from_the_article(reader: Reader) -> None:
    (first,) = reader.read(QUESTION, [passage(MEETING, start=0)])
    (later,) = reader.read(QUESTION, [passage(MEETING, start=7_000)])
    assert (later.start - first.start, later.end - first.end) == (7_000, 7_000)
    assert later.score == pytest.approx(first.score)


def test_reading_that_is_given_up_ends_at_the_next_passage() -> None:
    let_go = threading.Event()
    read = []

    def network(ids: Any, *_: Any) -> dict[str, Any]:
        read.append(ids)
        if len(read) == 2:
            let_go.set()
        return dict.fromkeys(("start", "end"), np.zeros(ids.shape, np.float32))

    tokenizer = Tokenizer.from_file(str(weights_folder() / "small" / "tokenizer.json"))
    reader = NetworkReader("counted", lambda: (tokenizer, network))
    context = copy_context()
    context.run(let_go_by, let_go)
    with pytest.raises(GivenUpError):
        context.run(reader.read, QUESTION, PASSAGES[:5])
    assert len(read) == 2
    assert len(reader.read(QUESTION, PASSAGES[:5])) == 5  # for others it reads on


def test_a_title_is_never_part_of_the_span(reader: Reader) -> None:
    titled = Passage("a#0", "a", 0, len(MEETING), MEETING, "Who co-chairs the meeting? Norway does")
    (reading,) = reader.read(QUESTION, [titled])
    assert MEETING[reading.start : reading.end] == reading.text


def test_several_threads_may_read_at_once(reader: Reader, readings: list[Reading]) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: reader.read(QUESTION, PASSAGES[:4]), range(8)))
    assert all(same(one, readings[:4]) for one in found)


def test_several_threads_may_load_it_at_once() -> None:
    fresh = open_reader(DEFAULT)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: fresh.read(QUESTION, PASSAGES[:1])[0].text, range(4)))
    assert set(found) == {"France and Saudi Arabia"}


# -- the cascade -------------------------------------------------------------------------------


class Noting(FakeReader):
    """Records the passages that it is given."""

    def __init__(self, *phrases: str, name: str = "fake", says: str = "yes") -> None:
        super().__init__({"co-chairs": phrases}, verdicts={says: phrases}, name=name)
        self.given: list[list[str]] = []

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        self.given.append([passage.id for passage in passages])
        return super().read(question, passages)


def ids(*numbers: int) -> list[str]:
    return [f"a{number}#0" for number in numbers]


def test_the_strong_reader_reads_the_few_that_the_small_one_likes_best() -> None:
    small, strong = Noting("France"), Noting("France")
    texts = ["France" if number in (5, 9) else "Elsewhere" for number in range(10)]
    passages = [passage(text, number) for number, text in enumerate(texts)]
    found = CascadeReader(small, strong, 2).read(QUESTION, passages)
    assert small.given == [ids(*range(10))]
    assert strong.given == [ids(5), ids(9)]
    assert [reading.passage for reading in found] == passages
    assert [number for number, reading in enumerate(found) if not reading.skimmed] == [5, 9]


def test_the_rank_of_the_search_decides_between_passages_that_the_small_reader_likes_alike() -> (
    None
):
    strong = Noting()
    passages = [passage("Elsewhere", number) for number in range(10)]
    CascadeReader(Noting(), strong, 3).read(QUESTION, passages)
    assert strong.given == [ids(0), ids(1), ids(2)]


def test_a_passage_far_down_the_search_needs_more_of_the_small_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Four log-odds each time: that is enough at the tenth place, and not at the thirtieth."""
    monkeypatch.setattr(CascadeReader, "NEAR", 30)
    for place, read in ((9, 9), (29, 0)):
        strong = Noting()
        passages = [passage("Elsewhere", number) for number in range(30)]
        passages[place] = passage("France", place)
        CascadeReader(Noting("France"), strong, 1).read(QUESTION, passages)
        assert strong.given == [ids(read)]


@pytest.mark.parametrize(
    ("place", "skimmed", "read"),
    [
        (3, [ids(*range(10))], [0, 3]),
        (15, [ids(*range(10)), ids(*range(10, 20))], [0, 1, 2, 3, 4, 5, 15]),
        (20, [ids(*range(10)), ids(*range(10, 20))], [0, 1, 2, 3, 4, 5, 6]),  # nowhere
    ],
)
def test_passages_further_down_are_read_only_until_the_strong_reader_has_found_something(
    place: int, skimmed: list[list[str]], read: list[int]
) -> None:
    small, strong = Noting("France"), Noting("France")
    passages = [passage("France" if n == place else "Elsewhere", n) for n in range(20)]
    found = CascadeReader(small, strong, 7).read(QUESTION, passages)
    assert small.given == skimmed
    assert sorted(strong.given) == sorted(ids(one) for one in read)
    assert [reading.passage for reading in found] == passages
    assert [n for n, reading in enumerate(found) if not reading.skimmed] == read
    unread = [reading for reading in found if math.isinf(reading.score)]
    assert [reading.passage for reading in unread] == passages[10 * len(skimmed) :]
    assert not any(reading.text for reading in unread)


def test_no_more_passages_than_the_strong_reader_reads_are_all_read_by_both() -> None:
    small, strong = Noting(), Noting("France")
    passages = [passage("France", number) for number in range(4)]
    found = CascadeReader(small, strong, 4).read(QUESTION, passages)
    assert strong.given == [ids(0), ids(1), ids(2), ids(3)]
    assert not any(reading.skimmed for reading in found)
    assert [one.skim for one in found] == [one.score for one in small.read(QUESTION, passages)]


@pytest.mark.parametrize(
    ("finds", "third", "read"),
    [
        ("France", "Elsewhere", [ids(0), ids(1)]),  # found, and the rest are far behind
        ("France", "France", [ids(0), ids(1), ids(2)]),  # found, and another promises as much
        ("nothing", "Elsewhere", [ids(0), ids(1), ids(2)]),  # not found yet
    ],
)
def test_once_the_strong_reader_has_found_an_answer_it_reads_only_what_promises_about_as_much(
    finds: str, third: str, read: list[list[str]]
) -> None:
    strong = Noting(finds)
    passages = [passage(text, number) for number, text in enumerate(["France", "France", third])]
    found = CascadeReader(Noting("France"), strong, 3).read(QUESTION, passages)
    assert strong.given == read
    assert [reading.skimmed for reading in found] == [False, False, len(read) == 2]


def test_a_verdict_is_the_strong_readers_where_it_has_read() -> None:
    cascade = CascadeReader(Noting("France", says="yes"), Noting("France", says="no"), 1)
    passages = [passage("France", number) for number in range(3)]
    closely, *others = cascade.read(QUESTION, passages)
    assert closely.verdict is not None
    assert closely.verdict.contradicted > 0.9
    assert all(one.skimmed and one.verdict and one.verdict.supported > 0.9 for one in others)


def test_the_shipped_cascade_judges_what_it_reads_closely(readings: list[Reading]) -> None:
    judged = [reading.verdict for reading in readings if reading.verdict is not None]
    assert all(sum(verdict) == pytest.approx(1.0) for verdict in judged)
    found = open_reader(DEFAULT).read("Who repaired the organ?", PASSAGES)
    assert sum(not reading.skimmed for reading in found) == CascadeReader.FEW
    found = open_reader(DEFAULT).read("Who repaired the organ?", [*PASSAGES, *PASSAGES])
    assert len(PASSAGES) <= CascadeReader.NEAR < len(found)
    assert sum(not reading.skimmed for reading in found) == CLOSELY
    assert all(r.skimmed or r.passage.text == "" or (r.verdict and r.sentences) for r in found)


def test_a_cascades_calibration_is_that_of_both_readers() -> None:
    def hashed(small: str, strong: str) -> str:
        return CascadeReader(Noting(name=small), Noting(name=strong), 4).sha256

    both = hashed("one", "two")
    assert len({both, hashed("other", "two"), hashed("one", "other")}) == 3
    kept = [Calibration({}, 0.1, hashed("one", "other")), Calibration({}, 0.2, both)]
    cascade = CascadeReader(Noting(name="one"), Noting(name="two"), 4, kept)
    assert cascade.calibration is kept[1]
    assert CascadeReader(Noting(name="one"), Noting(name="two"), 4, kept[:1]).calibration is None


@pytest.mark.parametrize("missing", ["small/model.onnx", "strong/model.onnx"])
def test_missing_weights_of_a_cascade_are_told_with_the_file_and_the_remedy(
    tmp_path: Path, missing: str
) -> None:
    for reader in ("small", "strong"):
        (tmp_path / reader).mkdir()
        of = strong_weights_folder() if reader == "strong" else weights_folder() / reader
        for name in ("model.onnx", "tokenizer.json"):
            (tmp_path / reader / name).symlink_to(of / name)
    shutil.copy(weights_folder() / "calibration.json", tmp_path)
    (tmp_path / missing).unlink()
    told = rf"{missing}.*cannot be read.*install dateline again"
    with pytest.raises(ModelError, match=told):
        _ = shipped_reader(tmp_path).calibration
    with pytest.raises(ModelError, match=missing):
        shipped_reader(tmp_path).read(QUESTION, PASSAGES)


def test_a_remembering_reader_reads_the_same_once() -> None:
    noting = Noting("France and Saudi Arabia")
    reader = RememberingReader(noting)
    first = reader.read(QUESTION, PASSAGES[:2])
    first.clear()  # what is returned belongs to the caller
    assert [reading.passage for reading in reader.read(QUESTION, PASSAGES[:2])] == PASSAGES[:2]
    assert noting.given == [ids(0, 1)]
    reader.read(QUESTION, PASSAGES[1:2])
    reader.read("who chairs it?", PASSAGES[:2])
    assert noting.given == [ids(0, 1), ids(1), ids(0, 1)]
    assert (reader.name, reader.sha256) == (noting.name, noting.sha256)


# -- models from a folder ----------------------------------------------------------------------


def test_the_shipped_reader_is_calibrated() -> None:
    calibration = open_reader(DEFAULT).calibration
    assert calibration is not None
    assert 0 < calibration.threshold < 1


@pytest.mark.parametrize("name", ["no/such/folder", "", "."])
def test_a_folder_without_a_model_is_refused_with_what_to_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=f"config.json.*Give such a folder, or '{DEFAULT}'"):
        open_reader(name)


def test_a_folder_without_a_tokenizer_is_refused_when_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"tokenizer\.json.*[Ii]nstall dateline again"):
        open_reader(str(tmp_path)).read(QUESTION, PASSAGES)


def test_a_broken_calibration_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "calibration.json").write_text('{"threshold": "high"}')
    with pytest.raises(ModelError, match=r"calibration\.json.*Remove it"):
        open_reader(str(tmp_path))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny question-answering BERT with random weights, and a shipped tokenizer."""
    from transformers import BertConfig, BertForQuestionAnswering

    folder = tmp_path_factory.mktemp("model")
    config = BertConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=384,
    )
    BertForQuestionAnswering(config).save_pretrained(folder)
    shutil.copy(weights_folder() / "small" / "tokenizer.json", folder)
    return folder


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # warnings of transformers, which must not fail our tests
def test_a_hugging_face_model_reads_and_is_marked_uncalibrated(
    folder: Path, tmp_path: Path
) -> None:
    reader = open_reader(str(folder))
    assert reader.calibration is None
    found = reader.read(QUESTION, PASSAGES[:6])
    for reading in found:
        base = reading.passage.start
        assert reading.passage.text[reading.start - base : reading.end - base] == reading.text
    assert same(reader.read(QUESTION, PASSAGES[5::-1])[::-1], found)

    index = FakeIndex(tmp_path / "articles.json")
    index.add_articles([Article("a", "T", MEETING)])
    assistant = Assistant(index, reader, Settings(index=tmp_path, threshold=0.0))
    answer = assistant.answer("who chairs the two-state meeting")
    assert any("calibrated" in notice for notice in answer.notices)
    assert answer.model == str(folder)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_model_that_was_not_made_for_questions_is_refused(folder: Path, tmp_path: Path) -> None:
    """Its weights would load, but its answering head would be random numbers."""
    from transformers import BertConfig, BertModel

    config = BertConfig.from_pretrained(folder)
    BertModel(config).save_pretrained(tmp_path)
    shutil.copy(folder / "tokenizer.json", tmp_path)
    with pytest.raises(ModelError, match="not trained to answer"):
        open_reader(str(tmp_path)).read(QUESTION, PASSAGES)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_torn_weights_are_refused_with_the_remedy(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    whole = (folder / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    assert json.loads((tmp_path / "config.json").read_text())
    with pytest.raises(ModelError, match="Give another folder as reader_model"):
        open_reader(str(tmp_path)).read(QUESTION, PASSAGES)
