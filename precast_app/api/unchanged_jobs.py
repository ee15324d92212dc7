"""Responses 304 to polls of jobs that have not changed, without reading the job."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any

from flask import Response, request
from flask_smorest.exceptions import NotModified

from precast_app import languages
from precast_app.auth.route_permissions import requested_job_version

_MAX_ETAGS = 10_000

# The ETags of this process's latest responses, by job, version of its row and language.
_etags: dict[tuple[int, str, str], str] = {}
_lock = Lock()


def skip_unchanged(view: Callable[..., Response]) -> Callable[..., Response]:
    """Answer 304 without the view if the client already has the job of `job_id`. Put it below `requires`.

    The ETag that the view sets is remembered with the version of the job's row, so that the next poll needs only the
    version.
    """

    @wraps(view)
    def skipping(*args: Any, **kwargs: Any) -> Response:
        # Read before the job: if the job changes in between, the ETag is remembered for a version that is gone.
        version = requested_job_version()
        if version is None:
            return view(*args, **kwargs)
        key = kwargs["job_id"], version, languages.current()
        etag = _etags.get(key)
        if etag is not None and request.if_none_match.contains_weak(etag):
            return _not_modified(etag)
        try:
            response = view(*args, **kwargs)
        except NotModified:
            sent = request.if_none_match.as_set()
            if len(sent) != 1:
                raise
            response = _not_modified(*sent)
        etag, _ = response.get_etag()
        if etag is not None:
            _remember(key, etag)
        return response

    return skipping


def _not_modified(etag: str) -> Response:
    response = Response(status=304)
    response.set_etag(etag)
    return response


def _remember(key: tuple[int, str, str], etag: str) -> None:
    with _lock:
        while len(_etags) >= _MAX_ETAGS:
            del _etags[next(iter(_etags))]
        _etags[key] = etag
