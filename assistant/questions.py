"""What a question is and asks for, read off its words alone.

Pure functions over the question's text; nothing here has seen an article.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any, Literal

from assistant.errors import QuestionError

LONGEST = 2_000  # characters: what the models can read of a question, generously

Asks = Literal["span", "statement"]
Small = Literal["greeting", "thanks", "about"]

_ALONE = r"[\s!.,?]*$"
_GREETING = re.compile(
    r"(hi|hello|hey|good (morning|afternoon|evening|day)|greetings)( there| dateline)?" + _ALONE,
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"(ok(ay)?,? )?(thanks|thank you|thx|cheers)( (a lot|very much|so much))?" + _ALONE,
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(who|what) are you|what (can|do) you do|how (can|do) (i|you) (use|work)( this| you)?"
    r"|(can you )?help( me)?|what is (this|dateline)|how does (this|dateline) work",
    re.IGNORECASE,
)
# Questions that a few words answer; every other kind is answered by sentences.
_SHORT = re.compile(
    r"^(?:\W*(?:and|but|so|then|also|please)\b)*\W*(?:(?:in|at|on|by|from|to|of|for|under|with|since|until|through|during|against)\s+)?"
    r"(?:who|whom|whose|when|where|which|what|how\s+(?:many|much|old|long|far|often|big|large|high|tall|fast|deep|wide|heavy|late|early|soon))\b",
    re.IGNORECASE,
)
_LONG = re.compile(
    r"\bwhat\s+(?:did|does|do|has|have|had|was|were|is)\b.*\b(?:say|said|says|saying|think|thinks|want|wants|claim|claims|"
    r"claimed|argue|argues|argued|explain|respond|react|mean|tell|told|warn|warned|happen|happened|happening|promise|promised|propose|proposed)\b"
    r"|\bwhat\s+happen(?:s|ed)\b",
    re.IGNORECASE,
)
_PARTS = re.compile(
    r",?\s+and\s+((?:at|on|in|by|from|to)?\s*(?:who|when|where|why|how(?:\s+(?:many|much|long|often))?))\s*\??$",
    re.IGNORECASE,
)
_BOTH = re.compile(
    r"^\W*(who|when|where|why|how)\s+and\s+(who|when|where|why|how)\s+(\w+\s.*)$", re.IGNORECASE
)
_QUESTION_WORD = re.compile(
    r"^\W*(?:who|whom|when|where|why|what|which|how(?:\s+(?:many|much|long|often|far|old))?)\b\s*",
    re.IGNORECASE,
)
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
    """Greetings, thanks, and questions about the assistant itself."""
    if _GREETING.match(question):
        return "greeting"
    if _THANKS.match(question):
        return "thanks"
    return "about" if _ABOUT.fullmatch(question.strip(" ?!.")) else None


def asks_for(question: str) -> Asks:
    """Say "span" where a name, date, place or amount answers; "statement" where it takes a sentence."""
    return "span" if _SHORT.match(question) and not _LONG.search(question) else "statement"


def parts(question: str) -> list[str]:
    """The questions in one: "Where was it held, and when?" and "When and where was it held?" ask
    two. Each stands alone."""
    if both := _BOTH.match(question):
        return [f"{both[1].capitalize()} {both[3]}", f"{both[2].capitalize()} {both[3]}"]
    match = _PARTS.search(question)
    if match is None:
        return [question]
    first = question[: match.start()].rstrip(" ,?")
    rest = _QUESTION_WORD.sub("", first, count=1)
    if rest == first or not rest:
        return [question]
    return [f"{first}?", f"{match[1].strip().capitalize()} {rest}?"]


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
