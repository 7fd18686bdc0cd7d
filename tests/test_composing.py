"""Claims become text, statements and citations."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from assistant import Answer
from assistant.answering.findings import Claim, Finding, Proof
from assistant.answers import Statement
from assistant.prompts import load_phrases
from assistant.writing.composing import Composition, copies, quoted, sentence, unmarked
from vectorstore import Hit, Passage
from vectorstore.splitting import Span

PHRASES = load_phrases("extractive")
TEXT = "The vote was on Friday. It went nine to four [2].\n\nNobody objected."
PASSAGE = Passage(
    "a#0", "a", 100, 100 + len(TEXT), TEXT, "Vote", "Courier", published=date(2025, 7, 18)
)


def proof(words: str, passage: Passage = PASSAGE) -> Proof:
    start = passage.start + passage.text.index(words)
    return Proof(passage, Span(start, start + len(words)))


def composed(*findings: Finding) -> Answer:
    writing = Composition(PHRASES)
    for finding in findings:
        writing.add(finding)
    return writing.on(Answer("q", "abstention", ""))


def phrase(words: str, *proofs: Proof, lead: str = "") -> Finding:
    return Finding("span", (Claim(words, proofs, phrase=True),), {}, short=words, lead=lead)


def test_a_phrase_begins_with_a_capital_and_ends_with_a_stop() -> None:
    answer = composed(phrase("nine to four", proof("It went nine to four [2].")))
    assert answer.text == "Nine to four. [1]"
    assert answer.short == "nine to four"
    assert answer.statements[0].text == "Nine to four."


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("€9", "€9."),
        ("a “guess.”", "A “guess.”"),
        ("why?", "Why?"),
        ("St.", "St."),
        ("July 9", "July 9."),
    ],
)
def test_a_phrase_that_has_its_stop_gets_no_other(words: str, told: str) -> None:
    assert sentence(words) == told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Friday", "Friday (18 July 2025). [1]"),
        ("on Friday", "On Friday (18 July 2025). [1]"),
        ("July 18", "July 18 (2025). [1]"),
        ("July 18, 2025", "July 18, 2025. [1]"),
        ("nine to four", "Nine to four. [1]"),
    ],
)
def test_a_date_is_told_with_what_the_articles_date_gives_it(words: str, told: str) -> None:
    assert composed(phrase(words, proof("The vote was on Friday."))).text == told


@pytest.mark.parametrize(
    "sentence_", ["The funeral takes place on Friday.", "It will be told on Friday who won."]
)
def test_which_friday_is_meant_by_a_sentence_that_looks_ahead_is_not_guessed(
    sentence_: str,
) -> None:
    passage = replace(PASSAGE, text=sentence_, end=PASSAGE.start + len(sentence_))
    assert composed(phrase("on Friday", proof(sentence_, passage))).text == "On Friday. [1]"


@pytest.mark.parametrize("mark", ["##", "-", "*", "•"])
def test_the_mark_of_a_headline_or_an_item_is_no_part_of_what_it_says(mark: str) -> None:
    text = f"{mark} The bridge is shut"
    passage = replace(PASSAGE, text=text, end=PASSAGE.start + len(text))
    claim = Claim(text, (proof(text, passage),))
    answer = composed(Finding("sentences", (claim,), {}))
    assert answer.text == "The bridge is shut [1]"
    assert answer.citations[0].quote == text


def test_the_same_words_are_cited_once_and_every_paragraph_has_its_mark() -> None:
    claim = Claim(TEXT, (Proof(PASSAGE, Span(100, 100 + len(TEXT))),))
    answer = composed(Finding("sentences", (claim, claim), {}))
    assert len(answer.citations) == 1
    assert answer.text.split("\n\n")[:2] == [
        "The vote was on Friday. It went nine to four (2). [1]",
        "Nobody objected. [1]",
    ]
    (citation,) = answer.citations
    assert (citation.start, citation.quote) == (100, TEXT)


def test_yes_and_no_stand_before_the_sentence() -> None:
    said = Claim("Nobody objected.", (proof("Nobody objected."),))
    answer = composed(Finding("verdict", (said,), {}, short="No", lead="denied"))
    assert answer.text == "No: Nobody objected. [1]"


def test_what_answers_two_parts_of_a_question_is_told_once() -> None:
    said = Finding("sentences", (Claim("Nobody objected.", (proof("Nobody objected."),)),), {})
    again = composed(said, phrase("on Friday", proof("The vote was on Friday.")), said)
    assert again.text == "Nobody objected. [1]\n\nOn Friday (18 July 2025). [2]"


def test_every_event_of_a_timeline_has_its_day() -> None:
    said = Claim("The vote was on Friday.", (proof("The vote was on Friday."),))
    other = replace(PASSAGE, id="b#0", article_id="b", published=date(2025, 7, 20))
    later = Claim("Nobody objected.", (proof("Nobody objected.", other),))
    assert composed(Finding("timeline", (said, later), {})).text == (
        "18 July 2025: The vote was on Friday. [1]\n\n20 July 2025: Nobody objected. [2]"
    )


def test_the_day_of_one_article_is_not_that_of_the_events_it_tells() -> None:
    said = Claim("The vote was on Friday.", (proof("The vote was on Friday."),))
    also = Claim("Nobody objected.", (proof("Nobody objected."),))
    assert composed(Finding("timeline", (said, also), {})).text == (
        "The vote was on Friday. [1]\n\nNobody objected. [2]"
    )


@pytest.mark.parametrize(
    ("text", "words", "told"),
    [
        ("He was arrested on 5 July.", "5 July", "5 July (2025)."),
        ("He was arrested on 25 July.", "25 July", "25 July."),  # in which year?
        (
            "The lease ends on 11 January.",
            "11 January",
            "11 January.",
        ),  # the last one, or the next?
        ("The lease began on 20 February.", "20 February", "20 February (2025)."),
        ("The hearing will be on 25 July.", "25 July", "25 July (2025)."),
        ("The planet goes round the Sun.", "the Sun", "The Sun."),
    ],
)
def test_a_day_has_its_year_where_the_articles_date_tells_it(
    text: str, words: str, told: str
) -> None:
    passage = replace(PASSAGE, start=0, end=len(text), text=text)
    assert composed(phrase(words, proof(text, passage))).text == f"{told} [1]"


def test_sources_with_the_same_report_are_told() -> None:
    copy = Passage("b#0", "b", 0, len(TEXT), TEXT, "Vote", "Post")
    answer = composed(phrase("nine to four", proof("It went nine to four [2].")))
    assert list(copies(answer.citations, [Hit(PASSAGE, 1.0, (copy,))], PHRASES)) == [
        "The same report also appears in Post."
    ]
    assert list(copies(answer.citations, [Hit(PASSAGE, 1.0)], PHRASES)) == []


def interview(*words: str) -> tuple[Answer, Passage]:
    text = "I was amazed. We found it in the ice.\n\n“I knew it,” said Daly. Then they left. Norton I, Emperor, came in May. But nobody saw it. She starred in My Fair Lady. World War I began."
    told = Passage("i#0", "i", 0, len(text), text, "Cold as ice", "Courier")
    claims = tuple(Claim(one, (proof(one, told),)) for one in words)
    return composed(Finding("sentences", claims, {})), told


def test_who_speaks_of_himself_is_quoted() -> None:
    answer, _ = interview("I was amazed.", "We found it in the ice.")
    assert answer.text == "“I was amazed.” [1]\n\n“We found it in the ice.” [2]"
    assert [statement.text for statement in answer.statements] == [
        "I was amazed.",
        "We found it in the ice.",
    ]


@pytest.mark.parametrize(
    "words",
    [
        "“I knew it,” said Daly.",
        "Then they left.",
        "Norton I, Emperor, came in May.",
        "She starred in My Fair Lady.",
        "World War I began.",
    ],
)
def test_a_quotation_has_its_speaker_beside_it(words: str) -> None:
    assert interview(words)[0].text == f"{words} [1]"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("“They own the flock,” she told me.", "“‘They own the flock,’ she told me.”"),
        ('My aunt said "never" and left.', "“My aunt said ‘never’ and left.”"),
        ("It’s ours, as I said.", "“It’s ours, as I said.”"),
        ("I said so: “It goes on", "“I said so: “It goes on”"),
    ],
)
def test_a_quotation_inside_another_has_single_marks(words: str, told: str) -> None:
    passage = replace(PASSAGE, start=0, end=len(words), text=words)
    answer = composed(Finding("sentences", (Claim(words, (proof(words, passage),)),), {}))
    assert answer.text == f"{told} [1]"
    assert answer.statements[0].text == answer.citations[0].quote == words


def test_yes_comes_before_what_says_so() -> None:
    one = proof(TEXT, PASSAGE)
    told = Finding("verdict", (Claim("We agreed.", (one,)),), {}, short="Yes", lead="affirmed")
    assert composed(told).text == "Yes: “We agreed.” [1]"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Holt hit four doubles.[14]", "Holt hit four doubles."),
        ("Holt hit four doubles, [3][4] and walked.", "Holt hit four doubles, and walked."),
        ("The elegies[a] were printed. [25]", "The elegies were printed."),
        ("He fled [citation needed] to Rome.", "He fled to Rome."),
        ("It is in paragraph [2] of the bill.", "It is in paragraph (2) of the bill."),
        ("[1] The quay is open.", "(1) The quay is open."),
        ("The song [1969] was new.", "The song (1969) was new."),
        ("**It was turned down.**", "It was turned down."),
        ("It was **never** sold, **not", "It was never sold, not"),
        ("It holds 2**3 or 2 ** 3.", "It holds 2**3 or 2 ** 3."),
        ("Q: So the ice melted?", "So the ice melted?"),
        ("A: “Never,” she said.", "“Never,” she said."),
        ("Plan A: The quay is rebuilt.", "Plan A: The quay is rebuilt."),
    ],
)
def test_marks_of_notes_are_not_told(words: str, told: str) -> None:
    assert unmarked(words) == told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("GENEVA (Reuters) — Talks broke up late.", "Talks broke up late."),
        ("ST. PAUL, Minn. — “No,” she said.", "“No,” she said."),
        ("LONDON (Reuters) - Shares fell.", "Shares fell."),
        ("PSG – Marseille ended 2–1.", "PSG – Marseille ended 2–1."),
        ("EU - Mercosur talks begin.", "EU - Mercosur talks begin."),
        ("NEW YORK -- Élodie Roux won.", "Élodie Roux won."),
        ("NATO — the alliance — met.", "NATO — the alliance — met."),
        ("Geneva — It rains.", "Geneva — It rains."),
        ("A — B is the line.", "A — B is the line."),
    ],
)
def test_where_a_report_was_written_is_not_told(words: str, told: str) -> None:
    passage = replace(PASSAGE, text=words, end=PASSAGE.start + len(words))
    claim = Claim(words, (proof(words, passage),))
    answer = composed(Finding("sentences", (claim,), {}, short="late"))
    assert answer.text == f"{told} [1]"
    assert answer.citations[0].quote == words


def test_where_a_report_was_written_is_told_if_that_was_asked() -> None:
    words = "GENEVA (Reuters) — Talks broke up late."
    passage = replace(PASSAGE, text=words, end=PASSAGE.start + len(words))
    claim = Claim(words, (proof(words, passage),))
    assert composed(Finding("sentences", (claim,), {}, short="Geneva")).text == f"{words} [1]"


def test_names_that_begin_as_what_leans_stay_whole() -> None:
    assert composed(phrase("But Is It Art", proof("Nobody objected."))).text == "But Is It Art. [1]"
    text = "So Solid Crew won, and so they left."
    passage = replace(PASSAGE, text=text, end=PASSAGE.start + len(text))
    told = Finding("sentences", (Claim(text, (proof(text, passage),)),), {})
    assert composed(told).text == f"{text} [1]"


def test_what_a_sentence_leaned_on_is_not_told_and_so_is_what_leans() -> None:
    answer, told = interview("But nobody saw it.")
    assert answer.text == "Nobody saw it. [1]"
    assert answer.citations[0].quote in told.text


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            ["The wall broke because of the rain.", "The mayor said that nobody had mended it."],
            True,
        ),
        (["The wall broke because of the rain."], False),
        (["The rain broke it.", "Nobody had mended it in all those years."], True),
        (["The rain broke it.", "A picture of the mayor in her robes, 2019."], False),
    ],
)
def test_what_a_model_wrote_says_what_was_found_if_it_has_each_claim_in_some_of_its_words(
    written: list[str], said: bool
) -> None:
    text = "The wall broke in the rain. Nobody had mended it in years, the mayor said."
    passage = Passage("wall:0", "wall", 0, len(text), text, "The wall")
    parts = ["The wall broke in the rain.", "Nobody had mended it in years, the mayor said."]
    finding = Finding("sentences", tuple(Claim(p, (proof(p, passage),)) for p in parts), {})
    whole = composed(finding)
    statements = tuple(Statement(one, (n,)) for n, one in enumerate(written, 1))
    citations = whole.citations[: len(written)]
    answer = replace(whole, statements=statements, citations=citations)
    assert len(whole.citations) == len(parts)
    assert quoted(answer, finding) == said
