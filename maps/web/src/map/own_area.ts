/** The area of whoever is logged in: what the map shows first, and after a login while nobody has moved it. */
import type { Feature, Geometry } from "geojson";
import { route } from "../address/router";
import { get, itemsPath } from "../core/api";
import { session } from "../core/session";
import { flyTo, type Console } from "../console";
import { bounds } from "../geometry/bounds";
import type { Box } from "./create";

async function outline(code: string): Promise<Geometry | null> {
  const found = await get<{ features: Feature<Geometry>[] }>(itemsPath("areas", { code, limit: 1 }));
  return found.features[0]?.geometry ?? null;
}

/** The box of the person's own area; undefined for the whole city, and when it is not known. */
export async function ownBox(): Promise<Box | undefined> {
  const code = session.get().area?.code;
  if (!code) return undefined;
  try {
    const geometry = await outline(code);
    return (geometry && (bounds(geometry) as Box | null)) ?? undefined;
  } catch {
    return undefined; // the city is a view, too
  }
}

/** Views that lead the map to a place of their own. */
const PLACED: ReadonlySet<string> = new Set(["alert", "case", "assign", "clue", "edit"]);

/** After a login go to the person's own area, unless somebody has moved the map or a link named its place. */
export function followOwnArea(parts: Console, chosen: boolean): void {
  let moved = chosen;
  parts.map.on("movestart", (event) => {
    moved ||= "originalEvent" in event && event.originalEvent !== undefined;
  });
  let known = session.get().area?.code;
  session.subscribe(({ area }) => {
    const code = area?.code;
    if (code === known) return;
    known = code;
    if (!code || moved || PLACED.has(route.get().view)) return;
    outline(code)
      .then((geometry) => flyTo(parts, geometry))
      .catch(() => undefined);
  });
}
