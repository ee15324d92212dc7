"""The OpenAPI description: whether it is valid, and what generated clients rely on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.conftest import ROOT

OPERATION_IDS = ROOT / "tests" / "files" / "operation_ids.txt"
VERBS = {
    "add", "apply", "attach", "cancel", "change", "check", "compare", "create", "delete", "describe", "download",
    "end", "export", "get", "import", "list", "make", "map", "move", "order", "remember", "remove", "rename",
    "replace", "retry", "revalidate", "revoke", "rotate", "send", "set", "stop", "summarize", "terminate", "undo",
    "update",
}  # fmt: skip
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def description(_application: Flask) -> Any:
    return _application.test_client().get("/api/openapi.json").get_json()


def operations(description: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield the path, the method and the description of each operation."""
    for path, methods in description["paths"].items():
        for method in METHODS & set(methods):
            yield path, method, methods[method]


def schemas(part: Any) -> Iterator[Any]:
    """Yield all objects in a part of the description."""
    if isinstance(part, dict):
        yield part
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from schemas(each)


def test_the_description_is_valid(description: Any) -> None:
    OpenAPIV31SpecValidator(description).validate()


def test_operation_ids_stay_as_they_are(description: Any) -> None:
    """Generated clients have a function for each, so that a renamed one breaks every program that calls it."""
    found = [f"{each['operationId']} {method.upper()} {path}" for path, method, each in operations(description)]
    committed = OPERATION_IDS.read_text(encoding="utf-8").splitlines()
    missing, unknown = sorted(set(found) - set(committed)), sorted(set(committed) - set(found))
    assert (missing, unknown) == ([], []), (
        f"Add the lines of new operations to {OPERATION_IDS.relative_to(ROOT)}, and don't rename a view that is there: "
        "its operationId is its endpoint in camel case."
    )
    assert len({line.split(" ")[0] for line in found}) == len(found)


def test_operation_ids_begin_with_a_verb(description: Any) -> None:
    for path, method, operation in operations(description):
        verb = re.match(r"[a-z]+", operation["operationId"])
        assert verb and verb[0] in VERBS, (method, path, operation["operationId"])


def test_every_tag_is_described_and_used(description: Any) -> None:
    described = {tag["name"] for tag in description["tags"] if tag["description"]}
    assert described == {tag for *_, operation in operations(description) for tag in operation["tags"]}


def test_every_error_is_described_in_both_forms(description: Any) -> None:
    for name, response in description["components"]["responses"].items():
        if name != "NOT_MODIFIED":
            assert set(response["content"]) == {"application/json", "application/problem+json"}, name


def test_null_is_one_of_the_values_of_a_nullable_field(description: Any) -> None:
    for schema in schemas(description):
        kind = schema.get("type")
        if isinstance(kind, list) and "null" in kind and "enum" in schema:
            assert None in schema["enum"], schema


def test_patterns_are_those_of_javascript(description: Any) -> None:
    for schema in schemas(description):
        pattern = schema.get("pattern", "")
        assert not (isinstance(pattern, str) and re.search(r"\\[AZ]|\(\?P", pattern)), pattern


def test_no_parameter_is_nullable(description: Any) -> None:
    for path, _, operation in operations(description):
        for parameter in operation.get("parameters", []):
            schema = parameter.get("schema", {})
            assert isinstance(schema.get("type", "string"), str), (path, parameter)
            assert None not in schema.get("enum", []), (path, parameter)


def test_every_body_has_an_example_that_fits_its_schema(description: Any) -> None:
    for path, method, operation in operations(description):
        for media_type, content in operation.get("requestBody", {"content": {}})["content"].items():
            assert "example" in content, f"{method} {path} ({media_type}): give its schema an `example`"
            schema = {**content["schema"], "components": description["components"]}
            OAS31Validator(schema).validate(content["example"])
