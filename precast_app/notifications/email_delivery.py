"""One attempt to deliver a message to a user as an e-mail."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, localtime, parseaddr
from urllib.parse import urlsplit

from precast_app.config import Settings
from precast_app.config.smtp import SmtpServer, parse_smtp_url
from precast_app.enums import NotificationEvent
from precast_app.languages import catalogue, gettext_noop
from precast_app.message_catalogue import translate_stored
from precast_app.messages import Message
from precast_app.notifications import unsubscribe_links
from precast_app.notifications.claims import ClaimedMessage, Outcome, Recipient
from precast_app.notifications.unsubscribe_links import UnsubscribeLink

_SUBJECTS = {
    NotificationEvent.JOB_COMPLETED: gettext_noop("%(project)s: job %(job)s has ended"),
    NotificationEvent.JOB_FAILED: gettext_noop("%(project)s: job %(job)s has failed"),
    NotificationEvent.JOB_WAITING: gettext_noop("%(project)s: job %(job)s waits for you"),
}
_STOP = gettext_noop("You get this e-mail because you chose it in your account. To stop these e-mails, open:")
_FILE = gettext_noop("File: %(name)s")
# The status codes with which a server rejects an address for good.
_PERMANENT = range(500, 600)


def deliver(message: ClaimedMessage, recipient: Recipient, settings: Settings) -> Outcome:
    """Send the message and return what became of it. Needs no database connection."""
    if not settings.sends_email:
        return Outcome(error=Message("E-mail is not set up here. An administrator can set SMTP_URL."), is_final=True)
    if recipient.email is None or not recipient.wants(message.event):
        error = Message("The user has no access or does not want this e-mail any more.")
        return Outcome(error=error, is_final=True)
    email = compose(message, recipient, recipient.email, settings)
    try:
        _send(email, parse_smtp_url(settings.smtp_url), settings.delivery_timeout_seconds)
    except smtplib.SMTPRecipientsRefused as refused:
        code, _ = next(iter(refused.recipients.values()))
        return Outcome(code, Message("The mail server refused the address."), is_final=code in _PERMANENT)
    except smtplib.SMTPResponseException as answer:
        code = answer.smtp_code
        return Outcome(code, Message("The mail server answered %(status)s.", status=code))
    except (OSError, smtplib.SMTPException) as failure:
        name = type(failure).__name__
        return Outcome(error=Message("The mail server could not be used: %(error)s.", error=name))
    return Outcome(250)


def compose(message: ClaimedMessage, recipient: Recipient, address: str, settings: Settings) -> EmailMessage:
    """Return the e-mail in the user's language, with the headers by which mail programs offer to stop it (RFC 8058)."""
    language = recipient.language or "en"
    texts = catalogue.translations(language)
    job, parts = message.payload["data"], message.payload.get("parts", {})
    stop_url = unsubscribe_links.make_url(settings, UnsubscribeLink(recipient.user_id, address))
    email = EmailMessage()
    values = {"project": " ".join(job["project_name"].split()), "job": job["id"]}
    email["Subject"] = texts.gettext(_SUBJECTS[message.event]) % values
    email["From"] = settings.email_from
    email["To"] = address
    email["Date"] = format_datetime(localtime())
    email["Message-ID"] = f"<{message.message_id}@{urlsplit(settings.public_url).hostname}>"
    email["Auto-Submitted"] = "auto-generated"
    email["List-Unsubscribe"] = f"<{stop_url}>"
    email["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    file_line = texts.gettext(_FILE) % {"name": job["file_name"]} if job["file_name"] else None
    result, error = (
        None if job[name] is None else translate_stored(job[name], parts.get(name), language)
        for name in ("result", "error")
    )
    lines = [file_line, result, error, "", job["url"], "", "-- ", texts.gettext(_STOP), stop_url]
    email.set_content("\n".join(line for line in lines if line is not None) + "\n")
    return email


def _send(email: EmailMessage, server: SmtpServer, timeout: float) -> None:
    context = ssl.create_default_context()
    with (
        smtplib.SMTP_SSL(server.host, server.port, timeout=timeout, context=context)
        if server.is_tls
        else smtplib.SMTP(server.host, server.port, timeout=timeout)
    ) as connection:
        connection.ehlo()
        is_encrypted = server.is_tls
        if not is_encrypted and connection.has_extn("starttls"):
            connection.starttls(context=context)
            is_encrypted = True
        if server.user is not None and server.password is not None:
            if not is_encrypted:
                raise smtplib.SMTPNotSupportedError("The server offers no encryption for the password.")
            connection.login(server.user, server.password)
        connection.send_message(email, parseaddr(str(email["From"]))[1], [str(email["To"])])
