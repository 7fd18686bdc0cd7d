"""docs/answers.md: more than thirty questions of all kinds, and the answers as they come out.

    python -m benchmarks.answers_page            write the page anew
    python -m benchmarks.answers_page --check    say which answers have changed; exit 1 if any

Every question is asked over an index of the sample articles made for the run. The page is for
reading: whoever changes how answers are found or composed looks through it before it is committed.
A test compares it with what the program says.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from assistant import Answer, Assistant, Settings, Turn
from assistant.resources import seeds_folder

PAGE = Path(__file__).parent.parent / "docs" / "answers.md"

# Heading -> questions; a question after ">" is a follow-up to the one before it.
QUESTIONS = {
    "Who, when, where, which, how many": [
        "Who co-chairs the two-state meeting?",
        "From when was the library closed on Mondays?",
        "Where was the Conference on the Question of Jerusalem held, and when?",
        "Under which chapter of the Charter do they cooperate?",
        "What is the new ferry expected to cost?",
        "How many people had to leave their homes when the River Ennet flooded?",
        "Who is Noor Castellane?",
    ],
    "Lists": [
        "Which countries do the writers at the Festival of Tides come from?",
        "What did Strake want to get done in his first hundred days?",
        "Which crafts can people try out in the workshops?",
    ],
    "Why and how": [
        "Why has the price of the ferry gone up?",
        "Why was there no regatta in 2024?",
        "How did the flood happen?",
        "Why doesn't Strake cancel the new ferry?",
        "Why was the bridge demolished?",
    ],
    "What somebody said": [
        "What did Mayor Dufrayne say about the ferry?",
        "What did Noor Castellane say about the library's Mondays?",
        "What did Captain Wrenfield say about the flood?",
        "What did Khiari say about Islamophobia?",
        "What did Khiari say about climate change?",
    ],
    "About a topic, and what happened": [
        "Tell me about the Pilots' Cup.",
        "Tell me about Josiah Pellow.",
        "Summarise the article about the maternity ward.",
        "Summarise the flood in two sentences.",
        "Compare the two reports on the flood.",
        "What happened in the mayoral election?",
        "What happened to the rare books?",
        "What's new about the library?",
        "Tell me about the airport.",
    ],
    "What happened when": [
        "What happened in September 2025?",
        "What did Gideon Strake say before the election?",
        "What was the first report on the ferry?",
    ],
    "Yes or no": [
        "Did the council vote to replace the Lady Ennet?",
        "Is the library open on Mondays again?",
        "Was anyone killed in the flood?",
    ],
    "In a conversation, and in two parts": [
        "Who won the by-election in 2023?",
        "> By how much?",
        "> how many sheep died?",
        "Who is the new deputy mayor, and what does she earn?",
    ],
}

_INTRODUCTION = """# Answers

More than thirty questions about the [sample articles](../seeds), and the answers as they come out of
the built-in reader: every sentence of an answer stands in an article, and the quotations below it are
the proof. Where the articles do not answer, it says so. Written by
`python -m benchmarks.answers_page`."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Assistant.open(Settings(index=Path(folder) / "index")) as assistant,
    ):
        assistant.index.add(seeds_folder())
        made = page(assistant)
    if not arguments.check:
        PAGE.write_text(made, encoding="utf-8")
        print(f"{PAGE} has {len(entries(made))} questions")
        return
    changed = differences(PAGE.read_text(encoding="utf-8"), made)
    for question in changed:
        print(f"answered otherwise: {question}")
    sys.exit(1 if changed else 0)


def page(assistant: Assistant, most: int | None = None) -> str:
    """The page, from an assistant over the sample articles; at most `most` questions of a kind."""
    parts = [_INTRODUCTION]
    for heading, questions in QUESTIONS.items():
        parts.append(f"## {heading}")
        history: list[Turn] = []
        for question in questions[:most]:
            follows = question.startswith("> ")
            asked = question.removeprefix("> ")
            answer = assistant.answer(asked, history=history if follows else ())
            parts.append("\n\n".join(_entry(asked, answer, follows=follows)))
            history = [Turn("user", asked), Turn("assistant", answer.text)]
    return "\n\n".join(parts) + "\n"


def entries(text: str) -> dict[str, str]:
    """Question -> what the page says below it."""
    found = {}
    for part in text.split("\n### ")[1:]:
        question, _, rest = part.partition("\n")
        found[question] = rest.split("\n## ")[0].strip()
    return found


def differences(one: str, other: str) -> list[str]:
    """The questions that two pages answer differently, or that only one of them has."""
    first, second = entries(one), entries(other)
    return [
        question for question in {**first, **second} if first.get(question) != second.get(question)
    ]


def _entry(question: str, answer: Answer, *, follows: bool) -> Iterator[str]:
    yield f"### {question}" + (" (following the last one)" if follows else "")
    yield _plain(answer.text)
    yield from (f"*{_plain(notice)}*" for notice in answer.notices)
    for citation in answer.citations:
        origin = ", ".join(
            part for part in (citation.source, str(citation.published or "")) if part
        )
        quote = " ".join(citation.quote.split())
        yield f"> [{citation.number}] {_plain(quote)} — *{_plain(citation.title)}* ({origin})"


def _plain(text: str) -> str:
    return text.replace("*", "\\*").replace("_", "\\_")


if __name__ == "__main__":
    main()
