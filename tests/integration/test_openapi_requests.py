"""The API against its own description: each operation, with requests that it should take and some that it should not.

`make fuzz-api` runs the same for longer, with other values. `FUZZ_API_PART=2/3` tries every third operation, from the
second on, so that several processes can share the operations.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi import checks
from sqlalchemy import select

from precast_app.auth import tokens, users
from precast_app.extensions import db
from precast_app.importing.profiles.profile import BaseTarget, ImportProfile, ProfileColumn
from precast_app.jobs import service
from precast_app.jobs.creation import JobOptions
from precast_app.models import (
    ApiToken,
    BomProduct,
    DrawingType,
    ElementType,
    HierarchyNode,
    NotificationEvent,
    OutboxMessage,
    Piece,
    Role,
    Stage,
    UserSession,
)
from precast_app.notifications import webhooks
from precast_app.projects import import_profiles, projects
from tests import job_states
from tests.conftest import EXAMPLES, emptied, fill_reference, run_import, submit

TRIES = int(os.environ.get("FUZZ_API_EXAMPLES", "6"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
PART, PARTS = map(int, os.environ.get("FUZZ_API_PART", "1/1").split("/"))

load_all_checks()
HELD = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]


# What an example may be answered with: it is carried out, what it names doesn't exist, or the state doesn't allow it.
SENT = {200, 201, 202, 204, 404, 409, 428}
# The profile of the installation can't be changed in a project. The examples are about a list of an office, which the
# files of these jobs are not, and about a row that is not one of their rejected rows.
ALLOWED_TOO = {
    "PUT /api/project/{project_id}/import-profiles/{profile_id}": {403},
    "POST /api/jobs/{job_id}/mapping": {422},
    "POST /api/jobs/{job_id}/check-rows": {422},
}


@dataclass(frozen=True, slots=True)
class World:
    """An administrator's headers, the description, and numbers that are there by the names that paths give them."""

    client: FlaskClient
    headers: dict[str, str]
    schema: Any
    numbers: dict[str, list[Any]]


@pytest.fixture(scope="module")
def world(_application: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with emptied(_application) as app:
        admin = users.create("admin", "correct cement", is_admin=True)
        users.create("vera", "correct cement")
        project = projects.create("Green Meadows").id
        projects.set_role(project, "vera", Role.VIEWER)
        for name in ("Prometheus", "Nightly export"):
            tokens.create(admin, days=1, name=name)
            app.test_client().post("/login", data={"name": "admin", "password": "correct cement"})
        fill_reference(project)
        a_webhook(project)
        jobs = some_jobs(project, tmp_path_factory.mktemp("files"))
        numbers: dict[str, list[Any]] = {
            "project_id": [project],
            "job_id": jobs,
            "other_id": jobs[1:],
            "element_id": first(Piece),
            "element_type_id": first(ElementType),
            "profile_id": [a_profile(project), a_profile(None)],
            "user": ["vera", "nobody"],
            "token_id": first(ApiToken),
            "session_id": first(UserSession),
            "hierarchy": first(HierarchyNode),
            "stages": first(Stage),
            "drawing-types": first(DrawingType),
            "bom-products": first(BomProduct),
            "webhook_id": [a_webhook(project)],
            "delivery_id": first(OutboxMessage),
        }
        headers = {"Authorization": f"Bearer {tokens.create(admin, days=1)}"}
        config = schemathesis.Config()
        # The token is ours, always; who comes without one is the business of `test_access`.
        config.projects.default.generation.update(with_security_parameters=False)
        schema = schemathesis.openapi.from_wsgi("/api/openapi.json", closing(app), config=config)
        yield World(app.test_client(), headers, schema, numbers)


def a_profile(project: int | None) -> int:
    """Create an import profile of the project or of the installation."""
    columns = (ProfileColumn(heading="Pos.", target=BaseTarget("name")),)
    profile = ImportProfile(name="Harbour", columns=columns, constants={"element_type": "WALL"})
    return import_profiles.create(project, profile, "admin").id


def a_webhook(project: int) -> int:
    """Create a webhook of the project, which gets all events."""
    return webhooks.create(project, "https://example.com/hooks", [*NotificationEvent], "admin").id


def some_jobs(project: int, folder: Path) -> list[int]:
    """Create a job of each kind: completed, with rejected rows, dry run, failed, queued, and waiting for its file."""
    whole = (EXAMPLES / "element_types.csv").read_text(encoding="utf-8")
    bad = folder / "bad.csv"
    bad.write_text(whole + whole.splitlines()[1].replace(",", ",x", 3) + "\n", encoding="utf-8")
    done = [
        run_import(project, EXAMPLES / "element_types.csv").id,
        run_import(project, bad).id,
        run_import(project, bad, dry_run=True).id,
    ]
    failed, queued = (submit(project, EXAMPLES / "element_types.csv") for _ in range(2))
    assert job_states.cancel(failed, "vera")
    waiting = service.submit(
        project_id=project, job_type="element_type_import", created_by="vera", options=JobOptions(), upload=None
    )
    return [*done, failed, queued, waiting.id]


def first(model: Any) -> list[int]:
    """Return the ids of some rows."""
    return list(db.session.scalars(select(model.id).order_by(model.id).limit(3)))


def closing(app: Flask) -> Callable[..., list[bytes]]:
    """Wrap the application so that its responses are read to the end and closed, as a server does."""

    def serve(environ: Any, start_response: Any) -> list[bytes]:
        body = app(environ, start_response)
        try:
            return [b"".join(body)]
        finally:
            if hasattr(body, "close"):
                body.close()

    return serve


def path_numbers(operation: APIOperation[Any, Any, Any, Any], world: World) -> list[dict[str, Any]]:
    """Return values for an operation's path that name something that exists."""
    names = [parameter.name for parameter in operation.path_parameters]
    kind = operation.path.split("/")[-2]
    choices = {name: world.numbers[kind if name == "number" else name] for name in names}
    most = max(map(len, choices.values()), default=1)
    return [{name: choice[turn % len(choice)] for name, choice in choices.items()} for turn in range(most)]


def test_every_example_can_be_sent(world: World, subtests: pytest.Subtests) -> None:
    for found in world.schema.get_all_operations():
        operation = found.ok()
        for body in operation.body:
            with subtests.test(operation.label, media_type=body.media_type):
                assert send_example(operation, body, world) <= SENT | ALLOWED_TOO.get(operation.label, set())


def send_example(operation: APIOperation[Any, Any, Any, Any], body: Any, world: World) -> set[int]:
    """Send the example of a body with every path that exists; return the status codes of the responses."""
    example = body.definition["example"]
    query = {"job_type": "element_type_import"} if operation.query.get("job_type") else {}
    codes = set()
    for numbers in path_numbers(operation, world):
        sent: dict[str, Any] = {"json": example}
        if body.media_type == "multipart/form-data":
            sent = {"data": {"file": (io.BytesIO(example["file"].encode()), "example.csv")}}
        elif body.media_type == "application/octet-stream":
            sent = {"data": example.encode()}
        path = operation.path.format(**numbers)
        response = world.client.open(path, method=operation.method, query_string=query, headers=world.headers, **sent)
        codes.add(response.status_code)
    return codes


def test_the_api_is_as_it_describes_itself(world: World, subtests: pytest.Subtests) -> None:
    for found in [*world.schema.get_all_operations()][PART - 1 :: PARTS]:
        operation = found.ok()
        with subtests.test(operation.label):
            attempt(operation, world)


def attempt(operation: APIOperation[Any, Any, Any, Any], world: World) -> None:
    """Send an operation requests of all kinds; its answers must be as described, and what is wrong must be refused."""
    has_input = bool(operation.query or operation.body or operation.headers)
    strategies = [operation.as_strategy()]
    paths = path_numbers(operation, world)
    if has_input:
        # Wrong input is refused in the same way whatever the path names, so that it need not be tried with each.
        wrong = [operation.as_strategy(GenerationMode.NEGATIVE, path_parameters=numbers) for numbers in paths]
        strategies.append(st.sampled_from(wrong).flatmap(lambda strategy: strategy))
    for numbers in paths:
        strategies.append(operation.as_strategy(path_parameters=numbers))
        if any(body.media_type == "multipart/form-data" for body in operation.body):
            file = {"file": (EXAMPLES / "element_types.csv").read_bytes()}
            strategies.append(
                operation.as_strategy(path_parameters=numbers, body=file, media_type="multipart/form-data")
            )

    @seed(SEED)
    @settings(
        max_examples=(TRIES if has_input else TRIES // 2) * len(strategies),
        database=None,
        deadline=None,
        # The project changes with each request: a failure could not be shrunk.
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(case=st.one_of(strategies))
    def ask(case: Case[Any]) -> None:
        response = case.call(headers=world.headers)
        held = HELD
        if response.status_code == 413:
            # A body that is too large is refused, too, whatever else is wrong with it.
            held = [check for check in HELD if check is not checks.negative_data_rejection]
        case.validate_response(response, checks=held, headers=world.headers)

    ask()
