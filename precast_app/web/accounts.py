"""Who may come in: one's own account, the members of a project, the users, and who did what."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, render_template, request

from precast_app.auth import sessions, tokens
from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import current_identity
from precast_app.auth.route_permissions import requires
from precast_app.extensions import current_settings
from precast_app.models import Role
from precast_app.queries import administration, projects
from precast_app.queries.administration import AuditFilter
from precast_app.queries.paging import Page
from precast_app.web import paging, project_context

blueprint = Blueprint("account_pages", __name__)

_PAGE_SIZE = 100
_FILTERS = ("by", "act")
_PROJECT = "/projects/<int(max=2147483647):project_id>"


@blueprint.get("/account")
@requires(Permission.READ, all_projects=True)
def account() -> str:
    """One's password, tokens and sessions."""
    who = current_identity()
    seen, _ = projects.list_visible_to(who, Page())
    return render_template(
        "accounts/account.html",
        who=who,
        tokens=tokens.list_for_user(who.user_id),
        sessions=sessions.list_for_user(who.user_id),
        projects=seen,
        now=datetime.now(UTC),
        days=current_settings().token_lifetime_days,
    )


@blueprint.get(f"{_PROJECT}/members")
@requires(Permission.MANAGE)
def members(project_id: int) -> str:
    """Who works on the project."""
    where = paging.requested_page(_PAGE_SIZE)
    found, count = projects.list_members(project_id, where)
    return render_template(
        "accounts/members.html",
        **project_context.for_project(project_id, "Members"),
        members=found,
        roles=[*Role],
        count=count,
        page=where,
        link=paging.links(),
    )


@blueprint.get("/users")
@requires(Permission.ADMINISTER)
def users() -> str:
    """All users of the installation."""
    where = paging.requested_page(_PAGE_SIZE)
    found, count = administration.list_users(where)
    return render_template(
        "accounts/users.html", who=current_identity(), users=found, count=count, page=where, link=paging.links()
    )


@blueprint.get(f"{_PROJECT}/audit")
@requires(Permission.MANAGE)
def of_project(project_id: int) -> str:
    """Who did what in the project."""
    return _audit(project_id, **project_context.for_project(project_id, "Audit"))


@blueprint.get("/audit")
@requires(Permission.ADMINISTER)
def of_all() -> str:
    """Who did what in the installation."""
    return _audit(None, who=current_identity())


def _audit(project_id: int | None, **known: object) -> str:
    wanted = AuditFilter(request.args.get("by") or None, request.args.get("act") or None)
    where = paging.requested_page(_PAGE_SIZE)
    entries, count = administration.list_audit_entries(project_id, wanted, where)
    chosen = {name: text for name, text in request.args.items() if name in _FILTERS}
    return render_template(
        "accounts/audit.html",
        **known,
        entries=entries,
        count=count,
        page=where,
        wanted=wanted,
        path=request.path,
        link=paging.links(**chosen),
    )
