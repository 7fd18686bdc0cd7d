"""`dateline chat` and `dateline mcp`: the articles served to people and to other programs."""

from __future__ import annotations

import sys
import threading
from contextlib import closing, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.opening import named, open_assistant, settings_of
from assistant.cli.options import AsJson, BaseUrl, ChatModel, CollectionName, IndexFolder
from assistant.cli.printing import print_json, showing_progress

if TYPE_CHECKING:
    from assistant.installation import Installation
    from assistant.settings import Settings


def chat(
    ctx: typer.Context,
    host: Annotated[
        str,
        typer.Option(
            help="The address to listen on; others than this machine's are seen by others."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")
    ] = 7860,
    root_path: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="The path below which a proxy serves the page, such as /dateline "
            "(docs/running.md).",
        ),
    ] = None,
    with_samples: Annotated[
        bool,
        typer.Option(
            "--with-samples", help="Add the sample articles first, if the index is empty."
        ),
    ] = False,
    model: ChatModel = None,
    base_url: BaseUrl = None,
    index: IndexFolder = None,
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """Serve the chat page on the articles; Ctrl-C stops it.

    The page's address is written out: open it in a browser. None is opened for you. While it runs, the other commands work on the same index too. Where --host lets other computers
    reach it, it asks them for a password: DATELINE_PASSWORD, else you are asked for one.

    \b
    Example:
      dateline chat --with-samples
    """
    from assistant.databases import CONVERSATIONS, KEYS, SESSIONS, SUBSCRIPTIONS
    from assistant.resources import seeds_folder
    from assistant.server import serve
    from assistant.settings import secret_file
    from assistant.web.adding import WAITING
    from assistant.web.conversations import Conversations
    from assistant.web.keeping import opened
    from assistant.web.keys import Keys, seal_of
    from assistant.web.originals import FILES as ORIGINALS
    from assistant.web.originals import Originals
    from assistant.web.sealing import Seal
    from assistant.web.sessions import Sessions
    from assistant.web.subscriptions import Subscriptions

    def ready(url: str) -> None:
        if as_json:
            print_json({"url": url})
        else:
            if port and not url.rstrip("/").endswith(f":{port}"):
                typer.echo(f"Port {port} is taken, so another is used.")
            typer.echo(f"Dateline is at {url}  (Ctrl-C stops it)")
            if not page:
                typer.echo(
                    "It serves programs only: the page needs Gradio, which is not installed. "
                    "Run `pip install gradio`."
                )
        sys.stdout.flush()  # so that a reader on a pipe gets the line now
        warming.start()

    settings = settings_of(
        ctx, index, collection, model=model, base_url=base_url, root_path=root_path
    )
    password = _password(settings, host)
    page = find_spec("gradio") is not None
    with open_assistant(ctx, index, collection, model=model, base_url=base_url) as assistant:
        if with_samples and not assistant.index.statistics().articles:
            with showing_progress("Adding the sample articles") as progress:
                assistant.index.add(seeds_folder(), progress=progress)
        # The models load while the page is being looked at, so the first question does not wait.
        warming = threading.Thread(target=assistant.warm)
        seal = Seal.kept(secret_file())
        with opened(settings) as rows_of:
            serve(
                assistant,
                host=host,
                port=port,
                page=page,
                on_ready=ready,
                conversations=Conversations(rows_of(CONVERSATIONS)),
                password=password,
                sessions=None if password is None else Sessions(rows_of(SESSIONS)),
                keys=Keys(rows_of(KEYS), seal_of(settings, seal)),
                host_names=settings.names,
                proxies=settings.proxy_networks,
                root_path=settings.root_path,
                certificate=settings.certificate,
                waiting=assistant.settings.index / WAITING,
                seal=seal,
                originals=Originals(
                    assistant.index, settings.index / ORIGINALS, most=settings.most_kept
                ),
                subscriptions=Subscriptions(rows_of(SUBSCRIPTIONS), seal),
                installation=_installation(ctx, index, collection, settings),
                metrics=settings.metrics,
            )
        assistant.stop()  # else this waits for a model that is still loading
        if warming.is_alive():
            warming.join()  # the index must not be closed while it is in use


def mcp(
    ctx: typer.Context,
    write: Annotated[
        bool, typer.Option("--write", help="Also offer the tools that add and remove articles.")
    ] = False,
    model: ChatModel = None,
    base_url: BaseUrl = None,
    index: IndexFolder = None,
    collection: CollectionName = None,
) -> None:
    """Serve the articles to assistants and editors, by MCP.

    The program that speaks the Model Context Protocol over stdin and stdout starts this itself: docs/mcp.md says how to enter
    it there. It can ask, search, read and list; add and remove only with --write. While the page runs,
    the same is at its address under /mcp.

    \b
    Example:
      dateline mcp --index articles.index
    """
    from assistant.mcp import serve_stdio
    from assistant.web.beside import Beside

    with open_assistant(ctx, index, collection, model=model, base_url=base_url) as assistant:
        # The models load while the client asks what is there, so the first question does not wait.
        warming = threading.Thread(target=assistant.warm)
        warming.start()
        installation = _installation(ctx, index, collection, assistant.settings)
        sites = None if installation is None else Beside(installation, assistant.beside)
        try:
            with nullcontext() if sites is None else closing(sites):
                serve_stdio(assistant, write=write, sites=sites)
        finally:
            assistant.stop()
            warming.join()  # the index must not be closed while it is in use


def _installation(
    ctx: typer.Context, folder: Path | None, collection: str | None, settings: Settings
) -> Installation | None:
    """If no index and no collection was named, all collections are offered; beside a database there
    are none."""
    from assistant.installation import Installation

    alone = any(named(ctx, folder, collection)) or settings.collection or settings.database
    return None if alone else Installation(settings)


def _password(settings: Settings, host: str) -> str | None:
    """The page's password: from the settings, else asked for if others could reach the page."""
    if settings.password is not None:
        return settings.password.get_secret_value()
    from assistant.web.guarding import is_here

    if is_here(host) or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    asked: str = typer.prompt(
        "Password for the page", hide_input=True, confirmation_prompt=True, err=True
    )
    return asked
