"""Published collections of the ground: roads, waterways and buildings."""

from __future__ import annotations

from layers.collections.collection import Collection, Expression, Property
from layers.tables.ground import BUILDING_KINDS, ROAD_KINDS, WATERWAY_KINDS, Building, Road, Waterway


def _properties(
    table: type[Road] | type[Waterway] | type[Building], kinds: tuple[str, ...]
) -> tuple[Property, ...]:
    """Return the properties that all layers of the ground have."""
    indicative: Expression = table.indicative
    return (
        Property(
            "source_id",
            table.source_id,
            "text",
            "Id in the source",
            "来源编号",
            filterable=True,
            sortable=True,
        ),
        Property("name", table.name, "text", "Name", "名称", tile=True, filterable=True),
        Property("name_en", table.name_en, "text", "English name", "英文名称", tile=True),
        Property("kind", table.kind, "text", "Kind", "类别", tile=True, filterable=True, values=kinds),
        Property("indicative", indicative, "boolean", "Indicative only", "示意", tile=True, filterable=True),
    )


def roads() -> Collection:
    """Return the public collection of roads."""
    r = Road
    return Collection(
        id="roads",
        en="Roads",
        zh="道路",
        about_en="Roads and paths. Tiles below zoom 14 have the larger kinds only.",
        about_zh="道路。14 级以下的瓦片只含较高等级的道路。",
        source=r.__table__,
        key=r.id,
        geom=r.geom,
        geom_3857=r.geom_3857,
        geometry_type="line",
        tile_order=r.min_zoom,
        tile_min_zoom=r.min_zoom,
        properties=(
            *_properties(r, ROAD_KINDS),
            Property("ref", r.ref, "text", "Number of the road", "道路编号", tile=True, filterable=True),
            Property("oneway", r.oneway, "boolean", "One way", "单行", tile=True),
        ),
    )


def waterways() -> Collection:
    """Return the public collection of waterways."""
    w = Waterway
    return Collection(
        id="waterways",
        en="Waterways",
        zh="河道",
        about_en="Middle lines of rivers, canals and ditches. Tiles below zoom 14 have the larger kinds only.",
        about_zh="河流、运河、沟渠的中心线。14 级以下的瓦片只含较大的河道。",
        source=w.__table__,
        key=w.id,
        geom=w.geom,
        geom_3857=w.geom_3857,
        geometry_type="line",
        tile_order=w.min_zoom,
        tile_min_zoom=w.min_zoom,
        properties=(
            *_properties(w, WATERWAY_KINDS),
            Property("width_m", w.width_m, "number", "Width in m", "宽度（米）", tile=True, unit="m"),
        ),
    )


def buildings() -> Collection:
    """Return the public collection of buildings."""
    b = Building
    return Collection(
        id="buildings",
        en="Buildings",
        zh="建筑物",
        about_en="Outlines of buildings; in tiles from zoom 13 on.",
        about_zh="建筑物轮廓，13 级起出现在瓦片中。",
        source=b.__table__,
        key=b.id,
        geom=b.geom,
        geom_3857=b.geom_3857,
        geometry_type="polygon",
        tile_order=b.min_zoom,
        tile_min_zoom=b.min_zoom,
        properties=(
            *_properties(b, BUILDING_KINDS),
            Property("levels", b.levels, "number", "Storeys", "层数"),
            Property("height_m", b.height_m, "number", "Height in m", "高度（米）", tile=True, unit="m"),
        ),
    )
