"""Files of the invented roads and waterways: whole streets from pieces of road, with names in both languages.

Every name says that it is indicative (示意).
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from geo_api.demo_city.areas import CityAreas
from geo_api.demo_city.parks import Lots
from geo_api.demo_city.roads import KINDS, RoadNetwork
from geo_api.demo_city.tessellation import Floats, to_lonlat_geometry

_WORDS = (
    ("永安", "Yong'an"),
    ("长平", "Changping"),
    ("兴旺", "Xingwang"),
    ("丰裕", "Fengyu"),
    ("瑞祥", "Ruixiang"),
    ("福康", "Fukang"),
    ("文德", "Wende"),
    ("明德", "Mingde"),
    ("春晖", "Chunhui"),
    ("秀水", "Xiushui"),
    ("东升", "Dongsheng"),
    ("金桥", "Jinqiao"),
    ("银杏", "Yinxing"),
    ("青园", "Qingyuan"),
    ("同庆", "Tongqing"),
    ("新民", "Xinmin"),
    ("建设", "Jianshe"),
    ("和平", "Heping"),
    ("人民", "Renmin"),
    ("青年", "Qingnian"),
    ("工农", "Gongnong"),
    ("濠滨", "Haobin"),
    ("江海", "Jianghai"),
    ("崇文", "Chongwen"),
    ("星湖", "Xinghu"),
    ("世纪", "Shiji"),
    ("园林", "Yuanlin"),
    ("钟秀", "Zhongxiu"),
    ("学田", "Xuetian"),
    ("城山", "Chengshan"),
)
_ENDINGS = {
    "primary": ("大道", "Avenue"),
    "secondary": ("路", "Road"),
    "tertiary": ("街", "Street"),
    "local": ("巷", "Lane"),
}
_NUMBERED = {
    "motorway": ("G", "高速公路", "Expressway", 9001),
    "trunk": ("T", "连接线", "Link", 1),
    "primary": ("S", "省道", "Provincial Road", 901),
    "secondary": ("X", "县道", "County Road", 901),
    "tertiary": ("Y", "乡道", "Township Road", 901),
}
_INDICATIVE = ("（示意）", " (indicative)")
_STRAIGHT_COS = np.cos(np.radians(40.0))


def road_lines(roads: RoadNetwork, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Whole roads of the network as the import takes them, EPSG:4326."""
    rows: list[tuple[object, ...]] = []
    counters: dict[str, int] = {}
    words: dict[int, list[int]] = {}
    for number, chain in enumerate(_strokes(roads)):
        edge = chain[0][0]
        kind, town = KINDS[roads.kind[edge]], int(roads.town[edge])
        zh, en, ref = "", "", ""
        if town >= 0 and kind in _ENDINGS:
            left = words.setdefault(town, [])
            if not left:
                left.extend(rng.permutation(len(_WORDS) * 2).tolist())
            word = left.pop()
            side = ("", "") if word < len(_WORDS) else ("北", " North")
            base, ending = _WORDS[word % len(_WORDS)], _ENDINGS[kind]
            zh, en = base[0] + side[0] + ending[0], f"{base[1]}{side[1]} {ending[1]}"
        elif kind in _NUMBERED:
            letter, ending_zh, ending_en, first = _NUMBERED[kind]
            counters[kind] = counters.get(kind, first - 1) + 1
            ref = f"{letter}{counters[kind]}"
            zh, en = ref + ending_zh, f"{ref} {ending_en}"
        rows.append((f"road/{number + 1}", *_indicative(zh, en), kind, ref or None, _line(roads, chain)))
    names = ["source_id", "name", "name_en", "kind", "ref", "geometry"]
    return _frame(rows, names)


def _indicative(zh: str, en: str) -> tuple[str | None, str | None]:
    return (zh + _INDICATIVE[0], en + _INDICATIVE[1]) if zh else (None, None)


def _frame(rows: list[tuple[object, ...]], names: list[str]) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame(rows, columns=names, geometry="geometry", crs="EPSG:4326")
    frame.geometry = shapely.set_precision(
        to_lonlat_geometry(frame.geometry.to_numpy()), 1e-7, mode="pointwise"
    )
    return frame


def _line(roads: RoadNetwork, chain: list[tuple[int, bool]]) -> shapely.LineString:
    shapes = [roads.shapes[edge][:: -1 if back else 1] for edge, back in chain]
    return shapely.LineString(np.concatenate([shapes[0], *(shape[1:] for shape in shapes[1:])]))


def _strokes(roads: RoadNetwork) -> list[list[tuple[int, bool]]]:
    """Chains of edges of one kind and town that go straight on.

    Each edge with whether it is passed backwards.
    """
    follower = _followers(roads)
    done = np.zeros(len(roads.edges), dtype=bool)
    chains = []
    for edge in range(len(roads.edges)):
        if done[edge]:
            continue
        done[edge] = True
        chain = [(edge, False)]
        for forward in (True, False):
            here = (edge, 1 if forward else 0)
            while (following := follower.get(here)) is not None and not done[following[0]]:
                done[following[0]] = True
                # It is entered at one end and left at the other.
                if forward:
                    chain.append((following[0], following[1] == 1))
                else:
                    chain.insert(0, (following[0], following[1] == 0))
                here = (following[0], 1 - following[1])
        chains.append(chain)
    return chains


def _followers(roads: RoadNetwork) -> dict[tuple[int, int], tuple[int, int]]:
    """Map the end of an edge (edge, 0 first or 1 last) to the end of the edge that goes straight on from there."""
    ends: dict[int, list[tuple[int, int]]] = {}
    for edge, pair in enumerate(roads.edges.tolist()):
        for end in (0, 1):
            ends.setdefault(pair[end], []).append((edge, end))
    outward = np.stack(
        [roads.shapes[:, 1] - roads.shapes[:, 0], roads.shapes[:, 2] - roads.shapes[:, 3]], axis=1
    )
    outward = outward / np.maximum(np.linalg.norm(outward, axis=2, keepdims=True), 1e-9)
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for meeting in ends.values():
        pairs = [
            (float(-outward[a] @ outward[b]), a, b)
            for i, a in enumerate(meeting)
            for b in meeting[i + 1 :]
            if roads.kind[a[0]] == roads.kind[b[0]] and roads.town[a[0]] == roads.town[b[0]] and a[0] != b[0]
        ]
        for cosine, a, b in sorted(pairs, reverse=True):
            if cosine >= _STRAIGHT_COS and a not in found and b not in found:
                found[a], found[b] = b, a
    return found


def waterway_lines(areas: CityAreas, lots: Lots, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Invented rivers, canals and ditches inside the city, clear of plants, EPSG:4326."""
    west, south, east, north = shapely.bounds(areas.city_m)
    parks = shapely.union_all(shapely.buffer(lots.polygons, 40.0))
    rows: list[tuple[object, ...]] = []
    span = max(east - west, north - south)
    for kind, spacing, width, endings in (
        ("river", 21_000.0, (70.0, 140.0), ("河", "River")),
        ("canal", 9_000.0, (25.0, 50.0), ("运河", "Canal")),
        ("drain", 3_000.0, (8.0, 16.0), ("", "")),
    ):
        for upright in (True, False):
            first, last = (west, east) if upright else (south, north)
            for place in np.arange(first + spacing * rng.uniform(0.3, 0.7), last, spacing):
                line = _winding(place, (south, north) if upright else (west, east), spacing, upright, rng)
                inside = shapely.difference(shapely.intersection(line, areas.city_m), parks)
                parts = [p for p in shapely.get_parts(inside) if p.length > min(spacing, span) / 6]
                word = _WORDS[int(rng.integers(len(_WORDS)))]
                name = (word[0] + endings[0], f"{word[1]} {endings[1]}") if endings[0] else ("", "")
                if parts:
                    shape = shapely.multilinestrings(parts)
                    identifier = f"waterway/{len(rows) + 1}"
                    rows.append((identifier, *_indicative(*name), kind, round(rng.uniform(*width), 0), shape))
    return _frame(rows, ["source_id", "name", "name_en", "kind", "width_m", "geometry"])


def _winding(
    place: float, ends: tuple[float, float], spacing: float, upright: bool, rng: np.random.Generator
) -> shapely.LineString:
    """Return a winding line across the city about one coordinate."""
    along: Floats = np.arange(ends[0] - 500.0, ends[1] + 500.0, 250.0)
    aside = np.full(len(along), place)
    for length, share in ((spacing * 2.5, 0.16), (spacing * 0.9, 0.05), (spacing * 0.3, 0.012)):
        aside = aside + spacing * share * np.sin(2 * np.pi * (along / length + rng.uniform()))
    return shapely.LineString(np.column_stack([aside, along] if upright else [along, aside]))


def write_lines(lines: gpd.GeoDataFrame, path: Path) -> None:
    """Write lines as FlatGeobuf."""
    path.unlink(missing_ok=True)
    lines.to_file(path, driver="FlatGeobuf", engine="pyogrio")
