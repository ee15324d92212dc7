"""The page of the link in an e-mail that stops further ones."""

from __future__ import annotations

from flask import Blueprint, render_template

from precast_app.auth.route_permissions import public
from precast_app.extensions import current_settings
from precast_app.notifications import email_settings, unsubscribe_links

blueprint = Blueprint("email_pages", __name__)


@blueprint.get("/email/stop/<token>")
@public
def confirm_stop(token: str) -> str:
    """Show a button that stops the e-mails; opening the link does not, since some programs open every link."""
    link = unsubscribe_links.read(current_settings(), token)
    return render_template("email_stop.html", address=link.address, is_stopped=False)


@blueprint.post("/email/stop/<token>")
@public
def stop(token: str) -> str:
    """Stop the e-mails; mail programs send this request, too (RFC 8058)."""
    link = unsubscribe_links.read(current_settings(), token)
    email_settings.stop(link)
    return render_template("email_stop.html", address=link.address, is_stopped=True)
