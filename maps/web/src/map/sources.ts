/** Vector tile sources of the service's collections, one per kind, so that a zoom loads only what it shows. */
import type { Map as MapView, SourceSpecification, VectorTileSource } from "maplibre-gl";
import { serviceRoot } from "../core/api";

export interface TileSource {
  id: string;
  collection: string;
  filter: Record<string, string>;
  minzoom: number;
  maxzoom: number;
  login: boolean;
}

const HAZARDS = "chemical,explosive,gas,dust,radioactive,other";

function source(
  id: string,
  collection: string,
  filter: Record<string, string>,
  zooms: [number, number],
  login = false,
): TileSource {
  return { id, collection, filter, minzoom: zooms[0], maxzoom: zooms[1], login };
}

export const TILE_SOURCES: readonly TileSource[] = [
  source("city", "areas", { kind: "city" }, [0, 14]),
  source("county", "areas", { kind: "county" }, [0, 15]),
  source("town", "areas", { kind: "town" }, [8, 16]),
  source("community", "areas", { kind: "community" }, [11, 16]),
  source("unit_grid", "areas", { kind: "unit_grid" }, [12, 18]),
  source("functional_zone", "areas", { kind: "functional_zone" }, [8, 16]),
  source("water", "areas", { kind: "water" }, [8, 16]),
  source("hot_spots", "hot_spots", { field: "visits" }, [7, 13]),
  source("emerging_hot_spots", "emerging_hot_spots", { field: "visits" }, [7, 13]),
  source("hazard_sites", "sites", { hazard: HAZARDS }, [7, 14]),
  source("other_sites", "sites", { hazard: "none" }, [12, 15]),
  source("alerts", "alerts", { status: "open" }, [6, 14], true),
  source("cases", "cases", {}, [6, 14], true),
  source("stays", "stays", {}, [12, 15], true),
  source("silences", "silences", {}, [9, 15], true),
  source("encounters", "encounters", { kind: "meeting" }, [9, 15], true),
];

export function tileAddress(collection: string, filter: Record<string, string>): string {
  const query = new URLSearchParams(filter).toString();
  const path = `collections/${collection}/tiles/WebMercatorQuad/{z}/{y}/{x}`;
  return serviceRoot + path + (query ? `?${query}` : "");
}

export function specification(of: TileSource): SourceSpecification {
  return {
    type: "vector",
    tiles: [tileAddress(of.collection, of.filter)],
    minzoom: of.minzoom,
    maxzoom: of.maxzoom,
  };
}

/** Ask again for the tiles of a changed collection; what did not change answers 304. */
export function reloadCollection(map: MapView, collection: string): void {
  for (const each of TILE_SOURCES) {
    if (each.collection !== collection) continue;
    const there = map.getSource<VectorTileSource>(each.id);
    if (there) there.setTiles([...there.tiles]);
  }
}

export function filterSource(map: MapView, id: string, filter: Record<string, string>): void {
  const known = TILE_SOURCES.find((each) => each.id === id);
  const there = map.getSource<VectorTileSource>(id);
  if (known && there) there.setTiles([tileAddress(known.collection, filter)]);
}
