/** Keys of a list: up, down, Home and End go from row to row, and the map follows the row. */
import type { Geometry } from "geojson";
import { flyTo, type Console } from "../console";

/** A listener of the element around the rows. */
export function rowKeys(event: KeyboardEvent): void {
  const rows = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>(".row")];
  const at = rows.findIndex((each) => each.contains(document.activeElement));
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  rows[Math.min(Math.max(to, 0), rows.length - 1)]?.focus();
}

/** A listener of a row that came into focus by a key: the map goes there. */
export function followRow(parts: Console, geometry: Geometry | null, zoom: number): (event: FocusEvent) => void {
  return ({ currentTarget }) => {
    if ((currentTarget as HTMLElement).matches(":focus-visible")) flyTo(parts, geometry, zoom);
  };
}
