"""The command `dateline`: reads arguments, calls the assistant, prints what it says.

    dateline add articles/          dateline ask "who co-chairs the two-state meeting?"
    dateline list                   dateline chat

Exit codes: 0 done, or answered; 1 an error, told on stderr; 2 wrong usage; 3 the articles do not
answer the question; 4 something given to `add` or `sync` was skipped; 130 interrupted (Ctrl-C ends
`chat` and `sync --watch` as it should: 0; SIGTERM does what Ctrl-C does, with 143 for 130).

Results go to stdout, everything else (progress, notes, errors) to stderr; with --json stdout holds
one JSON document and nothing else (`sync --watch`: one a line). One module a family of commands;
`program` puts them together. This is the one package that prints, and it knows nothing of how
articles are stored, found or answered from. Nothing heavy is imported until a command needs it.
"""

from assistant.cli.program import app, main

__all__ = ["app", "main"]
