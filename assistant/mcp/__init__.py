"""Dateline for assistants and editors that speak the Model Context Protocol, by its official SDK.

    serve_stdio(assistant, write=False)         `dateline mcp`, until its client closes the pipe
    OverHttp(choice, whose)                     what `api` serves at /mcp

Tools answer questions with their proof, search, read and list articles, and report what is new;
tools that add and remove articles are offered only if enabled: by `write`, or by a key with that
permission. Every article is a resource. Over stdio, only the protocol is written to stdout:
anything else that the process prints there goes to stderr. Cancelling a question, or disconnecting,
ends the work on it.
"""

from assistant.mcp.transports import OverHttp, serve_stdio

__all__ = ["OverHttp", "serve_stdio"]
