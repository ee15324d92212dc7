"""rq-dashboard at `/rq`. It has no sign-in, so only administrators who signed in to the pages get access."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote

import rq_dashboard
from flask import Flask, redirect, request
from redis.exceptions import RedisError, ResponseError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from precast_app.auth import permissions
from precast_app.auth.permissions import Permission
from precast_app.auth.request_authentication import Unauthorized, check_same_site, current_identity
from precast_app.errors import NotFound, RequestError, Unreadable
from precast_app.extensions import settings_of

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Serve the dashboard to administrators."""
    settings = settings_of(app)
    app.config["RQ_DASHBOARD_REDIS_URL"] = [settings.redis_url]
    app.config.setdefault("RQ_DASHBOARD_POLL_INTERVAL", 2_500)
    rq_dashboard.web.setup_rq_connection(app)
    app.register_blueprint(rq_dashboard.blueprint, url_prefix="/rq")
    for name, view in app.view_functions.items():
        if name.startswith(f"{rq_dashboard.blueprint.name}."):
            app.view_functions[name] = _with_readable_errors(view)
    app.before_request(_require_administrator)


def _require_administrator() -> Response | None:
    if request.blueprint != rq_dashboard.blueprint.name:
        return None
    try:
        identity = current_identity()
    except Unauthorized:
        return redirect(f"/login?next={quote(request.path)}")
    permissions.require(identity, Permission.ADMINISTER, None)
    check_same_site()
    if request.method == "GET" and "requeue" in request.path:
        # It would change data on a GET, and the reaper re-enqueues lost jobs anyway.
        raise RequestError("The dashboard is read-only. The worker re-enqueues lost jobs by itself.")
    if (request.view_args or {}).get("instance_number", 0) != 0:
        raise NotFound("There is only one Redis instance, with the number 0.")
    return None


def _with_readable_errors(view: Callable[..., Any]) -> Callable[..., Any]:
    """Return the view with an error message instead of a crash for entries in Redis that RQ didn't write."""

    @wraps(view)
    def wrapped(**arguments: Any) -> Any:
        try:
            return view(**arguments)
        except (HTTPException, RequestError):
            raise
        except Exception as error:
            if isinstance(error, RedisError) and not isinstance(error, ResponseError):
                raise
            log.warning("The dashboard can't show %r.", request.path, exc_info=True)
            raise Unreadable("There is no such entry in Redis, or RQ didn't write it: it can't be shown.") from error

    return wrapped
