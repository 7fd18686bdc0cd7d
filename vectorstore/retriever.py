"""The index as a LangChain retriever: Documents whose metadata carries the offsets."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field

from vectorstore.articles import Filter
from vectorstore.primitives import Mode, Primitives


class IndexRetriever(BaseRetriever):
    """`invoke(query)` -> Documents; `article.text[start:end] == page_content` by their metadata.

    `search_kwargs` are arguments of `Index.search` (k, mode, sources, articles, after, before,
    authors, tags), and win over `k`, `mode` and `where`; those of one call, `invoke(query, k=3)`, win over both. Dates
    may be text, such as "2025-07-26". An unknown or malformed one raises TypeError or ValueError.
    """

    index: Primitives
    k: int = 10
    mode: Mode = "hybrid"
    where: Filter = Filter()
    search_kwargs: dict[str, Any] = Field(default_factory=dict)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 -- LangChain passes it by name
        **kwargs: Any,
    ) -> list[Document]:
        given = {"k": self.k, "mode": self.mode, **self.search_kwargs, **kwargs}
        limits = {name: given.pop(name, limit) for name, limit in self.where.arguments.items()}
        given |= Filter.of(**limits).arguments
        return [
            Document(
                id=hit.passage.id,
                page_content=hit.passage.text,
                metadata={
                    "article_id": hit.passage.article_id,
                    "start": hit.passage.start,
                    "end": hit.passage.end,
                    "title": hit.passage.title,
                    "source": hit.passage.source,
                    "url": hit.passage.url,
                    "published": hit.passage.published and hit.passage.published.isoformat(),
                    "score": hit.score,
                    "copies": [copy.id for copy in hit.copies],
                },
            )
            for hit in self.index.search(query, **given)
        ]
