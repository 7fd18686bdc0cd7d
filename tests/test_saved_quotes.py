"""Saved quotes: exact, a visitor's own, kept whatever becomes of the article, exported in full."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import docx
import pytest
from markdown_it import MarkdownIt

from assistant.api import create_app
from assistant.databases import CONVERSATIONS
from assistant.errors import QuestionError, QuoteNotFoundError
from assistant.render.markdown import quote_markdown
from assistant.render.text import visible
from assistant.web.conversations import FILE, Conversations
from assistant.web.keyed import needed
from assistant.web.quotes import LONGEST_NOTE, LONGEST_QUOTE, SavedQuote
from assistant.web.reading import REMOVED, SAVED, changed
from assistant.web.visitors import visitor_of
from tests.fake_assistant import COST, HARBOUR, MEETING, FakeAssistant, cite
from tests.test_api import Client
from tests.test_history import ANN, BOB, header
from vectorstore.articles import Article
from vectorstore.database import Database
from vectorstore.stores import Rows

PATH = "/api/v1/quotes"
AWKWARD = Article(
    id="ä/ö ü?#&.txt",
    title="Crème *brûlée* 🍮",
    text=(
        "Before. 𝕏 stood  there;\u00a0“‘nested’ quotes”,\the said. \r\n"
        "    # indented *and* `marked` <b>\r\n\r\n- 1. __last__ \\ line 👩‍👩‍👧 After."
    ),
    source="L’Écho",
    url="https://echo.example/a_b?c=1",
    published=HARBOUR.published,
    authors=("Jane Doe", "Zoë Łuć", "A_B"),
)
WHOLE = AWKWARD.text[len("Before. ") : -len(" After.")]


@pytest.fixture
def conversations(rows_of: Callable[[Database], Rows]) -> Conversations:
    return Conversations(rows_of(CONVERSATIONS))


@pytest.fixture
def assistant() -> FakeAssistant:
    return FakeAssistant((MEETING, HARBOUR, AWKWARD))


@pytest.fixture
def site(assistant: FakeAssistant, conversations: Conversations) -> Client:
    return Client(create_app(assistant, page=False, conversations=conversations))


def body(article: Article, quote: str, note: str = "") -> dict[str, Any]:
    start = article.text.index(quote)
    end = start + len(quote)
    return {"article_id": article.id, "start": start, "end": end, "quote": quote, "note": note}


def listed(site: Client, cookies: dict[str, str] = ANN) -> list[dict[str, Any]]:
    quotes: list[dict[str, Any]] = site.get(PATH, headers=header(cookies)).json()["quotes"]
    return quotes


def test_a_selection_is_saved_to_the_character_once_and_for_its_visitor_only(site: Client) -> None:
    saved = site.post(PATH, json=body(AWKWARD, WHOLE, " for the lead "), headers=header(ANN))
    assert saved.status_code == 201
    (quote,) = listed(site)
    assert quote == saved.json()
    assert AWKWARD.text[quote["start"] : quote["end"]] == quote["quote"] == WHOLE
    assert (quote["note"], quote["state"], quote["authors"]) == (
        "for the lead",
        "there",
        list(AWKWARD.authors),
    )
    again = site.post(PATH, json=body(AWKWARD, WHOLE), headers=header(ANN)).json()
    assert again == quote  # saving again without a note leaves the first note
    assert listed(site, BOB) == listed(site, {}) == []
    read = site.get(quote["read"], headers=header(ANN)).json()
    assert [(q["found"], q["place"] in quote["read"]) for q in read["quotes"]] == [(True, True)]
    for cookies in (BOB, {}):
        one = f"{PATH}/{quote['id']}"
        assert (
            site.request("PATCH", one, json={"note": "x"}, headers=header(cookies)).status_code
            == 404
        )
        assert site.request("DELETE", one, headers=header(cookies)).status_code == 404
        assert site.get(quote["read"], headers=header(cookies)).status_code == 404
        assert WHOLE[:9] not in site.get(f"{PATH}.md", headers=header(cookies)).text
    assert listed(site) == [quote]
    for path in (PATH, f"{PATH}.md", f"{PATH}.docx"):
        assert needed("GET", path) is None  # keys are for programs, quotes are for people


def test_a_citation_of_ones_own_answer_is_saved_also_when_the_article_is_gone(
    site: Client, conversations: Conversations, assistant: FakeAssistant
) -> None:
    visitor = visitor_of(ANN)
    assert visitor is not None
    asked = conversations.begin(visitor, COST.question)
    conversations.finish(asked.id, COST)
    assistant.index.remove([HARBOUR.id])
    given = {"answer": asked.id, "number": 2}
    saved = site.post(PATH, json=given, headers=header(ANN)).json()
    assert saved["quote"] == COST.citations[1].quote
    assert saved["state"] == "removed"
    assert site.post(PATH, json={**given, "number": 9}, headers=header(ANN)).status_code == 404
    assert site.post(PATH, json=given, headers=header(BOB)).status_code == 404
    conversations.remove(visitor, asked.conversation_id)
    assert listed(site) == [saved]  # it outlives the answer, too


def test_what_does_not_stand_there_or_is_nobodys_is_refused(site: Client) -> None:
    right = body(HARBOUR, "€48 million")
    for wrong in ({"start": right["start"] - 1}, {"end": 10**6}, {"quote": "€49 million"}):
        refused = site.post(PATH, json={**right, **wrong}, headers=header(ANN))
        assert refused.status_code == 400
        assert "open it again" in refused.json()["message"]
    gone = site.post(PATH, json={**right, "article_id": "gone"}, headers=header(ANN))
    assert gone.status_code == 404
    stranger = site.post(PATH, json=right)
    assert stranger.status_code == 400
    assert "cookie" in stranger.json()["message"]
    assert site.post(PATH, json={"start": 1}, headers=header(ANN)).status_code == 422
    assert listed(site) == []


def test_an_article_that_changed_or_is_gone_is_told_and_the_quote_kept(
    site: Client, assistant: FakeAssistant
) -> None:
    quote = "The earlier estimate was €24 million."
    site.post(PATH, json=body(HARBOUR, quote), headers=header(ANN))
    (address,) = [one["read"] for one in listed(site)]
    assistant.index.kept[HARBOUR.id] = replace(HARBOUR, text=HARBOUR.text.replace("€24", "€25"))
    read = site.get(address, headers=header(ANN)).json()
    assert [q["saved"] for q in read["quotes"]] == [quote]
    assert (read["since"], listed(site)[0]["state"]) == (SAVED, "changed")
    in_html = {**header(ANN), "Accept": "text/html"}
    assert changed(SAVED) in site.get(address, headers=in_html).text
    assistant.index.remove([HARBOUR.id])
    assert listed(site)[0]["state"] == "removed"
    shown = site.get(address, headers=in_html).text
    assert REMOVED in shown
    assert quote in shown


def test_a_note_is_changed_and_a_removed_quote_brought_back_by_its_visitor(site: Client) -> None:
    site.post(PATH, json=body(HARBOUR, "€48 million"), headers=header(ANN))
    (before,) = listed(site)
    one = f"{PATH}/{before['id']}"
    noted = site.request("PATCH", one, json={"note": "sure?"}, headers=header(ANN)).json()
    assert noted == {**before, "note": "sure?"}
    undo = site.request("DELETE", one, headers=header(ANN)).json()["undo"]
    assert listed(site) == []
    for cookies, status in ((BOB, 404), ({}, 404), (ANN, 204), (ANN, 404)):
        reply = site.post(f"{PATH}/undo", json={"name": undo}, headers=header(cookies))
        assert reply.status_code == status
    assert listed(site) == [noted]


def test_all_are_exported_with_their_source_lines_to_the_character(site: Client) -> None:
    site.post(PATH, json=body(AWKWARD, WHOLE, "for *the* lead"), headers=header(ANN))
    site.post(PATH, json=body(HARBOUR, "€48 million"), headers=header(ANN))
    markdown = site.get(f"{PATH}.md", headers=header(ANN))
    assert markdown.headers["content-type"] == "text/markdown; charset=utf-8"
    assert "quotes.md" in markdown.headers["content-disposition"]
    assert (
        "— Crème \\*brûlée\\* 🍮, by Jane Doe, Zoë Łuć and A\\_B, L’Écho, 4 Nov 2025, "
        f"<https://echo.example/a_b?c=1> (article ä/ö ü?\\#\\&.txt, characters 8–{8 + len(WHOLE)})"
    ) in markdown.text
    assert "*Note:* for \\*the\\* lead" in markdown.text
    assert markdown.text.index("𝕏") < markdown.text.index("€48 million")  # in the order of saving
    document = docx.Document(BytesIO(site.get(f"{PATH}.docx", headers=header(ANN)).content))
    quotes = [p.text for p in document.paragraphs if p.style and p.style.name == "Quote"]
    assert quotes == [WHOLE.replace("\r\n", "\n"), "€48 million"]
    others = [p.text for p in document.paragraphs]
    assert (
        "— Crème *brûlée* 🍮, by Jane Doe, Zoë Łuć and A_B, L’Écho, 4 Nov 2025, "
        f"https://echo.example/a_b?c=1 (article ä/ö ü?#&.txt, characters 8–{8 + len(WHOLE)})"
    ) in others
    assert "Note: for *the* lead" in others
    assert document.core_properties.author == document.core_properties.comments == ""


@pytest.mark.parametrize(
    "text", [WHOLE, "a\n\n\tb  c", "> x\n===\n    y", "1) a\r- b", " - ", "€\u00a0x"]
)
def test_a_quote_in_markdown_renders_to_its_own_characters(text: str) -> None:
    (begin, *rest) = MarkdownIt("commonmark").parse(quote_markdown(text))
    assert begin.type == "blockquote_open"
    assert {token.type for token in rest} <= {
        *("paragraph_open", "paragraph_close", "inline", "blockquote_close"),
    }
    shown = [
        "".join("\n" if child.type == "hardbreak" else child.content for child in token.children)
        for token in rest
        if token.type == "inline" and token.children
    ]
    lines = visible(text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    # Spaces at the end of a line are only visual.
    said = [line.rstrip(" ") for part in shown for line in part.split("\n")]
    assert said == [line.rstrip(" ") for line in lines if line.strip()]


def test_no_control_character_breaks_a_document(site: Client, assistant: FakeAssistant) -> None:
    odd = Article(
        "odd", "a\x00\ufffe", "b\x1b[31m \u202e \ufffe\uffff \x0b end", "s\x07", authors=("\x08",)
    )
    assistant.index.add_articles([odd])
    site.post(PATH, json=body(odd, odd.text, "\x01"), headers=header(ANN))
    for ending in ("md", "docx"):
        assert site.get(f"{PATH}.{ending}", headers=header(ANN)).status_code == 200


def test_what_is_too_long_is_refused_with_what_to_do(conversations: Conversations) -> None:
    quotes = conversations.quotes
    long = replace(cite(HARBOUR, "€48"), quote="x" * (LONGEST_QUOTE + 1))
    with pytest.raises(QuestionError, match="Select less"):
        quotes.save("ann", long)
    with pytest.raises(QuestionError, match="Shorten it"):
        quotes.save("ann", cite(HARBOUR, "€48"), note="x" * (LONGEST_NOTE + 1))
    assert quotes.all("ann") == []
    with pytest.raises(QuoteNotFoundError, match="no such quote"):
        quotes.get("ann", "never")


def test_quotes_are_kept_in_a_file_that_an_earlier_version_made(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        CONVERSATIONS.make(db, 1)
        db.execute("INSERT INTO conversations VALUES ('c', 'ann', 'who?', '[[], null, null]', 1.0)")
    with closing(Conversations.open(tmp_path / FILE)) as opened:
        saved = opened.quotes.save("ann", cite(HARBOUR, "€48"), authors=("A",), note="n")
        assert [heading.title for heading in opened.headings("ann")] == ["who?"]
    with closing(Conversations.open(tmp_path / FILE)) as again:
        assert again.quotes.all("ann") == [saved]
        assert isinstance(saved, SavedQuote)
        again.quotes.remove("ann", saved.id)
    assert "€48".encode() not in (tmp_path / FILE).read_bytes()
