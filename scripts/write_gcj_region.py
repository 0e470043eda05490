"""Write maps/web/src/geometry/gcj_region.json: where GCJ-02 is in use, for the browser (then ``make fmt``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import shapely

from layers.codes import gcj_region

TARGET = Path(__file__).parent.parent / "maps" / "web" / "src" / "geometry" / "gcj_region.json"
DECIMALS = 9
"""Of degrees: a tenth of a millimetre."""


def document() -> dict[str, Any]:
    """Return the rings inside of which the shift is whole, and the width over which it ends, in degrees."""
    outline = gcj_region.OUTLINE
    rings = [shapely.get_coordinates(part.exterior).round(DECIMALS).tolist() for part in outline.geoms]
    return {"margin_deg": gcj_region.MARGIN_DEG, "rings": rings}


if __name__ == "__main__":
    TARGET.write_text(json.dumps(document()), encoding="utf-8")
