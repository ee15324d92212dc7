"""Who may come in: one's own account, the members of a project, the users, and who did what."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, current_app, render_template, request

from precast_app.accounts import sessions, tokens
from precast_app.accounts.guard import takes
from precast_app.accounts.permissions import Act
from precast_app.accounts.requests import identity
from precast_app.models import Role
from precast_app.reading import accounts, projects
from precast_app.reading.accounts import Wanted
from precast_app.reading.paging import Page
from precast_app.web import context, paging

blueprint = Blueprint("people", __name__)

_LINES = 100
_FILTERS = ("by", "act")
_PROJECT = "/projects/<int(max=2147483647):project_id>"


@blueprint.get("/account")
@takes(Act.READ, all_projects=True)
def account() -> str:
    """One's password, tokens and sessions."""
    who = identity()
    seen, _ = projects.seen_by(who, Page())
    return render_template(
        "people/account.html",
        who=who,
        tokens=tokens.of_user(who.user_id),
        sessions=sessions.of_user(who.user_id),
        projects=seen,
        now=datetime.now(UTC),
        days=current_app.config["PRECAST"].token_days,
    )


@blueprint.get(f"{_PROJECT}/members")
@takes(Act.MANAGE)
def members(project_id: int) -> str:
    """Who works on the project."""
    where = paging.asked(_LINES)
    found, count = projects.members(project_id, where)
    return render_template(
        "people/members.html",
        **context.of_project(project_id, "Members"),
        members=found,
        roles=[*Role],
        count=count,
        page=where,
        link=paging.links(),
    )


@blueprint.get("/users")
@takes(Act.ADMINISTER)
def users() -> str:
    """All users of the installation."""
    where = paging.asked(_LINES)
    found, count = accounts.users(where)
    return render_template(
        "people/users.html", who=identity(), users=found, count=count, page=where, link=paging.links()
    )


@blueprint.get(f"{_PROJECT}/audit")
@takes(Act.MANAGE)
def of_project(project_id: int) -> str:
    """Who did what in the project."""
    return _audit(project_id, **context.of_project(project_id, "Audit"))


@blueprint.get("/audit")
@takes(Act.ADMINISTER)
def of_all() -> str:
    """Who did what in the installation."""
    return _audit(None, who=identity())


def _audit(project_id: int | None, **known: object) -> str:
    wanted = Wanted(request.args.get("by") or None, request.args.get("act") or None)
    where = paging.asked(_LINES)
    entries, count = accounts.audit(project_id, wanted, where)
    chosen = {name: text for name, text in request.args.items() if name in _FILTERS}
    return render_template(
        "people/audit.html",
        **known,
        entries=entries,
        count=count,
        page=where,
        wanted=wanted,
        path=request.path,
        link=paging.links(**chosen),
    )
