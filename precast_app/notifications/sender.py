"""The sender: it empties the outbox, several messages at a time.

Its threads only talk to receivers; the database is used by the thread that runs the sender, for milliseconds. So a slow
receiver occupies neither a job nor a connection. A message is claimed for longer than an attempt can take; if this
process is killed, another one sends the message again, with the same id.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from flask import Flask

from precast_app.config import Settings
from precast_app.extensions import db, settings_of
from precast_app.messages import Message
from precast_app.notifications import claims, email_delivery, webhook_delivery
from precast_app.notifications.address_policy import AddressPolicy
from precast_app.notifications.claims import ClaimedMessage, Outcome

log = logging.getLogger(__name__)

_THREADS = 16


class Sender:
    """The messages that this process is sending."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._settings = settings_of(app)
        self._policy = AddressPolicy.parse(self._settings.webhook_allowed_networks)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="deliver")
        self._in_flight: dict[Future[Outcome], ClaimedMessage] = {}

    def run(self) -> None:
        """Send messages forever; an error is logged and tried again."""
        while True:
            try:
                self.send_due()
                self.record_outcomes(self._settings.delivery_interval_seconds)
            except Exception:
                log.exception("Messages could not be sent. It is tried again.")
                time.sleep(self._settings.delivery_interval_seconds)

    def send_due(self) -> int:
        """Begin to send due messages, as many as there are free threads, and return their number."""
        free = _THREADS - len(self._in_flight)
        if not free:
            return 0
        with self._app.app_context():
            busy = {message.project_id for message in self._in_flight.values()}
            claimed = claims.claim_due(free, busy=busy)
            db.session.commit()
        for message in claimed:
            self._in_flight[self._pool.submit(_deliver, message, self._policy, self._settings)] = message
        return len(claimed)

    def record_outcomes(self, seconds: float) -> None:
        """Wait until an attempt has ended, for at most `seconds`, and store what became of all that have."""
        if not self._in_flight:
            time.sleep(seconds)
            return
        ended, _ = wait(self._in_flight, timeout=seconds, return_when=FIRST_COMPLETED)
        for future in ended:
            message, outcome = self._in_flight[future], future.result()
            with self._app.app_context():
                claims.record_outcome(message, outcome)
                db.session.commit()
            # Only now, so that an outcome is stored later if the database is unavailable.
            del self._in_flight[future]
            if outcome.error is not None:
                log.warning("Attempt %d to deliver %s failed: %s", message.attempt, message.message_id, outcome.error)

    def close(self) -> None:
        """Wait until the attempts have ended, and stop the threads."""
        self._pool.shutdown()


def _deliver(message: ClaimedMessage, policy: AddressPolicy, settings: Settings) -> Outcome:
    """Return what became of an attempt; an unexpected error is one of its outcomes."""
    try:
        if message.webhook is not None:
            timeout = settings.delivery_timeout_seconds
            return webhook_delivery.deliver(message, message.webhook, policy=policy, timeout=timeout)
        if message.recipient is not None:
            return email_delivery.deliver(message, message.recipient, settings)
        return Outcome(error=Message("The recipient does not exist any more."), is_final=True)
    except Exception as error:
        log.exception("Message %s could not be sent.", message.message_id)
        return Outcome(error=Message("The message could not be sent: %(error)s.", error=type(error).__name__))
