"""The kinds of reference data, each declared once: its file, its table, its names. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from precast_app.enums import ReachedStatus
from precast_app.importing import cell_parsing
from precast_app.messages import Message
from precast_app.text import match_key, path_key

# What can be done to an item in a request.
ItemChange = Literal["create", "change", "delete"]
# The highest position that a stage can have in the project's order.
LAST_POSITION = 100_000


@dataclass(frozen=True, slots=True)
class ReferenceColumn:
    """A column of a reference file: its heading, the attribute that it fills, and how a cell becomes its value.

    `limit` is the length of a text, or the highest number. A `choice` is one of `choices`, or nothing.
    """

    heading: str
    attribute: str
    type: Literal["text", "count", "decimal", "date", "choice"]
    limit: int
    parse: Callable[[Any], Any]
    required: bool = False
    choices: tuple[str, ...] = ()


def _text(heading: str, attribute: str, limit: int) -> ReferenceColumn:
    parse = partial(cell_parsing.parse_text, max_length=limit, blank=None)
    return ReferenceColumn(heading, attribute, "text", limit, parse)


def _identifier(heading: str, attribute: str, limit: int) -> ReferenceColumn:
    parse = partial(cell_parsing.parse_identifier, max_length=limit)
    return ReferenceColumn(heading, attribute, "text", limit, parse)


def _required_text(heading: str, attribute: str, limit: int) -> ReferenceColumn:
    parse = partial(cell_parsing.parse_required_text, max_length=limit)
    return ReferenceColumn(heading, attribute, "text", limit, parse, required=True)


def _count(heading: str, attribute: str, limit: int) -> ReferenceColumn:
    parse = partial(cell_parsing.parse_optional_count, maximum=limit)
    return ReferenceColumn(heading, attribute, "count", limit, parse)


def _choice(heading: str, attribute: str, choices: tuple[str, ...]) -> ReferenceColumn:
    parse = partial(cell_parsing.parse_choice, choices=choices)
    return ReferenceColumn(heading, attribute, "choice", max(map(len, choices)), parse, choices=choices)


def _decimal(heading: str, attribute: str, limit: int) -> ReferenceColumn:
    parse = partial(cell_parsing.parse_decimal, maximum=limit)
    return ReferenceColumn(heading, attribute, "decimal", limit, parse)


def _date(heading: str, attribute: str) -> ReferenceColumn:
    return ReferenceColumn(heading, attribute, "date", 10, cell_parsing.parse_day)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSpec:
    """A kind of reference data: items of a project that column headings can name.

    Names of tables and columns are text, so that this module needs no database; a test compares them with the models.
    """

    # The type of the jobs that import it; the key of this declaration everywhere.
    job_type: str
    # The table, and the attribute of its model that a heading of the CSV file names.
    table: str
    label: str = "name"
    # The attributes that `label` consists of: a heading of a workbook may have the second below the first.
    name_parts: tuple[str, ...] = ("name",)
    # The file that imports read and exports write.
    columns: tuple[ReferenceColumn, ...]
    # The order of lists, by columns of the table.
    ordering: tuple[str, ...] = ("id",)
    # Items have parents, and `label` is their path.
    is_hierarchy: bool = False
    # Values of an item that is created from a heading, which knows no more than the name.
    defaults_from_heading: Mapping[str, Any] = field(default_factory=dict)
    # Words for people: the title of its page, one item.
    title: str
    singular: str
    # In the API: the path below the project, the JSON field of one item and of several.
    path: str
    api_item: str
    api_items: str
    # A request for one item, for the API's description.
    example: Mapping[str, Any]
    # In the JSON of import profiles: the key of a target that is such an item, and of the replacements of its names.
    profile_key: str
    # The field in the JSON of `import_jobs.reference`, and the option that limits a template to some of the items.
    snapshot_key: str

    def key_of(self, values: Mapping[str, Any]) -> str:
        """Return the match key of an item with these values."""
        if self.is_hierarchy:
            return path_key(values["path"])
        return match_key("_".join(values[part] for part in self.name_parts))

    def name_of(self, values: Mapping[str, Any]) -> str:
        """Return the name that a heading of the CSV file would have for an item with these values."""
        return str(values["path"]) if self.is_hierarchy else "_".join(values[part] for part in self.name_parts)

    def heading_of(self, attribute: str) -> str:
        """Return the heading of the column that fills the attribute."""
        return next(column.heading for column in self.columns if column.attribute == attribute)

    def audit_action(self, change: ItemChange) -> str:
        """Return the name of a change of an item in the audit log, such as `stage.create`."""
        return f"{self.api_item}.{change}"


HIERARCHY = ReferenceSpec(
    job_type="hierarchy_import",
    table="hierarchy_nodes",
    label="path",
    columns=(
        _identifier("ID", "id", 50),
        _identifier("ProjectID", "project_id", 50),
        _required_text("Name", "name", 150),
        _text("Description", "description", 2_000),
        _identifier("ParentID", "parent", 50),
        _text("Prefix", "prefix", 50),
        _text("Path", "path", 500),
        _text("NamingConvention", "naming_convention", 150),
        _date("PlannedDate", "planned_date"),
    ),
    is_hierarchy=True,
    title="Hierarchy",
    singular=Message("node"),
    path="hierarchy",
    api_item="node",
    api_items="hierarchy",
    example={"parent_id": 1, "name": "Floor_7", "planned_date": "2026-12-18"},
    profile_key="node",
    snapshot_key="nodes",
)
STAGES = ReferenceSpec(
    job_type="stage_import",
    table="stages",
    columns=(
        _required_text("Name", "name", 150),
        _count("Order", "position", LAST_POSITION),
        _choice("Status", "reaches_status", tuple(ReachedStatus)),
    ),
    ordering=("position", "id"),
    title="Stages",
    singular=Message("stage"),
    path="stages",
    api_item="stage",
    api_items="stages",
    example={"name": "Repair", "position": 9, "reaches_status": "in_production"},
    profile_key="stage",
    snapshot_key="stages",
)
DRAWING_TYPES = ReferenceSpec(
    job_type="drawing_type_import",
    table="drawing_types",
    columns=(_required_text("Name", "name", 150),),
    title="Drawing types",
    singular=Message("drawing type"),
    path="drawing-types",
    api_item="drawing_type",
    api_items="drawing_types",
    example={"name": "Lifting"},
    profile_key="drawing_type",
    snapshot_key="drawing_types",
)
BOM_PRODUCTS = ReferenceSpec(
    job_type="bom_product_import",
    table="bom_products",
    label="name_id",
    name_parts=("product_name", "product_type"),
    columns=(
        _required_text("ProductName", "product_name", 150),
        _required_text("ProductType", "product_type", 150),
        _required_text("Unit", "unit", 50),
        _decimal("Rate", "rate", 1_000_000_000),
    ),
    defaults_from_heading={"unit": "?"},
    title="BOM products",
    singular=Message("product"),
    path="bom-products",
    api_item="bom_product",
    api_items="bom_products",
    example={"product_name": "Rebar", "product_type": "20MM", "unit": "kg", "rate": "1.85"},
    profile_key="product",
    snapshot_key="products",
)
# In the order of the pages: by job type.
REFERENCE_SPECS: Mapping[str, ReferenceSpec] = {
    spec.job_type: spec for spec in (HIERARCHY, STAGES, DRAWING_TYPES, BOM_PRODUCTS)
}
