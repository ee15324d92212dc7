"""What the pages of docs/ state, compared with the code: tables, fields, columns, limits, routes, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.dialects import postgresql

from precast_app.api.job_schemas import ChangedElementType, Issue, Job
from precast_app.config import Settings
from precast_app.extensions import db
from precast_app.importing.reference_schema import REFERENCE_SPECS
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS, GROUPS_IN_PAGE_ORDER
from precast_app.jobs import registry
from precast_app.models import ImportJob, JobStatus, Phase
from precast_app.telemetry import durations
from tests.conftest import ROOT

DOCS = ROOT / "docs"
JOB_SYSTEM = (DOCS / "job-system.md").read_text(encoding="utf-8")
FILES = (DOCS / "files.md").read_text(encoding="utf-8")

# A line of an erDiagram: parent, how many of it, whether its key identifies the child, child, the child's columns.
_RELATION = re.compile(r"^ {4}(\w+) (\|\||\|o)(--|\.\.)o\{ (\w+) : \"([\w, ]+)\"$", re.M)


def section(page: str, heading: str) -> str:
    """Return what stands between a heading and the next one of its level or above."""
    level = heading.split(" ")[0]
    found = re.search(rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{len(level)}}} |\Z)", page, re.M | re.S)
    assert found, heading
    return found[1]


def first_cells(text: str) -> list[str]:
    """Return the names in code type in the first cell of each table row below the header."""
    rows = re.findall(r"^\| (`[^|]*?) \|.*\n(?!\|---)", text, re.M)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def fields_of(schema: type) -> set[str]:
    """Return the JSON names of a schema's fields."""
    return {field.data_key or name for name, field in schema._declared_fields.items()}  # type: ignore[attr-defined]


def test_every_table_and_foreign_key_is_in_the_diagram() -> None:
    diagram = re.findall(r"```mermaid\n(erDiagram.*?)```", (DOCS / "data-model.md").read_text("utf-8"), re.S)[0]
    drawn = set()
    for parent, many, line, child, columns in _RELATION.findall(diagram):
        drawn.add((parent, child, tuple(columns.split(", ")), many == "|o", line == "--"))
    declared = set()
    for table in db.metadata.tables.values():
        for key in table.foreign_key_constraints:
            columns = [table.columns[name] for name in key.column_keys]
            nullable = any(column.nullable for column in columns)
            identifies = all(column.primary_key for column in columns)
            declared.add((key.referred_table.name, table.name, tuple(key.column_keys), nullable, identifies))
    assert drawn == declared
    assert set(re.findall(r"^ {4}(?:.* )?([a-z_]+)(?: :.*)?$", diagram, re.M)) | {each[0] for each in drawn} == set(
        db.metadata.tables
    )


def test_every_table_is_explained() -> None:
    tables = section((DOCS / "data-model.md").read_text("utf-8"), "## Tables")
    assert set(first_cells(tables)) == set(db.metadata.tables)


def test_the_job_has_the_fields_states_and_phases_of_the_page() -> None:
    assert set(first_cells(section(JOB_SYSTEM, "### Fields"))) == fields_of(Job)
    example = re.findall(r'\{\n  "job": \{(.*?)\}', JOB_SYSTEM, re.S)[0]
    assert re.findall(r'"(\w+)":', example) == list(Job._declared_fields)
    assert set(first_cells(section(JOB_SYSTEM, "### States and phases"))) == {*JobStatus, *Phase}


def test_issues_and_changes_have_the_fields_of_the_page() -> None:
    assert set(first_cells(section(JOB_SYSTEM, "## Issues"))) == fields_of(Issue)
    assert set(first_cells(section(JOB_SYSTEM, "## Changes"))) == fields_of(ChangedElementType)


def test_every_job_type_is_listed_with_its_role() -> None:
    roles = dict(re.findall(r"^\| `(\w+)` \| .* \| (editor|manager) \|$", JOB_SYSTEM, re.M))
    needed = {"IMPORT": "editor", "MANAGE": "manager"}
    assert roles == {name: needed[job_type.permission.name] for name, job_type in registry.TYPES.items()}


def test_the_contract_columns_are_those_of_the_table() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| `([A-Z ()0-9]+)` \| (yes|no) \|", section(JOB_SYSTEM, "## The table `import_jobs`"), re.M
    )
    columns = list(ImportJob.__table__.columns)[: len(rows)]
    assert len(rows) == 13
    for (name, kind, null), column in zip(rows, columns, strict=True):
        declared = column.type.compile(postgresql.dialect())
        wanted = "INTEGER" if kind == "SERIAL" else kind
        assert (name, wanted, null == "yes") == (column.name, declared, column.nullable)


@pytest.mark.parametrize("page", ["job-system.md", "files.md"])
def test_every_route_of_the_page_exists(page: str) -> None:
    known = set(re.findall(r"^\| (\w+) \| `([^`]+)` \|", (DOCS / "access.md").read_text("utf-8"), re.M))
    shapes = {(method, re.sub(r"<\w+>", "{}", path)) for method, path in known}
    named = re.findall(r"\b(GET|POST|PUT) (/api/[\w/{}.-]+)", (DOCS / page).read_text("utf-8"))
    assert len(named) > 3
    for method, path in named:
        assert (method, re.sub(r"\{\w+\}", "{}", path)) in shapes, path


def test_the_base_columns_are_those_of_the_page() -> None:
    rows = re.findall(r"^\| `([\w ]+)` \| (?:`(\w+)`)? ?\| (\S+) ", section(FILES, "### Base columns"), re.M)
    kinds = [(column.heading, column.aliases[0] if column.aliases else "", column.unit) for column in BASE_COLUMNS]
    assert [(name, alias, "" if kind.startswith("text") else kind.rstrip(",")) for name, alias, kind in rows] == kinds


def test_every_column_group_is_explained() -> None:
    titles = re.findall(r"^\| ([\w ]+) \| .+ \| .+ \| .+ \|$", section(FILES, "### Column groups"), re.M)
    assert titles[1:] == [spec.title for spec in GROUP_SPECS.values()]
    (options,) = re.findall(r"^\| (`nodes`.*?) \|", FILES, re.M)
    assert re.findall(r"`(\w+)`", options) == [spec.reference.snapshot_key for spec in GROUPS_IN_PAGE_ORDER]


def test_the_reference_headings_are_those_of_the_page() -> None:
    text = section(FILES, "## Reference data")
    for job_type, spec in REFERENCE_SPECS.items():
        part = re.split(r"^\*\*", text[text.index(f"(`{job_type}`)") :], maxsplit=1, flags=re.M)[0]
        for column in spec.columns:
            assert f"`{column.heading}`" in part, (job_type, column.heading)


def test_limits_are_the_defaults_of_the_settings() -> None:
    settings = Settings()
    sizes = {"MiB": 1024**2, "GiB": 1024**3}
    rows = re.findall(r"^\| .* \| ([\d ]+)(MiB|GiB)? \| `(\w+)` \|$", JOB_SYSTEM + FILES, re.M)
    assert len(rows) > 6
    variables = {name.upper(): name for name in Settings.__dataclass_fields__}
    for number, unit, variable in rows:
        value = int(number.replace(" ", "")) * sizes.get(unit, 1)
        assert getattr(settings, variables[variable]) == value, variable


def test_every_metric_is_explained() -> None:
    code = (ROOT / "precast_app" / "api" / "metrics.py").read_text(encoding="utf-8")
    page = (DOCS / "operating.md").read_text(encoding="utf-8")
    declared = set(re.findall(r'"(precast_\w+)"', code)) | {histogram.name for histogram in durations.ALL}
    assert set(re.findall(r"`(precast_\w+)", page)) == declared


def pages() -> Iterator[Path]:
    """Yield every Markdown page of the project."""
    yield from sorted(ROOT.glob("*.md"))
    yield from sorted(DOCS.rglob("*.md"))


def test_links_lead_to_files() -> None:
    for page in pages():
        text = page.read_text(encoding="utf-8")
        targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text) + re.findall(r'<img src="([^"]+)"', text)
        for target in targets:
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target}"


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_links_lead_to_headings() -> None:
    for page in pages():
        text = page.read_text(encoding="utf-8")
        for target, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)#]*)#([^)]+)\)", text):
            linked = page.parent / target if target else page
            if linked.suffix == ".md":
                assert anchor in anchors(linked), f"{page.relative_to(ROOT)}: {target}#{anchor}"


def test_the_index_lists_every_page() -> None:
    listed = set(re.findall(r"\]\(([^)#]+)\)", (DOCS / "README.md").read_text(encoding="utf-8")))
    every = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} - {"README.md"}
    assert every <= listed


def test_modules_folders_and_tests_that_pages_name_exist() -> None:
    folders = ("precast_app", "tests", "devstack", "bench", "migrations", "examples")
    files = [*ROOT.glob("*"), *(path for folder in folders for path in (ROOT / folder).rglob("*"))]
    paths = [f"/{path.relative_to(ROOT)}{'/' * path.is_dir()}" for path in files]
    functions = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M)
    }
    named = [
        (page.name, name)
        for page in (*ROOT.glob("*.md"), *DOCS.rglob("*.md"))
        for name in re.findall(r"`((?:[\w.]+/)*(?:\w+\.py|\w+/|test_\w+))`", page.read_text(encoding="utf-8"))
        # The data of `make run`.
        if name != "var/"
    ]
    assert len(named) > 100
    unknown = [
        (page, name)
        for page, name in named
        if name not in functions and not any(path.endswith((f"/{name}", f"/{name}.py")) for path in paths)
    ]
    assert unknown == []
