"""What a question tells the assistant to do, apart from what it is about.

    without_instructions("Summarise the ferry report in two sentences")     ("the ferry report", 2)

"Summarise", "in three bullet points" and "give me a timeline of" say how to answer; searched for,
they find articles about bullet points. Pure functions.
"""

from __future__ import annotations

import re

_COUNTS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_WORDS_OF_A_SENTENCE = 22  # in news
# "in two sentences", "in about 50 words", "briefly": how long the answer is to be.
_LENGTH = re.compile(
    r"(?<![\s,])[\s,]*+\b(?:in|within|with|using)\s+(?:about |around |no more than |at most |just |only |under )?"
    r"(?P<count>an?|one|two|three|four|five|six|seven|eight|nine|ten|\d{1,3})\s+(?:(?:short|brief|single|simple)\s+)?"
    r"(?P<unit>sentences?|lines?|bullet points?|bullets|words|paragraphs?|nutshell)\b|\b(?:briefly|in (?:short|brief))\b",
    re.IGNORECASE,
)
_INSTRUCTION = re.compile(
    r"^\W*(?:please |can you |could you |would you )*(?:(?:give|write|make|show|tell|brief|catch|walk|fill|let|bring|get)"
    r"(?: me| us)?(?: up| in| through| know)?(?: (?:to date|to speed))?(?: (?:an?|the|some|all|me))?\s*"
    r"|(?:i(?:['’]d| would)? (?:like|want|need)(?: to know)?|do you know)\s*(?:an?|the)?\s*"
    r"|what (?:is|are|was|were)(?: the)? (?=(?:latest|gist|main|key|summary|overview|chronology|timeline)\b)|(?=[a-z]))?"
    r"(?:(?:short|brief|quick|concise|full|complete|main|key|latest|newest|recent|rough)\s+)*"
    r"(?:summar(?:y|ies|i[sz]e)|sum up|recap|outline|overview|digest|gist|rundown|tl;?dr|timeline|chronology|list|"
    r"compare|contrast|describe|points?|facts|highlights|details|information|news|updates?|story|everything|anything|more|about|on)\b"
    r"(?:\s+(?:of|on|about|for|from|regarding|concerning|with|between|what|all|the (?:article|report|story) (?:on|about)))*\s*",
    re.IGNORECASE,
)

# "What happened", "what's new": asks for whatever there is; what follows it is a topic.
_HAPPENED = re.compile(
    r"^\W*(?:and |so )?(?:what(?:['’]s|\s+(?:is|are|was|has|have|else))?\s+(?:been\s+)?(?:happen(?:ed|s|ing)?|new|going on|up)"
    r"|what are (?:the|my|your|our|these|all|all the) (?:articles?|documents?|stories|texts?) about"
    r"|(?:the )?(?:latest|newest)? ?news|anything new)\b(?:\s+(?:in|at|on|to|with|about|around|during))?\s*",
    re.IGNORECASE,
)


def without_instructions(question: str, time: str = "") -> tuple[str, int]:
    """What the question is about, and how many sentences it wants (0: not said).

    `time` are its words for a time, which are not part of the topic either: nothing is left of
    "what happened last week?".
    """
    rest, count = question, 0
    if match := _LENGTH.search(question):
        rest = f"{question[: match.start()]} {question[match.end() :]}"
        count = _sentences(match)
    topic = _INSTRUCTION.sub("", rest, count=1)
    told = _HAPPENED.sub("", topic.replace(time, " ") if time else topic)
    if not re.search(r"\w", told) or _HAPPENED.match(topic):
        return " ".join(told.split()).strip(" ,.?!"), count
    return " ".join((topic or rest).split()).strip(" ,.?!"), count


def _sentences(match: re.Match[str]) -> int:
    unit, told = (match["unit"] or "").lower(), (match["count"] or "").lower()
    if not unit or unit.startswith(("paragraph", "nutshell")):
        return 0
    count = int(told) if told.isdigit() else _COUNTS.index(told) + 1 if told in _COUNTS else 1
    return max(1, count // _WORDS_OF_A_SENTENCE if unit == "words" else count)
