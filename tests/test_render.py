"""Answers as text, Markdown and HTML: what is shown, and that nothing shown is obeyed."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from assistant.answers import Answer, Citation, Position, Statement
from assistant.render.html import article_page, escaped, to_html
from assistant.render.markdown import to_markdown
from assistant.render.plain import to_text
from assistant.render.quoted import Quoted, article_address, paragraph, reading_address, segments
from assistant.render.text import day, shelf, visible
from assistant.web.conversations import Filters
from tests.fake_assistant import (
    CO_CHAIRS,
    COST,
    HARBOUR,
    HOSTILE,
    HOSTILE_ANSWER,
    MEETING,
    START,
    TIMELINE,
    FakeAssistant,
    MemoryIndex,
    answered,
    cite,
)
from vectorstore.articles import Article, Hit, Passage

TEXTS = {article.id: article.text for article in (MEETING, HARBOUR, HOSTILE)}
ABSTENTION = FakeAssistant().answer("who won?")


class Page(HTMLParser):
    """The elements of some HTML: their names and attributes, and the text inside <mark>."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.marks: list[str] = []
        self.text = ""
        self._open = False
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "mark":
            self._open = True
            self.marks.append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag != "mark"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._open:
            self.marks[-1] += data

    def links(self, css: str) -> list[tuple[str, dict[str, str | None]]]:
        return [element for element in self.elements if element[1].get("class") == css]


# ------------------------------------------------------------------------------------------- text


def test_an_answer_as_text_gives_the_marks_then_each_quote_and_where_it_stands() -> None:
    assert to_text(COST) == (
        "The harbour wall will cost €48 million [1]. It was estimated at €24 million before [2].\n"
        "\n"
        "[1] “The harbour wall will cost €48 million, the port said on Monday. 🌊”\n"
        "    Harbour wall: the cost doubles  ·  Coast Gazette  ·  4 Nov 2025  ·  characters 0–66\n"
        "\n"
        "[2] “The earlier estimate was €24 million.”\n"
        "    Harbour wall: the cost doubles  ·  Coast Gazette  ·  4 Nov 2025  ·  characters 67–104"
    )


def test_a_page_is_named_and_a_missing_date_is_left_out() -> None:
    citation = replace(cite(HARBOUR, "Work begins in March."), page=3, published=None)
    last = to_text(answered("when?", "In March [1].", citation)).splitlines()[-1]
    assert last.endswith("Coast Gazette  ·  page 3  ·  characters 106–127")


def test_an_abstention_as_text_lists_the_closest_passages_without_numbers() -> None:
    text = to_text(ABSTENTION)
    assert text.startswith(
        "Your articles don't answer this.\n\nClosest passages\n\n    “The United"
    )
    assert "    Harbour wall: the cost doubles  ·  Coast Gazette  ·  4 Nov 2025" in text
    assert "[1]" not in text


def test_an_editors_note_below_an_article_is_not_shown_as_what_is_closest() -> None:
    note = "*This article is invented: so are the people who won.*"
    for text, shown in (
        (f"The vote is on Monday.\n\n{note}", "The vote is on Monday."),
        (note, note),
    ):
        passage = Passage("p", "a", 0, len(text), text, "The vote")
        found = replace(ABSTENTION, passages=(Hit(passage, 1.0),))
        assert f"“{shown}”" in to_text(found)
        assert "invented" not in to_html(found, {"a": text}.get) or shown == note


def test_no_more_than_three_closest_passages_are_shown() -> None:
    four = replace(ABSTENTION, passages=ABSTENTION.passages * 2)
    assert to_text(four).count("“The United") + to_text(four).count("“The harbour") == 3
    assert len(Page(to_html(four, TEXTS.get)).links("dl-source")) == 3


def test_quotes_of_one_article_that_stand_together_are_told_as_such() -> None:
    html = to_html(COST, TEXTS.get)
    assert html.count('class="dl-source"') == html.count('class="dl-source dl-same"') == 1
    paged = tuple(replace(one, page=number) for number, one in enumerate(COST.citations, 1))
    assert "dl-same" not in to_html(replace(COST, citations=paged), TEXTS.get)


def test_notices_come_last() -> None:
    noticed = replace(CO_CHAIRS, notices=("Undated articles were left out.",))
    assert to_text(noticed).endswith("\n\nNote: Undated articles were left out.")
    assert to_markdown(noticed).endswith("\n\n*Undated articles were left out.*\n")
    assert 'class="dl-notice">Undated' in to_html(noticed, TEXTS.get)


def test_no_control_character_reaches_a_terminal_or_a_file() -> None:
    nasty = "\x1b[31mred\x1b[0m \x9b2J \u202egnp.exe\u202c \x00\x07 \ud800"
    answer = answered(f"q {nasty}", f"{nasty} [1]", _whole(nasty))
    for shown in (to_text(answer), to_markdown(answer)):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
        shown.encode()


# --------------------------------------------------------------------------------------- Markdown


def test_an_answer_as_markdown_is_question_text_and_numbered_quotes() -> None:
    assert to_markdown(COST) == (
        "**Q:** what does the harbour wall cost?\n"
        "\n"
        "The harbour wall will cost €48 million [1]. It was estimated at €24 million before [2].\n"
        "\n"
        '1. "The harbour wall will cost €48 million, the port said on Monday. 🌊" — Harbour wall: '
        "the cost doubles, Coast Gazette, 4 Nov 2025 (article reports/harbour 2?.txt, characters "
        "0–66)\n"
        '2. "The earlier estimate was €24 million." — Harbour wall: the cost doubles, Coast '
        "Gazette, 4 Nov 2025 (article reports/harbour 2?.txt, characters 67–104)\n"
    )


def test_numbers_that_a_markdown_list_would_change_are_kept() -> None:
    citation = replace(cite(HARBOUR, "Work begins in March."), number=5)
    text = to_markdown(answered("when?", "In March [5].", citation))
    assert "5. &quot;Work begins" in MarkdownIt().render(text)


@pytest.mark.parametrize("place", ["question", "text", "quote", "title", "source", "notice"])
@pytest.mark.parametrize(
    "bad",
    [
        "<script>alert(1)</script>",
        "[a](javascript:alert(1))",
        "![p](https://outside.invalid/p.png)",
        "</li></ol><h1>x",
        "# heading",
        "- item",
        "1) item",
        "> quote",
        "```\ncode",
        "a\n\n# b",
        "a\n===",
        "&lt;b&gt;",
        "| a | b |\n|--|--|",
        "**bold** _it_ ~~no~~ `code`",
        "[1]: https://outside.invalid",
        "\\",
    ],
)
def test_nothing_breaks_out_of_its_place_in_markdown(place: str, bad: str) -> None:
    tame = _shape(MarkdownIt("gfm-like", {"linkify": False}), _with(place, "words"))
    assert _shape(MarkdownIt("gfm-like", {"linkify": False}), _with(place, bad)) == tame


def test_markdown_renders_to_the_words_of_the_quote() -> None:
    quote = HOSTILE.text[HOSTILE.text.index("<a class") : HOSTILE.text.index("\n\nLast")]
    answer = answered("what?", "This [1].", cite(HOSTILE, quote))
    shown = Page(MarkdownIt().render(to_markdown(answer))).text
    assert " ".join(visible(quote).split()) in shown


# ------------------------------------------------------------------------------------------- HTML


def test_marks_become_links_that_name_article_and_quotes() -> None:
    links = Page(to_html(COST, TEXTS.get)).links("cite")
    assert [name for name, _ in links] == ["a", "a"]
    first, second = (attributes["href"] for _, attributes in links)
    assert first is not None
    assert second is not None
    assert first.startswith("read/reports%2Fharbour%202%3F.txt?c=1&q=1.0.66.")
    assert "&q=2.67.104." in first
    assert second == first.replace("?c=1", "?c=2")


def test_a_mark_in_code_is_no_citation() -> None:
    text = "It is `a[1]` [1].\n```\nb[1]\n```\nTeX `quotes' [1] and `more' [2]."
    answer = answered("how?", text, cite(MEETING, "vital to peace"))
    assert to_text(answer).startswith(text.replace("[2]", "(2)"))
    assert [e for e, names in Page(to_html(answer, TEXTS.get)).elements if e == "a"].count("a") == 3


def test_each_source_shows_its_paragraph_with_the_quoted_words_marked() -> None:
    page = Page(to_html(COST, TEXTS.get))
    assert page.marks == [citation.quote for citation in COST.citations]
    assert "Harbour wall: the cost doublesCoast Gazette · 4 Nov 2025" in page.text
    assert "on Monday. 🌊 The earlier estimate" in page.text
    assert "Work begins" not in page.text  # which is another paragraph


def test_long_paragraphs_are_cut_between_words_on_both_sides() -> None:
    text = "before " * 200 + "the quote itself" + " after" * 200
    article = Article("long", "Long", text)
    page = Page(
        to_html(answered("q", "a [1]", cite(article, "the quote itself")), {"long": text}.get)
    )
    assert page.marks == ["the quote itself"]
    assert "… before before" in page.text
    assert "after after …" in page.text
    assert len(page.text) < 1_200


def test_a_removed_or_changed_article_keeps_its_quote_and_says_so() -> None:
    gone = Page(to_html(COST, lambda _: None))
    assert gone.marks == [citation.quote for citation in COST.citations]
    assert "article removed" in gone.text
    changed = Page(to_html(COST, lambda _: "Another text altogether."))
    assert changed.marks == gone.marks
    assert "This article changed after the answer. Quote shown as saved." in changed.text


def test_positions_come_newest_first_and_undated_last() -> None:
    undated = Position("Some day [1]", (1,), None)
    text = Page(to_html(replace(START, positions=(undated, *START.positions)), TEXTS.get)).text
    places = [
        text.index(words) for words in ("Gazette 4 Nov 2025", "Lite 26 Jul 2025", "Gazette no date")
    ]
    assert places == sorted(places)


def test_where_sources_disagree_each_claim_has_its_day_and_its_quotes_newest_first() -> None:
    text = to_text(START)
    places = [
        text.index(words)
        for words in (
            "Your sources disagree.",
            "4 Nov 2025: In March\n",
            "[1] “Work begins in March",
            "26 Jul 2025: On July 9\n",
            "[2] “The annual conference",
        )
    ]
    assert places == sorted(places)
    page = Page(to_html(START, TEXTS.get)).text
    assert page.index("In March") < page.index("Work begins in March") < page.index("On July 9")


TOLD = (
    "Your sources disagree.\n\n"
    "Coast Gazette (4 November 2025): In March [1]\n\n"
    "Asian Lite (26 July 2025): On July 9 [2]"
)


def test_a_disagreement_is_told_once_as_a_table_and_scripts_have_its_text() -> None:
    told = replace(
        START,
        text=TOLD,
        positions=(
            Position("On July 9", (2,), MEETING.published),
            Position("In March", (1,), HARBOUR.published),
        ),
    )
    page = Page(to_html(told, TEXTS.get))
    assert page.text.count("July 2025") == page.text.count("Coast Gazette (") == 0
    assert page.text.count("In March") == page.text.count("On July 9") == 1
    assert [
        ("scope", "col") in attributes.items() for name, attributes in page.elements if name == "th"
    ] == [True] * 2
    assert to_text(told).startswith(TOLD)
    assert (
        "Your sources disagree.\n\n"
        "| What is said | Source |\n| --- | --- |\n"
        "| In March | Coast Gazette, 4 Nov 2025 [1] |\n"
        "| On July 9 | Asian Lite, 26 Jul 2025 [2] |\n\n"
        '1. "Work begins in March'
    ) in to_markdown(told)
    # A sentence that says more than one side is kept, and so is everything in a part.
    more = replace(told, text=f"{TOLD} and nobody knows why.\n\nBoth: In March [1] and later [2].")
    kept = Page(to_html(more, TEXTS.get)).text
    assert "nobody knows why" in kept
    assert "Both: In March" in kept
    assert TOLD.split("\n\n")[1] in Page(to_html(told, TEXTS.get, stopped=True)).text


@pytest.mark.parametrize("bad", ["a | b", "|---|\n|x|", "<b>", "[1]: x", "\\|"])
def test_nothing_breaks_out_of_a_cell(bad: str) -> None:
    odd = replace(START, positions=tuple(replace(p, text=bad) for p in START.positions))
    shown = Page(MarkdownIt("gfm-like", {"linkify": False}).render(to_markdown(odd)))
    assert [name for name, _ in shown.elements].count("td") == 2 * len(odd.positions)
    assert not shown.links("b")


def test_a_claim_that_is_its_whole_quote_is_not_quoted_again() -> None:
    whole = [replace(p, text=START.citations[p.citations[0] - 1].quote) for p in START.positions]
    said = to_html(replace(START, positions=tuple(whole)), TEXTS.get)
    assert said.count('class="dl-said"') == 0
    assert to_html(START, TEXTS.get).count('class="dl-said"') == len(START.positions)
    for position in whole:
        assert position.text in Page(said).text


def test_a_citation_of_no_position_is_shown_too() -> None:
    odd = replace(START, positions=START.positions[:1])
    assert "[1] “Work begins" in to_text(odd)
    assert "Work begins" in to_markdown(odd)


def test_a_growing_answer_shows_no_sources_and_a_stopped_one_those_it_came_to() -> None:
    part = replace(COST, text="The harbour wall will cost €48 million [1].", complete=False)
    assert Page(to_html(part, TEXTS.get)).marks == []
    stopped = Page(to_html(part, TEXTS.get, stopped=True))
    assert stopped.marks == [COST.citations[0].quote]
    assert "Stopped. Citations below are checked; the answer is unfinished." in stopped.text
    before = replace(COST, text="", citations=(), complete=False)
    assert Page(to_html(before, TEXTS.get, stopped=True)).text == "Stopped."


def test_a_growing_answer_changes_only_its_last_block() -> None:
    whole = "First [1].\n\nSecond part.\n\nThird."
    grown = [
        to_html(replace(CO_CHAIRS, text=whole[:end], complete=False), TEXTS.get).split("\n\n")
        for end in (10, 24, len(whole))
    ]
    assert grown[0] == grown[1][:1] == grown[2][:1]
    assert grown[1][1] == grown[2][1]


@settings(deadline=None)
@given(
    text=st.text(max_size=60),
    title=st.text(max_size=40),
    quote=st.text(min_size=1, max_size=40),
    around=st.tuples(st.text(max_size=40), st.text(max_size=40)),
    numbers=st.lists(st.integers(0, 12), max_size=4),
)
def test_whatever_articles_say_stays_text(
    text: str, title: str, quote: str, around: tuple[str, str], numbers: list[int]
) -> None:
    marks = "".join(f" [{number}]" for number in numbers)
    article = around[0] + quote + around[1]
    start = len(around[0])
    citation = Citation(
        3, "id", title, title, "", date(2025, 1, 2), start, start + len(quote), quote
    )
    answer = answered(text, text + marks + " [3]", citation)
    markup = to_html(answer, lambda _: article)
    page = Page(markup)
    names = {name for name, _ in page.elements}
    assert names <= {"p", "a", "div", "span", "mark", "blockquote"}
    for _, attributes in page.elements:
        assert set(attributes) <= {"class", "href", "title", "dir"}
    assert all("c=3" in (link.get("href") or "") for _, link in page.links("cite"))
    assert page.marks == [_as_html(quote)]
    # A paragraph is one line, so Markdown sees blocks of HTML and no Markdown.
    for block in markup.split("\n\n"):
        assert block.startswith(("<p ", "<div "))
        assert not re.search(r"[\n\r`*_$~{}\[\]\\|]", re.sub(r"<[^>]*>", "", block))
    shown = {int(n) for n in re.findall(r"\[(\d{1,4})\]", to_text(answer).split("\n\n[3] ")[0])}
    assert shown <= {3}


def test_hostile_articles_are_inert_as_html() -> None:
    page = Page(to_html(HOSTILE_ANSWER, TEXTS.get))
    assert {name for name, _ in page.elements} == {"p", "a", "div", "span", "mark", "blockquote"}
    assert "<img src=x onerror" in page.text
    assert "(7)" in page.text


# ------------------------------------------------------------------------- paragraphs and segments


@settings(deadline=None)
@given(st.text(alphabet="ab \n\r\t", max_size=60), st.data())
def test_a_paragraph_holds_its_span_and_no_blank_line_around_it(
    text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    first, last = paragraph(text, start, end)
    assert 0 <= first <= start <= end <= last <= len(text)
    assert "\n\n" not in text[first:start].rstrip("\n\r\t ")
    assert "\n\n" not in text[end:last].lstrip("\n\r\t ")


def test_lines_are_the_paragraphs_where_no_blank_line_is() -> None:
    assert paragraph("one\ntwo\nthree", 4, 6) == (4, 7)
    assert paragraph("one\ntwo\n\nthree", 4, 6) == (0, 7)


@settings(deadline=None)
@given(
    st.text(max_size=50),
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=5),
)
def test_segments_join_to_the_text_and_to_each_quote(
    text: str, spans: list[tuple[int, int]]
) -> None:
    found = [
        Citation(number, "a", "", "", "", None, start, end, text[start:end])
        for number, (start, end) in enumerate(spans, start=1)
        if start < end <= len(text)
    ]
    runs = segments(text, [Quoted.of(citation) for citation in found])
    assert "".join(run.text for run in runs) == text
    for citation in found:
        joined = "".join(run.text for run in runs if citation.number in run.numbers)
        assert joined == citation.quote


def test_a_quote_that_no_longer_stands_there_is_not_marked() -> None:
    quoted = Quoted.of(cite(HARBOUR, "The earlier estimate"))
    assert [run.numbers for run in segments("x" + HARBOUR.text, [quoted])] == [()]
    assert not quoted.found_in("short")


@settings(deadline=None)
@given(st.integers(1, 999), st.integers(0, 10**6), st.integers(1, 10**6), st.text(max_size=20))
def test_a_quote_is_read_back_from_its_address(
    number: int, start: int, length: int, words: str
) -> None:
    quoted = Quoted.of(Citation(number, "a", "", "", "", None, start, start + length, words))
    assert Quoted.parse(str(quoted)) == quoted


@pytest.mark.parametrize(
    "value", ["", "1", "1.2.3", "1.2.3.xyz", "-1.2.3.0123456789ab", "1.2.3.0123456789abc"]
)
def test_what_names_no_quote_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="names no quote"):
        Quoted.parse(value)


def test_addresses_name_the_other_quotes_of_the_same_article_only() -> None:
    both = reading_address(START, START.citations[0])
    assert both.count("&q=") == 1
    assert article_address("a/b?c#d\ud800") == "read/a%2Fb%3Fc%23d%3F"


def test_an_article_has_a_page_of_its_own_with_the_chosen_quote_marked() -> None:
    citation = HOSTILE_ANSWER.citations[0]
    page = Page(article_page(HOSTILE, segments(HOSTILE.text, [Quoted.of(citation)]), 1))
    assert page.marks == [_as_html(citation.quote)]
    assert {name for name, _ in page.elements} == {
        "html", "head", "meta", "title", "link", "body", "main", "h1", "bdi", "p", "div",
        "mark",
    }  # fmt: skip


TURNING = "\u202egnp.exe\u2066\u202b"


def test_marks_that_turn_text_around_end_in_no_title_source_or_list() -> None:
    """A quote keeps them: it is shown exactly."""
    turned = replace(
        MEETING,
        title=f"The {TURNING} meeting",
        source=f"Wire {TURNING}",
        text=f"It is held in Dakar {TURNING} on July 9, the ministry said.",
    )
    quote = turned.text
    citation = Citation(1, turned.id, turned.title, turned.source, "", None, 0, len(quote), quote)
    answer = replace(
        COST,
        text="It is held in Dakar [1].",
        statements=(Statement("It is held in Dakar", (1,)),),
        citations=(citation,),
        positions=(),
    )
    shown = to_html(answer, lambda _: turned.text, name="a1")
    (marked,) = re.findall(r"<mark>(.*?)</mark>", shown, re.DOTALL)
    assert marked == escaped(quote)
    assert "\u202e" in html.unescape(marked)
    beside = html.unescape(shown.replace(marked, ""))
    assert "The gnp.exe meeting" in beside
    assert "Wire gnp.exe" in beside
    for rest in (
        beside,
        article_page(replace(turned, text="x"), [], None),
        to_markdown(answer).replace(quote, ""),
        str(Filters((turned.source,))),
    ):
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", rest)


def test_days_and_shelves_are_written_the_same_in_every_locale() -> None:
    assert day(date(2025, 3, 1)) == "1 Mar 2025"
    assert day(date(2025, 3, 1), year=False) == "1 Mar"
    assert (
        shelf(MemoryIndex([MEETING, HARBOUR]).statistics())
        == "2 articles · 2025 · newest 4 Nov 2025"
    )
    old = replace(MEETING, id="old", published=date(2019, 5, 6))
    assert (
        shelf(MemoryIndex([old, HARBOUR]).statistics())
        == "2 articles · 2019–2025 · newest 4 Nov 2025"
    )
    undated = replace(MEETING, published=None)
    assert shelf(MemoryIndex([undated]).statistics()) == "1 article"
    assert shelf(MemoryIndex([]).statistics()) == ""


def test_hits_without_a_title_are_named_by_their_article() -> None:
    passage = Passage("p", "the-id", 0, 4, "text")
    answer = replace(ABSTENTION, passages=(Hit(passage, 1.0),))
    assert "    the-id" in to_text(answer)


def _whole(text: str) -> Citation:
    return Citation(1, "id", text, text, "", None, 0, len(text), text)


def _as_html(text: str) -> str:
    """The text as HTML shows it: control characters as symbols, everything else as it is."""
    return "".join(
        visible(char) if char < "\xa0" or "\ud800" <= char < "\ue000" else char for char in text
    )


def _with(place: str, words: str) -> Answer:
    """An answer with these words in one place."""
    values = dict.fromkeys(("question", "text", "quote", "title", "source", "notice"), "words")
    values[place] = words
    quote = values["quote"]
    citation = Citation(1, "id", values["title"], values["source"], "", None, 0, len(quote), quote)
    return answered(
        values["question"], f"{values['text']} [1]", citation, notices=(values["notice"],)
    )


def _shape(markdown: MarkdownIt, answer: Answer) -> list[str]:
    """What the answer's Markdown renders to, apart from running text and its paragraphs."""
    tokens = markdown.parse(to_markdown(answer))
    inside = [child for token in tokens for child in token.children or ()]
    plain = {"paragraph_open", "inline", "paragraph_close", "text", "text_special", "softbreak"}
    return [token.type for token in (*tokens, *inside) if token.type not in plain]


def test_a_refusal_shows_the_passages_where_the_words_asked_for_stand_in_bold() -> None:
    text = "The council met on Monday. It heard a report. The <new> ferries sail from Skennay."
    passage = Passage("p", "a", 0, len(text), text, "Council")
    answer = Answer(
        "When does the ferry sail?", "abstention", "Nothing.", passages=(Hit(passage, 1.0),)
    )
    shown = to_html(answer, lambda _: text)
    assert "… The &#60;new&#62; <b>ferries</b> <b>sail</b> from Skennay." in shown
    assert "council met" not in shown
    assert "“… The <new> ferries sail from Skennay.”" in to_text(answer)


# ------------------------------------------------------------------------------------- timelines


def test_a_timeline_is_a_list_of_days_each_with_what_is_cited_of_it() -> None:
    html = to_html(TIMELINE, TEXTS.get)
    assert html.count('<ol class="dl-timeline">') == 1
    first, second = html.split("</ol>")[0].split("<li>")[1:]
    assert '<span class="dl-when">26 Jul 2025</span>' in first
    assert '<span class="dl-when">4 Nov 2025</span>' in second
    assert (first.count("<p "), second.count("<p ")) == (1, 2)
    assert [part.count('class="cite"') for part in (first, second)] == [1, 2]
    assert "26 July 2025" not in html
    assert "\n" not in html.split("</ol>")[0]
    saved = to_markdown(TIMELINE)
    assert "26 July 2025: The annual conference" in saved


def test_what_happened_on_one_day_has_its_day_once() -> None:
    day = replace(TIMELINE, text=TIMELINE.text.partition("\n\n")[2])
    assert to_html(day, TEXTS.get).split("</ol>")[0].count("4 Nov 2025") == 1


def test_what_has_no_day_stands_as_such_and_paragraphs_stay_with_theirs() -> None:
    undated = replace(TIMELINE.citations[2], published=None)
    text = TIMELINE.text.replace("4 November 2025: Work", "Work").replace(
        "July 9. [1]", "July 9. [1]\n\nIt was the second. [1]"
    )
    told = replace(TIMELINE, text=text, citations=(*TIMELINE.citations[:2], undated))
    parts = to_html(told, TEXTS.get).split("</ol>")[0].split("<li>")[1:]
    assert [part.count("<p ") for part in parts] == [2, 1, 1]
    assert "no date" in parts[2]


@pytest.mark.parametrize(
    "changed",
    [
        {"complete": False},
        {"text": TIMELINE.text.replace("26 July 2025: ", "")},
        {"text": TIMELINE.text.replace("26 July 2025", "27 July 2025")},
        {"text": TIMELINE.text.replace("[1]", "")},
        {"text": TIMELINE.text.split("\n\n")[0]},
    ],
)
def test_other_answers_are_no_timelines(changed: Any) -> None:
    assert "dl-timeline" not in to_html(replace(TIMELINE, **changed), TEXTS.get)
