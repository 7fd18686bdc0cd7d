"""Mails (.eml) and web archives (.mhtml), which are written as mails are.

A mail's article is its body; what is attached is left out. A web archive's is its page.
"""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses

from vectorstore.errors import LoadingError
from vectorstore.loading import html
from vectorstore.loading.dates import day
from vectorstore.loading.draft import Draft, shorten, web_address
from vectorstore.loading.markup import sound, text_of
from vectorstore.loading.text import decode


def parse(content: bytes, name: str) -> Iterator[Draft]:  # noqa: ARG001 - a Parser
    """One article: the plain body, or the HTML one where there is no other, by its senders."""
    mail = _message(content)
    plain, marked_up = _parts(mail, "text/plain"), _parts(mail, "text/html")
    text = "\n\n".join(_decoded(part) for part in plain).strip()
    if not text:
        text = "\n\n".join(text_of(_decoded(part)) for part in marked_up)
    if not text.strip():
        raise LoadingError("is no mail, or one without a text")
    senders = getaddresses([_header(mail, "from")])
    yield Draft(
        sound(text),
        title=shorten(_header(mail, "subject"), 300),
        published=day(_header(mail, "date")),
        authors=tuple(name or address for name, address in senders if name or address),
    )


def parse_web_archive(content: bytes, name: str) -> Iterator[Draft]:  # noqa: ARG001 - a Parser
    """One article, as of the page that the archive keeps."""
    mail = _message(content)
    pages = _parts(mail, "text/html")
    if not pages:
        raise LoadingError("is no web archive: there is no page in it")
    saved_from = _header(mail, "snapshot-content-location") or _header(pages[0], "content-location")
    yield html.read(_decoded(pages[0]), address=web_address(saved_from))


def _message(content: bytes) -> EmailMessage:
    return message_from_bytes(content.lstrip(), policy=policy.default)


def _parts(mail: EmailMessage, kind: str) -> list[EmailMessage]:
    """The parts of this type that are not attached."""
    return [
        part
        for part in mail.walk()
        if isinstance(part, EmailMessage)
        and part.get_content_type() == kind
        and not part.is_attachment()
        and not part.is_multipart()
    ]


def _decoded(part: EmailMessage) -> str:
    content = part.get_payload(decode=True)
    return (
        decode(content, str(part.get_content_charset() or "")) if isinstance(content, bytes) else ""
    )


def _header(mail: EmailMessage, name: str) -> str:
    return " ".join(sound(str(mail.get(name, ""))).split())
