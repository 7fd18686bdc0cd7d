"""The path below which a proxy serves the page: from a setting, or from a trusted proxy."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from assistant.errors import SettingsError
from assistant.settings import Settings
from assistant.web.prefix import UnderPrefix, base_of, prefix_of, relative

PROXY, OTHER = "127.0.0.1", "203.0.113.9"


def asked(
    path: str, *headers: tuple[bytes, bytes], sender: str = PROXY, root_path: str = ""
) -> tuple[dict[str, Any], list[Any]]:
    """The scope that the application behind received, and what was sent without it."""
    got: dict[str, Any] = {}
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        got.update(scope)

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "headers": list(headers),
        "client": (sender, 1),
    }
    under = UnderPrefix(app, root_path, lambda address: address == PROXY)
    asyncio.run(under(scope, receive, send))
    return got, sent


def told(value: bytes) -> tuple[bytes, bytes]:
    return (b"x-forwarded-prefix", value)


def test_a_named_proxy_tells_the_prefix_and_nobody_else() -> None:
    assert prefix_of(asked("/read/a", told(b"/dateline"))[0]) == "/dateline"
    assert prefix_of(asked("/read/a", told(b"/dateline"), sender=OTHER)[0]) == ""


@pytest.mark.parametrize(
    "value", [b"//evil.example", b"/a;b", b"https://x.example/", b"/../x", b""]
)
def test_what_is_no_path_is_not_believed(value: bytes) -> None:
    assert prefix_of(asked("/read/a", told(value))[0]) == ""


def test_two_prefixes_are_none() -> None:
    assert prefix_of(asked("/read/a", told(b"/one"), told(b"/two"))[0]) == ""


def test_a_prefix_that_was_left_in_place_is_taken_away() -> None:
    got, _ = asked("/dateline/read/a%20b", root_path="/dateline")
    assert (got["path"], got["raw_path"]) == ("/read/a%20b", b"/read/a%20b")
    assert asked("/datelines/read", root_path="/dateline")[0]["path"] == "/datelines/read"


def test_the_prefix_without_its_slash_leads_to_the_one_with_it() -> None:
    got, sent = asked("/dateline", root_path="/dateline")
    assert got == {}
    assert sent[0]["status"] == 308
    assert (b"location", b"/dateline/") in sent[0]["headers"]


def test_the_setting_counts_more_than_what_a_proxy_says() -> None:
    assert prefix_of(asked("/x", told(b"/other"), root_path="/dateline")[0]) == "/dateline"


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({}, ""),
        ({"app_root_path": "/collections/press"}, "/collections/press"),
        (asked("/x", root_path="/dateline")[0], "/dateline"),
        (
            {
                **asked("/x", root_path="/dateline")[0],
                "app_root_path": "/collections/press",
            },
            "/dateline/collections/press",
        ),
    ],
)
def test_the_site_s_path_is_the_proxy_s_and_the_collection_s(
    scope: dict[str, Any], expected: str
) -> None:
    assert base_of(scope) == expected


@pytest.mark.parametrize(
    ("here", "path", "expected"),
    [
        ("/", "/read/a", "./read/a"),
        ("/read/a", "/page/x.css", "../page/x.css"),
        ("/a/b/c", "/", "../../"),
    ],
)
def test_addresses_are_relative_to_where_they_stand(here: str, path: str, expected: str) -> None:
    assert relative({"path": here, "raw_path": here.encode()}, path) == expected


@pytest.mark.parametrize("value", ["/date line", "//x", "/a/../b"])
def test_a_setting_that_is_no_path_says_what_to_give(value: str) -> None:
    with pytest.raises(SettingsError, match="give a path such as /dateline"):
        Settings(root_path=value)
    assert Settings(root_path="dateline/").root_path == "/dateline"
