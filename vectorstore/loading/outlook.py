"""Outlook mails (.msg): converted back to the mails that were sent, and read as such (`mail`).

oxmsg opens the file. If it has neither a plain nor an HTML text, the rich text is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from vectorstore.articles import Skipped
from vectorstore.errors import LoadingError
from vectorstore.loading import rtf
from vectorstore.loading.draft import Draft
from vectorstore.loading.mail import articles_of
from vectorstore.loading.markup import sound

if TYPE_CHECKING:
    from oxmsg import Message

_SENDER, _RICH_TEXT, _CONTENT_ID = 0x0C1A, 0x1009, 0x3712
_EMBEDDED = "__substg1.0_3701000D"
_PROPERTIES = "__properties_version1.0"
_SHORT_HEADER = 24  # bytes before the properties of a mail within another
_MORE_HEADER = b"\0" * 8
_DEEPEST = 20


def parse(content: bytes, name: str) -> Iterator[Draft | Skipped]:  # noqa: ARG001 - a Parser
    """The mail, then what it carries. Raises LoadingError if there is nothing to read."""
    from io import BytesIO

    from oxmsg import Message

    try:
        message = Message.load(BytesIO(content))
        mail = _mail(message)
    except (ValueError, KeyError, OSError, AttributeError) as error:
        raise LoadingError(f"is damaged, or not an Outlook message: {error}") from error
    found = list(articles_of(mail))
    if not found:
        raise LoadingError("is a mail without a text")
    yield from found


def _mail(message: Message, depth: int = 0) -> EmailMessage:
    headers = {name.lower(): value for name, value in message.message_headers.items()}
    sent = message.sent_date
    mail = EmailMessage()
    for header, value in (
        ("Subject", message.subject),
        ("From", message.sender or message.properties.str_prop_value(_SENDER) or ""),
        ("Date", headers.get("date") or (format_datetime(sent) if sent else "")),
    ):
        if plain := " ".join(sound(value).split()):
            mail[header] = plain
    plain, rich = message.body or "", message.html_body or ""
    if not plain.strip() and not rich.strip():
        plain = _rich_text(message)
    mail.set_content(sound(plain))
    if rich.strip():
        mail.add_alternative(sound(rich), subtype="html")
    for attachment in message.attachments:
        inner = _inner(attachment)
        if inner is not None and depth < _DEEPEST:
            mail.add_attachment(_mail(inner, depth + 1))
            continue
        kind = str(attachment.mime_type or "application/octet-stream")
        of_its_text = attachment.properties.str_prop_value(_CONTENT_ID)
        called = " ".join(sound(attachment.file_name or "").split())
        main, _, sub = kind.partition("/")
        mail.add_attachment(
            attachment.file_bytes or b"",
            maintype=main,
            subtype=sub or "x",
            filename=called,
            disposition="inline" if of_its_text and main == "image" else "attachment",
        )
    return mail


def _inner(attachment: Any) -> Message | None:
    """A mail attached as such, which Outlook stores as its component parts."""
    from oxmsg import Message
    from oxmsg.storage import Storage, Stream

    for storage in attachment._storage.storages:
        if storage.name != _EMBEDDED:
            continue
        streams = [  # with the longer header of a stand-alone mail
            Stream(s.path, s.bytes_[:_SHORT_HEADER] + _MORE_HEADER + s.bytes_[_SHORT_HEADER:])
            if s.name == _PROPERTIES
            else s
            for s in storage.streams
        ]
        return Message(Storage(storage.path, tuple(streams), storage.storages))
    return None


def _rich_text(message: Message) -> str:
    import compressed_rtf

    packed = message.properties.binary_prop_value(_RICH_TEXT)
    if not packed:
        return ""
    return "\n\n".join(draft.text for draft in rtf.parse(compressed_rtf.decompress(packed), ""))
