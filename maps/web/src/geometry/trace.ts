/** Tracing along roads and waterways: the shortest way between two places on the lines of the view. */
import type { Position } from "geojson";

/** A place this near to a line, in degrees, lies on it: snapped places are rounded to 7 decimals (2 cm). */
const ON_LINE = 2e-7;
/** Side of the cells in which edges are found, in degrees. */
const CELL = 0.002;
/** An edge over more cells than this is looked at for every place. */
const MOST_CELLS = 2_000;
const METRES_PER_DEGREE = 111_320;

interface Edge {
  a: number;
  b: number;
  length_m: number;
}

/** Where a place lies on the network: on an edge, at a share of it. */
interface OnEdge {
  edge: number;
  toA_m: number;
  toB_m: number;
}

const keyOf = ([x = 0, y = 0]: Position): string => `${x.toFixed(7)},${y.toFixed(7)}`;

/**
 * A network of lines. Lines meet where they have a corner in common, and where the end of one lies on another; lines that only
 * cross in the picture (a bridge) do not.
 */
export class Network {
  readonly #places: Position[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #edges: Edge[] = [];
  readonly #at: number[][] = [];
  readonly #cells = new Map<string, number[]>();
  readonly #long: number[] = [];
  readonly #wide: number;

  constructor(lines: readonly Position[][]) {
    this.#wide = Math.cos(((lines[0]?.[0]?.[1] ?? 0) * Math.PI) / 180);
    for (const line of lines)
      for (const [i, to] of line.entries()) {
        const from = line[i - 1];
        if (from && keyOf(from) !== keyOf(to)) this.#link(this.#node(from), this.#node(to));
      }
    for (const line of lines) for (const end of [line[0], line.at(-1)]) if (end) this.#joinEnd(end);
  }

  /** The places between two others along the lines, without the two; null: no way leads there, or one is on no line. */
  between(from: Position, to: Position): Position[] | null {
    const [starts, ends] = [this.#on(from), this.#on(to)];
    if (!starts.length || !ends.length) return null;
    const straight = this.#sameEdge(starts, ends);
    const way = this.#shortest(starts, ends);
    if (straight !== null && straight <= (way?.length_m ?? Infinity)) return [];
    if (!way) return null;
    const places = way.nodes.map((each) => this.#places[each] ?? []);
    return places.filter((each) => keyOf(each) !== keyOf(from) && keyOf(each) !== keyOf(to));
  }

  #node(place: Position): number {
    const key = keyOf(place);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.#places.length);
    this.#at.push([]);
    return this.#places.push(place) - 1;
  }

  #link(a: number, b: number): void {
    const [from, to] = [this.#places[a] ?? [], this.#places[b] ?? []];
    const number = this.#edges.push({ a, b, length_m: this.#metres(from, to) }) - 1;
    this.#at[a]?.push(number);
    this.#at[b]?.push(number);
    const cells = cellsOf(from, to);
    if (!cells) this.#long.push(number);
    for (const cell of cells ?? []) {
      const known = this.#cells.get(cell);
      if (known) known.push(number);
      else this.#cells.set(cell, [number]);
    }
  }

  /** An end of a line that lies on an edge of another one: both have it as a node. */
  #joinEnd(end: Position): void {
    const node = this.#node(end);
    for (const { edge } of this.#on(end)) {
      const { a, b } = this.#edges[edge] ?? { a: node, b: node };
      if (a === node || b === node) continue;
      this.#link(a, node);
      this.#link(node, b);
    }
  }

  #metres([ax = 0, ay = 0]: Position, [bx = 0, by = 0]: Position): number {
    return Math.hypot((bx - ax) * this.#wide, by - ay) * METRES_PER_DEGREE;
  }

  /** Every edge on which a place lies. */
  #on(place: Position): OnEdge[] {
    const found: OnEdge[] = [];
    const near = (cellsOf(place, place, ON_LINE) ?? []).flatMap((cell) => this.#cells.get(cell) ?? []);
    for (const edge of new Set([...near, ...this.#long])) {
      const { a, b } = this.#edges[edge] ?? { a: 0, b: 0 };
      const [from, to] = [this.#places[a] ?? [], this.#places[b] ?? []];
      if (awayFrom(place, from, to) <= ON_LINE)
        found.push({ edge, toA_m: this.#metres(place, from), toB_m: this.#metres(place, to) });
    }
    return found;
  }

  /** Metres between two places that lie on one edge; null: they do not. */
  #sameEdge(starts: readonly OnEdge[], ends: readonly OnEdge[]): number | null {
    const apart = starts.flatMap(({ edge, toA_m }) =>
      ends.filter((each) => each.edge === edge).map((each) => Math.abs(each.toA_m - toA_m)),
    );
    return apart.length ? Math.min(...apart) : null;
  }

  #shortest(starts: readonly OnEdge[], ends: readonly OnEdge[]): { nodes: number[]; length_m: number } | null {
    const reach = new Map<number, number>();
    const before = new Map<number, number>();
    const queue = new Queue();
    const offer = (node: number, metres: number, from: number | null): void => {
      if (metres >= (reach.get(node) ?? Infinity)) return;
      reach.set(node, metres);
      if (from === null) before.delete(node);
      else before.set(node, from);
      queue.push(node, metres);
    };
    const sides = ({ edge, toA_m, toB_m }: OnEdge): [number, number][] => {
      const { a, b } = this.#edges[edge] ?? { a: 0, b: 0 };
      return [
        [a, toA_m],
        [b, toB_m],
      ];
    };
    for (const [node, metres] of starts.flatMap(sides)) offer(node, metres, null);
    const goals = new Map<number, number>();
    for (const [node, metres] of ends.flatMap(sides)) goals.set(node, Math.min(metres, goals.get(node) ?? Infinity));
    let [last, least] = [-1, Infinity];
    for (let next = queue.pop(); next && next[1] < least; next = queue.pop()) {
      const [node, metres] = next;
      if (metres > (reach.get(node) ?? Infinity)) continue;
      const whole = metres + (goals.get(node) ?? Infinity);
      if (whole < least) [last, least] = [node, whole];
      for (const number of this.#at[node] ?? []) {
        const { a, b, length_m } = this.#edges[number] ?? { a: node, b: node, length_m: 0 };
        offer(a === node ? b : a, metres + length_m, node);
      }
    }
    if (last < 0) return null;
    const nodes = [last];
    for (let node = before.get(last); node !== undefined; node = before.get(node)) nodes.push(node);
    return { nodes: nodes.reverse(), length_m: least };
  }
}

/** Cells that the box of an edge covers; null: too many. */
function cellsOf([ax = 0, ay = 0]: Position, [bx = 0, by = 0]: Position, more = 0): string[] | null {
  const range = (a: number, b: number): [number, number] => [
    Math.floor((Math.min(a, b) - more) / CELL),
    Math.floor((Math.max(a, b) + more) / CELL),
  ];
  const [[west, east], [south, north]] = [range(ax, bx), range(ay, by)];
  if ((east - west + 1) * (north - south + 1) > MOST_CELLS) return null;
  const cells: string[] = [];
  for (let x = west; x <= east; x++) for (let y = south; y <= north; y++) cells.push(`${x},${y}`);
  return cells;
}

function awayFrom([x = 0, y = 0]: Position, [ax = 0, ay = 0]: Position, [bx = 0, by = 0]: Position): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length2 = dx * dx + dy * dy;
  const share = length2 ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length2)) : 0;
  return Math.hypot(x - ax - share * dx, y - ay - share * dy);
}

/** A binary heap of numbers by their metres, the least first. */
class Queue {
  readonly #heap: [number, number][] = [];

  push(value: number, metres: number): void {
    const heap = this.#heap;
    let at = heap.push([value, metres]) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if ((heap[up]?.[1] ?? 0) <= metres) break;
      this.#swap(at, up);
      at = up;
    }
  }

  pop(): [number, number] | undefined {
    const heap = this.#heap;
    const [first, last] = [heap[0], heap.pop()];
    if (!first || !last || !heap.length) return first;
    heap[0] = last;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const metres = (i: number): number => heap[i]?.[1] ?? Infinity;
      const least = metres(left) <= metres(right) ? left : right;
      if (metres(least) >= metres(at)) break;
      this.#swap(at, least);
      at = least;
    }
    return first;
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one && other) [this.#heap[a], this.#heap[b]] = [other, one];
  }
}
