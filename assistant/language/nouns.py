"""Names and noun phrases of a question, and which of them are persons.

    thing("Where was the Conference on the Question of Jerusalem held")
        -> "the Conference on the Question of Jerusalem"
    person("Where was Mayor Dufrayne while the council voted")      -> "Mayor Dufrayne"

Judged by capitals, titles, roles and the words around, as a reader would who knows nobody: good
enough to say what "it" and "she" mean in the next question, and no more. Pure functions.
"""

from __future__ import annotations

import re

PREPOSITION = (
    r"(?:in|at|on|by|from|to|of|for|under|with|since|until|about|against|during|before|after|near|"
    r"over|into)"
)
AUXILIARY = (
    r"(?:(?:is|are|was|were|do|does|did|has|have|had|will|would|can|could|should|may|might|am)"
    r"(?:n['’]t)?)"
)
DETERMINER = r"(?:the|a|an|this|that|these|those|his|her|their|its|our|your|my)"
QUESTION_WORD = (
    r"(?:who(?:m|se)?|what|which|when|where|why"
    r"|how(?:\s+(?:many|much|long|often|far|old|big|large|high|fast|tall|deep))?)"
)
ASKING = rf"(?:(?:{PREPOSITION}\s+)?{QUESTION_WORD})"
_ROLE = (
    r"(?:mayor|minister|president|director|librarian|envoy|chief|chair(?:man|woman)?|secretary|"
    r"captain|leader|candidate|winner|author|poet|novelist|actor|actress|singer|judge|officer|"
    r"manager|treasurer|coach|player|cox|boss|head|owner|founder|editor|professor|teacher|doctor|"
    r"king|queen|pope|spokes\w+|suspect|victim|man|woman|boy|girl|governor|senator|ambassador|"
    r"general|secretary-general)"
)
ROLE = re.compile(rf"\b(?:the|a|an)\s+(?:[\w’'-]+\s+){{0,3}}{_ROLE}\b", re.IGNORECASE)

_ASKING_FIRST = re.compile(rf"^\W*{ASKING}\b(?:['’]s\b)?\s*", re.IGNORECASE)
_AUXILIARY_FIRST = re.compile(rf"^{AUXILIARY}\b\s*", re.IGNORECASE)
_AGENT_FIRST = re.compile(r"(?:do|does|did)(?:n['’]t)?\b", re.IGNORECASE)
_VERBS = (
    r"(?:held|hold|built|made|make|taken|take|found|born|said|say|done|won|win|work|mean|look|live|"
    r"die|happen|start|begin|cost|open|close|end|be|get|go|come|last|change|fall|rise|grow|sink|"
    r"break|differ|help|want|leave|become|remain|stay|run|pay|give|keep|know|need|think|use|see)"
)
_STOP = (
    rf"(?!(?:{PREPOSITION}|{AUXILIARY}|{DETERMINER}|{QUESTION_WORD}|and|or|while|because|if|not|"
    rf"(?!hundred)\w{{3,}}ed)\b(?!-))"
)
_NAME = (
    r"(?:[A-Z][\w’'.&-]*(?:\s+(?:(?:of|the|on|for|and|de|van|al|bin)\s+){0,2}[A-Z][\w’'.&-]*){0,8})"
)
_SIMPLE = (
    rf"(?:(?:(?i:the|an?|their|its|his|her)|[\w.]+[’']s)\s+(?:{_STOP}[\w€$£%’'.-]+\s+){{0,4}}?"
    rf"(?:{_NAME}|{_STOP}[\w’'-]+(?=\W*$|\s+(?:{PREPOSITION}|{AUXILIARY}|{_VERBS}|{DETERMINER}|"
    rf"{QUESTION_WORD}|and|or|(?!hundred)\w{{3,}}ed)\b(?!-)|,))|{_NAME}|(?:1[6-9]|20)\d\d\b)"
)
# "the meeting on the two-state solution", "the UN and the OIC", "the women's race in 2023"
_PHRASE = re.compile(
    rf"(?<![\w’'])(?!(?:1[6-9]|20)\d\d){_SIMPLE}"
    rf"(?:\s+(?:of|on|for|at|in|about|against|between|from|and)\s+{_SIMPLE})*"
)
_ROLE_OF = re.compile(rf"^{ROLE.pattern}\s+(?:of|at|for)\s+", re.IGNORECASE)
_TITLE = re.compile(
    r"(?:Mr|Mrs|Ms|Miss|Dr|Prof|Professor|President|Minister|Mayor|Captain|Councillor|Senator|"
    r"Judge|Sir|King|Queen|Prince|Princess|Pope|Chancellor|General|Colonel|Ambassador|Governor|"
    r"Bishop)\b"
)
_NO_PERSON = re.compile(
    r"\b(?:Act|Agency|Airport|Association|Authority|Award|Bank|Board|Bridge|Centre|Center|"
    r"Championship|Charter|Church|City|Club|College|Commission|Committee|Company|Conference|"
    r"Convention|Council|County|Court|Cup|Department|Federation|Festival|Fund|Group|Harbour|Hospital|"
    r"House|Infirmary|Institute|Island|Lake|League|Library|Lock|Ministry|Museum|Nations|Olympics|"
    r"Organi[sz]ation|Palace|Park|Parliament|Party|Plan|Port|Prize|Republic|River|Road|School|Sea|"
    r"Square|Station|States|Street|Summit|Theatre|Town|Treaty|Tunnel|Union|University|Valley|War|"
    r"Ward|Yard|An?|The|I)\b"
)
_NOT_AFTER = re.compile(r"\b(?:the|in|at|on|from|to|into|near|of)\s*$", re.IGNORECASE)
_ACTS = re.compile(
    r"\s+(?:say|said|says|think|want|tell|told|claim|argue|describe|explain|warn|promise|propose|"
    r"call|vote|resign|earn|marry|study|grow|live|die|work|win|lose|write|do|get|go)\b"
)


def body(question: str) -> str:
    """A question without its question word and auxiliary."""
    asked = _ASKING_FIRST.sub("", question)
    told = _AUXILIARY_FIRST.sub("", asked)
    if told == question and not re.match(rf"{_NAME}\s+[a-z]*[A-Z]|{_TITLE.pattern}", told):
        told = told[:1].lower() + told[1:]  # the capital of any sentence
    return told.strip(" ,.?")


def names(text: str) -> list[str]:
    """The capitalised names in `text`, each whole: "Conference on the Question of Jerusalem"."""
    found = [name[0].strip(" .’'") for name in re.finditer(_NAME, text)]
    return [name for name in found if not re.match(r"I(?:['’]\w+)?$", name)]


def phrases(question: str) -> list[str]:
    """The noun phrases, each whole and then its parts: "the meeting on the two-state solution",
    "the meeting", "the two-state solution"."""
    found = []
    for match in _PHRASE.finditer(question):
        found.append(match[0].strip(" ."))
        found += [part[0].strip(" .") for part in re.finditer(_SIMPLE, match[0])]
    return found


def thing(question: str) -> str:
    """What a question is about, where that is no person: its first noun phrase, or the second
    where the first is who did something ("did the council …"); "" where there is none."""
    told = _ASKING_FIRST.sub("", question)
    asked = _ROLE_OF.sub("", body(question))
    found = [
        match[0].strip(" .")
        for match in _PHRASE.finditer(asked)
        if not ROLE.match(match[0]) and not _is_person(match)
    ]
    if len(found) > 1 and _AGENT_FIRST.match(told) and asked.startswith(found[0]):
        return found[1]
    return found[0] if found else ""


def person(question: str) -> str:
    """The person a question names, by name or else by role; "" where there is none."""
    asked = body(question)
    for found in re.finditer(_NAME, asked):
        if _is_person(found):
            return found[0].strip(" .")
    role = ROLE.search(asked)
    return role[0] if role else ""


def _is_person(found: re.Match[str]) -> bool:
    """By a title, by what stands before and after, or as a name of two or three words."""
    name, before, after = found[0], found.string[: found.start()], found.string[found.end() :]
    if not re.fullmatch(_NAME, name) or _NO_PERSON.search(name):
        return False
    if _TITLE.match(name):
        return True
    if _NOT_AFTER.search(before):
        return False
    return bool(_ACTS.match(after)) or (
        len(name.split()) in (2, 3) and not re.search(r"\b(?:of|and)\b|\d", name)
    )
