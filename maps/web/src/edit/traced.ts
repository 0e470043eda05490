/** A line whose parts between two clicks follow roads, each as it was asked when it was clicked. */
import type { Position } from "geojson";

type Way = (from: Position, to: Position) => Position[] | null;

export class Traced {
  readonly #way: Way;
  readonly #asked: () => boolean;
  /** Whether the part that leads to each clicked place follows roads. */
  #follows: boolean[] = [];
  /** Ways that were found already. */
  readonly #found = new Map<string, Position[] | null>();

  constructor(way: Way, asked: () => boolean) {
    this.#way = way;
    this.#asked = asked;
  }

  /** The line on its way, with the pointer as its last place: what was clicked stays as it was asked. */
  sofar(line: readonly Position[]): Position[] {
    const clicked = Math.max(0, line.length - 1);
    this.#follows = this.#follows.slice(0, clicked);
    while (this.#follows.length < clicked) this.#follows.push(this.#asked());
    return this.#drawn(line);
  }

  /** The line as it was finished. */
  whole(line: readonly Position[]): Position[] {
    return this.#drawn(line);
  }

  #drawn(line: readonly Position[]): Position[] {
    return line.flatMap((to, i) => {
      const from = line[i - 1];
      const follows = this.#follows[i] ?? this.#asked();
      return from && follows ? [...(this.#between(from, to) ?? []), to] : [to];
    });
  }

  #between(from: Position, to: Position): Position[] | null {
    const key = `${from}|${to}`;
    const known = this.#found.get(key);
    if (known) return known;
    const way = this.#way(from, to);
    if (way) this.#found.set(key, way);
    return way;
  }
}
