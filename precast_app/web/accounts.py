"""The pages of accounts: the user's own account, the members of a project, all users, and the audit log."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, render_template, request

from precast_app.auth import sessions, tokens
from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.extensions import current_settings
from precast_app.languages import gettext_noop
from precast_app.models import NotificationEvent, Role
from precast_app.notifications import email_settings
from precast_app.queries import administration, projects
from precast_app.queries.administration import AuditFilter
from precast_app.queries.paging import PageRequest
from precast_app.web import audit_labels, paging, project_context

blueprint = Blueprint("account_pages", __name__)

_PAGE_SIZE = 100
_EMAIL_LABELS = {
    NotificationEvent.JOB_COMPLETED: gettext_noop("My job has ended"),
    NotificationEvent.JOB_FAILED: gettext_noop("My job has failed"),
    NotificationEvent.JOB_WAITING: gettext_noop("Something waits for me"),
}
_AUDIT_FILTERS = ("by", "act")
_PROJECT = "/projects/<int(max=2147483647):project_id>"


@blueprint.get("/account")
@requires(Permission.READ, all_projects=True)
def account() -> str:
    """Show the user's password form, tokens and sessions."""
    identity = current_identity()
    user_tokens = tokens.list_for_user(identity.user_id)
    visible_projects, _ = projects.list_visible_to(identity, PageRequest())
    return render_template(
        "accounts/account.html",
        identity=identity,
        tokens=user_tokens,
        project_names=projects.names_by_id({token.project_id for token in user_tokens}),
        sessions=sessions.list_for_user(identity.user_id),
        projects=visible_projects,
        now=datetime.now(UTC),
        days=current_settings().token_lifetime_days,
        email=email_settings.get(identity.user_id),
        email_labels=_EMAIL_LABELS,
    )


@blueprint.get(f"{_PROJECT}/members")
@requires(Permission.MANAGE)
def members(project_id: int) -> str:
    """Show the members of the project and their roles."""
    page = paging.requested_page(_PAGE_SIZE)
    found, count = projects.list_members(project_id, page)
    return render_template(
        "accounts/members.html",
        **project_context.for_project(project_id, "Members"),
        members=found,
        roles=[*Role],
        count=count,
        page=page,
        link=paging.links(),
    )


@blueprint.get("/users")
@requires(Permission.ADMINISTER)
def users() -> str:
    """Show all users of the installation."""
    page = paging.requested_page(_PAGE_SIZE)
    found, count = administration.list_users(page)
    return render_template(
        "accounts/users.html", identity=current_identity(), users=found, count=count, page=page, link=paging.links()
    )


@blueprint.get(f"{_PROJECT}/audit")
@requires(Permission.MANAGE)
def project_audit(project_id: int) -> str:
    """Show the audit log of the project."""
    return _audit(project_id, **project_context.for_project(project_id, "Audit"))


@blueprint.get("/audit")
@requires(Permission.ADMINISTER)
def installation_audit() -> str:
    """Show the audit log of the installation."""
    return _audit(None, identity=current_identity())


def _audit(project_id: int | None, **context: object) -> str:
    audit_filter = AuditFilter(request.args.get("by") or None, request.args.get("act") or None)
    page = paging.requested_page(_PAGE_SIZE)
    entries, count = administration.list_audit_entries(project_id, audit_filter, page)
    current_filters = {name: text for name, text in request.args.items() if name in _AUDIT_FILTERS}
    return render_template(
        "accounts/audit.html",
        **context,
        entries=entries,
        project_names=projects.names_by_id({entry.project_id for entry in entries}),
        count=count,
        page=page,
        user=audit_filter.who,
        action=audit_filter.act,
        action_labels=audit_labels.ACTIONS,
        path=request.path,
        link=paging.links(**current_filters),
    )
