"""A seal on what this computer's Dateline leaves in an index's folder for its next start.

    seal = Seal.kept(secret_file())
    line = {"link": address, "seal": seal.of({"link": address})}
    seal.holds(line)                    False for anything put there by anybody else

An index that is handed over may contain orders: read this folder, fetch that address. Only those
that bear the seal are carried out unasked. The secret behind it lies outside every index.
"""

from __future__ import annotations

import hmac
import json
import logging
import os
import secrets
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_NAME = "seal"
_LENGTH = 32  # bytes
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

_log = logging.getLogger(__name__)

About = Mapping[str, str | int]


class Seal:
    """Seals and checks. Without a key it uses one of its own, which ends with the program: then it
    is not `lasting`."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(_LENGTH)
        self.lasting = key is not None

    @classmethod
    def kept(cls, file: Path | None) -> Seal:
        """With the key in this file, created if absent. If that is impossible, the next start will
        not recognise what is sealed now."""
        try:
            if file is not None:
                return cls(_key_in(file))
        except (OSError, ValueError) as error:
            _log.warning(
                "%s cannot be used (%s): after a restart you are asked about what still waits",
                file,
                error,
            )
        return cls()

    def of(self, about: About) -> str:
        plain = {name: value for name, value in about.items() if name != _NAME}
        return hmac.new(self._key, json.dumps(plain, sort_keys=True).encode(), "sha256").hexdigest()

    def on(self, about: About) -> dict[str, str | int]:
        """The same, with its seal."""
        return {**about, _NAME: self.of(about)}

    def holds(self, about: About) -> bool:
        return hmac.compare_digest(str(about.get(_NAME, "")).encode(), self.of(about).encode())


class NoSeal(Seal):
    """Seals nothing, and accepts everything as sealed: for places that themselves say whose the
    rows are."""

    def __init__(self) -> None:
        self.lasting = True

    def of(self, about: About) -> str:  # noqa: ARG002
        return ""

    def holds(self, about: About) -> bool:  # noqa: ARG002
        return True


def _key_in(file: Path) -> bytes:
    """Raises OSError if the file cannot be read or created, ValueError if it is not a key that only
    its owner can read."""
    file.parent.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    if not os.path.lexists(file):
        descriptor, name = tempfile.mkstemp(dir=file.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as opened:
                opened.write(secrets.token_hex(_LENGTH))
            with suppress(FileExistsError):  # another program was quicker
                os.link(name, file)
        finally:
            Path(name).unlink()
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(descriptor, "rb") as opened:
        found = os.fstat(descriptor)
        if hasattr(os, "geteuid") and (found.st_uid != os.geteuid() or found.st_mode & _OTHERS):
            raise ValueError("others can read it")
        key = bytes.fromhex(opened.read(2 * _LENGTH + 1).decode("ascii"))
    if len(key) != _LENGTH:
        raise ValueError("it is not a key")
    return key
