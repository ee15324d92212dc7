"""rq-dashboard at `/rq`: it has no login of its own, so that of the pages is asked for first."""

from __future__ import annotations

from urllib.parse import quote

import rq_dashboard
from flask import Flask, redirect, request
from werkzeug.wrappers import Response

from precast_app.accounts import permissions
from precast_app.accounts.permissions import Act
from precast_app.accounts.requests import Unauthorized, check_same_site, identity
from precast_app.config import Settings
from precast_app.errors import Refused


def init_app(app: Flask) -> None:
    """Serve the dashboard to administrators."""
    settings: Settings = app.config["PRECAST"]
    app.config["RQ_DASHBOARD_REDIS_URL"] = [settings.redis_url]
    app.config.setdefault("RQ_DASHBOARD_POLL_INTERVAL", 2_500)
    rq_dashboard.web.setup_rq_connection(app)
    app.register_blueprint(rq_dashboard.blueprint, url_prefix="/rq")
    app.before_request(_administrators_only)


def _administrators_only() -> Response | None:
    if request.blueprint != rq_dashboard.blueprint.name:
        return None
    try:
        who = identity()
    except Unauthorized:
        return redirect(f"/login?next={quote(request.path)}")
    permissions.require(who, Act.ADMINISTER, None)
    check_same_site()
    if request.method == "GET" and "requeue" in request.path:
        # It would change something though it is a GET; jobs are put back by the watchman.
        raise Refused("Jobs are put back by the worker itself; the dashboard only shows them.")
    return None
