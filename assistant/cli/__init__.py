"""The command `dateline`: reads arguments, calls the assistant, prints the result.

    dateline add articles/          dateline ask "who co-chairs the two-state meeting?"
    dateline list                   dateline chat

Exit codes: 0 done, or answered; 1 an error, reported on stderr; 2 wrong usage; 3 the articles do
not answer the question; 4 something given to `add` or `sync` was skipped; 130 interrupted (but
Ctrl-C is the normal way to end `chat` and `sync --watch`: 0; SIGTERM does what Ctrl-C does, with
143 instead of 130).

Results go to stdout, everything else (progress, notes, errors) to stderr; with --json, stdout holds
exactly one JSON document (`sync --watch`: one per line). There is one module per family of
commands; `program` puts them together. This is the only package that prints, and it does not know
how articles are stored, found or answered from. Nothing heavy is imported until a command needs it.
"""

from assistant.cli.program import app, main

__all__ = ["app", "main"]
