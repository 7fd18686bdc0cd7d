"""What an archive says about its own files: Omnivore keeps saved pages in one folder, and its
metadata about them in lists beside it (metadata_0_to_20.json)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from zipfile import ZipFile, ZipInfo

from vectorstore.errors import LoadingError
from vectorstore.loading.archive import content_of
from vectorstore.loading.draft import Draft
from vectorstore.loading.records import records_of
from vectorstore.loading.text import decode

_LARGEST = 20_000_000
_FOLDER = "content"


@dataclass(frozen=True, slots=True)
class Described:
    """What is said of each member, by name, and the lists that say it, which are not articles."""

    members: Mapping[str, Draft]
    lists: frozenset[str]


def described_in(archive: ZipFile, members: Sequence[ZipInfo]) -> Described:
    """What the archive's lists say about its pages."""
    pages = {
        PurePosixPath(member.filename).stem: member.filename
        for member in members
        if PurePosixPath(member.filename).parent.name == _FOLDER
    }
    found: dict[str, Draft] = {}
    lists = set()
    for member in members:
        path = PurePosixPath(member.filename)
        if not pages or path.suffix != ".json" or not path.name.startswith("metadata"):
            continue
        for record in _records(archive, member):
            page = pages.get(str(record.get("slug")))
            if page is None:
                continue
            lists.add(member.filename)
            for said in records_of([(page, {"text": page} | record)]):
                if isinstance(said, Draft):
                    found[page] = said
    return Described(found, frozenset(lists))


def _records(archive: ZipFile, member: ZipInfo) -> list[dict[str, object]]:
    try:
        value = json.loads(decode(content_of(archive, member, _LARGEST)))
    except (LoadingError, ValueError, RecursionError):
        return []  # reported when it is its turn
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
