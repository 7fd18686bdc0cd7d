"""What a question is and asks for, read off its words alone.

    understood("What did Khiari say about Gaza?")
        -> Wish(asks="said", speaker="Khiari", topic="Gaza", ...)
    parts("When was it held, and where?")           -> two questions

Pure functions over the question's text; nothing here has seen an article.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from assistant.errors import QuestionError
from assistant.language.spans import Sought

LONGEST = 2_000  # characters: what the models can read of a question, generously

# What answers it: a few words, who or what has a name, several such, the sentences that say it, the
# reasons, what somebody said, what there is about a thing, the gist of what happened, or whether
# something is so.
Asks = Literal["span", "name", "list", "statement", "reason", "said", "about", "summary", "whether"]
Small = Literal["greeting", "thanks", "about", "counted", "listed"]

_ALONE = r"[\s!.,?]*$"
_GREETING = re.compile(
    r"((hi|hello|hey|good (morning|afternoon|evening|day)|greetings)( there| dateline)?"
    r"|((hi|hello|hey),? )?(how are you( doing| feeling)?( today)?|how(['’]s| is) it going"
    r"|what['’]s up))" + _ALONE,
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"(ok(ay)?,? )?(thanks|thank you|thx|cheers)( (a lot|very much|so much))?" + _ALONE,
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(who|what) are you|what (can|do) you do|how (can|do) (i|you) (use|work)( this| you)?"
    r"|(can you )?help( me)?|what is (this|dateline)|how does (this|dateline) work"
    r"|are you (an? )?(ai|human|robot|bot|person|machine|real|chatgpt|language model)"
    r"|what(['’]s| is) your name|who (made|built|wrote|created) you",
    re.IGNORECASE,
)
# Of the index, and not of what its articles tell: "how many articles does the treaty have" is no such.
_ARTICLES = r"(articles?|documents?|stories|texts?|files)"
_HELD = (
    rf"{_ARTICLES} ((do|have) (you|i|we)( have| know| hold| got)?|(are|is) (there|here)"
    r"|(are|is) (in|on) (here|(the|this|your|my) (index|library|collection|archive)))"
    r"( (now|here|in total|altogether|in (the|this|your|my) (index|library|collection|archive)))?"
)
_OF_WHAT = (
    r"(,? (that )?(mention(ing|s)?|about|(are|is) about|on|cover(ing|s)?|deal(ing|s)? with|report(ing|s)? on|"
    r"talk(ing|s)? about|speak(ing|s)? of|regarding|concerning) .+)"
)
_COUNTED = re.compile(
    rf"how many ({_HELD}{_OF_WHAT}?|{_ARTICLES}{_OF_WHAT})|how (big|large) is (the|this|your|my) (index|library|collection|archive)",
    re.IGNORECASE,
)
_LISTED = re.compile(
    rf"(which|what) ({_HELD}{_OF_WHAT}?|{_ARTICLES}{_OF_WHAT})"
    rf"|(list|show)( me)?( all)?( (of )?(the|your|my))? {_ARTICLES}{_OF_WHAT}?"
    rf"|(do|have) (you|i|we)( have| got)? (any |some )?{_ARTICLES}{_OF_WHAT}?"
    rf"|are there (any |some )?{_ARTICLES}{_OF_WHAT}?",
    re.IGNORECASE,
)
_STRAY = re.compile(r"^[^\w“\"‘'(]+")  # typed by mistake
_POLITE = re.compile(
    r"^\W*(?:(?:please|so|ok|okay|well|hey|and|but|then|also)\b[\s,]*"
    r"|(?:can|could|would|will) you (?:please )?|i(?:['’]d| would) (?:like|love) (?:you )?to (?:know )?"
    r"|i want to know |do you know |(?:please )?tell me (?=(?:who|what|when|where|which|why|how|if|whether)\b)"
    r"|i wonder )+"
    # What stands before the question itself: "According to the mayor's office, how many …"
    r"|^[^,?]{3,80},\s+(?=(?:(?:in|at|on|by|from|to|of|for)\s+)?(?:who|whom|whose|when|where|which|what|why|how)\b)",
    re.IGNORECASE,
)
_AUXILIARY = (
    r"(?:is|are|was|were|do|does|did|has|have|had|will|would|can|could|should|may|might|must|isn['’]t|"
    r"aren['’]t|wasn['’]t|weren['’]t|don['’]t|doesn['’]t|didn['’]t|hasn['’]t|haven['’]t|won['’]t)"
)
_QUANTIFIED = (
    r"(?:many|much|old|long|far|often|big|large|high|tall|fast|deep|wide|heavy|late|early|soon)"
)
# Questions that a few words answer; most other kinds are answered by sentences.
_SHORT = re.compile(
    r"^(?:\W*(?:and|but|so|then|also|please)\b)*\W*(?:(?:in|at|on|by|from|to|of|for|under|with|since|until|through|during|against)\s+)?"
    rf"(?:who|whom|whose|when|where|which|what|how\s+{_QUANTIFIED})\b",
    re.IGNORECASE,
)
_LONG = re.compile(
    r"\bwhat\s+(?:did|does|do|has|have|had|was|were|is)\b.*\b(?:say|said|says|saying|think|thinks|want|wants|claim|claims|"
    r"claimed|argue|argues|argued|explain|respond|react|mean|tell|told|warn|warned|happen|happened|happening|promise|promised|propose|proposed)\b"
    r"|\bwhat\s+happen(?:s|ed)\b",
    re.IGNORECASE,
)
_SAYING = (
    r"(?:say|said|saying|tell|told|think|thinking|claim|claimed|argue|argued|explain|explained|respond|"
    r"responded|react|reacted|reply|comment|commented|announce|announced|warn|warned|promise|promised|"
    r"propose|proposed|suggest|suggested|demand|demanded|stress|stressed|complain|admit|admitted|deny|"
    r"state|mention|mentioned|make of)"
)
_TELLING = (
    r"(?:describe|respond|react|reply|answer|comment|justify|defend|explain|put it|feel|see|view|"
    r"own up|own|characteri[sz]e|rate|judge|assess)"
)
_OPINION = (
    r"(?:view|views|verdict|opinion|opinions|reaction|response|reply|comment|comments|stance|position|"
    r"statement|remarks|assessment|criticism|explanation|message|argument|promise|warning|take)"
)
_LINK = r"(?:about|on|of|over|regarding|concerning|to|for|as to)"
_SAID = [
    re.compile(
        rf"^what (?:else |exactly |all )?(?:did|does|do|has|have|had|is|was|were) (?P<speaker>.+?) "
        rf"(?:have to |had to |be |been |actually |publicly |first |originally |initially |recently )?"
        rf"{_SAYING}\b(?: (?:most recently|recently|lately|last|first|at first))?(?: {_LINK}\b)?(?P<topic>.*)$",
        re.IGNORECASE,
    ),
    re.compile(
        rf"^how (?:did|does|do|has|have|had) (?P<speaker>.+?) {_TELLING}\b(?: {_LINK}\b)?(?P<topic>.*)$",
        re.IGNORECASE,
    ),
    re.compile(
        rf"^what (?:is|was|are|were)(?: the)? (?P<speaker>(?:(?!the\b)\S+ ){{0,3}}?\S+)[’']s? {_OPINION}"
        rf"(?: {_LINK}\b)?(?P<topic>.*)$",
        re.IGNORECASE,
    ),
    re.compile(
        rf"^what (?!(?:did|does|do|has|have|had|is|was|were)\b)(?P<speaker>.+?) (?:has |had |have )?(?:said|says|say|thinks|thought|claimed|claims|told [a-z]+)\b"
        rf"(?: {_LINK}\b)?(?P<topic>.*)$",
        re.IGNORECASE,
    ),
]
_TOLD_ABOUT = re.compile(r"\b(?:about|on|regarding|concerning|that)\b(.+)$", re.IGNORECASE)
_ABOUT_IT = [
    re.compile(
        r"^(?:tell (?:me|us)|say|give (?:me|us) (?:some |more |any )?(?:information|details|facts)|what do "
        r"(?:you|we|they|the articles|your articles|my articles) (?:know|say|have|report)|what is known|what can you (?:tell|say)"
        r"(?: me| us)?|(?:any|some|more) (?:information|details|facts)|information|details|facts|"
        r"what (?:is|are) there|what (?:is|was|has been)(?: first| originally| initially)? (?:said|reported|written|known)|talk|inform me|explain to me)"
        r"(?: something| anything| more| all| everything)? (?:about|on|regarding)(?P<topic> .+)$",
        re.IGNORECASE,
    ),
    re.compile(r"^what about(?P<topic> .+)$", re.IGNORECASE),
    re.compile(r"^(?:describe|introduce|explain)(?P<topic> .+)$", re.IGNORECASE),
]
_SUMMARY = [
    re.compile(
        r"^(?:summari[sz]e|sum up|recap|outline|brief me (?:on|about)|catch me up on|digest|tl;?dr(?: (?:of|for|on|about))?:?)"
        r"(?P<topic>(?: .*)?)$",
        re.IGNORECASE,
    ),
    re.compile(
        r"^(?:compare|contrast)(?: what| how)?(?: (?:the|these|those|all|my|our))?(?: (?:two|three|both|different|various|several))?"
        r"(?: (?:accounts?|reports?|versions?|articles?|stories|sources?|papers?|newspapers?|coverage))?"
        r"(?: (?:say|report|write|tell|covered?|described?)s?)?(?: (?:of|on|about|regarding))(?P<topic> .+)$",
        re.IGNORECASE,
    ),
    re.compile(
        r"^what (?:is|was)(?P<topic> (?:the|this|that|my) (?:\w+ )?(?:article|story|report|piece)\b.*?) about$",
        re.IGNORECASE,
    ),
    re.compile(
        r"^(?:give (?:me|us)|write|make|can i have|what is|what are|show me)?\s*(?:an?|the)?\s*"
        r"(?:short |brief |quick |concise )?(?:summary|overview|recap|outline|gist|digest|main points?|key points?|"
        r"key facts|main facts|highlights)(?: (?:of|on|about|from|for|in))(?P<topic> .+)$",
        re.IGNORECASE,
    ),
    re.compile(
        r"^what (?:is|was|were|are) the (?:very )?(?:first|earliest|oldest|latest|newest|last|most recent) "
        r"(?:reports?|articles?|news|stor(?:y|ies)|mentions?) (?:on|about|of|from|regarding)(?P<topic> .+)$",
        re.IGNORECASE,
    ),
    re.compile(
        r"^what (?:are|is|do|does) (?:the|my|your|our|these|all) (?:articles?|documents?|news|texts?|stories)"
        r"(?: here)? (?:about|cover|say|contain|tell)(?P<topic>)$",
        re.IGNORECASE,
    ),
    re.compile(
        r"^what (?:has |have )?happen(?:ed|s)?(?: (?:in|at|on|to|with|during|after|around|about))?(?P<topic>(?: .+)?)$",
        re.IGNORECASE,
    ),
    re.compile(
        r"^what(?: is|['’]s| was| are)? (?:happening|going on)(?: (?:in|at|on|to|with|about|around))?(?P<topic>(?: .+)?)$",
        re.IGNORECASE,
    ),
    re.compile(
        r"^(?:what(?: is|['’]s| are) (?:new|the (?:latest|news|newest)(?: news| developments?)?)|any (?:news|updates?)|"
        r"(?:the )?latest(?: news)?|news|updates?)(?: (?:about|on|with|in|from|at|of|regarding))?(?P<topic>(?: .+)?)$",
        re.IGNORECASE,
    ),
]
# "in two sentences", "in about 50 words", "briefly": how long it is to be, and no part of the topic.
_LENGTH = re.compile(
    r"[\s,]*\b(?:(?:in|within|with|using)\s+(?:about |around |no more than |at most |just |only |under )?"
    r"(?P<count>an?|one|two|three|four|five|six|seven|eight|nine|ten|\d{1,3})\s+(?:(?:short|brief|single|simple)\s+)?"
    r"(?P<unit>sentences?|lines?|bullet points?|bullets|points|words|paragraphs?|nutshell)|briefly|in (?:short|brief))\s*$"
    r"|^(?:briefly|in (?:short|brief)),?\s+",
    re.IGNORECASE,
)
_COUNTS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_WORDS_OF_A_SENTENCE = 22  # in news, as the sample articles have them
_NEWEST = re.compile(r"\b(?:new|news|newest|latest|updates?|happening|going on)\b", re.IGNORECASE)
# "Who is Noor Castellane?", "What is the Skennay Light?": about whom or what has that name.
_WHO_IS = re.compile(
    r"^who(?: (?:is|was|are|were)|['’]s) (?P<topic>(?!(?:the|an?|in|on|our|your|his|her|their|this|that|it|he|she|they|you|"
    r"not|to|\w+ing)\b)(?:(?!(?:of|in|for|at|on|to|by|with|from|the|behind|running|responsible)\b)[\w’'.-]+\s*){1,4})$",
    re.IGNORECASE,
)
_CAPITALISED = r"[^\W\d_a-zß-öø-ÿ][\w’'.-]*"
_WHAT_IS = re.compile(
    r"^[Ww]hat (?:is|was|are|were) (?:the |an? )?"
    rf"(?P<topic>{_CAPITALISED}(?:\s+(?:(?:of|the|for|on|and|de|to)\s+){{0,2}}{_CAPITALISED})*)$"
)
# "the article about the ferry" is about the ferry.
_THE_ARTICLE = re.compile(
    r"^(?:(?:the|all|all the|this|that|these|my|your|our|an?|any|some|every)\s+)*"
    r"(?:(?:latest|newest|last|recent|whole|entire|full|main)\s+)*"
    r"(?:articles?|stor(?:y|ies)|news|reports?|texts?|pieces?|coverage|documents?|everything|all)\b"
    r"(?:\s+(?:about|on|of|from|in|regarding|concerning|that (?:is|are) about|titled|called|headlined))?\s*",
    re.IGNORECASE,
)
# "What happened first, the flood?", "… to the library first": an order, and no topic.
_ONLY_ORDER = re.compile(
    r"^(?:first|last|next|then)\b(?!\s+[a-z])|[\s,]+(?:at )?first$", re.IGNORECASE
)
_LIST = re.compile(
    r"^(?:(?:in|at|on|by|from|to|of|for|under|with)\s+)?(?:which|what)\s+(?:other\s+|two\s+|three\s+|of the\s+)?(?:\w+\s+){0,2}?"
    r"(?!(?:is|was|does|has|this|thus|makes|goes|comes|says|his|its|as|us|news|series|happens|causes|means|"
    r"class|process|business|access|address|boss|congress|press|bus|gas|loss|mess|glass|campus|status|virus)\b)"
    r"(?:\w{2,}s|people|men|women|children)\b"
    r"|^(?:what|who) (?:are|were) (?:the|all the|some of the|his|her|their|its)\b"
    r"|^(?:list|name|enumerate)\b|^who all\b|^who else\b|^what else\b|^who (?:were|are) \w+ing\b",
    re.IGNORECASE,
)
_SOUGHT: list[tuple[Sought, re.Pattern[str]]] = [
    (
        "time",
        re.compile(
            r"^(?:(?:in|at|on|by|from|since|until|till|for|during)\s+)?(?:when\b|(?:what|which)\s+(?:\w+\s+)?"
            r"(?:year|years|date|dates|day|days|month|months|century|decade|season|weekday|hour|o['’]clock)\b"
            r"|what time\b(?!.*\b(?:win|won|finish|run|ran|record|clock)\b)|(?:at )what times\b|how (?:soon|late|early)\b|how long ago\b)",
            re.IGNORECASE,
        ),
    ),
    (
        "amount",
        re.compile(
            r"^(?:(?:in|at|on|by|from|for|to|of|with)\s+)?(?:how\s+(?:many|much|old|long|far|often|big|large|high|tall|"
            r"fast|deep|wide|heavy)\b|(?:what|which)\s+(?:\w+\s+)?(?:share|proportion|percentage|price|sum|amount|"
            r"number|cost|fare|turnout|figure|rate|age|height|length|distance|speed|temperature|budget|majority)\b"
            r"|what (?:is|was|were|are) (?:the|its|his|her|their) (?:\w+ ){0,2}?(?:share|proportion|percentage|price|sum|amount|number|cost|"
            r"costs|turnout|rate|age|height|length|distance|speed|temperature|budget|majority|margin|score|population)\b"
            r"|what (?:do|does|did|will|would|has|is|was)\b.*\b(?:cost|costs|earn|pay for)\b)",
            re.IGNORECASE,
        ),
    ),
    (
        "person",
        re.compile(
            r"^(?:(?:by|from|to|of|for|with|against)\s+)?(?:who|whom|whose)\b", re.IGNORECASE
        ),
    ),
    (
        "place",
        re.compile(
            r"^(?:(?:in|at|on|from|to)\s+)?(?:where\b|(?:what|which)\s+(?:city|town|country|place|street|village|"
            r"venue|region|state|island|building)\b)",
            re.IGNORECASE,
        ),
    ),
]
_WHY = re.compile(
    r"^(?:why\b|how come\b|for what reasons?\b|what (?:is|was|were|are) the reasons?\b)",
    re.IGNORECASE,
)
_PARTS = re.compile(
    r",?\s+and\s+((?:(?:at|on|in|by|from|to|for|with|since|until)\s+)?(?:whom|who|when|where|why|how(?:\s+(?:many|much|long|often))?)"
    r"|(?P<behind>where|who|whom)\s+(?P<from>from|to|for|with|by))\s*\??$",
    re.IGNORECASE,
)
_BOTH = re.compile(
    r"^\W*(who|when|where|why|how)\s+and\s+(who|when|where|why|how)\s+(\w+\s.*)$", re.IGNORECASE
)
# Two whole questions: "Who won the cup, and how many people came?", "Who is it? Where is it?"
_CLAUSES = re.compile(
    rf"^(?P<first>(?:\w+\s+)?(?:who|whom|whose|when|where|why|what|which|how|did|does|is|are|was|were|has|have)\b[^?]*?"
    rf"\s[^?]*?)(?:,?\s+and(?:\s+also)?\s+|\?\s*(?:and\s+|also\s+)?)"
    rf"(?P<second>(?:(?:at|on|in|by|from|to|for|with)\s+)?(?:who|whom|whose|when|where|why|what|which|how)\b"
    rf"[^?]*?\b(?:{_AUXILIARY}|\w{{3,}}ed|won|came|got|gave|took|said|made|became|lost|left|went|ran|paid|began|"
    rf"beat|wrote|built|led|{_QUANTIFIED})\b[^?]*)\?*$",
    re.IGNORECASE,
)
_QUESTION_WORD = re.compile(
    r"^\W*(?:who|whom|when|where|why|what|which|how(?:\s+(?:many|much|long|often|far|old))?)\b\s*",
    re.IGNORECASE,
)
_ASKING = r"(?:who|whom|whose|what|when|where|which|why|how|whether|if)"
_KEYWORDS = 7  # words: more are a sentence
_NAME = re.compile(r"[^\W\d_][\w’'-]*|\d[\d.,:]*\d|\d")


def cleaned(question: object) -> str:
    """The question as one line without control characters and broken Unicode.

    Raises QuestionError where nothing is left to ask, or more than can be read.
    """
    if not isinstance(question, str):
        raise QuestionError(f"a question is a text, not {type(question).__name__}.")
    if len(question) > LONGEST:
        raise QuestionError(
            f"the question has {len(question):,} characters, and at most {LONGEST:,} can be read. "
            "Shorten it; to ask about a long text, add it as an article."
        )
    kept = "".join(
        " "
        if unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")
        else character
        for character in question
    )
    line = " ".join(kept.split())
    if not any(character.isalnum() for character in line):
        raise QuestionError('the question is empty. Ask something, such as "who …?"')
    return line


def small_talk(question: str) -> Small | None:
    """Greetings, thanks, and questions about the assistant itself, or how many and which articles it
    has."""
    if _GREETING.match(question):
        return "greeting"
    if _THANKS.match(question):
        return "thanks"
    plain = _POLITE.sub("", _STRAY.sub("", question)).strip(" ?!.")
    if _COUNTED.fullmatch(plain):
        return "counted"
    if _LISTED.fullmatch(plain):
        return "listed"
    return "about" if _ABOUT.fullmatch(question.strip(" ?!.")) else None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a question asks for.

    `sought` is the kind of a short answer. `topic` is what it is to be about, "" where that is
    everything; `speaker` whose words are wanted, "" where nobody's are; `newest` is True where the
    latest comes first; `most` is how many sentences are asked for at most, 0 where nothing is said.
    """

    question: str
    asks: Asks
    sought: Sought = "thing"
    topic: str = ""
    speaker: str = ""
    newest: bool = False
    most: int = 0


def understood(question: str) -> Wish:
    """What `question`, which stands alone, asks for."""
    plain = _POLITE.sub("", _STRAY.sub("", question)).strip(" ?!.…") or question
    short, most = _without_length(plain)
    if match := _first(_SUMMARY, short):
        topic = _topic(match["topic"])
        return Wish(question, "summary", topic=topic, newest=bool(_NEWEST.search(plain)), most=most)
    if match := _first(_ABOUT_IT, short):
        return Wish(question, "about", topic=_topic(match["topic"]), most=most)
    if match := _first(_SAID, plain):
        speaker, topic = match["speaker"].strip(), match["topic"].strip(" ,?")
        if re.search(r"\b(?:tell|told)$", plain[: match.start("topic")].rstrip()):
            # To whom it was told is not what it was about.
            topic = told[1].strip() if (told := _TOLD_ABOUT.search(topic)) else ""
        if speaker.lower() not in ("it", "there", "you", "i", "we", "the articles", "the article"):
            return Wish(question, "said", topic=topic, speaker=speaker)
    if _WHY.match(plain):
        return Wish(question, "reason", topic=plain)
    if re.match(rf"{_AUXILIARY}\b", plain, re.IGNORECASE) and len(plain.split()) > 2:
        return Wish(question, "whether", topic=plain)
    if _is_keywords(plain):
        return Wish(question, "about", topic=_topic(plain))
    sought: Sought = next((kind for kind, pattern in _SOUGHT if pattern.match(plain)), "thing")
    if _SHORT.match(plain) and not _LONG.search(plain):
        if sought not in ("amount", "time") and _LIST.match(plain):
            return Wish(question, "list", sought, topic=plain)
        if named := _WHO_IS.match(plain) or _WHAT_IS.match(plain):
            return Wish(question, "name", sought, topic=named["topic"])
        return Wish(question, "span", sought, topic=plain)
    if _LIST.match(plain):
        return Wish(question, "list", sought, topic=plain)
    return Wish(question, "statement", topic=plain)


def asks_for(question: str) -> Asks:
    """Say what kind of answer is asked for; see `Asks`."""
    return understood(question).asks


def parts(question: str) -> list[str]:
    """The questions in one: "Where was it held, and when?" and "When and where was it held?" ask
    two. The first stands alone, and so do others that took its words over; one that is a question
    of its own ("and who chaired it?") may lean on the first."""
    if both := _BOTH.match(question):
        return [f"{both[1].capitalize()} {both[3]}", f"{both[2].capitalize()} {both[3]}"]
    match = _PARTS.search(question)
    if match is not None:
        first = question[: match.start()].rstrip(" ,?")
        rest = _QUESTION_WORD.sub("", first, count=1)
        if rest != first and rest:
            if re.match(r"\W*who\b", first, re.IGNORECASE) and not re.match(
                rf"{_AUXILIARY}\b", rest
            ):
                rest = f"was it that someone {rest}"  # "Who found it, and when?"
            asked, last = (match["behind"] or match[1]).strip(), match["from"]
            return [f"{first}?", f"{asked.capitalize()} {rest}{f' {last}' if last else ''}?"]
    if clauses := _CLAUSES.match(question):
        second = clauses["second"].strip(" ,?")
        return [f"{clauses['first'].strip(' ,?')}?", f"{second[:1].upper()}{second[1:]}?"]
    return [question]


def names(question: str) -> list[str]:
    """The names and numbers of a question: capitalised words but the first, and digits.

    In a question all in capitals, only the numbers can be told.
    """
    shouted = question.isupper()
    found = []
    for position, match in enumerate(_NAME.finditer(question)):
        word = re.sub(r"[’']s?$", "", match[0])
        capital = word[:1].isupper() and not shouted and (position > 0 or word[1:2].isupper())
        if (capital or word[:1].isdigit()) and word.lower() not in _NOT_NAMES:
            found.append(word)
    return list(dict.fromkeys(found))


def _first(patterns: list[re.Pattern[str]], question: str) -> re.Match[str] | None:
    return next((found for pattern in patterns if (found := pattern.match(question))), None)


def _without_length(question: str) -> tuple[str, int]:
    """The question without how long its answer is to be, and that in sentences; 0 where it is not
    said."""
    match = _LENGTH.search(question)
    if match is None:
        return question, 0
    rest = (question[: match.start()] + question[match.end() :]).strip(" ,")
    unit, told = (match["unit"] or "").lower(), (match["count"] or "").lower()
    if not unit or unit.startswith(("paragraph", "nutshell")):
        return rest, 0
    count = int(told) if told.isdigit() else _COUNTS.index(told) + 1 if told in _COUNTS else 1
    return rest, max(1, count // _WORDS_OF_A_SENTENCE if unit == "words" else count)


def _topic(told: str) -> str:
    """What is to be told about: "the article about the ferry" -> "the ferry"; "" for everything."""
    plain = _THE_ARTICLE.sub("", told.strip(" ,?!.“”\"'"), count=1)
    return _ONLY_ORDER.sub("", plain).strip(" ,?!.“”\"'")


def _is_keywords(question: str) -> bool:
    """Whether these are some words to look for, and no question: "ferry replacement cost"."""
    words = question.split()
    return (
        len(words) <= _KEYWORDS
        and not re.match(rf"(?:\w+\s+)?{_ASKING}\b", question, re.IGNORECASE)
        and not re.search(
            rf"\b(?:{_ASKING}|{_AUXILIARY}|i|you|we|it|list|name)\b", question, re.IGNORECASE
        )
    )


def adjoining(words: Sequence[str], question: str) -> list[str]:
    """The words that follow each other in the question as one: "Prime", "Minister" are one name."""
    found: list[str] = []
    for word in words:
        if found and f"{found[-1]} {word}" in question:
            found[-1] += f" {word}"
        else:
            found.append(word)
    return found


def foreign_language(question: str) -> str | None:
    """The name of the question's language where it is plainly not English, else None.

    By script where that decides; otherwise by py3langid (Lui and Baldwin 2012), asked only about
    questions long enough for it, and believed only when it is sure.
    """
    letters = [character for character in question if character.isalpha()]
    strange = [character for character in letters if not _latin(character)]
    if letters and len(strange) > len(letters) / 3:
        script = unicodedata.name(strange[0], "another script").split()[0].capitalize()
        return _SCRIPTS.get(script, f"{script} script")
    if question.startswith(("¿", "¡")):
        return "Spanish"
    words = {word.lower() for word in re.findall(r"\w+", question)}
    if len(words) < 4 or words & _ENGLISH:
        return None
    code, certainty = _language_identifier().classify(question)
    return _LANGUAGES.get(code) if code != "en" and certainty > 0.7 else None


@cache
def _language_identifier() -> Any:
    """Read-only data of 4 MB, worth reading once."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _latin(character: str) -> bool:
    return unicodedata.name(character, "").startswith(("LATIN", "MODIFIER", "FULLWIDTH LATIN"))


# Words of English questions that are no words of their neighbours'.
_ENGLISH = frozenset(
    [
        "who",
        "whose",
        "what",
        "when",
        "where",
        "which",
        "why",
        "how",
        "the",
        "of",
        "is",
        "are",
        "did",
        "does",
        "were",
        "has",
        "have",
        "about",
    ]
)
_NOT_NAMES = frozenset(
    [
        "i",
        "who",
        "whom",
        "whose",
        "when",
        "where",
        "which",
        "what",
        "why",
        "how",
        "the",
        "a",
        "an",
        "in",
        "on",
        "at",
        "by",
        "of",
        "is",
        "are",
        "was",
        "were",
        "did",
        "do",
    ]
)
_SCRIPTS = {
    "Cjk": "Chinese or Japanese",
    "Hiragana": "Japanese",
    "Katakana": "Japanese",
    "Hangul": "Korean",
    "Greek": "Greek",
    "Hebrew": "Hebrew",
    "Thai": "Thai",
}
_LANGUAGES = {
    "fr": "French",
    "de": "German",
    "es": "Spanish",
    "it": "Italian",
    "pt": "Portuguese",
    "nl": "Dutch",
    "sv": "Swedish",
    "da": "Danish",
    "no": "Norwegian",
    "nb": "Norwegian",
    "fi": "Finnish",
    "pl": "Polish",
    "cs": "Czech",
    "tr": "Turkish",
    "ro": "Romanian",
    "hu": "Hungarian",
    "id": "Indonesian",
    "vi": "Vietnamese",
    "ca": "Catalan",
    "hr": "Croatian",
}
