"""The mail gateway: a narrow door to the outside world, handed to `create_app`."""

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Attachment:
    """A document to send with a mail."""

    filename: str
    content: bytes
    media_type: str = "application/pdf"


@dataclass(frozen=True)
class Letter:
    """A mail ready to send. `message_id` is the same at every try, so that a mailbox can drop a double.

    `unsubscribe` is the address by which its reader wants no more of the kind, where they may.
    """

    message_id: str
    to: str
    subject: str
    text: str
    attachments: tuple[Attachment, ...] = ()
    unsubscribe: str | None = None


class Mailer(Protocol):
    """Sends mail, or raises OSError or smtplib.SMTPException, in which case it is tried again later."""

    def send(self, letter: Letter) -> None: ...


class SmtpMailer:
    """Sends through the mail server of `smtp_url`, encrypted wherever the server offers it."""

    def __init__(self, smtp_url: str, sender: str, timeout_seconds: float = 20) -> None:
        self._url = urlsplit(smtp_url)
        self._sender = sender
        self._timeout_seconds = timeout_seconds

    def send(self, letter: Letter) -> None:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Message-ID"] = letter.message_id
        if letter.unsubscribe:  # RFC 8058: the mailbox shows a button of its own
            message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(letter.text)
        for attachment in letter.attachments:
            main, _, sub = attachment.media_type.partition("/")
            message.add_attachment(attachment.content, maintype=main, subtype=sub, filename=attachment.filename)
        host, port = self._url.hostname or "localhost", self._url.port
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if self._url.scheme == "smtps":
            server = smtplib.SMTP_SSL(host, port or 465, timeout=self._timeout_seconds, context=context)
        else:
            server = smtplib.SMTP(host, port or 25, timeout=self._timeout_seconds)
        try:
            server.ehlo()
            if self._url.scheme != "smtps" and server.has_extn("starttls"):
                server.starttls(context=context)
            if self._url.username:
                server.login(unquote(self._url.username), unquote(self._url.password or ""))
            server.send_message(message)
            with suppress(smtplib.SMTPException):  # taken is taken: an unfriendly goodbye must not send it twice
                server.quit()
        finally:
            server.close()
