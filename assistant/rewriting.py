"""A follow-up and its history -> a question that stands alone, without a language model.

    standalone("and when was that?", [Turn("user", "Where was the Conference held?"), ...])
        -> "When was the Conference held?"

    why?  by how much?  who else?       the last question, asked with another word
    and in 2023?  what about Quoyle?    the last question, about another year, place or name
    what did she say about it?          the person and the thing of the last question and answer
    how many teams?                     too short to be about anything: the last topic is added

    how many sheep died?                what articles tell apart from the last topic is another one

A question that names its own subject, or asks for the news, is left as it is: a change of topic needs
no history. Where nothing in the history fits a pronoun, it stays: a wrong name finds wrong articles.
Only words are looked at: it loads no model, and of the articles it sees what `Look` finds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from assistant.answers import Turn
from assistant.language import dates, nouns
from assistant.language.nouns import ASKING, AUXILIARY, DETERMINER, PREPOSITION, QUESTION_WORD
from assistant.language.wording import held, roots, telling
from assistant.questions import small_talk, understood

if TYPE_CHECKING:
    from vectorstore.index import Index

# A query -> the passages that have its words, each with its article's title
Look = Callable[[str], Sequence[str]]
_LOOKED_AT = 20  # passages

_LONG_ENOUGH = 240  # characters: so long a question says itself what it is about
_READ = 400  # characters of an earlier turn
_EXCHANGES = 8  # what was said before them is no longer spoken of
_WORDS_OF_AN_ANSWER = 10  # a longer reply is no name and no thing
_WORDS_WITHOUT_TOPIC = 1
_NAMES_KEPT = 3  # exchanges in which "the festival" may have had its name
_OF_THE_TOPIC = 0.5  # of its words: a passage that has as many tells of it
_SOME_DAY = date(2000, 1, 1)  # to see whether words are a time, whichever


def standalone(question: str, history: Sequence[Turn], look: Look | None = None) -> str:
    """`question` with what it takes over from `history` (oldest first) filled in.

    With `look`, a question that says little by itself takes over the last topic only where that may
    be what it is about: not where articles have its words and none of them is on that topic.
    """
    talk: _Talk | None = None
    for asked, reply in _exchanges(history):
        # What was asked before may itself have been a follow-up.
        talk = _Talk(_filled(asked, talk, look) if talk else asked, reply, talk)
    return _filled(question, talk, look) if talk else question


def looking(index: Index, sources: Sequence[str] | None = None) -> Look:
    """What `standalone` may look up in an index: words only, which takes milliseconds."""

    def look(query: str) -> list[str]:
        found = index.search(query, _LOOKED_AT, "words", sources=sources)
        return [f"{hit.passage.title} {hit.passage.text}" for hit in found]

    return look


# -- what was said before ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Talk:
    """A question, as it stands alone, the beginning of its reply, and what came before."""

    question: str
    reply: str
    before: _Talk | None

    @property
    def core(self) -> str:
        """The question without its mark, its second part, and what else was said around it."""
        asked = next((s for s in _SENTENCE.split(self.question) if s.endswith("?")), self.question)
        return _SECOND_PART.sub("", asked.rstrip(" ?!."))

    @property
    def answer(self) -> str:
        """The reply where it is short enough to be a name or a thing."""
        return self.reply if len(self.reply.split()) <= _WORDS_OF_AN_ANSWER else ""

    @property
    def person(self) -> str:
        """Whom "she" means: who the answer to "who" was, else the person last asked about."""
        named = nouns.person(self.core)
        if _ASKS_FOR_PERSONS.match(self.core) and self.answer and not _WHO_IS_NAME.match(self.core):
            return re.split(r",\s+(?=(?:a|an|the|who|of)\b)", self.answer)[0]
        return named or (self.before.person if self.before else "")

    @property
    def people(self) -> str:
        """Whom or what "they" means: who the answer to "who" were, else what was asked about."""
        if _ASKS_FOR_PERSONS.match(self.core) and _SEVERAL.search(self.answer):
            return self.answer
        about = _named_thing(self.core)
        return about if _PLURAL.search(about) else ""

    @property
    def thing(self) -> str:
        """What "it" means: what the last question was about, unless that was a person."""
        if _ASKS_FOR_A_THING.match(self.core) and _A_THING.match(self.answer):
            return self.answer
        if _ASKS_WHAT_WAS_MADE.match(self.core) and _A_THING_OR_SUM.match(self.answer):
            return self.answer
        if about := _named_thing(self.core):
            return about
        if _A_THING.match(self.answer) and not _ASKS_FOR_PERSONS.match(self.core):
            return self.answer
        return self.before.thing if self.before else ""

    @property
    def place(self) -> str:
        """Where "there" is: the answer to "where", else where the thing asked about is."""
        where = self.answer if re.match(r"where\b", self.core, re.IGNORECASE) else self.thing
        # Who was taken to the hall was then at the hall.
        where = re.sub(r"^(?:to|into|from|towards?)\s+", "", where)
        return where and _with_preposition(where, "in" if where[0].isupper() else "at")

    @property
    def time(self) -> str:
        """When "then" was: the answer to "when", else a year asked about."""
        if re.match(rf"(?:{PREPOSITION}\s+)?(?:when|what year|which year)\b", self.core, re.I):
            return self.answer and _with_preposition(self.answer, "in")
        years = _YEAR.findall(self.core)
        return f"in {years[-1]}" if years else ""

    @property
    def topic(self) -> str:
        """What a question too short to have a subject of its own is about."""
        if about := _named_thing(self.core) or self.person:
            return about
        return self.before.topic if self.before else ""

    @property
    def base(self) -> _Talk:
        """What "when?" or "who else?" goes on with: the last question that was answered; where none
        was, the last one that asks anything."""
        said: _Talk | None = self
        while said is not None:
            if said.reply:
                return said
            said = said.before
        return self.asking

    @property
    def asking(self) -> _Talk:
        """The last question that asks anything: "Gideon Strake’s deputy?" does not."""
        said = self
        while said.before is not None and not _ASKS.match(said.core):
            said = said.before
        return said


def _named_thing(core: str) -> str:
    """What a question is about, unless that is "his deputy" of nobody knows whom."""
    about = nouns.thing(core)
    return "" if _SOMEBODYS.match(about) else about


def _exchanges(history: Sequence[Turn]) -> list[tuple[str, str]]:
    """The last questions, each with the first reply to it; greetings and thanks are none."""
    pairs: list[tuple[str, str]] = []
    waiting = False
    for turn in history:
        text = _one_line(turn.text)
        if turn.role == "user":
            waiting = bool(text) and small_talk(text) is None
            if waiting:
                pairs.append((text, ""))
        elif waiting:
            pairs[-1] = (pairs[-1][0], "" if _REFUSAL.match(text) else _first_statement(text))
            waiting = False
    return pairs[-_EXCHANGES:]


def _one_line(text: str) -> str:
    return " ".join(text[:_READ].encode(errors="ignore").decode().split())


def _first_statement(reply: str) -> str:
    return _MARK.split(reply)[0].strip().rstrip(".;")


# -- the kinds of follow-ups -------------------------------------------------------------------


def _filled(question: str, talk: _Talk, look: Look | None) -> str:
    plain = _LEAD.sub("", question).rstrip(" ?!.").strip()
    if len(question) > _LONG_ENOUGH or small_talk(question) or _asks_for_news(plain):
        return question
    if (match := _WHAT_ABOUT.match(plain)) and not _PRONOUN.search(match[1]):
        return _about_other(match[1], talk.asking.core)
    if (then := _WHAT_HAPPENED_THEN.match(plain)) and (topic := talk.base.topic):
        if plain.lower().endswith("first"):
            return f"What happened with {topic} first?"
        return f"What happened {'with' if then['else'] else 'after'} {topic}?"
    if _ELSE.match(plain):
        return _besides(plain, talk.base)
    if _MORE.match(plain):
        return f"What about {talk.topic}?" if talk.topic else talk.question
    if match := _ONLY_ASKING.match(plain):
        return _asked_with(match[1], talk.base)
    if (one := _ONLY_ORDINAL.match(plain)) and _ORDINAL.search(talk.core):  # "and third?"
        return f"{_ORDINAL.sub(one[1].lower(), talk.core, count=1)}?"
    if (one := _ONLY_A_NOUN.match(plain)) and (instead := _like(one[0], talk.core)):
        return instead
    if _ONLY_THE_NOUN.match(plain):  # "and the mayor?"
        return _about_other(plain, talk.asking.core)
    if (time := dates.asked(plain, _SOME_DAY).window) and time.words.lower() == plain.lower():
        core = talk.asking.core
        return _about_other(plain, core) if _YEAR.search(plain) else f"{core} {plain}?"
    only_a_name = nouns.names(plain) == [plain] and question[0] != plain[0]  # "and Guterres?"
    if only_a_name or (_ONLY_WHERE_OR_WHEN.match(plain) and not _PRONOUN.search(plain)):
        return _about_other(plain, talk.asking.core)
    filled = _with_pronouns_filled(plain, talk)
    if (
        filled == plain
        and _says_little(plain, talk.topic)
        and not (look and _told_apart(plain, talk.topic, look))
    ):
        link = " about" if _ENDS_IN_SAYING.search(plain) else ","
        filled = f"{plain}{link} {talk.topic}"
    # What needed nothing is left as it was typed, mark and all.
    return question if filled == plain == question.rstrip(" ?!.") else f"{_capital(filled)}?"


def _asked_with(asking: str, talk: _Talk) -> str:
    """The last question with other question words: "Where was X held" + "when"."""
    core = talk.core
    match = _ASKING_AND_NOUN.match(core)
    if match is None:  # "Did the mayor want it" + "why"
        join = " " if re.match(rf"{AUXILIARY}\b", core, re.IGNORECASE) else ": "
        return f"{_capital(asking)}{join}{_small(core)}?"
    told = core[match.end() :].strip()
    verb = re.match(rf"({AUXILIARY})\s+(.*)", told, re.IGNORECASE)
    if verb and _SUBJECT_FIRST.match(verb[2]):
        return f"{_capital(asking)} {told}?"
    # Its answer was the subject: "Who won the race" -> "When was it that Ms. Dufrayne won the race"
    subject = talk.answer
    if not subject and (noun := re.search(r"\b(?:which|what)\s+\w+$", match[0], re.IGNORECASE)):
        subject = re.sub(r"^\w+", "the", noun[0])
    if not subject:
        return _of_nobody(asking, told, talk)
    if verb and re.match(r"when|where|why|how$", asking, re.IGNORECASE):
        return f"{_capital(asking)} {verb[1]} {subject} {verb[2]}?"
    tense = "is" if told.split(" ")[0].endswith("s") else "was"
    return f"{_capital(asking)} {tense} it that {subject} {told}?"


def _of_nobody(asking: str, told: str, talk: _Talk) -> str:
    """The last question where it has no subject to be asked of: "Who won the race" -> "By how much
    was the race won"; and where that cannot be said, its topic."""
    if done := _DONE.match(told):
        be = "were" if re.search(r"(?<!s)s$", done["object"]) else "was"
        return f"{_capital(asking)} {be} {done['object']} {done['verb']}{done['rest']}?"
    if not talk.topic:
        return f"{_capital(asking)}?"
    be = " was" if re.match(r"(?:when|where)$", asking, re.IGNORECASE) else ","
    return f"{_capital(asking)}{be} {talk.topic}?"


def _besides(plain: str, talk: _Talk) -> str:
    """The last question but for what was answered: "Who else"."""
    own = " ".join(re.sub(r"\belse\b", "", plain).split())
    if len(own.split()) > 2:
        return f"{own} besides {talk.answer}?" if talk.answer else f"{plain}?"
    persons = re.match(r"who|any(?:one|body)|some(?:one|body)", own, re.IGNORECASE) is not None
    if persons == (_ASKS_FOR_PERSONS.match(talk.core) is not None):
        if talk.answer:
            return f"{talk.core} besides {talk.answer}?"
        if re.match(rf"{re.escape(own)}\s", talk.core, re.IGNORECASE):
            return f"{_capital(own)} else{talk.core[len(own) :]}?"
        if which := re.match(r"(?:which|what)(?=\s)", talk.core, re.IGNORECASE):
            return f"{_capital(which[0])} other{talk.core[which.end() :]}?"
    return f"{_capital(own)} else, {talk.topic}?" if talk.topic else f"{talk.core}?"


def _about_other(other: str, core: str) -> str:
    """The last question about another year, place or name: like takes the place of like."""
    new, old = _YEAR.search(other), _YEAR.search(core)
    if new and old:
        if other.removesuffix(new[0]).strip().lower() in ("", "in"):
            return f"{_YEAR.sub(new[0], core)}?"
        core = _YEAR.sub("", core).replace(" in ?", "?").removesuffix(" in ").strip()
    if preposition := _PREPOSITION.match(other):
        # "at the port" for "at the bridge", which ends where the next preposition begins
        same = rf"\b{preposition[0]}\s+(?:(?!{PREPOSITION}\b)\S+\s*)+"
        if places := list(re.finditer(same, core, re.IGNORECASE)):
            start, end = places[-1].span()
            return f"{core[:start]}{other} {core[end:]}".strip() + "?"
        return f"{core} {other}?"
    kind = _KIND_ASKED.match(core)
    if kind and (instead := re.fullmatch(rf"the\s+({_KIND})", other, re.IGNORECASE)):
        return f"{core[: kind.start(1)]}{instead[1]}{core[kind.end(1) :]}?"  # "and the city?"
    last = other.split()[-1].lower()
    for phrase in nouns.phrases(core):
        if phrase.split()[-1].lower() == last:
            return f"{core.replace(phrase, other)}?"
    if nouns.ROLE.fullmatch(other) and (one := nouns.person(core)):
        return f"{core.replace(one, other, 1)}?"
    if nouns.names(other):
        asked = nouns.body(core)
        if replaced := [*nouns.names(asked), *nouns.ROLE.findall(asked)]:
            return f"{core.replace(replaced[0], other, 1)}?"
    if asked_of := _OF_ONE.match(
        core
    ):  # "how much does the ferry cost", "did she talk about the ferry"
        start, end = asked_of.span("one")
        return f"{core[:start]}{other}{core[end:]}?"
    return f"What about {other}?"


def _like(other: str, core: str) -> str:
    """The last question about "a day pass" in the place of "a ticket"; "" where it had neither."""
    asked = nouns.body(core)
    for phrase in nouns.phrases(asked):
        simple = re.match(rf"(?i:an?|the)\s+(?:(?!{PREPOSITION}\b)\S+\s*)+", phrase)
        if simple and not nouns.names(simple[0]):
            return f"{core.replace(simple[0].strip(), other, 1)}?"
    return ""


def _with_pronouns_filled(plain: str, talk: _Talk) -> str:
    """Each kind of pronoun once, where what it means does not stand in the question itself."""
    filled = _OF_THEM.sub(lambda of: f"{of[1]} {talk.answer or talk.people or 'them'}", plain)
    if predicate := re.match(r"who\s+(?:is|was)\s+((?:the|a|an)\s.*)", talk.core, re.IGNORECASE):
        filled = _DOING_THAT.sub(predicate[1], filled)
    filled = _THAT_NOUN.sub(lambda that: _as_named_before(that, talk.core), filled, count=1)
    if not nouns.names(nouns.body(filled)) and not _WHO_IS_THE.match(filled):
        filled = _THE_NOUN.sub(lambda the: _in_full(the, talk), filled, count=1)
    for pronoun, stands_in, meant in (
        (_SHE, _has_a_person, talk.person),
        (_THEY, _has_several, talk.people),
        (_IT, _has_a_thing, talk.thing),
        (_THERE, _has_nothing, talk.place),
        (_THEN, _has_nothing, talk.time),
    ):
        found = pronoun.search(filled)
        if not found or not meant or stands_in(found):
            continue
        if _YEAR.search(filled):  # its own year counts, not the last question's
            meant = re.sub(rf"\s*(?:{PREPOSITION}\s+)?{_YEAR.pattern}", "", meant)
        if meant.lower() not in filled.lower():
            start, end = found.span(found.lastindex or 0)
            filled = filled[:start] + _in_case(filled, start, end, meant) + filled[end:]
    return filled


def _has_a_person(she: re.Match[str]) -> bool:
    """Whether the question, before "she", says itself who that is."""
    return bool(nouns.person(she.string[: she.start()]))


def _has_several(they: re.Match[str]) -> bool:
    begun = they.string[: they.start()]
    if they[0].lower() == "their" and _WHO.match(begun):
        return True
    return bool(nouns.person(begun) or nouns.thing(begun))


def _has_a_thing(it: re.Match[str]) -> bool:
    """Not in "did the council say about it": what is spoken about is somewhere else."""
    begun = it.string[: it.start(it.lastindex or 0)]
    return bool(nouns.thing(begun)) and not _SPOKEN_ABOUT.search(begun)


def _has_nothing(_: re.Match[str]) -> bool:
    return False


def _as_named_before(that: re.Match[str], core: str) -> str:
    """The meeting as the last question named it, with all that was said of it, for "that meeting"."""
    for phrase in nouns.phrases(core):
        if re.search(rf"\b{re.escape(that[1])}\b", phrase, re.IGNORECASE):
            return phrase
    return that[0]


def _in_full(the: re.Match[str], talk: _Talk) -> str:
    """The festival by the name it has had so far: "the Festival of Tides"."""
    said: _Talk | None = talk
    for _ in range(_NAMES_KEPT):
        if said is None:
            break
        full = [
            phrase
            for phrase in [*nouns.phrases(said.core), *nouns.phrases(said.answer)]
            if nouns.names(phrase) and re.search(rf"\b{the[1]}\b", phrase, re.IGNORECASE)
        ]
        if full:  # the shortest: not "the programme of the Festival of Tides"
            name = min(full, key=len)
            if re.match(r"the\b", name, re.IGNORECASE) or nouns.person(name):
                return name
            return f"the {name}"
        said = said.before
    return the[0]


def _in_case(text: str, start: int, end: int, noun: str) -> str:
    """`noun` as it stands for the pronoun `text[start:end]`: "her" before a noun is a possessive."""
    pronoun = text[start:end].lower()
    if start and re.match(r"(?:The|An?)\s", noun):
        noun = noun[0].lower() + noun[1:]
    if pronoun in ("his", "its", "their") or (
        pronoun == "her" and re.match(r"\s+[a-z]", text[end:])
    ):
        return f"{noun}’" if noun.endswith("s") else f"{noun}’s"
    return noun


def _says_little(plain: str, topic: str) -> bool:
    """True where neither name nor number nor nouns enough say what the question is about, and none
    of its words say that it is about the `topic` anyway."""
    if not topic or nouns.names(nouns.body(plain)) or re.search(r"\d", plain):
        return False
    words = _content(plain)
    return len(words) <= _WORDS_WITHOUT_TOPIC and not words & _content(topic)


def _asks_for_news(plain: str) -> bool:
    """Of whatever there is: "what happened last week", "any news", "what are my articles about"."""
    wish = understood(plain)
    if wish.asks != "summary":
        return False
    window = dates.asked(plain, _SOME_DAY).window
    time = f" {window.words} in on of from the during" if window else ""
    if set(wish.topic.lower().split()) <= set(time.lower().split()):
        return bool(time or wish.newest or _OF_ARTICLES.search(plain))
    return False


def _told_apart(plain: str, topic: str, look: Look) -> bool:
    """Whether passages have the question's words, and none of those tells of the topic."""
    about = dict.fromkeys(telling(topic), 1.0)
    found = [roots(text) for text in look(plain)]
    # What stands in no article says nothing about which of them is meant.
    known = frozenset[str]().union(*found)
    own = {key: weight for key, weight in telling(plain).items() if key in known}
    if not own or not about or _ANOTHER.search(plain):
        return False
    if not any(held(own, there) == 1.0 for there in found):
        return False
    both = (roots(text) for text in look(f"{plain} {topic}"))
    return not any(
        held(own, there) == 1.0 and held(about, there) >= _OF_THE_TOPIC for there in both
    )


def _content(text: str) -> set[str]:
    return set(re.findall(r"[\w’'-]+", text.lower())) - _EMPTY


def _with_preposition(text: str, preposition: str) -> str:
    return text if _PREPOSITION.match(text) else f"{preposition} {text}"


def _small(text: str) -> str:
    """With a small initial, but for names: only words that begin questions lose their capital."""
    first = re.match(rf"(?:{QUESTION_WORD}|{AUXILIARY}|{PREPOSITION}|{DETERMINER})\b", text, re.I)
    return text[:1].lower() + text[1:] if first else text


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# -- words -------------------------------------------------------------------------------------

_SENTENCE = re.compile(r"(?<=[a-z]{4}[.?!])\s+(?=[\w“\"])")
_MARK = re.compile(r"\s*\[\d+\]")
_YEAR = re.compile(r"\b(?:1[6-9]|20)\d\d\b")
_REFUSAL = re.compile(
    r"(?:your|the|my|these) articles (?:don|do not)|(?:sorry, )?i (?:don|do not|can)", re.IGNORECASE
)
_LEAD = re.compile(
    r"^(?:(?:and|but|so|ok(?:ay)?|also|then|well|now|hm+|oh|by the way|btw)\b[\s,]*)+(?=\w)",
    re.IGNORECASE,
)
_PREPOSITION = re.compile(rf"{PREPOSITION}\b", re.IGNORECASE)
_ASKS = re.compile(rf"\W*(?:{ASKING}|{AUXILIARY}|name|list|tell)\b", re.IGNORECASE)
_SOMEBODYS = re.compile(r"(?:his|her|their|its)\b", re.IGNORECASE)
_ENDS_IN_SAYING = re.compile(r"\b(?:say|said|saying|think|thinks)$", re.IGNORECASE)
# What was done to what: only verbs whose past is their participle too
_DONE = re.compile(
    r"(?P<verb>\w{2,}ed|won|held|built|made|found|led|lost|paid|bought|sold|told|caught|brought|set|cut|hit|"
    rf"left|met|kept|sent|spent|taught)\s+(?P<object>(?:(?i:{DETERMINER})\s|[A-Z])(?:(?!{PREPOSITION}\b(?!-))\S+\s*)+?)"
    rf"(?P<rest>(?:\s+{PREPOSITION}\b(?!-).*)?)$"
)
# The one thing that something is asked of, or spoken about
_OF_ONE = re.compile(
    rf"(?:^\W*{ASKING}(?:\s+\w+)?\s+{AUXILIARY}\s+(?P<one>the\s+[\w’'-]+)(?=\s+(?!{PREPOSITION}\b|\w+ing\b)[a-z]+$))",
    re.IGNORECASE,
)
_SECOND_PART = re.compile(rf",?\s+and\s+{ASKING}\s*$", re.IGNORECASE)
_ASKING_AND_NOUN = re.compile(
    rf"^\W*{ASKING}(?:['’]s)?\b(?:(?<=which)\s+\w+|(?<=what)\s+(?!{AUXILIARY}\b)\w+(?=\s+{AUXILIARY}\b))?",
    re.IGNORECASE,
)
_SUBJECT_FIRST = re.compile(
    rf"(?i:{DETERMINER}|he|she|it|they|we|you|i|there)\b|[A-Z\d“\"]|\w+s\s+[a-z]"
)
# Nothing but question words, perhaps with "was that": "why", "by how much", "for which book"
_ONLY_ASKING = re.compile(
    rf"^({PREPOSITION}\s+(?:which|what)\s+\w+|what\s+(?:time|year|date|day)|{ASKING}(?:\s+and\s+{ASKING})?)"
    rf"(?:\s+{AUXILIARY}\s+(?:that|this|it|so)|\s+(?:so|exactly|not))?$",
    re.IGNORECASE,
)
_ONLY_WHERE_OR_WHEN = re.compile(
    rf"^(?:1[6-9]|20)\d\d$|^{PREPOSITION}\s+(?!{QUESTION_WORD}\b)(?:(?!{AUXILIARY}\b)\S+\s*){{1,6}}$",
    re.IGNORECASE,
)
_ONLY_A_NOUN = re.compile(
    rf"^an?\s+(?:(?!{AUXILIARY}\b|{QUESTION_WORD}\b|[\w]+ed\b)[\w’'-]+\s*){{1,6}}$", re.IGNORECASE
)
_ONLY_THE_NOUN = re.compile(
    rf"^the\s+(?:(?!{AUXILIARY}\b|{QUESTION_WORD}\b|[\w]+ed\b)[\w’'-]+\s*){{1,5}}$", re.IGNORECASE
)
_WHAT_HAPPENED_THEN = re.compile(
    r"^what\s+(?:(?P<else>else\s+)happened|happened\s+(?:next|then|first|afterwards?|after(?: that| this)?|later))$",
    re.IGNORECASE,
)
_WHAT_ABOUT = re.compile(r"^(?:what|how)\s+about\s+(.+)$", re.IGNORECASE)
_ELSE = re.compile(rf"^(?:{ASKING}|any(?:one|body|thing)|some(?:one|body|thing))\s+else\b", re.I)
_MORE = re.compile(
    r"^(?:(?:can|could) you )?(?:please )?(?:tell me more|more|go on|explain|more details?)"
    r"(?: about (?:it|that|this|him|her|them))?(?:,? please)?$",
    re.IGNORECASE,
)
_ASKS_FOR_PERSONS = re.compile(
    rf"^\W*(?:{PREPOSITION}\s+)?(?:who|whom|whose|how many people"
    r"|which (?:people|person|man|woman|countries|teams|\w+(?:er|or|ist|ian|man)s?))\b",
    re.IGNORECASE,
)
_WHO_IS_NAME = re.compile(r"^\W*(?i:who)(?i:\s+(?:is|was|are|were)|['’]s)\s+[A-Z]")
_WHO_IS_THE = re.compile(r"^who(?:['’]s|\s+(?:is|was|are|were))\s+the\b", re.IGNORECASE)
_KIND = r"(?:country|city|town|village|county|region|place|year|month|day|date)"
_KIND_ASKED = re.compile(rf"^(?:{PREPOSITION}\s+)?(?:which|what)\s+({_KIND})\b", re.IGNORECASE)
_ANOTHER = re.compile(r"\b(?:ones?|another|others?)\b", re.IGNORECASE)
_OF_ARTICLES = re.compile(r"\b(?:articles?|documents?|texts?|stories)\b", re.IGNORECASE)
_PLURAL = re.compile(
    r"s$| and |\b(?:people|police|council|board|team|union|party|government|company|court|crew|jury|"
    r"committee|commission|ministry|club|authority|parliament|family)\b",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"\band\b|\bpeople\b|s$|\b(?:police|council|board|team|union|party|government|company|court|crew|jury|"
    r"committee|commission|ministry|club|authority|parliament|service|brigade|force|agency|department|"
    r"firm|group|association|league|army|navy)\b",
    re.IGNORECASE,
)
_ORDINAL = re.compile(r"\b(?:first|second|third|fourth|fifth|last)\b", re.IGNORECASE)
_ONLY_ORDINAL = re.compile(
    r"^(?:who\s+(?:was|came|is)\s+)?(?:the\s+)?(first|second|third|fourth|fifth|last)(?:\s+one)?$",
    re.IGNORECASE,
)
_THE_NOUN = re.compile(rf"\bthe\s+(?!{DETERMINER}\b)([a-z][\w-]{{3,}})\b(?!\s+(?:of|[A-Z]))")
_ASKS_FOR_A_THING = re.compile(
    r"^\W*(?i:what\s+(?:(?:will|would|can|could|should|has|had|have)\s+be(?:en)?|is|was))"
    rf"\s+(?!(?i:{DETERMINER})\b|[A-Z])\w"
)
# "What stands in the window", "what did the board give the ward": the answer is what "it" is next
_ASKS_WHAT_WAS_MADE = re.compile(
    rf"^\W*what\s+(?:(?!{AUXILIARY}\b|happen)[a-z]+s\s|(?:did|does|do|will|has|have|had)\s.*\b(?:give|gave|given|buy|"
    r"bought|build|built|make|made|open|opened|launch|launched|sign|signed|approve|approved|propose|"
    r"proposed|order|ordered|choose|chosen|find|found|publish|published|win|won)\b)",
    re.IGNORECASE,
)
_A_THING_OR_SUM = re.compile(r"^(?:(?i:the|a|an)\s|[A-Z€$£\d])")
_A_THING = re.compile(r"^(?:(?i:the|a|an)\s|[A-Z])")

_WHO = re.compile(r"\W*(?:who|whose|whom|which|how many)\b", re.IGNORECASE)
_SPOKEN_ABOUT = re.compile(r"\b(?:about|of|for|on|to|with)\s*$", re.IGNORECASE)
_PRONOUN = re.compile(
    r"\b(?:he|she|him|his|hers?|it|its|they|them|theirs?|that|this|these|those|there|then)\b",
    re.IGNORECASE,
)
_SHE = re.compile(r"\b(he|she|him|his|hers?)\b", re.IGNORECASE)
_THEY = re.compile(r"\b(they|them|theirs?)\b", re.IGNORECASE)
# "it" that points forward ("how long does it take to …", "is it true that …") is no pronoun;
# "that" is one only where no noun or clause follows, and no noun that it could belong to goes before.
_IT = re.compile(
    r"(?<!made )(?<!make )\b(its?)\b(?!(?:\s+[\w€$]+){0,3}\s+(?:to|that)\s+\w)"
    rf"|(?:^|\b(?:{AUXILIARY}|{PREPOSITION})\s+)(that|this)\b(?=\s*(?:,|$|(?:is|was|will|has|had|"
    r"happen|mean|cost|take|start|begin|end|work|come|came|become|be|done|made|held)\b))",
    re.IGNORECASE,
)
# "were there in 2019" asks whether anything was: no place is meant
_THERE = re.compile(
    r"(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )(?<!\bbe )(?<!\bbeen )\b(there)\b"
    rf"(?=\s*(?:,|$|{PREPOSITION}\b))",
    re.IGNORECASE,
)
_THEN = re.compile(r"\b(then)\b(?=\s*$)|\b(that (?:year|day|night|month))\b", re.IGNORECASE)
_OF_THEM = re.compile(
    r"\b((?:which|who|how many|any|some|one|most|none)(?:\s+one)? of) (?:them\b|(?:those|these)$)",
    re.IGNORECASE,
)
_THAT_NOUN = re.compile(
    rf"\b(?:that|this|these|those)\s+(?!(?:{DETERMINER}|year|day|night|month|week|time)\b)([a-z][\w-]+)\b",
    re.IGNORECASE,
)
_DOING_THAT = re.compile(r"\bdoing (?:that|this|it|so)\b", re.IGNORECASE)
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        """who whom whose what which when where why how many much long often far old big is are was were
        do does did has have had will would can could should may might be been being the a an any some
        other others more most there here that this these those i you we me my your please and or but so
        of in at on by from to for with about it its they them their he him his she her hers not no yes
        get got go take come than then else also still just really exactly first last next people happen
        happened hurt killed injured died result reason cause""",
    )
)
