"""What became of the articles of a source, and the removal of those that are no longer there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from vectorstore.articles import AddReport, Notice, Origin, Skipped, SyncReport
from vectorstore.syncing.known import Known, chunks, origins_there
from vectorstore.syncing.source import Source

if TYPE_CHECKING:
    from vectorstore.primitives import Primitives

_TENTH = 10
_A_FEW = 3  # articles that may be removed even if they are more than a tenth


@dataclass(slots=True)
class Tally:
    """Article ids by what became of them; dictionaries, to preserve their order."""

    new: dict[str, None] = field(default_factory=dict)
    changed: dict[str, None] = field(default_factory=dict)
    unchanged: dict[str, None] = field(default_factory=dict)
    moved: dict[str, None] = field(default_factory=dict)
    duplicates: list[Origin] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def stored(self, report: AddReport) -> None:
        for ids, those in (
            (self.new, report.added),
            (self.changed, report.updated),
            (self.unchanged, report.unchanged),
        ):
            ids.update(dict.fromkeys(those))

    def untouched(self) -> tuple[str, ...]:
        touched = self.new.keys() | self.changed.keys() | self.moved.keys()
        return tuple(each for each in self.unchanged if each not in touched)

    def add_report(self) -> AddReport:
        return AddReport(
            added=tuple(self.new),
            updated=tuple(each for each in self.changed if each not in self.new),
            unchanged=(
                *(each for each in self.moved if each not in self.new.keys() | self.changed),
                *self.untouched(),
            ),
            skipped=tuple(self.skipped),
            notices=tuple(self.notices),
        )


def sync_report(
    index: Primitives, source: Source, known: Known, tally: Tally, *, prune: bool, yes: bool
) -> SyncReport:
    """The report, after removing what has vanished if that is wanted and allowed."""
    still = {
        place: replace(file, origins=origins_there(file))
        for place, file in known.files.items()
        if place not in known.missing and any(origin.gone for origin in file.origins)
    }
    vanished = known.vanished()
    removed: tuple[str, ...] = ()
    refusal = ""
    if prune and (known.missing or still):
        refusal = "" if yes else _refusal(index, source, known, tally, vanished)
        if not refusal:
            if vanished:
                index.remove(vanished)
            removed = vanished
            parts = zip_longest(
                chunks(list(still.values())), chunks(list(known.missing)), fillvalue=()
            )
            for files, forget in parts:
                index.store_files(files, forget=forget)
    if known.missing and not known.there and not prune:
        told = "has no file in it any more; is it mounted? Its articles stay"
        tally.notices.append(Notice(source.written, told))
    return SyncReport(
        new=tuple(tally.new),
        changed=tuple(each for each in tally.changed if each not in tally.new),
        unchanged=tally.untouched(),
        moved=tuple(tally.moved),
        duplicates=tuple(tally.duplicates),
        vanished=vanished,
        removed=removed,
        skipped=tuple(tally.skipped),
        refusal=refusal,
        notices=tuple(tally.notices),
        wait=source.fetch.wait,
    )


def _refusal(
    index: Primitives, source: Source, known: Known, tally: Tally, vanished: Sequence[str]
) -> str:
    """Why these may not be removed without explicit confirmation; "" if they may.

    A tenth of a small index is not even one article, so a few may always go, as long as more of
    the source's articles stay than go: an unmounted disk takes away most or all.
    """
    count = len(vanished)
    articles = f"{count:,} article" + ("" if count == 1 else "s")
    if known.missing and not known.there:
        return (
            f"{source.written} has no file in it; is it mounted? {articles} that came "
            "from there stay in the index"
        )
    stay = (tally.unchanged.keys() | tally.changed.keys() | tally.moved.keys()) - {*vanished}
    if count <= _A_FEW and count < len(stay):
        return ""
    total = index.statistics().articles
    if count * _TENTH > total:
        return (
            f"{count:,} of {total:,} articles {'is' if count == 1 else 'are'} no longer in "
            f"{source.written}: more than a tenth of the index is not removed without --yes"
        )
    return ""
