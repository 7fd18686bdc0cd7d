"""What the user typed, before anything is looked up: cleaning, small talk, language and parts.

    cleaned(" who chairs it ? ")                    "who chairs it ?"; QuestionError if none
    small_talk("thanks!")                           "thanks"
    parts("When was it held, and where?")           two questions

Pure functions over the question's text; nothing here has seen an article.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any, Literal

from assistant.errors import QuestionError

LONGEST = 2_000  # characters of a question: more than the models can read

_PARTS = 3  # parts of a question, at most

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
# About the index, not about what its articles say: not "how many articles does the treaty have",
# nor "how many stories about Sherlock Holmes did Doyle write".
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
    rf"how many ({_HELD}{_OF_WHAT}?|articles{_OF_WHAT})|how (big|large) is (the|this|your|my) (index|library|collection|archive)",
    re.IGNORECASE,
)
_LISTED = re.compile(
    rf"(which|what) ({_HELD}{_OF_WHAT}?|articles{_OF_WHAT})"
    rf"|(list|show)( me)?( all)?( (of )?(the|your|my))? {_ARTICLES}{_OF_WHAT}?"
    rf"|(do|have) (you|i|we)( have| got)? (any |some )?{_ARTICLES}{_OF_WHAT}?"
    rf"|are there (any |some )?{_ARTICLES}{_OF_WHAT}?",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"^\W*(?:(?:please|so|ok|okay|well|hey|can you|could you|tell me)\b[\s,]*)+", re.IGNORECASE
)
_WH = r"(?:who|whom|whose|when|where|why|what|which|how)"
_BOTH = re.compile(rf"^\W*({_WH}) and ({_WH}) (\w+\s.*)$", re.IGNORECASE)
_NEXT = re.compile(
    rf"\?\s+(?:and |also )?(?=\w)|(?<=\w{{2}}),? and (?:also )?(?=(?:(?:at|on|in|by|from|to|for|with) )?{_WH}\b)",
    re.IGNORECASE,
)
_ASKING = re.compile(rf"(?:\w+ ){{0,3}}{_WH}\b", re.IGNORECASE)


def cleaned(question: object) -> str:
    """The question as one line without control characters and broken Unicode.

    Raises QuestionError if nothing is left to ask, or more than can be read.
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
    """What kind of small talk this is, if any: a greeting, thanks, a question about the assistant
    itself, or how many or which articles it has."""
    if _GREETING.match(question):
        return "greeting"
    if _THANKS.match(question):
        return "thanks"
    plain = _POLITE.sub("", question).strip(" ?!.")
    if _COUNTED.fullmatch(plain):
        return "counted"
    if _LISTED.fullmatch(plain):
        return "listed"
    return "about" if _ABOUT.fullmatch(question.strip(" ?!.")) else None


def parts(question: str) -> list[str]:
    """The questions in one, three at most: "When and where was it held?" asks two, and so does "Who
    won, and by how much?". All but the first may depend on the one before, as a follow-up does."""
    if both := _BOTH.match(question):
        return [f"{both[1].capitalize()} {both[3]}", f"{both[2].capitalize()} {both[3]}"]
    found = [part.strip(" ,?.") for part in _NEXT.split(question)]
    # "Did they win, and by how much?": the first part may be a question without a question word.
    apart = re.match(r"[^,]+, and ", question) is not None
    if len(found) == 1 or not all(_ASKING.match(part) for part in found[apart:]):
        return [question]
    return [f"{part[:1].upper()}{part[1:]}?" for part in found[:_PARTS]]


def foreign_language(question: str) -> str | None:
    """The name of the question's language if it is plainly not English, otherwise None.

    By script if that decides; otherwise by py3langid (Lui and Baldwin 2012), which is asked only
    about questions that are long enough and believed only if it is sure.
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


# Words of English questions that related languages do not have.
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
