"""Finding passages in articles: Article, Passage, Hit and the index that holds them."""

from vectorstore.articles import (
    AddReport,
    Article,
    Filter,
    Finding,
    Hit,
    Passage,
    Progress,
    Skipped,
)
from vectorstore.index import Index

__all__ = [
    "AddReport",
    "Article",
    "Filter",
    "Finding",
    "Hit",
    "Index",
    "Passage",
    "Progress",
    "Skipped",
]
