"""The sites of one installation: that of the unnamed index, and one of each collection.

    app = with_collections(assistant, installation, assistant.beside, {"page": True})

Collections are opened when they are asked: see `several`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assistant.api import create_app
from assistant.installation import Installation
from assistant.settings import Settings
from assistant.web.adding import WAITING
from assistant.web.asking import Answering
from assistant.web.choosing import Desk
from assistant.web.conversations import FILE as CONVERSATIONS
from assistant.web.conversations import Conversations
from assistant.web.keys import FILE as KEYS
from assistant.web.keys import Keys, Ring
from assistant.web.originals import FILES as ORIGINALS
from assistant.web.originals import Originals
from assistant.web.sealing import Seal
from assistant.web.several import Several, Site
from assistant.web.subscriptions import FILE as SUBSCRIPTIONS
from assistant.web.subscriptions import Subscriptions


def with_collections(
    assistant: Answering,
    installation: Installation,
    open_beside: Callable[[Settings], Answering],
    shared: dict[str, Any],
    *,
    keys: Keys | None = None,
    **own: Any,
) -> Several:
    """The site of this assistant, and those of the installation's collections. `open_beside` opens
    a collection's assistant; `shared` are the arguments of `create_app` common to all sites, `own`
    those of this one."""
    seal = shared.get("seal") or Seal()

    def folders() -> dict[str, Path]:
        return {name: installation.folder / name for name in installation.names()}

    def open_site(name: str) -> Site:
        settings = installation.settings_of(name)
        with contextlib.ExitStack() as stack:
            beside = open_beside(settings)
            stack.callback(beside.index.close)

            def opened(kept: Any) -> Any:
                stack.callback(kept.close)
                return kept

            app = create_app(
                beside,
                conversations=opened(Conversations.open(settings.index / CONVERSATIONS)),
                keys=opened(Keys.open(settings.index / KEYS, seal)),
                subscriptions=opened(Subscriptions.open(settings.index / SUBSCRIPTIONS, seal)),
                waiting=settings.index / WAITING,
                originals=Originals(
                    beside.index, settings.index / ORIGINALS, most=settings.most_kept
                ),
                sites=several,
                collection=name,
                **shared,
            )
            kept = stack.pop_all()
        desk: Desk = app.state.desk

        def busy() -> bool:
            subscribed = desk.library.subscribing
            has_some = subscribed is not None and bool(subscribed.all())
            return has_some or desk.library.adding.status().running

        return Site(app, desk, busy, kept.close)

    def has_work(name: str) -> bool:
        folder = installation.folder / name
        if (folder / WAITING).is_dir() and any((folder / WAITING).iterdir()):
            return True
        if not (folder / SUBSCRIPTIONS).exists():
            return False
        with contextlib.closing(Subscriptions.open(folder / SUBSCRIPTIONS, seal)) as kept:
            return any(each.ours for each in kept.all())

    def count(name: str) -> int:
        with contextlib.closing(open_beside(installation.settings_of(name)).index) as index:
            return index.statistics().articles

    several = Several(installation, open_site, has_work, count=count)
    ring = None if keys is None else Ring(keys, folders, seal)
    several.first = create_app(assistant, keys=ring, sites=several, **shared, **own)
    return several
