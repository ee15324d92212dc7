"""Import profiles for the lists of other offices, as a person would write them."""

from __future__ import annotations

from typing import Any


def _column(heading: str, target: Any, unit: str | None = None) -> dict[str, Any]:
    return {"heading": heading, "target": target, "unit": unit}


ASSEMBLY_LIST: dict[str, Any] = {
    "name": "Assembly list", "sheet": "Report", "header_rows": [4], "skip_rows": [1], "shape": "element_type_and_node",
    "columns": [
        _column("Mark", "name"), _column("Profile", None), _column("Phase / Level", "place"), _column("Qty", "count"),
        _column("Length", "length", "mm"), _column("Height", "height", "mm"), _column("Thk.", "thickness", "mm"),
        _column("Weight", "mass", "kg"), _column("Total weight", None), _column("Conc. vol.", "volume", "m3"),
    ],
    "constants": {"element_type": "WALL"},
}  # fmt: skip
WALL_SCHEDULE: dict[str, Any] = {
    "name": "Wall schedule", "header_rows": [2], "shape": "element_type_and_node", "blank": "above",
    "columns": [
        _column("Type Mark", "name"), _column("Level", "floor"), _column("Count", "count"),
        _column("Length", "length", "cell"), _column("Area", "area", "cell"), _column("Volume", "volume", "cell"),
    ],
    "constants": {"element_type": "WALL"},
}  # fmt: skip
FERTIGTEILLISTE: dict[str, Any] = {
    "name": "Hafenstraße", "sheet": "Stückliste", "header_rows": [3], "decimal": ",",
    "columns": [
        _column("Pos.", "name"), _column("Bauteil", "element_type"), _column("Länge [m]", "length", "m"),
        _column("Höhe [m]", "height", "m"), _column("Dicke [cm]", "thickness", "cm"),
        _column("Gewicht [t]", "mass", "t"),
        _column("Beton [m³]", "volume", "m3"), _column("EG", {"node": "EG"}), _column("1. OG", {"node": "1. OG"}),
        _column("2. OG", {"node": "2. OG"}), _column("Bewehrt", {"stage": "Reinforcement"}),
        _column("Zeichnung", {"drawing_type": "Assembly"}),
    ],
    "values": {"element_type": {"wand": "WALL"}, "stage": {"ja": "yes", "nein": "no"}},
}  # fmt: skip
PIECE_LIST: dict[str, Any] = {
    "name": "Piece list", "shape": "piece", "encoding": "windows-1252", "delimiter": ";",
    "columns": [
        _column("Piece no.", None), _column("Mark", "name"), _column("Family", "element_type"),
        _column("Tower", "tower"),
        _column("Floor", "floor"), _column("L (mm)", "length"), _column("B (mm)", "width"), _column("H (mm)", "height"),
        _column("kg", "mass"),
    ],
}  # fmt: skip
