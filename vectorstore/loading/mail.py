"""Mails (.eml) and web archives (.mhtml), which are written as mails are.

A mail's article is its body, and what is attached is an article each, where it is of a kind that can be
read; any other attachment is told. A web archive's article is its page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses

from vectorstore.articles import Skipped
from vectorstore.errors import LoadingError
from vectorstore.loading import html
from vectorstore.loading.dates import day
from vectorstore.loading.draft import Draft, language_code, shorten, web_address
from vectorstore.loading.markup import sound, text_of
from vectorstore.loading.text import decode


def parse(content: bytes, name: str) -> Iterator[Draft | Skipped]:  # noqa: ARG001 - a Parser
    """The plain body, or the HTML one where there is no other, by its senders; then what is
    attached."""
    mail = _message(content)
    plain, marked_up = _parts(mail, "text/plain"), _parts(mail, "text/html")
    text = "\n\n".join(_decoded(part) for part in plain).strip()
    if not text:
        text = "\n\n".join(text_of(_decoded(part)) for part in marked_up)
    attached = list(_attached(mail))
    if not text.strip() and not attached:
        raise LoadingError("is no mail, or one without a text")
    senders = getaddresses([_header(mail, "from")])
    if text.strip():
        yield Draft(
            sound(text),
            title=shorten(_header(mail, "subject"), 300),
            published=day(_header(mail, "date")),
            authors=tuple(name or address for name, address in senders if name or address),
            language=language_code(_header(mail, "content-language")),
        )
    yield from attached


def parse_web_archive(content: bytes, name: str) -> Iterator[Draft]:  # noqa: ARG001 - a Parser
    """One article, as of the page that the archive keeps."""
    mail = _message(content)
    pages = _parts(mail, "text/html")
    if not pages:
        raise LoadingError("is no web archive: there is no page in it")
    saved_from = _header(mail, "snapshot-content-location") or _header(pages[0], "content-location")
    yield html.read(_decoded(pages[0]), address=web_address(saved_from))


def _attached(mail: EmailMessage) -> Iterator[Draft | Skipped]:
    """The articles in what is attached, read by the loader of its name; nothing is unpacked."""
    parts = [part for part in mail.walk() if isinstance(part, EmailMessage)]
    attachments = [part for part in parts if part.is_attachment() and not part.is_multipart()]
    for number, part in enumerate(attachments, start=1):
        name = " ".join(sound(part.get_filename() or "").split())
        label = f"attachment {number}" + (f", {name}" if name else "")
        try:
            for item in _read(part, name):
                if isinstance(item, Skipped):
                    yield Skipped(f"{label}, {item.source}", item.reason)
                else:
                    yield replace(item, key=f"{label}, {item.key}" if item.key else label)
        except LoadingError as error:
            yield Skipped(label, str(error))
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - a parser may raise anything; the mail is not lost
            yield Skipped(label, f"cannot be parsed ({type(error).__name__}: {str(error)[:200]})")


def _read(part: EmailMessage, name: str) -> list[Draft | Skipped]:
    """Raises LoadingError, and whatever its parser does."""
    from vectorstore.loading.formats import by_content, loader_of

    loader = loader_of(name)
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes) or not content.strip():
        raise LoadingError("is empty")
    loader = by_content(content, loader)
    if loader.parse is None:
        raise LoadingError("is an archive; save it, and add it by itself")
    return list(loader.parse(content, name))


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
