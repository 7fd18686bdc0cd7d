"""The collections of one installation: named indexes, each in its own folder.

    installation = Installation(Settings())
    installation.names()                          "archive", "press"
    installation.create("press")                  an empty one
    installation.settings_of("press")             for Assistant.open
    installation.rename("press", "desk")
    installation.remove("desk")                   gone, with its articles, conversations and keys

They lie beside the unnamed index, in `collections/NAME`. A name consists of letters, digits, - and
_, so
it can never be a path. This module knows folders, and nothing of pages or requests.
"""

from __future__ import annotations

import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import CollectionError, UnknownCollectionError
from assistant.settings import Settings, is_collection
from vectorstore.errors import StoreError
from vectorstore.holding import Hold, hold, holder_of

_REMOVED = re.compile(r"\.removed-.+")  # was being deleted when the program ended


@dataclass(frozen=True, slots=True)
class Installation:
    """The collections beside the index of these settings, even if they name one themselves."""

    settings: Settings

    @property
    def folder(self) -> Path:
        return self.settings.collections

    def names(self) -> tuple[str, ...]:
        """The collections there are, in alphabetical order. Raises StoreError for an unreadable folder."""
        try:
            found = [each.name for each in self.folder.iterdir() if each.is_dir()]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise StoreError(f"{self.folder} cannot be read: {error.strerror or error}.") from error
        return tuple(sorted(name for name in found if is_collection(name)))

    def settings_of(self, name: str) -> Settings:
        """The settings of a collection. Raises UnknownCollectionError, listing the names."""
        there = self.names()
        if name not in there:
            raise UnknownCollectionError(name, there)
        return self.settings.model_copy(update={"collection": name, "index": self.folder / name})

    def create(self, name: str) -> Settings:
        """Create an empty collection. Raises CollectionError for an invalid or taken name,
        StoreError if its folder cannot be created."""
        _check(name)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.folder / name).mkdir(mode=0o700)
        except FileExistsError:
            raise _taken(name) from None
        except OSError as error:
            raise StoreError(
                f"the collection {name!r} cannot be made in {self.folder}: {error.strerror or error}."
            ) from error
        return self.settings_of(name)

    def rename(self, name: str, new: str) -> Settings:
        """Rename a collection, with its contents. Raises what `create` and `remove` raise."""
        folder = self.settings_of(name).index
        _check(new)
        held = self._held(name, "rename")
        try:
            if (self.folder / new).exists():
                raise _taken(new)
            folder.rename(self.folder / new)
        except OSError as error:
            raise StoreError(
                f"the collection {name!r} cannot be renamed: {error.strerror or error}."
            ) from error
        finally:
            held.release()
        return self.settings_of(new)

    def _held(self, name: str, what: str) -> Hold:
        """Hold the collection, which no other program may be using. Raises CollectionError, naming
        the program that is."""
        folder = self.folder / name
        held = hold(folder, make=False)
        if held is None:
            raise CollectionError(
                f"the collection {name!r} is in use by {holder_of(folder) or 'another program'}. End "
                f"that program, or {what} the collection there."
            )
        return held

    def remove(self, name: str) -> None:
        """Delete it. Raises UnknownCollectionError; CollectionError, naming the program, if one
        uses it; StoreError if its folder cannot be deleted."""
        folder = self.settings_of(name).index
        held = self._held(name, "remove")
        # Renamed out of sight in one step: a crash leaves no half-deleted collection behind.
        gone = self.folder / f".removed-{name}-{secrets.token_hex(4)}"
        try:
            folder.rename(gone)
            held.release()
            for each in self.folder.iterdir():
                if _REMOVED.fullmatch(each.name):
                    shutil.rmtree(each)
        except OSError as error:
            raise StoreError(
                f"the collection {name!r} cannot be deleted: {error.strerror or error}."
            ) from error
        finally:
            held.release()


def _check(name: str) -> None:
    if not is_collection(name):
        raise CollectionError(
            f"{name!r:.80} is not a valid name for a collection; use letters, digits, - and _, 60 at most."
        )


def _taken(name: str) -> CollectionError:
    return CollectionError(f"there is a collection {name!r} already.")
