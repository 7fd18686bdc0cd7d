"""Who says what in an article: the speaker of each sentence, as far as the words tell.

    heard = speakers(text, sentences(text))
    heard[3]                            Voice("Khaled Khiari", "khaled khiari, assistant secretary-…")
    speaks(heard[3], "Khiari")          True; so is "the assistant secretary-general"

A sentence has a speaker where it has a verb of saying with a subject ("Khiari said", "said Khiari",
"according to the council"); where it has a pronoun for one ("he said"), that is the person named
last; where it is a quotation alone, the one who was speaking. What somebody is said to have done is
not what he said. English newspapers' habits, no parser: pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from assistant.language.wording import coverage, telling
from vectorstore.splitting import Span

_VERB = (
    r"(?:said|says|say|told|tells|added|adds|stressed|noted|notes|argued|argues|warned|warns|claimed|claims|"
    r"called|announced|announces|asked|replied|answered|promised|promises|praised|demanded|demands|"
    r"welcomed|thanked|commended|highlighted|accused|explained|explains|insisted|insists|admitted|admits|"
    r"confirmed|confirms|denied|denies|declared|defended|described|describes|blamed|blames|traced|"
    r"congratulated|expected|expects|believes|believed|thinks|thought|urged|urges|criticised|criticized|"
    r"suggested|suggests|wrote|writes|testified|acknowledged|rejected|dismissed|hailed|vowed|recalled|estimated|predicted|"
    r"predicts|concluded|remarked|maintained|reiterated|emphasised|emphasized|underlined|underscored|"
    r"condemned|protested|complained|joked|pledged|proposed|appealed|conceded|cautioned|contended|"
    r"hoped|hopes|feared|fears|wants|wanted|pointed (?:out|to)|put the \w+ down to|put it|named|spoke of|quipped|"
    r"find that|finds that|found that|writes|stated|ruled out|rules out|tweeted|posted|recommended|recommends|"
    r"lamented|observed|commented|responded|mocked|vows|believe|think|insist|argue|opposed|opposes|assured|revealed|"
    r"raised doubts|made (?:it )?clear|expressed|voiced|questioned|disagreed|regretted|apologised|apologized)"
)
_OPEN, _CLOSE = '“"‘«', '”"’»'
_QUOTED = re.compile(r"“[^”]*(?:”|$)|\"[^\"]*(?:\"|$)|«[^»]*(?:»|$)")
_CAPITAL = r"[^\W\d_a-zß-öø-ÿ]"
_TITLE = (
    r"(?:Mr|Mrs|Ms|Mx|Dr|Prof|Sen|Rep|Gov|Gen|Col|Capt|Lt|Sgt|Rev|St|Sir|President|Mayor|Minister|Captain|"
    r"Councillor|Professor|Senator|Judge|King|Queen|Prince|Princess|Pope|Chancellor|General|Colonel|Ambassador|"
    r"Governor|Bishop|Deputy|Chief|Secretary|Prime|Foreign|Justice|Councilman|Councilwoman|Cllr)\.?"
)
# "Rookby", or an initial; a full stop behind anything longer ends the sentence and so the name.
_WORD = rf"(?:{_CAPITAL}\.(?=\s+{_CAPITAL})|{_CAPITAL}[\w’'-]*)"
_NAME = re.compile(
    rf"(?:{_TITLE}\s+)*{_WORD}(?:\s+(?:(?:de|van|von|al|bin|der|la|di)\s+)?{_WORD})*"
)
_PRONOUN_FIRST = re.compile(r"(?:he|she|his|her)\b", re.IGNORECASE)
_PRONOUN = re.compile(r"^(?:he|she|they|it)$", re.IGNORECASE)
_PRONOUN_OBJECT = re.compile(r"(?:him|her|them|it)\b", re.IGNORECASE)
_SAYING = re.compile(rf"\b{_VERB}\b", re.IGNORECASE)
# "In an interview with Radio North, Ms. Marsh called": who is named first is not who speaks.
_AHEAD_OF_SUBJECT = re.compile(
    r"\W*(?:in|at|on|after|before|during|with|when|while|as|if|although|though|since|despite|like|unlike|"
    r"asked|speaking|writing|citing|quoting|addressing|answering|responding|referring|by|from|following)\b",
    re.IGNORECASE,
)
# "In Henrik Dahl's view", "For Ms. Weiss, the head of the school, the new rules are …"
_IN_HIS_VIEW = re.compile(
    rf"^[\W_]*(?:[Ii]n (?P<whose>(?:the [\w\s-]{{3,40}}?|(?:{_TITLE}\s+)*{_WORD}(?:\s+{_WORD})*))[’']s? (?:view|opinion|eyes|words|"
    rf"telling|account|judgment|judgement)\b|(?:For|To) (?P<who>(?:{_TITLE}\s+)*{_WORD}(?:\s+{_WORD})*),)"
)
# "Residents complained", "Police believe": a bare plural that begins the sentence.
_BARE_PLURAL = re.compile(
    rf"^[\W_]*({_CAPITAL}[\w’'-]*(?:\s+[\w’'-]+){{0,3}}?(?<=[a-rt-z]s)|[Pp]olice)\s*$"
)
_OF_A_PERSON = re.compile(
    r"(?:\w{2,}(?:er|or|ist|ian|ant|eer|man|woman)|chief|head|boss|judge|coach|mayor|"
    r"minister|president|captain|poet|nurse|midwife|librarian|envoy|pope|king|queen|bishop|spokesperson|"
    r"secretary|\w*-year-old|star|pilot|author|mother|father|widow|teacher|diplomat|politician|scholar|critic|chair)",
    re.IGNORECASE,
)
_NO_PERSON_OF_THAT_END = re.compile(
    r"(?:paper|newspaper|letter|order|number|water|river|answer|weather|harbour|error|sector|factor|mirror|"
    r"chapter|other|matter|power|plant|grant|member|september|october|november|december|summer|winter|"
    r"tower|centre|center|corner|order|offer|computer|ministry|government|restaurant|council|party)",
    re.IGNORECASE,
)
_ADVERB = r"(?:\s+(?:also|then|later|further|again|particularly|repeatedly|immediately|once|has|have|had|\w+ly))*"
# "was welcomed", "to say", "who called": the subject of these is not who speaks here.
_NOT_SAYING = re.compile(
    rf"\b(?:to|who|which|that|whom|be|been|being|is|are|was|were|get|got|so|as|widely|not){_ADVERB}\s*$",
    re.IGNORECASE,
)
_PRONOUN_AT_END = re.compile(rf"\b(he|she|they|it){_ADVERB}\s*$", re.IGNORECASE)
_PHRASE_AT_END = re.compile(
    rf"\b((?:the|an?|his|her|its|their|one|another|[\w-]+[’']s)\s+(?:[\w’'-]+\s+){{0,6}}?[\w’'-]+){_ADVERB}\s*$",
    re.IGNORECASE,
)
_FINITE = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|would|can|could|should|may|might|must|do|does|did)\b",
    re.IGNORECASE,
)
# Of a sentence: the body that acts in it, which "it" in the next one is.
_BODY_FIRST = re.compile(
    rf"^[\W_]*((?:[Tt]he|[Ii]ts|[Aa]n?)\s+(?:[\w’'-]+\s+){{0,4}}?[\w’'-]+|{_CAPITAL}[\w’'-]+)(?:,[^,]*,)?\s+"
    rf"(?:{_FINITE.pattern}|\w{{3,}}ed\b|{_VERB}\b)"
)
_ACTS = re.compile(
    rf"{_FINITE.pattern}|(?-i:\b[a-z]{{3,}}ed\b)|\b(?:won|lost|took|got|came|went|gave|made|left|beat|ran|rose|fell)\b",
    re.IGNORECASE,
)
# "Ulla Sorrensby", "and Ulla Sorrensby", "the engineer Tor Wiik", "its chief executive Dr. Oskar Penhallow".
_ROLE_AND_NAME = re.compile(
    rf"\s*(?:and\s+)?(?:(?:the|an?|its|their|his|her)\s+(?:[a-zß-öø-ÿ][\w’'-]*\s+){{0,4}})?{_CAPITAL}"
)
# "said the mayor", "said Ms. Holm", "said farmer Tom Barrow"
_BEHIND = re.compile(
    rf"^\s+((?:the|an?|his|her|its|their|one|another|(?-i:{_CAPITAL})"
    r"|(?!(?:on|in|at|by|from|to|of|for|with|that|he|she|it|they|there|we|i|you|last|this|after|before|when|if|so|no)\b)"
    rf"(?:[\w’'-]+\s+){{1,3}}(?-i:{_CAPITAL}))[^;:“”\"]*)",
    re.IGNORECASE,
)
_ACCORDING = re.compile(r"\baccording to (?P<subject>[^.;:“”\"]+)", re.IGNORECASE)
_COLON = re.compile(rf"^(?P<subject>(?:{_TITLE}\s+)*{_CAPITAL}[\w’' .-]{{1,60}}):\s*[“\"]")
_NO_NAME = re.compile(
    r"(?:The|A|An|In|On|At|By|But|And|It|He|She|They|We|I|You|This|That|These|Those|His|Her|Their|Its|Our|"
    r"When|While|After|Before|As|If|For|From|With|What|Who|Where|There|Here|Then|Now|Also|Most|Some|Many|"
    r"More|No|Not|Yes|One|Two|Three|Nobody|Somebody|People|According|Last|Next|Since|Until|During|Under|"
    r"Although|Though|However|Meanwhile|Because|So|Mon|Tues|Wednes|Thurs|Fri|Satur|Sunday|\w+day|January|"
    r"February|March|April|May|June|July|August|September|October|November|December)"
)
_BODY = re.compile(
    r"\b(?:Agency|Airport|Association|Authority|Bank|Board|Bridge|Centre|Center|Charter|Church|City|Club|"
    r"College|Commission|Committee|Company|Conference|Council|County|Court|Cup|Department|Federation|"
    r"Festival|Fund|Group|Hall|Harbour|Hospital|House|Institute|Island|League|Library|Lock|Ministry|Museum|"
    r"Nations|Organi[sz]ation|Park|Parliament|Party|Port|Prize|Republic|River|School|Sea|Square|Station|"
    r"States|Street|Summit|Treaty|Union|University|Valley|War|Ward|Yard|Service|Office|News|Post|Gazette)\b"
)
_PLACED = re.compile(r"\b(?:in|at|from|of|near|to)\s+$", re.IGNORECASE)
_LESSER = re.compile(
    r"\b(?:deputy|vice|former|ex|assistant|acting|late|future|next|for|against|to be|become)[\s-]+$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks in a sentence: as named there, and all the article says of who that is."""

    name: str
    known_as: str


def speakers(text: str, spans: Sequence[Span]) -> list[Voice | None]:
    """The speaker of each of the sentences `spans` of `text`, in their order; None where nobody
    is heard."""
    heard: list[Voice | None] = []
    told = " ".join(text[span.start : span.end] for span in spans)
    described, in_full = _descriptions(told), _full_names(told)
    person, body, speaking = "", "", ""
    so_far: set[str] = set()  # last names
    for span in spans:
        sentence = text[span.start : span.end]
        outside = _QUOTED.sub(
            lambda match: "“" + " " * (len(match[0]) - 2) + "”" if len(match[0]) > 1 else '"',
            sentence,
        )
        subject = _subject(outside, described)
        named = _persons(outside, described)
        so_far |= {_last(name) for name in named}
        if subject is None:
            said = speaking if sentence[:1] in _OPEN and _is_all_quoted(outside) else ""
        elif _PRONOUN.match(subject):
            it = subject.lower() == "it"
            said = body if it else _before(outside, subject, named) or person
        else:
            said = next(iter(_persons(subject, described)), "")
            said = said or _meant(subject, described, in_full, so_far) or subject
        heard.append(
            Voice(said, described.get(_last(said), "") + " " + _around(subject)) if said else None
        )
        speaking = said
        if (acting := _BODY_FIRST.match(outside)) and not re.match("it$", acting[1], re.IGNORECASE):
            body = acting[1]
        if named and not _PRONOUN_FIRST.match(sentence):  # "She … Mr. Strake …" is still about her
            person = named[0]
        elif said and _persons(said):
            person = said
    return heard


def _meant(
    phrase: str, described: Mapping[str, str], in_full: Mapping[str, str], so_far: Collection[str]
) -> str:
    """The person that "the minister" is: the one who is called so, else the only one named so far;
    "" where that cannot be told."""
    words = telling(phrase)
    noun = re.split(r"\s+(?:of|for|at|in|from|on|with)\b", phrase)[0].split()[-1]
    if not re.match(r"(?:the|his|her|its|their|[\w-]+[’']s)\s", phrase, re.IGNORECASE):
        return ""
    if not _OF_A_PERSON.fullmatch(noun) or _NO_PERSON_OF_THAT_END.fullmatch(noun):
        return ""
    so_called = [
        last
        for last, known_as in described.items()
        if words and coverage(words, known_as) == 1.0 and not _is_lesser(known_as, phrase)
    ]
    if len(so_called) == 1:
        return in_full.get(so_called[0], "")
    if so_called or len(so_far) != 1 or not phrase.lower().startswith("the "):
        return ""
    return in_full.get(next(iter(so_far)), "")


def elsewhere(voice: Voice, others: Iterable[Voice | None]) -> Voice:
    """The voice with what `others`, of other articles, are called where they have its last name."""
    known = {other.known_as for other in others if other and _last(other.name) == _last(voice.name)}
    return Voice(voice.name, " ".join(sorted({voice.known_as, *known})))


def speaks(voice: Voice | None, who: str) -> bool:
    """Whether `voice` is `who`: by the last name where `who` has one, else by what the article
    calls the speaker ("the mayor"). A deputy mayor is no mayor."""
    if voice is None:
        return False
    if names := [name for name in _persons(who) if not _only_title(name)]:
        called = [_plain(word) for word in re.findall(r"[\w’'-]+", voice.name)]
        return all(_last(name) in called for name in names)
    known = f"{voice.name} {voice.known_as}"
    words = telling(who)
    if not words or coverage(words, known) < 1.0:
        return False
    return not _is_lesser(known, who)


def _subject(outside: str, known: Collection[str]) -> str | None:
    """Of a sentence whose quotations are blanked: who says it. `known` are last names of persons."""
    if match := _COLON.match(outside) or _ACCORDING.search(outside):
        subject = match["subject"].strip(" ,")
        pronoun = _PRONOUN_OBJECT.match(subject)
        return (
            {"him": "he", "her": "she", "them": "they", "it": "it"}[pronoun[0].lower()]
            if pronoun
            else subject
        )
    if view := _IN_HIS_VIEW.match(outside):
        subject = view["whose"] or view["who"]
        if view["whose"] or _persons(subject, known):
            return subject
    for verb in _SAYING.finditer(outside):
        ahead = re.split(r"[”\";:]", outside[: verb.start()])[-1]
        behind = _BEHIND.match(outside[verb.end() :])
        if not ahead.strip(" ,–—-("):
            if behind:
                return behind[1].strip(" ,.")
            continue
        if _NOT_SAYING.search(ahead):
            continue
        if pronoun := _PRONOUN_AT_END.search(ahead):
            return pronoun[1]
        if subject := _in_front(ahead, known):
            return subject
        # "…, said the officer, Cora Babb, and one paper was void": her name, not what else she said
        told_by = (
            re.split(r",\s+(?:and|but|which|while|as|so|because)\b", behind[1])[0] if behind else ""
        )
        if ahead.rstrip().endswith(",") and told_by and not _FINITE.search(told_by):
            return told_by.strip(" ,.")
        if phrase := _PHRASE_AT_END.search(ahead) or _BARE_PLURAL.match(ahead):
            return phrase[1]
    return None


def _in_front(ahead: str, known: Collection[str]) -> str:
    """The subject in what stands before the verb, with its apposition: the first person named
    before a comma, else one whose name begins behind one."""
    first, *others = ahead.split(",")
    if others and _AHEAD_OF_SUBJECT.match(first):
        ahead = ",".join(others)
        first, *others = others
    # "The Holm bridge will open, the engineer Tor Wiik told": what is told stands first.
    told_first = bool(others) and bool(_ACTS.search(first))
    if _persons(first, known) and not (
        told_first and (not others[-1].strip() or _ROLE_AND_NAME.match(others[-1]))
    ):
        return ahead.strip(" ,")
    for number, part in enumerate(others):
        if _ROLE_AND_NAME.match(part) and _persons(part, known):
            return ",".join(others[number:]).strip(" ,")
    return ""


def _before(outside: str, pronoun: str, named: Sequence[str]) -> str:
    """The person named in the sentence before its pronoun."""
    at = re.search(rf"\b{pronoun}\b", outside, re.IGNORECASE)
    return next((name for name in named if at and outside.find(name) < at.start()), "")


def _persons(text: str, known: Collection[str] | None = None) -> list[str]:
    """The names of persons in `text`, as far as capitals tell; bodies and places with a telling
    word are none. A single word is one only where `known` has it, or nothing is known."""
    found = []
    for match in _NAME.finditer(text):
        words = match[0].split()
        while words and _NO_NAME.fullmatch(words[0].strip(".,")):
            words = words[1:]
        name = re.sub(r"[’']s?$", "", " ".join(words)).strip(" .,")
        if not name or _BODY.search(name) or _PLACED.search(text[: match.start()]):
            continue
        if known is None or " " in name or _last(name) in known:
            found.append(name)
    return found


def _descriptions(text: str) -> dict[str, str]:
    """What an article calls each person, by last name: titles, and what stands in apposition
    ("Noor Castellane, the head librarian since 2016, said"; "the deputy mayor, Fabian Osgrove")."""
    found: dict[str, str] = {}
    for match in _NAME.finditer(text):
        name = re.sub(r"[’']s?$", "", match[0]).strip(" .,")
        if len(name.split()) < 2 or _NO_NAME.fullmatch(name.split()[0]):
            continue
        behind = re.match(
            r",\s+((?:the|an?|who|\d+|general|chief|head|director|leader)?[^,.;“”\"]{3,90})[,.;]",
            text[match.end() : match.end() + 120],
        )
        if behind and _SAYING.match(behind[1]):  # "Its director, Paul Rennick, warned …"
            behind = None
        front = text[max(0, match.start() - 70) : match.start()]
        ahead = re.search(
            r"((?:the|an?|its|their|his|her|[\w-]+[’']s)\s+(?:[\w’'-]+\s+){0,4}?[\w’'-]+),?\s+$",
            front,
            re.IGNORECASE,
        ) or re.search(r"((?:[\w’'-]+\s+)?[\w’'-]+)\s+$", front)  # "said farmer Tom Barrow"
        said = " ".join(
            part for part in (name, behind[1] if behind else "", ahead[1] if ahead else "") if part
        )
        key = _last(name)
        found[key] = f"{found[key]} | {said}" if key in found else said
    return found


def _full_names(text: str) -> dict[str, str]:
    """The persons named in full, by last name."""
    found: dict[str, str] = {}
    for name in _persons(text):
        if len(name.split()) > 1 and not _only_title(name):
            found.setdefault(_last(name), name)
    return found


def _around(subject: str | None) -> str:
    return "" if subject is None or _PRONOUN.match(subject) else subject


def _is_lesser(known: str, who: str) -> bool:
    """Whether every mention of the office is of its deputy, a former one, and the like."""
    office = re.findall(r"[\w-]+", who)[-1]
    if _LESSER.search(who[: who.rfind(office)]):
        return False
    found = list(re.finditer(rf"\b{re.escape(office)}\b", known, re.IGNORECASE))
    return bool(found) and all(_LESSER.search(known[: match.start()]) for match in found)


def _only_title(name: str) -> bool:
    return re.fullmatch(rf"(?:{_TITLE}\s*)+", name) is not None


def _is_all_quoted(outside: str) -> bool:
    return not re.search(r"\w", outside)


def _last(name: str) -> str:
    words = re.findall(r"[\w’'-]+", name)
    return _plain(words[-1]) if words else ""


def _plain(word: str) -> str:
    return re.sub(r"[’']s?$", "", word.lower())
