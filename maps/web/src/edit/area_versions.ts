/** Areas by id, in whatever version, and the areas that hold now where one has ended. */
import { allItems, get, isAbort, itemsPath, Problem } from "../core/api";
import type { AreaProperties } from "../core/types";
import { bounds } from "../geometry/bounds";
import { successors, type AreaFeature } from "./rebase";

const AT_ONCE = 6;

/** The areas with these ids, ended ones too; one that is not there is left out. */
export async function areasById(ids: readonly number[], signal?: AbortSignal): Promise<AreaFeature[]> {
  const found: AreaFeature[] = [];
  for (let i = 0; i < ids.length; i += AT_ONCE) {
    const some = ids.slice(i, i + AT_ONCE).map((id) =>
      get<AreaFeature>(`collections/areas/items/${id}`, signal).catch((error: unknown) => {
        if (isAbort(error) || !(error instanceof Problem && error.status === 404)) throw error;
        return null;
      }),
    );
    found.push(...(await Promise.all(some)).filter((each) => each !== null));
  }
  return found;
}

/** For each id the areas that hold its land now: itself while it holds. */
export async function followed(ids: readonly number[]): Promise<Map<number, AreaFeature[]>> {
  const now = new Map<number, AreaFeature[]>();
  for (const area of await areasById(ids)) {
    if (area.properties.valid_to === null) {
      now.set(Number(area.id), [area]);
      continue;
    }
    const box = bounds(area.geometry)
      ?.map((each) => each.toFixed(7))
      .join(",");
    const around = box
      ? await allItems<AreaProperties>(itemsPath("areas", { kind: area.properties.kind, bbox: box, limit: 1000 }), 1000)
      : [];
    now.set(Number(area.id), successors(area.geometry, around));
  }
  return now;
}
