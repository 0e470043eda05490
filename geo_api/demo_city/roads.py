"""The invented road network: streets of towns, roads between villages, roads of industrial parks, motorways.

Every road is indicative (示意). Trucks drive on these roads and nowhere else, but for the last metres.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra, minimum_spanning_tree
from scipy.spatial import Delaunay, cKDTree

from geo_api.demo_city.areas import CityAreas
from geo_api.demo_city.boundaries import to_metric
from geo_api.demo_city.parks import Lots
from geo_api.demo_city.planting import Plan
from geo_api.demo_city.tessellation import Floats, Ints

KINDS = ("motorway", "trunk", "primary", "secondary", "tertiary", "local", "service")
SPEED_KMH = np.array([100.0, 70.0, 62.0, 55.0, 48.0, 38.0, 20.0])
"""Speed on each of ``KINDS``, by which the quickest way is found."""
_MOTORWAY, _TRUNK, _PRIMARY, _SECONDARY, _TERTIARY, _LOCAL, _SERVICE = range(7)
_STREET_M = (170.0, 300.0)
_LOT_CLEAR_M = 30.0
_LONGEST_M = 7_000.0


@dataclass(frozen=True)
class RoadNetwork:
    """A connected network in metres (EPSG:4549).

    Attributes
    ----------
    nodes : ndarray, shape (n, 2)
    edges : ndarray, shape (m, 2)
        First and last node.
    kind : ndarray, shape (m,)
        Position in ``KINDS``.
    shapes : ndarray, shape (m, 4, 2)
        The line of each edge: its ends and two points between.
    town : ndarray, shape (m,)
        Town in whose streets it lies, -1 in the country.
    """

    nodes: Floats
    edges: Ints
    kind: Ints
    shapes: Floats
    town: Ints

    @property
    def length_m(self) -> Floats:
        """Length of each edge."""
        return np.asarray(np.hypot(*np.diff(self.shapes, axis=1).transpose(2, 0, 1)).sum(axis=1))

    def graph(self, weight: Floats) -> csr_matrix:
        """Return the edges in both directions, with a weight each."""
        a, b = self.edges.T
        n = len(self.nodes)
        return coo_matrix((np.r_[weight, weight], (np.r_[a, b], np.r_[b, a])), shape=(n, n)).tocsr()


@dataclass
class _Drawing:
    """Nodes and edges while the network is drawn; ``joints`` are nodes that country roads may begin at."""

    nodes: list[Floats] = field(default_factory=list)
    edges: list[Ints] = field(default_factory=list)
    kinds: list[Ints] = field(default_factory=list)
    towns: list[Ints] = field(default_factory=list)
    town_of_node: list[Ints] = field(default_factory=list)
    joints: list[Ints] = field(default_factory=list)
    count: int = 0

    def add_nodes(self, points: Floats, town: int = -1) -> Ints:
        """Append nodes; returns their numbers."""
        numbers = np.arange(self.count, self.count + len(points))
        self.nodes.append(np.asarray(points, dtype=float).reshape(-1, 2))
        self.town_of_node.append(np.full(len(numbers), town))
        self.count += len(numbers)
        return numbers

    def add_edges(self, edges: Ints, kinds: Ints | int, town: int = -1) -> None:
        """Append edges between nodes."""
        edges = np.asarray(edges, dtype=np.int64).reshape(-1, 2)
        self.edges.append(edges)
        self.kinds.append(np.broadcast_to(kinds, len(edges)).astype(np.int64))
        self.towns.append(np.full(len(edges), town))

    def all(self) -> tuple[Floats, Ints, Ints, Ints]:
        """Nodes, edges, kinds and towns so far."""
        return (
            np.concatenate(self.nodes),
            np.concatenate(self.edges),
            np.concatenate(self.kinds),
            np.concatenate(self.towns),
        )


def make_roads(areas: CityAreas, lots: Lots, plan: Plan, rng: np.random.Generator) -> RoadNetwork:
    """Draw the network of a city: every lot, place and town is reached."""
    drawing = _Drawing()
    land = areas.city_m if areas.water_m is None else shapely.difference(areas.city_m, areas.water_m)
    land = shapely.buffer(shapely.simplify(land, 30.0), -60.0)
    shapely.prepare(land)
    lot_tree = shapely.STRtree(lots.polygons)
    centres = _draw_streets(drawing, areas, land, lot_tree, rng)
    _draw_park_roads(drawing, lots)
    places = np.array([(x, y) for _, x, y, _ in plan.places])
    drawing.joints.append(drawing.add_nodes(places))
    _draw_country_roads(drawing, areas, land, lot_tree, rng)
    _draw_motorways(drawing, areas, land, lot_tree, rng)
    _join_pieces(drawing)
    nodes, edges, kind, town = drawing.all()
    kind = _rank(nodes, edges, kind, centres, _seats(areas, centres))
    shapes = _bend(nodes, edges, kind, town, rng)
    return RoadNetwork(nodes, edges, kind, shapes, town)


def _clear_of_lots(tree: shapely.STRtree, shapes: NDArray[np.object_], gap_m: float) -> NDArray[np.bool_]:
    near = tree.query(shapes, predicate="dwithin", distance=gap_m)[0]
    clear = np.ones(len(shapes), dtype=bool)
    clear[near] = False
    return clear


def _draw_streets(
    drawing: _Drawing,
    areas: CityAreas,
    land: shapely.Geometry,
    lots: shapely.STRtree,
    rng: np.random.Generator,
) -> Ints:
    """Streets of every town: a lattice about its centre, wider for county seats.

    Returns the central nodes.
    """
    towns = areas.town_centres_m
    tree = cKDTree(towns)
    seats = {int(tree.query(np.array(to_metric(*county.seat)))[1]) for county in areas.counties}
    central: list[int] = []
    for number, centre in enumerate(towns):
        half = int(rng.integers(9, 12)) if number in seats else int(rng.integers(3, 6))
        turn = rng.normal(scale=0.12)
        offsets = [np.cumsum(rng.uniform(*_STREET_M, 2 * half + 1)) for _ in range(2)]
        across, up = (steps - steps[half] for steps in offsets)
        x, y = np.meshgrid(across, up, indexing="ij")
        place = np.column_stack([x.ravel(), y.ravel()])
        points = centre + place @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        reach = np.hypot(place[:, 0] / across[-1], place[:, 1] / up[-1])
        kept = reach < 1.0 + rng.normal(scale=0.07, size=len(points))
        kept &= tree.query(points)[1] == number
        kept &= shapely.contains_xy(land, points[:, 0], points[:, 1])
        kept &= _clear_of_lots(lots, shapely.points(points), 120.0)
        kept[len(points) // 2] = True
        _draw_lattice(drawing, points, kept, 2 * half + 1, number, lots, rng)
        central.append(drawing.count - int(kept.sum()) + int(kept[: len(points) // 2].sum()))
    return np.array(central)


def _draw_lattice(
    drawing: _Drawing,
    points: Floats,
    kept: NDArray[np.bool_],
    side: int,
    town: int,
    lots: shapely.STRtree,
    rng: np.random.Generator,
) -> None:
    """Streets between neighbours of a lattice: every third a main street, of the others a tenth left out."""
    numbers = np.full(side * side, -1)
    numbers[kept] = drawing.add_nodes(points[kept], town)
    column, row = np.divmod(np.arange(side * side), side)
    half = side // 2
    neighbours = np.zeros(side * side, dtype=np.int64)
    for step, along, line in ((side, column, row), (1, row, column)):
        first = np.flatnonzero((along < side - 1) & kept)
        first = first[kept[first + step]]
        clear = _clear_of_lots(
            lots, shapely.linestrings(np.stack([points[first], points[first + step]], axis=1)), 20.0
        )
        main = (line[first] - half) % 3 == 0
        axis = line[first] == half
        keep = clear & (main | (rng.uniform(size=len(first)) > 0.12))
        kinds = np.where(axis, _SECONDARY, np.where(main, _TERTIARY, _LOCAL))
        drawing.add_edges(np.column_stack([numbers[first], numbers[first + step]])[keep], kinds[keep], town)
        np.add.at(neighbours, first[keep], 1)
        np.add.at(neighbours, first[keep] + step, 1)
    outer = kept & (neighbours < 4) & (((column - half) % 3 == 0) | ((row - half) % 3 == 0))
    drawing.joints.append(numbers[outer])


def _draw_park_roads(drawing: _Drawing, lots: Lots) -> None:
    """Draw a road along each row of a park, one along its gate side, one out of the gate.

    A road past each single lot.
    """
    for park in range(len(lots.gates_m)):
        mine = np.flatnonzero(lots.park == park)
        rows, row_of = np.unique(np.round(lots.origin[mine], 3), axis=0, return_inverse=True)
        cos, sin = np.cos(lots.gate_angle[park]), np.sin(lots.gate_angle[park])
        along = np.array([cos, sin])
        rows = rows[np.argsort(rows @ np.array([-sin, cos]))]
        row_of = cKDTree(rows).query(lots.origin[mine])[1]
        spine = drawing.add_nodes(rows - 30.0 * along)
        drawing.add_edges(np.column_stack([spine[:-1], spine[1:]]), _SERVICE)
        for row, origin in enumerate(rows):
            frames = lots.frame[mine[row_of == row]]
            x = np.unique(np.round(np.r_[frames[:, :2].mean(axis=1), frames[:, 1].max() + 20.0], 1))
            road = np.r_[spine[row], drawing.add_nodes(origin + x[:, None] * along)]
            drawing.add_edges(np.column_stack([road[:-1], road[1:]]), _SERVICE)
        first = int(cKDTree(rows).query(lots.gates_m[park] + 70.0 * along)[1])
        gate = drawing.add_nodes(np.array([lots.gates_m[park], lots.gates_m[park] - 130.0 * along]))
        drawing.add_edges(np.array([[spine[first], gate[0]], [gate[0], gate[1]]]), _LOCAL)
        drawing.joints.append(gate[1:])
    for lot in np.flatnonzero(lots.park < 0).tolist():
        along = np.array([np.cos(lots.angle[lot]), np.sin(lots.angle[lot])])
        reach = lots.frame[lot, 1] + 60.0
        road = drawing.add_nodes(lots.origin[lot] + np.array([[-reach], [0.0], [reach]]) * along)
        drawing.add_edges(np.column_stack([road[:-1], road[1:]]), _LOCAL)
        drawing.joints.append(road[[0, 2]])


def _draw_country_roads(
    drawing: _Drawing,
    areas: CityAreas,
    land: shapely.Geometry,
    lots: shapely.STRtree,
    rng: np.random.Generator,
) -> None:
    """Roads between villages, ends of streets, parks and places: the Gabriel graph, thinned but connected."""
    cells = areas.cells.points_m
    villages = cells[rng.uniform(size=len(cells)) < (0.5 if len(cells) > 2000 else 1.0)]
    villages = villages + rng.normal(scale=60.0, size=villages.shape)
    taken = np.concatenate(drawing.nodes)
    free = cKDTree(taken).query(villages)[0] > 350.0
    free &= shapely.contains_xy(land, villages[:, 0], villages[:, 1])
    free &= _clear_of_lots(lots, shapely.points(villages), 150.0)
    drawing.joints.append(drawing.add_nodes(villages[free]))
    joints = np.concatenate(drawing.joints)
    nodes = np.concatenate(drawing.nodes)
    points = nodes[joints]
    simplices = Delaunay(points).simplices
    pairs = np.unique(
        np.sort(np.concatenate([simplices[:, [0, 1]], simplices[:, [1, 2]], simplices[:, [0, 2]]]), axis=1),
        axis=0,
    )
    a, b = points[pairs[:, 0]], points[pairs[:, 1]]
    length = np.hypot(*(b - a).T)
    gabriel = cKDTree(points).query((a + b) / 2)[0] >= length / 2 - 1e-6
    town = np.concatenate(drawing.town_of_node)[joints]
    inside = (town[pairs[:, 0]] >= 0) & (town[pairs[:, 0]] == town[pairs[:, 1]])
    lines = shapely.linestrings(np.stack([a, b], axis=1))
    usable = gabriel & ~inside & (length < _LONGEST_M) & (length > 1.0)
    usable &= shapely.contains_properly(land, lines) & _clear_of_lots(lots, lines, 8.0)
    pairs, length = pairs[usable], length[usable]
    tree = minimum_spanning_tree(coo_matrix((length, pairs.T), shape=(len(points),) * 2).tocsr()).tocoo()
    spanning = set(
        zip(np.minimum(tree.row, tree.col).tolist(), np.maximum(tree.row, tree.col).tolist(), strict=True)
    )
    needed = np.array([pair in spanning for pair in map(tuple, pairs.tolist())], dtype=bool)
    kept = needed | (rng.uniform(size=len(pairs)) > 0.3)
    drawing.add_edges(joints[pairs[kept]], _LOCAL)


def _draw_motorways(
    drawing: _Drawing,
    areas: CityAreas,
    land: shapely.Geometry,
    lots: shapely.STRtree,
    rng: np.random.Generator,
) -> None:
    """Two motorways, along the city and across it, past the towns.

    A trunk road leads to each from time to time.
    """
    stops = areas.town_centres_m
    middle = stops.mean(axis=0)
    main = np.linalg.svd(stops - middle)[2]
    others = cKDTree(np.concatenate(drawing.nodes))
    streets = cKDTree(np.concatenate(drawing.nodes)[np.concatenate(drawing.town_of_node) >= 0])
    for direction in (0, 1):
        along, aside = (stops - middle) @ main[direction], (stops - middle) @ main[1 - direction]
        steps = np.arange(along.min() - 20_000.0, along.max() + 20_000.0, 1_500.0)
        course = np.polyval(
            np.polyfit(along, aside, 3 if len(stops) > 20 else 1), np.clip(steps, along.min(), along.max())
        )
        tries = []
        for offset in rng.uniform(-0.25, 0.25, 12) * np.ptp(aside):
            line = (
                middle + steps[:, None] * main[direction] + (course + offset)[:, None] * main[1 - direction]
            )
            tries.append(line[shapely.contains_xy(land, line[:, 0], line[:, 1])])
        line = min(tries, key=lambda one: (streets.query(one)[0] < 900.0).mean() - len(one) / len(steps))
        pieces = np.stack([line[:-1], line[1:]], axis=1)
        close = np.hypot(*(pieces[:, 1] - pieces[:, 0]).T) < 4_000.0
        close &= _clear_of_lots(lots, shapely.linestrings(pieces), 40.0)
        numbers = drawing.add_nodes(line)
        drawing.add_edges(np.column_stack([numbers[:-1], numbers[1:]])[close], _MOTORWAY)
        exits = slice(2, None, 5)
        drawing.add_edges(np.column_stack([numbers[exits], others.query(line[exits])[1]]), _TRUNK)


def _join_pieces(drawing: _Drawing) -> None:
    """Add the shortest road from each piece of the network to the rest, until it is one."""
    while True:
        nodes, edges, _, _ = drawing.all()
        n = len(nodes)
        ones = np.ones(len(edges))
        count, label = connected_components(coo_matrix((ones, edges.T), shape=(n, n)), directed=False)
        if count == 1:
            return
        largest = np.bincount(label).argmax()
        main = np.flatnonzero(label == largest)
        gap, nearest = cKDTree(nodes[main]).query(nodes)
        added = []
        for piece in np.flatnonzero(np.arange(count) != largest):
            mine = np.flatnonzero(label == piece)
            first = mine[np.argmin(gap[mine])]
            added.append((first, main[nearest[first]]))
        drawing.add_edges(np.array(added), _LOCAL)


def _seats(areas: CityAreas, centres: Ints) -> Ints:
    tree = cKDTree(areas.town_centres_m)
    return np.unique([centres[tree.query(np.array(to_metric(*c.seat)))[1]] for c in areas.counties])


def _rank(nodes: Floats, edges: Ints, kind: Ints, centres: Ints, seats: Ints) -> Ints:
    """Kinds by use: quickest ways between seats are primary, between near towns secondary, from villages tertiary."""
    length = np.hypot(*(nodes[edges[:, 1]] - nodes[edges[:, 0]]).T)
    n = len(nodes)
    a, b = edges.T
    kind = kind.copy()
    seconds = length / SPEED_KMH[kind]
    graph = coo_matrix((np.r_[seconds, seconds], (np.r_[a, b], np.r_[b, a])), shape=(n, n)).tocsr()
    number = {tuple(sorted(pair)): i for i, pair in enumerate(edges.tolist())}

    def upgrade(way: list[int], to: int) -> None:
        for pair in pairwise(way):
            edge = number[tuple(sorted(pair))]
            if kind[edge] > to:
                kind[edge] = to

    _, before, _ = dijkstra(graph, indices=centres, min_only=True, return_predecessors=True)
    for edge in _feeders(before, n, number):
        kind[edge] = min(kind[edge], _TERTIARY)
    for group, to, neighbours in ((centres, _SECONDARY, 4), (seats, _PRIMARY, 3)):
        if len(group) < 2:
            continue
        near = cKDTree(nodes[group]).query(nodes[group], k=min(neighbours + 1, len(group)))[1][:, 1:]
        _, back = dijkstra(graph, indices=group, return_predecessors=True)
        for position, ends in enumerate(near):
            for end in ends:
                upgrade(_way(back[position], int(group[end])), to)
    return kind


def _feeders(before: Ints, n: int, number: dict[tuple[int, ...], int]) -> list[int]:
    """Edges by which at least seven other nodes reach their town."""
    weight = np.ones(n)
    order = _leaves_first(before)
    found = []
    for node in order:
        parent = int(before[node])
        if parent < 0:
            continue
        weight[parent] += weight[node]
        if weight[node] >= 7:
            found.append(number[tuple(sorted((int(node), parent)))])
    return found


def _leaves_first(before: Ints) -> list[int]:
    children: dict[int, list[int]] = {}
    roots = []
    for node, parent in enumerate(before.tolist()):
        if parent < 0:
            roots.append(node)
        else:
            children.setdefault(parent, []).append(node)
    order = list(roots)
    for node in order:
        order.extend(children.get(node, ()))
    return order[::-1]


def _way(before: Ints, end: int) -> list[int]:
    """Nodes from ``end`` back to the source of a row of predecessors."""
    way = [end]
    while (node := int(before[way[-1]])) >= 0:
        way.append(node)
    return way


def _bend(nodes: Floats, edges: Ints, kind: Ints, town: Ints, rng: np.random.Generator) -> Floats:
    """Lines of the edges: country roads bend a little, streets and roads of parks are straight."""
    a, b = nodes[edges[:, 0]], nodes[edges[:, 1]]
    span = b - a
    aside = np.column_stack([-span[:, 1], span[:, 0]])
    bends = (town < 0) & (kind != _SERVICE) & (kind != _MOTORWAY) & (np.hypot(*span.T) > 400.0)
    by = np.where(bends, rng.normal(scale=0.035, size=len(edges)), 0.0)
    more = np.where(bends, rng.normal(scale=0.02, size=len(edges)), 0.0)
    first = a + span / 3 + aside * by[:, None]
    second = a + span * 2 / 3 + aside * (by + more)[:, None]
    return np.stack([a, first, second, b], axis=1)
