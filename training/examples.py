"""What the readers learn from: questions and statements, each with a passage, as token ids and targets.

    examples = Examples(EVAL_FOLDER, tokenizer)
    examples.block(7)           the 7th block of groups; the same in every run

A group is one question (or statement) with the passage that settles it and, for half of the
questions, one or two that word search finds and that do not. Passages are cut as the product cuts
them; every other one is narrowed to a window of one to three sentences around the answer, which is
where most of the learning is for a third of the tokens. The article's title stands before
three quarters of them, and is no part of any answer.

What a passage teaches:

    span        the answer's words; or that there are none (`<s>`); or only that they lie within the
                sentences of the evidence, where the answer is no slice of the text
    evidence    which sentences the answer rests on
    verdict     for statements and questions that want yes or no

Look-alikes are what a reader falls for most. So there are, beside the passages of word search,
squad2_dev's adversarial questions against their own paragraph; answerable questions in which a name
or a number was changed for another of the same article; and statements written to contradict.

The first blocks (`SPANS_FIRST`) are answered passages for nine tenths: spans are learnt from those,
and judgement later. No article of a tune or test split is used.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from training import squad
from training.network import VERDICTS
from vectorstore.splitting import passages, sentences

SEED = 7
SPANS_FIRST = 24  # blocks
WRITTEN_FROM = 36  # the block from which most are of written.jsonl.gz
TITLES = 0.75
WINDOWS = 0.5
GROUPS = 0.6
GROUPS_WRITTEN = 0.25
SECOND_NEGATIVE = 0.3
NO_MARK = 0.15  # of the questions lose their question mark
NOT_SUPPORTED = len(VERDICTS)  # a verdict that is not "supported"; which of the others, nobody said
TITLE = 120  # characters of a title
WHOLE = 1_000  # characters of a text that statements are judged on whole
# A run of capitalised words, or a number.
NAME = re.compile(r"\b[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*|\b\d[\d,.]*\d\b|\b\d\b")
_PERSON = r"[A-Z][\w’'-]+(?: [A-Z]\.?)?(?: (?:de|von|van|al|bin))?(?: [A-Z][\w’'-]+){1,2}"
_ENDED = r"(?=,|\.|;| who\b| which\b| that\b| and (?:is|was)\b| in \d{4})"
_APPOSED = re.compile(
    rf"(?<![\w,] )(?P<name>{_PERSON}), (?P<role>(?:an?|the|former|then)\s[^,.;()]{{8,80}}),(?! and)"
)
_IS_A = re.compile(
    rf"(?P<the>The )?(?P<name>[A-Z][\w’'.-]+(?: [\w’'.-]+){{0,4}}?)(?: \([^)]*\))? "
    rf"(?P<verb>is|was|are|were) (?P<role>(?:an?|the)\s[^.;()]{{8,110}}?){_ENDED}"
)
_FUNCTION = re.compile(
    r"(?:An?|Another|It|In|On|At|Under|As|By|For|From|This|That|These|There|He|She|They|One|Some|Most|After|During)\b"
)
_HUMAN = re.compile(
    r"\b(?:\w{3,}(?:er|or|ist|ian|man|woman)|king|queen|poet|monk|saint|chef|chief|head|spy)\b"
)
_WH = re.compile(
    r"(?:(?:in|at|on|by|from|to|for|with) )?(?:who|whom|whose|when|where|why|(?:what|which) (?:year|day|country|city|"
    r"month|date|state|kind|type|percentage)|how (?:many|much|long|often|old)(?: \w+)?)\b",
    re.IGNORECASE,
)
_STATED = re.compile(
    r"(?P<subject>[A-Z][^,;:]{2,50}?) (?P<verb>is|are|was|were|has|have|had|can|could|will|would|may|must) "
    r"(?P<rest>[^;:]+)\.$"
)
_SMALL = frozenset(
    [
        "the",
        "a",
        "an",
        "its",
        "his",
        "her",
        "their",
        "this",
        "that",
        "these",
        "those",
        "it",
        "he",
        "she",
        "they",
        "in",
        "at",
        "on",
        "by",
    ]
)
WRITTEN = Path(__file__).parent / "written.jsonl.gz"
ASKED = 0.3  # of the statements that can be asked as a question are
ELSEWHERE = 0.08  # of the statements come with another passage

# How many of each source a block has: in the first blocks, after them, and in the last.
FIRST = {"squad1": 1400, "squad2": 60, "adversarial": 60, "qamr": 160, "news": 10, "claims": 120,
         "rte": 60, "roles": 60, "followups": 140, "checked": 40}  # fmt: skip
LATER = {"squad1": 420, "squad2": 70, "adversarial": 200, "qamr": 100, "news": 40, "clapnq": 50,
         "claims": 900, "rte": 200, "roles": 40, "followups": 100, "checked": 110}  # fmt: skip
LAST = {"squad1": 250, "squad2": 50, "adversarial": 200, "qamr": 40, "news": 40, "clapnq": 30,
        "claims": 400, "rte": 50, "roles": 15, "followups": 60, "checked": 200,
        "written": 1700, "statements": 1300}  # fmt: skip
JUDGED = ("claims", "rte", "statements")
TURNS = 2  # of a conversation, at most, before a follow-up


@dataclass(frozen=True, slots=True)
class Text:
    """A passage as a piece of a document: `text` begins at `start` of it."""

    doc: str
    title: str
    text: str
    start: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """A question or statement and what is known about it.

    `answers` are slices of the document, `at` the first one's offset in it (-1: unknown); `gold` are the
    evidence's sentences, verbatim; `verdict` an index of VERDICTS, NOT_SUPPORTED, or None.
    """

    text: str
    doc: str
    answers: tuple[str, ...] = ()
    at: int = -1
    gold: tuple[str, ...] = ()
    answerable: bool = True
    verdict: int | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """Token ids and targets of one text with one passage.

    `passage` is the range of its tokens (without the title); `span` the first and last token of the
    answer, (0, 0) for none, None where nothing is known; `within` the tokens that may begin or end
    it, where only that is known; `evidence` a range each sentence, None where unknown.
    """

    ids: list[int]
    types: list[int]
    passage: tuple[int, int]
    span: tuple[int, int] | None = None
    within: tuple[tuple[int, int], ...] = ()
    evidence: tuple[tuple[int, int], ...] | None = None
    verdict: int | None = None


Group = list[Example]


class Examples:
    """Blocks of groups without end; block n is the same in every run."""

    def __init__(self, data: Path, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        splits = json.loads(squad.SPLITS.read_text(encoding="utf-8"))
        self._texts: dict[str, str] = {}
        self._pieces: list[Text] = []
        self._of: dict[str, list[int]] = {}
        self._items: dict[str, list[Item]] = {name: [] for name in LAST}
        self._found: dict[str, list[int]] = {}
        held_out = {*splits["tune"], *splits["test"]}

        for row in lines(data / "squad1_train" / "docs.jsonl.gz"):
            self._add(row)
        self._items["squad1"] = _questions(data / "squad1_train", set(self._texts))
        squads = dict(self._texts)
        small = {
            row["id"]
            for row in lines(data / "squad2_dev" / "docs.jsonl.gz")
            if squad.article_of(row["id"]) not in held_out and not self._add(row)
        }
        for item in _questions(data / "squad2_dev", small):
            self._items["squad2" if item.answerable else "adversarial"].append(item)
        for name in ("qamr", "news_dev", "clapnq"):
            for row in lines(data / name / "docs.jsonl.gz"):
                if squad.part_of(name, row["id"]) == "train":
                    self._add(row | {"text": _plain(row["text"])})
        self._items["qamr"] = [q for q in _questions(data / "qamr", set(self._of)) if _whole(q)]
        self._items["news"] = _questions(data / "news_dev", set(self._of))
        for row in written(data):
            if row["part"] == "train":
                self._add(row)
                self._items["written"] += _written_questions(row)
                self._items["statements"] += _written_statements(row)
        self._items["roles"] = _roles(squads)
        self._items["followups"] = self._items["squad1"][1:]
        self._items["checked"] = self._items["squad1"][:-1]
        self._before = {b.text: a for a, b in pairwise(self._items["squad1"]) if a.doc == b.doc}
        self._items["clapnq"] = _questions(data / "clapnq", set(self._of))
        self._items["claims"] = _claims(data / "claims")
        self._items["rte"] = _rte(data / "rte")
        self._asked: dict[str, list[Item]] = {}
        for item in self._items["squad1"]:
            self._asked.setdefault(item.doc, []).append(item)
        for number, items in enumerate(self._items.values()):
            random.Random(SEED + number).shuffle(items)
        self._search = squad.WordSearch([piece.text for piece in self._pieces])

    def __len__(self) -> int:
        return sum(map(len, self._items.values()))

    @property
    def counts(self) -> dict[str, int]:
        return {name: len(items) for name, items in self._items.items()}

    def block(self, number: int) -> list[Group]:
        chance = random.Random(SEED * 100_003 + number)
        early = number < SPANS_FIRST
        chosen = [
            (name, self._items[name][i % len(self._items[name])])
            for name, count in _counts(number).items()
            for i in range(_before(number, name), _before(number, name) + count)
        ]
        texts = [item.text for name, item in chosen if name not in (*JUDGED, "qamr")]
        rows = self._search.search(texts, 20)
        self._found = dict(zip(texts, ([int(i) for i in row] for row in rows), strict=True))
        groups = [
            group for name, item in chosen for group in self._groups(name, item, early, chance)
        ]
        return [group for group in groups if group]

    def _groups(self, name: str, item: Item, early: bool, chance: random.Random) -> list[Group]:
        found = self._found.get(item.text, [])
        if chance.random() < NO_MARK:
            item = replace(item, text=item.text.removesuffix("?"))
        if name in JUDGED:
            return [[self._example(*self._judged(item, chance), chance)]]
        if name == "followups":
            item = self._followup(item, chance)
        own = self._of.get(item.doc, [])
        if not own:
            return []
        if name == "checked":
            return [[self._checked(item, own, found, chance)]]
        if not item.answerable:
            # The piece of its document that word search likes best: it was written to mislead.
            best = next((i for i in found if i in own), own[0])
            return [[self._example(item, self._pieces[best], chance)]]
        gold = self._gold(item, own)
        if gold is None:
            return []
        first = self._example(item, self._pieces[gold], chance, narrow=chance.random() < WINDOWS)
        if not (first.within or (first.span and first.span[0])):
            return []
        groups = [[first]]
        share = 0.12 if early else GROUPS_WRITTEN if name == "written" else GROUPS
        alone = name == "qamr" or chance.random() >= share
        if not alone:
            groups[0] += self._look_alikes(item, gold, found, chance)
        if name in ("squad1", "squad2") and chance.random() < (0.03 if early else 0.2):
            changed = self._swapped(item, gold, chance)
            if changed:
                groups.append([changed])
        return groups

    def _look_alikes(
        self, item: Item, gold: int, found: Sequence[int], chance: random.Random
    ) -> list[Example]:
        known = [answer.lower() for answer in (*item.answers, *item.gold)]
        others = [
            i
            for i in found
            if i != gold and not any(a in self._pieces[i].text.lower() for a in known)
        ]
        article = squad.article_of(item.doc)
        same = [i for i in others if squad.article_of(self._pieces[i].doc) == article]
        examples = []
        for _ in range(1 + (chance.random() < SECOND_NEGATIVE)):
            pool = same[:3] if same and chance.random() < 0.5 else others[:5]
            if pool:
                other = chance.choice(pool)
                others = [i for i in others if i != other]
                same = [i for i in same if i != other]
                none = replace(item, answers=(), gold=(), at=-1, answerable=False)
                examples.append(self._example(none, self._pieces[other], chance))
        return examples

    def _swapped(self, item: Item, gold: int, chance: random.Random) -> Example | None:
        """The question about somebody, somewhere or some year else, which its passage does not answer."""
        # Not the first word, which is a capital whatever it is.
        names = [found for found in NAME.finditer(item.text) if found.start()]
        if not names:
            return None
        chosen = chance.choice(names)
        number = chosen[0][0].isdigit()
        answer = item.answers[0].lower()
        article = squad.article_of(item.doc)
        # Of the passages next to it in the collection: nearly always the same article.
        near = self._pieces[max(0, gold - 6) : gold + 7]
        others = {
            found[0]
            for piece in near
            if squad.article_of(piece.doc) == article
            for found in NAME.finditer(piece.text)
            if found.start()
            and found[0][0].isdigit() == number
            and (not number or len(found[0]) == len(chosen[0]))
            and piece.text[found.start() - 2] not in ".!?"
        }
        others = {
            other
            for other in others
            if other.lower() not in item.text.lower()
            and chosen[0].lower() not in other.lower()
            and other.lower() not in answer
            and answer not in other.lower()
        }
        if not others:
            return None
        other = chance.choice(sorted(others))
        text = item.text[: chosen.start()] + other + item.text[chosen.end() :]
        none = replace(item, text=text, answers=(), gold=(), at=-1, answerable=False)
        return self._example(none, self._pieces[gold], chance)

    def _example(
        self, item: Item, piece: Text, chance: random.Random, narrow: bool = False
    ) -> Example:
        cuts = sentences(piece.text)
        # Where the answer and the evidence are, as offsets into the piece's text.
        answer = self._answer(item, piece)
        golds = _overlapping(cuts, [*_places(piece.text, item.gold), *([answer] if answer else [])])
        begin, finish = 0, len(piece.text)
        if narrow and golds:
            first, last = min(golds), max(golds)
            first = max(0, first - chance.choice((0, 0, 1)))
            last = min(len(cuts) - 1, last + chance.choice((0, 0, 1)))
            begin, finish = cuts[first].start, cuts[last].end
        text = piece.text[begin:finish]
        title = " ".join(piece.title.split())[:TITLE]
        head = (
            f"{title}. "
            if title and chance.random() < TITLES and not text.startswith(title)
            else ""
        )
        encoding = self._tokenizer.encode(item.text, head + text)
        offsets = encoding.offsets
        inside = [
            i
            for i, part in enumerate(encoding.sequence_ids)
            if part == 1 and offsets[i][0] >= len(head)
        ]
        shift = len(head) - begin

        def tokens(start: int, end: int) -> tuple[int, int] | None:
            first = next((i for i in inside if offsets[i][0] <= start + shift < offsets[i][1]), 0)
            last = next((i for i in inside if offsets[i][0] < end + shift <= offsets[i][1]), 0)
            return (first, last) if first and last >= first else None

        evidence: tuple[tuple[int, int], ...] | None
        evidence = tuple(
            found for i in golds if (found := tokens(cuts[i].start, cuts[i].end)) is not None
        )
        span: tuple[int, int] | None = (0, 0)
        within: tuple[tuple[int, int], ...] = ()
        if item.answerable and item.verdict is None:
            span = tokens(*answer) if answer else None
            if span is None:
                within = evidence
        if item.verdict is not None:
            span = None
            if (
                not item.gold
            ):  # it rests on nothing where it is not stated; else nobody said on what
                known = item.verdict == VERDICTS.index("not_stated")
                evidence = () if known else None
        types = [int(part == 1) for part in encoding.sequence_ids]
        where = (inside[0], inside[-1] + 1) if inside else (0, 0)
        return Example(encoding.ids, types, where, span, within, evidence, item.verdict)

    def _answer(self, item: Item, piece: Text) -> tuple[int, int] | None:
        if not item.answers or not item.answerable:
            return None
        if item.at >= 0:
            start = item.at - piece.start
            return (start, start + len(item.answers[0]))
        for answer in item.answers:
            inside = _overlapping(sentences(piece.text), _places(piece.text, item.gold))
            for found in re.finditer(re.escape(answer), piece.text):
                if not item.gold or any(
                    cut.start <= found.start() < cut.end
                    for i, cut in enumerate(sentences(piece.text))
                    if i in inside
                ):
                    return found.span()
        return None

    def _gold(self, item: Item, own: Sequence[int]) -> int | None:
        if item.at >= 0:
            end = item.at + len(item.answers[0])
            return next(
                (
                    i
                    for i in own
                    if self._pieces[i].start <= item.at
                    and end <= self._pieces[i].start + len(self._pieces[i].text)
                ),
                None,
            )
        scored = [(len(_places(self._pieces[i].text, item.gold)), i) for i in own]
        best, at = max(scored, key=lambda pair: (pair[0], -pair[1]))
        return at if best else None

    def _judged(self, item: Item, chance: random.Random) -> tuple[Item, Text]:
        """A statement with its passage; now and then asked as a question, or with another passage,
        which does not say."""
        if chance.random() < ASKED and (asked := as_question(item.text)):
            item = replace(item, text=asked)
        if item.verdict != NOT_SUPPORTED and chance.random() < ELSEWHERE:
            other = chance.choice(self._items["claims"]).doc
            if other != item.doc:
                none = VERDICTS.index("not_stated")
                item = replace(item, doc=other, gold=(), verdict=none)
        title, _, text = item.doc.partition("\0")
        return item, Text("", title, text)

    def _checked(
        self, item: Item, own: Sequence[int], found: Sequence[int], chance: random.Random
    ) -> Example:
        """A question with an answer to it, to be judged: the right one, one of another question on the
        paragraph, or the right one with a passage that lacks it."""
        gold = self._gold(item, own)
        piece = self._pieces[own[0] if gold is None else gold]
        answer, verdict = item.answers[0], VERDICTS.index("supported")
        others = [
            one.answers[0]
            for one in self._asked.get(item.doc, ())
            if one.answers[0].lower() not in answer.lower()
            and answer.lower() not in one.answers[0].lower()
            and _shape(one.answers[0]) == _shape(answer)
        ]
        drawn = chance.random()
        if others and drawn < 0.35:
            answer, verdict = chance.choice(others), VERDICTS.index("contradicted")
        elif drawn > 0.7:
            lacking = [i for i in found if answer.lower() not in self._pieces[i].text.lower()]
            if lacking:
                piece, verdict = self._pieces[lacking[0]], VERDICTS.index("not_stated")
        proof = (item.answers[0],) if verdict != VERDICTS.index("not_stated") else ()
        judged = Item(f"{item.text} {answer}", item.doc, gold=proof, verdict=verdict)
        return self._example(judged, piece, chance)

    def _followup(self, item: Item, chance: random.Random) -> Item:
        """The question behind the one or two before it on the same paragraph and their answers, with
        a pronoun for a name that was said there, or cut to its question words."""
        text, said = item.text, ""
        before = self._before.get(item.text)
        for _ in range(1 if chance.random() < 0.7 else TURNS):
            if before is None:
                break
            said = f"{before.text} {before.answers[0]}. {said}"
            before = self._before.get(before.text)
        known = [name for name in NAME.findall(text[1:]) if name in said and not name[0].isdigit()]
        if known and chance.random() < 0.8:
            name = chance.choice(known)
            pronoun, its = chance.choice(
                (("it", "its"), ("he", "his"), ("she", "her"), ("they", "their"))
            )
            text = re.sub(rf"(?:\bthe )?\b{re.escape(name)}['’]s?\b", its, text)
            text = re.sub(rf"(?:\bthe )?\b{re.escape(name)}\b", pronoun, text)
        if (head := _WH.match(text)) and chance.random() < 0.12:
            text = f"{head[0].strip()}?"
        if chance.random() < 0.3:
            text = f"And {text[:1].lower()}{text[1:]}"
        return replace(item, text=f"{said}{text}")

    def _add(self, row: dict[str, Any]) -> None:
        self._texts[row["id"]] = row["text"]
        self._of[row["id"]] = []
        for start, end in passages(row["text"]):
            self._of[row["id"]].append(len(self._pieces))
            self._pieces.append(
                Text(row["id"], row.get("title", ""), row["text"][start:end], start)
            )


def _counts(number: int) -> dict[str, int]:
    return FIRST if number < SPANS_FIRST else LATER if number < WRITTEN_FROM else LAST


def _before(number: int, name: str) -> int:
    """How many of a source's items the blocks before block `number` have used."""
    first = min(number, SPANS_FIRST)
    later = min(number, WRITTEN_FROM) - first
    last = number - first - later
    return first * FIRST.get(name, 0) + later * LATER.get(name, 0) + last * LAST[name]


def written(data: Path) -> Iterator[dict[str, Any]]:
    """The rows of `written.jsonl.gz` with the text, id and part of their passages. Passages of squad1_train,
    of news_dev's train split and of RTE (by a hash) are looked up in the sets; the others are
    invented and stand in the file."""
    squads = {row["id"]: row["text"] for row in lines(data / "squad1_train" / "docs.jsonl.gz")}
    news = {row["id"]: row["text"] for row in lines(data / "news_dev" / "docs.jsonl.gz")}
    pairs = lines(data / "rte" / "claims.jsonl.gz")
    rte = {_digest(row["passage"]): row["passage"] for row in pairs}
    for row in lines(WRITTEN):
        passage, text = row["passage"], row.get("text", "")
        if row["source"] == "squad1_train":
            text = squads[passage]
        elif row["source"] == "rte":
            text = rte[passage]
        elif row["source"] == "news_dev":
            document, _, place = passage.partition(":")
            start, end = map(int, place.split("-"))
            text = news[document][start:end]
        name = f"written:{passage}"
        part = "train" if squad.part_of("qamr", name) == "train" else "tune"
        yield row | {"text": text, "id": name, "part": part}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _written_questions(row: dict[str, Any]) -> list[Item]:
    found = []
    for item in row["items"]:
        if item["form"] != "question":
            continue
        start, end = item.get("answer") or (-1, -1)
        gold = tuple(row["text"][a:b] for a, b in item.get("evidence", ()))
        answers = (row["text"][start:end],) if start >= 0 else ()
        found.append(Item(item["text"], row["id"], answers, start, gold, bool(gold)))
    return found


def _written_statements(row: dict[str, Any]) -> list[Item]:
    found = []
    for item in row["items"]:
        if item["form"] != "question":
            gold = tuple(row["text"][a:b] for a, b in item.get("evidence", ()))
            text = nearest(row["text"], gold or (item["text"],))
            verdict = VERDICTS.index(item["form"])
            found.append(Item(item["text"], f"{row['title']}\0{text}", gold=gold, verdict=verdict))
    return found


def nearest(text: str, said: Sequence[str]) -> str:
    """The passage of a long text that holds these sentences, or has most of their words."""
    if len(text) <= WHOLE:
        return text
    pieces = [text[start:end] for start, end in passages(text)]
    wanted = {word for one in said for word in re.findall(r"\w{3,}", one.lower())}
    return max(
        pieces,
        key=lambda piece: (
            len(_places(piece, said)),
            len(wanted & set(re.findall(r"\w{3,}", piece.lower()))),
        ),
    )


def _questions(folder: Path, docs: set[str]) -> list[Item]:
    found = []
    for row in lines(folder / "questions.jsonl.gz"):
        doc = (
            row["gold_doc_ids"] or row.get("candidate_doc_ids") or row.get("about_doc_ids") or [""]
        )[0]
        if doc not in docs or not row["question"].strip():
            continue
        kind = row.get("kind", "")
        text = row.get("standalone") or row["question"]
        answers = tuple(map(_plain, row["answers"])) if row["answerable"] else ()
        verdict = None
        if kind == "yesno" and answers:
            word = re.match(r"\W*(yes|no)\b", answers[0], re.IGNORECASE)
            verdict = None if word is None else int(word[1].lower() == "no")
            if word is None:
                continue
        # A list's or a summary's parts are told one by one: none of them is the answer.
        whole = kind in ("list", "summary", "compare")
        found.append(
            Item(
                text.strip(),
                doc,
                () if whole else answers,
                int(row.get("start", -1)) if row["answerable"] else -1,
                tuple(map(_plain, row.get("gold_sentences", ()))),
                bool(row["answerable"]),
                verdict,
            )
        )
    return found


def _claims(folder: Path) -> list[Item]:
    texts = {row["passage_id"]: row for row in lines(folder / "passages.jsonl.gz")}
    return [
        Item(
            row["text"],
            f"{texts[row['passage_id']]['title']}\0{texts[row['passage_id']]['text']}",
            gold=tuple(row["evidence"]),
            verdict=VERDICTS.index(row["label"]),
        )
        for row in lines(folder / "claims.jsonl.gz")
        if squad.part_of("claims", row["passage_id"]) == "train"
    ]


def _rte(folder: Path) -> list[Item]:
    return [
        Item(row["text"], f"\0{row['passage']}", verdict=0 if row["supported"] else NOT_SUPPORTED)
        for row in lines(folder / "claims.jsonl.gz")
        if row["part"] == "train"
    ]


def _roles(texts: dict[str, str]) -> list[Item]:
    """As "Who is Ada Wren?" where a text has "Ada Wren, the chair of the board," or begins "Ada Wren
    (1901-1980) was a chemist": the words that say who or what that is."""
    found = []
    for doc, text in texts.items():
        for match in _APPOSED.finditer(text):
            if _FUNCTION.match(match["name"]):
                continue
            found.append(
                Item(f"Who is {match['name']}?", doc, (match["role"],), match.start("role"))
            )
        match = _IS_A.match(text)
        if match and not _FUNCTION.match(match["name"]):
            person = len(match["name"].split()) > 1 and _HUMAN.search(match["role"])
            word = "Who" if person and not match["the"] else "What"
            name = f"the {match['name']}" if match["the"] else match["name"]
            question = f"{word} {match['verb']} {name}?"
            found.append(Item(question, doc, (match["role"],), match.start("role")))
    return found


def as_question(statement: str) -> str:
    """As "The tower was sold." -> "Was the tower sold?"; "" for a sentence of another build."""
    match = _STATED.match(statement)
    if match is None:
        return ""
    subject = match["subject"]
    if subject.split()[0].lower() in _SMALL:
        subject = subject[:1].lower() + subject[1:]
    return f"{match['verb'].capitalize()} {subject} {match['rest']}?"


def _shape(answer: str) -> str:
    """Numbers, names and other words are mistaken for their like only."""
    return "number" if re.search(r"\d", answer) else "name" if answer[:1].isupper() else "words"


def _whole(item: Item) -> bool:
    """Many questions of qamr are scraps."""
    words = item.text.split()
    return len(words) >= 5 and bool(NAME.search(item.text[1:]) or len(words) >= 7)


def _plain(text: str) -> str:
    """Text of clapnq is in tokens of the Penn treebank; the quotation marks are the worst of it."""
    return text.replace("``", '"').replace("''", '"')


def _places(text: str, parts: Sequence[str]) -> list[tuple[int, int]]:
    found = []
    for part in parts:
        at = text.find(part)
        if at < 0 and len(part) > 60:  # a sentence that the passage's edge cuts
            at = text.find(part[:60])
        if at >= 0:
            found.append((at, min(len(text), at + len(part))))
    return found


def _overlapping(cuts: Sequence[Any], places: Sequence[tuple[int, int]]) -> list[int]:
    return [
        i
        for i, cut in enumerate(cuts)
        if any(start < cut.end - 1 and cut.start + 1 < end for start, end in places)
    ]


def lines(file: Path) -> list[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
