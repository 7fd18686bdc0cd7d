"""Who speaks in a passage in the first person, which the passage itself seldom says.

    heading(article, Span(950, 1480))   "Ada Strake: Why I sold my boat": read in front of the passage

"I was a teacher" says nothing of who was. In a column that is its author, named before the title; in
an interview whoever the title names or, if it names nobody, the first sentence that begins with a
name. Everything else has its title alone. A heading is embedded and read with its passage, and never
quoted (measured: benchmarks/results.md).
"""

from __future__ import annotations

import re
from functools import lru_cache

from vectorstore.articles import Article
from vectorstore.splitting import Span, sentences

BEHIND = " \n\"'”’»)]*_"  # what may follow the end of a sentence
# In the first person, but not in a quotation, which has its speaker beside it.
_VOICE = re.compile(
    r"(?<!War )\b(?:I(?=['’]| [a-z])|me|my|myself|we|us|ours?|ourselves)\b|(?:^|[.!?…“\"] ?)(?:My|We|Our|Ours)\b"
)
_QUOTED = re.compile(
    r"“[^”]*+(?:”|$)|\"[^\"]*+(?:\"|$)|‘(?:[^’]|’(?=\w))*+(?:’|$)|(?<!\w)'(?:[^'\n]|'(?=\w))*+'"
)
_NAME = r"[^\W\d_a-z][\w.'’-]*+(?: (?:d[aei]|v[ao]n|de la|al|bin|[^\W\d_a-z][\w.'’-]*+)){1,4}"
_NAMED = re.compile(
    rf"(?<![\w.'’-])(?!(?:A|An|At|But|For|From|If|In|It|Last|Next|On|Our|The|This|To|We|When|With)\b){_NAME}"
)
_TOLD_TO = re.compile(r"\bas told to\b", re.IGNORECASE)
_BYLINE = re.compile(
    rf"^\W{{0,3}}(?:[A-Z][a-z]+ )?(?:By|by|BY) (?P<name>{_NAME})\W{{0,3}}$", re.MULTILINE
)
_SIGNED = re.compile(rf"\bby (?P<name>{_NAME})$")
_HEAD = 600  # characters that have the byline, or the sentence that introduces somebody
_SENTENCE = 160  # characters of that sentence
_READ = 40_000  # characters looked through for who speaks how often
_QUESTION = 300  # characters of an interviewer's question, at most
_LONG_WORD = re.compile(r"[^\W\d_]{4,}")  # has a capital in a title that is in capitals throughout
_NOTE = re.compile(r"([*_])(?!\1)[^*_]+\1")
_QUESTIONS = 2  # paragraphs that are questions, from which on an article is an interview


def heading(article: Article, span: Span) -> str:
    """What is read in front of this passage of the article."""
    if not voiced(article.text[span.start : span.end]):
        return article.title
    return _headed(article, span.start)


def voiced(text: str) -> bool:
    """Whether somebody speaks in the first person, so that the words alone do not say who."""
    return _VOICE.search(_QUOTED.sub("", text)) is not None


def asks(sentence: str) -> bool:
    return sentence.rstrip(BEHIND).endswith("?")


def _headed(article: Article, start: int) -> str:
    author, introduction = _speaks(article)
    if author:
        return f"{author}: {article.title}"
    if introduction is None or start < introduction.end:
        return article.title
    said = " ".join(article.text[introduction.start : introduction.end].split())[:_SENTENCE]
    return f"{article.title}. {said}" if article.title else said


@lru_cache(maxsize=16)  # whole articles
def _speaks(article: Article) -> tuple[str, Span | None]:
    """The author, if the article is told in the first person; or the sentence that introduces who is
    interviewed, if its title does not."""
    head = article.text[:_HEAD]
    told = [each for each in article.text[:_READ].split("\n\n") if each.strip()]
    if sum(len(each) <= _QUESTION and asks(each) for each in told) >= _QUESTIONS:
        return "", _introduction(article.title, head)
    if _TOLD_TO.search(head) or 2 * sum(len(each) for each in told if voiced(each)) < sum(
        map(len, told)
    ):
        return "", None
    if article.authors:
        return ", ".join(article.authors), None
    found = _BYLINE.search(head) or _SIGNED.search(article.source)
    return (found["name"] if found else ""), None


def _introduction(title: str, head: str) -> Span | None:
    """The first sentence that begins with a name, unless the title has it: a title in capitals
    throughout names nobody else."""
    if _NAMED.search(title) and not all(map(str.istitle, _LONG_WORD.findall(title))):
        return None
    for span in sentences(head):
        if found := _NAMED.match(head[span.start : span.end]):
            return None if found[0].split()[-1] in title else span
    return None


def is_note(paragraph: str) -> bool:
    """Whether a paragraph is an editor's note: entirely in italics, in Markdown."""
    return _NOTE.fullmatch(paragraph.strip()) is not None
