/** Tiles by column and row, as the service names the places of changes. */
import type { Box } from "./bounds";

export type Cell = readonly [column: number, row: number];

/** Features so near outside of a view, as a part of a cell's width, may reach into it. */
const MARGIN = 1 / 32;
/** Where Web Mercator ends. */
const NORTHMOST = 85.0511;

function rowAt(latitude: number, cells: number): number {
  const phi = (Math.max(-NORTHMOST, Math.min(NORTHMOST, latitude)) * Math.PI) / 180;
  return ((1 - Math.asinh(Math.tan(phi)) / Math.PI) / 2) * cells;
}

/** Whether one of the cells of that zoom lies in a box or just beside it. A box over the antimeridian may go beyond ±180. */
export function meets(found: readonly Cell[], zoom: number, [west, south, east, north]: Box): boolean {
  const cells = 2 ** zoom;
  const first = Math.floor(((west + 180) / 360) * cells - MARGIN);
  const width = Math.floor(((east + 180) / 360) * cells + MARGIN) - first;
  const [top, bottom] = [Math.floor(rowAt(north, cells) - MARGIN), Math.floor(rowAt(south, cells) + MARGIN)];
  const beside = (column: number): number => (((column - first) % cells) + cells) % cells;
  return found.some(([column, row]) => row >= top && row <= bottom && beside(column) <= width);
}
