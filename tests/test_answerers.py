"""What holds for every form of answer, and what each makes of the same passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from assistant.answering.articles import Articles
from assistant.answering.chain import ANSWERERS
from assistant.answering.findings import Answerer, Finding, Material, Question
from assistant.answering.sentences import Comparison, Lists, Sentence, Sentences, ranked
from assistant.answering.spans import Spans
from assistant.answering.summaries import Summaries, Timelines
from assistant.answering.verdicts import Verdicts
from assistant.question.intent import FORMS, Form
from assistant.question.time import asked
from assistant.reading.reader import Reading, Scored
from tests.fake_reader import FakeReader
from vectorstore import Article, Hit
from vectorstore.articles import Passage

FLOOD = Article(
    "flood",
    "Flood in Ennetmouth",
    "The Ennet burst its banks on Friday. The flood was caused by a blocked culvert. It made 340 people "
    "leave their homes. The council opened a hall, a school and a church.",
    source="Courier",
    published=date(2025, 7, 19),
)
AGAIN = Article(
    "again",
    "After the flood",
    "The flood was caused by a blocked culvert, the county said too. Nobody was hurt in the flood.",
    source="Post",
    published=date(2025, 7, 21),
)
INTERVIEW = Article(
    "interview",
    "The lock-keeper speaks",
    "How long did the flood keep you awake, and how high did it rise? Two nights. It came up to "
    "the third step of the stairs.",
    source="Gazette",
    published=date(2025, 8, 3),
)
PICTURED = Article(
    "pictured",
    "A town under water",
    "The town has never seen so much water.\n\nAda Loy stands in the flood. Image: Brian Burnell.",
)
NOTED = Article(
    "noted",
    "A town under water",
    "The town has never seen so much water.\n\n*This report on the flood was corrected on Sunday.*",
)
ALONE = Article("alone", "A question", "How high did the flood rise this time?")
ARTICLES = {article.id: article for article in (FLOOD, AGAIN, INTERVIEW, PICTURED, NOTED, ALONE)}


def hit(article: Article) -> Hit:
    text = article.text
    return Hit(
        Passage(
            f"{article.id}#0",
            article.id,
            0,
            len(text),
            text,
            article.title,
            article.source,
            published=article.published,
        ),
        1.0,
    )


def material(
    question: str,
    answers: dict[str, list[str]],
    *,
    articles: Sequence[Article] = (FLOOD, AGAIN),
    leaning: Form = "span",
    sentences: int = 0,
    **reader: Any,
) -> Material:
    hits = tuple(hit(article) for article in articles)
    forms: dict[Form, float] = {form: 0.9 if form == leaning else 0.1 / 7 for form in FORMS}
    when = asked(question, date(2025, 8, 1))
    known = FakeReader(answers, **reader)
    readings = tuple(known.read(question, [one.passage for one in hits]))
    return Material(
        Question(question, question, question, forms, when, sentences),
        hits,
        readings,
        Articles(hits, ARTICLES.get),
        known,
    )


CAUSED = {"flood": ["a blocked culvert"]}


@pytest.mark.parametrize("answerer", ANSWERERS, ids=lambda answerer: answerer.form)
@pytest.mark.parametrize("answers", [CAUSED, {}])
def test_every_claim_is_proved_by_slices_of_articles(
    answerer: Answerer, answers: dict[str, list[str]]
) -> None:
    found = answerer(material("Why was there a flood?", answers, leaning=answerer.wanted[0]))
    assert found is not None
    assert found.form == answerer.form
    assert found.claims
    for claim in found.claims:
        assert claim.proofs
        for proof in claim.proofs:
            article = ARTICLES[proof.passage.article_id]
            assert article.text[proof.span.start : proof.span.end] == proof.text
        assert claim.text in claim.proofs[0].text
    assert all(isinstance(value, float) for value in found.signals.values())


@pytest.mark.parametrize("answerer", ANSWERERS, ids=lambda answerer: answerer.form)
def test_nothing_is_made_of_nothing(answerer: Answerer) -> None:
    assert answerer(material("Why?", {}, articles=[], leaning=answerer.wanted[0])) is None


class Noting(FakeReader):
    """Records the texts that it is given."""

    def __init__(self, answers: dict[str, list[str]]) -> None:
        super().__init__(answers)
        self.texts: list[str] = []

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        self.texts += [passage.text for passage in passages]
        return super().read(question, passages)


@pytest.mark.parametrize(
    ("article", "phrase", "read"),
    [
        (FLOOD, "a blocked culvert", "The flood was caused by a blocked culvert."),
        (
            INTERVIEW,
            "the third step",
            f"{INTERVIEW.text.partition('?')[0]}?\n\nIt came up to the third step of the stairs.",
        ),
    ],
)
def test_what_may_answer_is_read_once_more_by_itself_in_an_interview_behind_its_question(
    article: Article, phrase: str, read: str
) -> None:
    asks = "What of the flood?"
    noting = Noting({"flood": [phrase]})
    given = replace(material(asks, {"flood": [phrase]}, articles=[article]), reader=noting)
    found = [found_by(answerer, given) for answerer in (Spans(), Sentences())]
    assert noting.texts == [read]  # once for both
    assert [finding.signals["alone"] for finding in found] == [4.0, 4.0]


def found_by(answerer: Answerer, given: Material) -> Finding:
    found = answerer(given)
    assert found is not None
    return found


def test_a_few_words_are_proved_by_every_article_that_says_them() -> None:
    found = found_by(Spans(), material("What caused the flood?", CAUSED))
    assert found.short == "a blocked culvert"
    (claim,) = found.claims
    assert claim.phrase
    assert [proof.passage.article_id for proof in claim.proofs] == ["again", "flood"]


def test_the_signals_tell_what_the_passage_lacks_of_the_question() -> None:
    known = found_by(Spans(), material("What caused the flood in Skarvo?", CAUSED)).signals
    assert known["names"] == 1.0
    assert 0.0 < known["words"] < 1.0
    assert known["rank"] <= 1.0


@pytest.mark.parametrize("answerer", [Lists(), Comparison(), Summaries(), Timelines()])
def test_what_nobody_wants_is_not_tried(answerer: Answerer) -> None:
    assert answerer(material("What caused the flood?", CAUSED, leaning="span")) is None


@pytest.mark.parametrize(
    ("leaning", "surer", "told"),
    [
        ("span", 0.0, "span"),
        ("explain", 0.0, "span"),
        ("explain", 0.02, "sentences"),
        ("describe", 0.15, "span"),
        ("describe", 0.25, "sentences"),
        ("list", 0.0, "sentences"),
    ],
)
def test_a_few_words_are_told_unless_sentences_are_surer_or_several_things_wanted(
    leaning: Form, surer: float, told: str
) -> None:
    given = material("Why was there a flood?", CAUSED, leaning=leaning)
    forms = [
        replace(found_by(answerer, given), confidence=confidence, wanted=wanted)
        for answerer, confidence, wanted in (
            (Sentences(), 0.6 + surer, Lists.wanted if leaning == "list" else Sentences.wanted),
            (Spans(), 0.6, Spans.wanted),
        )
    ]
    # Equally sure answers are ranked in the order of the forms.
    assert max(reversed(forms), key=given.preference).form == told


def test_words_that_hang_on_others_are_not_preferred_for_being_few() -> None:
    given = material("Who played in it?", {})
    sentences = Finding("sentences", (), {}, confidence=0.85)
    brief = Finding("span", (), {}, confidence=0.8, short="Jo Ensor")
    hangs = replace(brief, short="his co-star")
    assert given.preference(brief) > given.preference(sentences) > given.preference(hangs)


def test_of_answers_about_as_sure_that_of_the_time_asked_about_is_told() -> None:
    said = {"flood": ["340", "Nobody"]}
    assert found_by(Spans(), material("How many in the flood on July 21?", said)).short == "Nobody"
    assert (
        found_by(Spans(), material("How many in the flood on July 19?", said)).short == "340 people"
    )


def test_sentences_that_say_the_same_are_told_once() -> None:
    found = found_by(Sentences(), material("Why was there a flood?", CAUSED))
    assert len(found.claims) == 1
    assert "culvert" in found.claims[0].text
    assert found.short == "a blocked culvert"


@pytest.mark.parametrize(
    ("own", "elsewhere", "told"),
    [(1.2, 2.0, 2), (0.5, 2.0, 1), (0.5, 2.5, 2), (1.2, 2.5, 3), (0.5, 3.2, 2)],
)
def test_besides_the_likeliest_sentence_its_neighbours_are_told_and_what_is_about_as_likely(
    own: float, elsewhere: float, told: int
) -> None:
    passages = [hit(FLOOD).passage, hit(AGAIN).passage]
    readings = [Reading(passage, 0, 0, "", 0.0) for passage in passages]
    found = [
        Sentence(reading, number, Scored(0, len(reading.passage.text), score))
        for reading, number, score in [
            (readings[0], 0, 3.0), (readings[0], 1, own), (readings[1], 0, elsewhere),
        ]
    ]  # fmt: skip
    found.sort(key=lambda one: -one.span.score)
    assert len(Sentences().chosen(found, 4)) == told


def test_a_sentence_that_hangs_on_the_one_before_is_told_with_it() -> None:
    given = material(
        "How many had to leave in the flood?", {"flood": ["340 people"]}, articles=[FLOOD]
    )
    (claim,) = found_by(Sentences(), given).claims
    assert claim.text == (
        "The flood was caused by a blocked culvert. It made 340 people leave their homes."
    )


def test_a_sentence_stands_alone_where_the_one_before_has_nothing_that_was_asked() -> None:
    article = Article(
        "ore",
        "Ore",
        "The quay was repainted in May. But it shipped 70 tonnes of ore in June, they said.",
    )
    given = material(
        "How much ore was shipped in June?", {"ore": ["70 tonnes"]}, articles=[article]
    )
    (claim,) = found_by(Sentences(), given).claims
    assert claim.text == "But it shipped 70 tonnes of ore in June, they said."


def test_what_is_no_sentence_is_told_only_where_there_is_nothing_else() -> None:
    head, told = (
        "Kolm, Friday, 9 May",
        "The seed bank at Kolm opened on Friday, its keeper said.[3]",
    )
    whole = material(
        "When did it open?", {"open": ["Friday"]}, articles=[Article("k", "", f"{head}\n\n{told}")]
    )
    assert [one.text for one in ranked(whole)] == [told]
    lone = material("When did it open?", {"open": ["Friday"]}, articles=[Article("k", "", head)])
    assert [one.text for one in ranked(lone)] == [head]


def test_a_list_is_the_run_of_words_that_names_all() -> None:
    given = material(
        "What did the council open?",
        {"council": ["a hall, a school and a church"]},
        articles=[FLOOD],
        leaning="list",
    )
    (claim,) = found_by(Lists(), given).claims
    assert claim.text == "a hall, a school and a church"
    assert claim.phrase


def test_what_is_compared_is_told_of_each_article() -> None:
    other = material(
        "Compare the reports on the flood", {"flood": ["340", "Nobody"]}, leaning="compare"
    )
    told = {c.proofs[0].passage.article_id for c in found_by(Comparison(), other).claims}
    assert told == {"flood", "again"}


def test_an_article_that_says_nothing_of_it_is_not_compared() -> None:
    given = material("Compare it", {"it": ["a blocked culvert"]}, articles=(FLOOD, PICTURED))
    given = replace(given, question=replace(given.question, forms={"compare": 1.0}))
    found = found_by(Comparison(), given)
    assert [claim.proofs[0].passage.article_id for claim in found.claims] == ["flood"]


def test_what_is_left_over_of_a_list_is_not_told() -> None:
    opened = "opened a hall, a school and"
    given = material("What was opened?", {"opened": [opened]}, articles=[FLOOD], leaning="list")
    assert found_by(Lists(), given).short == "opened a hall, a school"


@pytest.mark.parametrize(("said", "short"), [("yes", "Yes"), ("no", "No")])
def test_the_judge_says_yes_or_no(said: str, short: str) -> None:
    question = "Was anybody hurt in the flood?"
    answers = {"hurt": ["Nobody was hurt"]}
    given = material(question, answers, leaning="yesno", verdicts={said: ["Nobody"]})
    assert Verdicts()(material(question, answers, verdicts={said: ["Nobody"]})) is None
    found = found_by(Verdicts(), given)
    assert found.short == short
    assert found.claims[0].text == "Nobody was hurt in the flood."
    assert found.signals["sure"] > 2 > found.signals["against"]


def test_the_judge_is_asked_about_the_passage_that_has_evidence() -> None:
    answers = {"hurt": ["Nobody was hurt"]}
    verdicts = {"yes": ["340"], "no": ["Nobody"]}
    given = material("Was anybody hurt?", answers, leaning="yesno", verdicts=verdicts)
    assert found_by(Verdicts(), given).short == "No"


def test_neither_yes_nor_no_chooses_between_two_things() -> None:
    question = "Was the flood caused by a culvert or by rain?"
    answers = {"flood": ["a blocked culvert"]}
    said = {"yes": ["a blocked culvert"]}
    given = material(question, answers, leaning="yesno", verdicts=said)
    assert found_by(Verdicts(), given).short is None
    either = material(
        "Was the flood caused by a culvert or not?", answers, leaning="yesno", verdicts=said
    )
    assert found_by(Verdicts(), either).short == "Yes"


def test_a_headline_does_not_say_yes() -> None:
    text = "Mayor to resign over the flood\n\nThe mayor will step down in May, he said."
    article = Article("mayor", "Mayor to resign", text)
    given = material(
        "Will the mayor step down?",
        {"mayor": ["Mayor to resign"]},
        articles=[article],
        leaning="yesno",
        verdicts={"yes": ["mayor"]},
    )
    (claim,) = found_by(Verdicts(), given).claims
    assert claim.text == "The mayor will step down in May, he said."


def test_where_the_judge_says_otherwise_of_the_sentence_alone_neither_yes_nor_no_is_told() -> None:
    given = material(
        "Was anybody hurt in the flood?",
        {"hurt": ["Nobody was hurt"]},
        leaning="yesno",
        verdicts={"yes": ["county"], "no": ["Nobody"]},  # on the passage, on its last sentence
    )
    found = found_by(Verdicts(), given)
    assert (found.short, found.lead) == (None, "")
    assert found.claims[0].text == "Nobody was hurt in the flood."


@pytest.mark.parametrize("answerer", [Spans(), Sentences(), Summaries()], ids=lambda a: a.form)
def test_what_an_interviewer_asks_answers_nothing(answerer: Answerer) -> None:
    given = material(
        "How high did the flood rise?",
        {"flood": ["how high did it rise", "340 people"]},
        articles=[INTERVIEW, FLOOD],
        leaning=answerer.wanted[0],
    )
    asked_by = [claim for claim in found_by(answerer, given).claims if "?" in claim.text]
    assert asked_by == []


def test_a_question_that_is_a_passage_of_its_own_is_no_part_of_a_summary() -> None:
    text = (
        "The flood was high, and will the wall hold?\n\nIt will hold, the engineer said. It is new."
    )
    first = text.index("It will")
    asked = Passage("wall:0", "wall", 0, first - 2, text[: first - 2], "The wall")
    rest = replace(asked, id="wall:1", start=first, end=len(text), text=text[first:])
    article = Article("wall", "The wall", text)
    given = material("Summarise the flood and the wall", {}, articles=[article], leaning="summary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("assistant.answering.summaries.passages_of", lambda *_: [asked, rest])
        told = [claim.text for claim in found_by(Summaries(), given).claims]
    assert told == ["It will hold, the engineer said."]


@pytest.mark.parametrize("answerer", [Spans(), Sentences(), Summaries()], ids=lambda a: a.form)
def test_the_caption_of_a_picture_answers_nothing(answerer: Answerer) -> None:
    given = material(
        "Who stood in the flood?",
        {"flood": ["Ada Loy stands in the flood", "340 people"]},
        articles=[PICTURED, FLOOD],
        leaning=answerer.wanted[0],
    )
    shown = [claim for claim in found_by(answerer, given).claims if "stands" in claim.text]
    assert shown == []


@pytest.mark.parametrize("answerer", [Spans(), Sentences(), Summaries()], ids=lambda a: a.form)
def test_the_editors_note_below_an_article_answers_nothing(answerer: Answerer) -> None:
    given = material(
        "What of the flood?",
        {"flood": ["This report on the flood", "340 people"]},
        articles=[NOTED, FLOOD],
        leaning=answerer.wanted[0],
    )
    assert [claim for claim in found_by(answerer, given).claims if "report" in claim.text] == []


def test_a_question_is_told_where_nothing_else_is() -> None:
    given = material("the flood", {"flood": ["rise"]}, articles=[ALONE], leaning="explain")
    assert found_by(Sentences(), given).claims[0].text == ALONE.text


def test_a_summary_is_as_long_as_asked_for_and_reads_only_where_it_is_wanted() -> None:
    given = material("the flood", CAUSED, leaning="summary", sentences=2)
    found = found_by(Summaries(), given)
    assert 1 <= len(found.claims) <= 2
    assert found.signals["held"] > 0.5
    reader = given.reader
    assert isinstance(reader, FakeReader)
    asked_before = len(reader.asked)
    assert Summaries()(material("the flood", CAUSED, leaning="span")) is None
    assert len(reader.asked) == asked_before


def test_the_article_is_the_only_one_there_is() -> None:
    for articles, held in (([FLOOD], 1.0), ([FLOOD, AGAIN], 0.0)):
        given = material("Summarise the document", {}, articles=articles, leaning="summary")
        given = replace(given, question=replace(given.question, topic="the document"))
        assert found_by(Summaries(), given).signals["held"] == held


@pytest.mark.parametrize("topic", ["this", "him"])
def test_without_a_word_of_its_own_a_topic_is_the_only_article_or_none(topic: str) -> None:
    for articles, summarised in (([FLOOD], True), ([FLOOD, AGAIN], False)):
        given = material("Summarise this", {}, articles=articles, leaning="summary")
        given = replace(given, question=replace(given.question, topic=topic))
        assert (Summaries()(given) is not None) == summarised


def test_a_timeline_is_in_the_order_of_time() -> None:
    given = material("the flood", CAUSED, articles=[AGAIN, FLOOD], leaning="timeline")
    days = [claim.proofs[0].passage.published for claim in found_by(Timelines(), given).claims]
    assert days == sorted(day for day in days if day)
