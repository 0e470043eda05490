/** While the service is away the map asks for nothing: every tile would be an error. Afterwards it asks for what it missed. */
import { addProtocol, type Map as MapView, type RequestTransformFunction, type VectorTileSource } from "maplibre-gl";
import { serviceRoot } from "../core/api";
import { connected, doubt } from "../live/changes";
import { TILE_SOURCES } from "./sources";

const NOWHERE = "away";

/** Answer tiles of the service with nothing while it is away, without a question over the network. */
export function followAway(map: MapView): void {
  let wasThere = false;
  let away = false;
  let missed = false;
  addProtocol(NOWHERE, () => Promise.resolve({ data: new ArrayBuffer(0) }));
  const transform: RequestTransformFunction = (url) => {
    if (!away || !url.startsWith(`${serviceRoot}collections/`)) return { url };
    missed = true;
    return { url: `${NOWHERE}://tile` };
  };
  map.setTransformRequest(transform);
  map.on("error", ({ error }) => {
    missed = true; // the browser has said so; the map would say it a second time
    const said = error instanceof Error ? `${error.name} ${error.message}` : "";
    if (/Failed to fetch|NetworkError/.test(said)) doubt();
    else if (!said.includes("AJAXError")) console.warn(error);
  });
  connected.subscribe((now) => {
    wasThere ||= now;
    away = wasThere && !now;
    if (!now || !missed) return;
    missed = false;
    for (const { id } of TILE_SOURCES) {
      const there = map.getSource<VectorTileSource>(id);
      if (there) there.setTiles([...there.tiles]);
    }
  });
}
