/** The ground under everything else, as it was chosen: nothing, the roads of the service, a local file, or tiles of another host. */
import { addProtocol, type LayerSpecification, type Map as MapView, type SourceSpecification } from "maplibre-gl";
import { Protocol } from "pmtiles";
import { address } from "../address/router";
import { serviceRoot } from "../core/api";
import { shade } from "../core/theme";
import { tileShift } from "../geometry/gcj02";
import { language } from "../texts/language";
import { groundOf, namesOf } from "./ground_layers";
import { groundShown } from "./ground_shown";
import { baseChosen, offered, offeredChosen, type OfferedMap } from "./offered_maps";
import { tileAddress } from "./sources";
import { addThemed, removeThemed } from "./themed_layers";

const TILE_PX = 256;
const SHIFTED = "gcj02tile";
const DIMMED = { "raster-brightness-max": 0.6, "raster-saturation": -0.5 };
const BRIGHT = { "raster-brightness-max": 1, "raster-saturation": 0 };
/** Collections of the ground, with the zooms of their tiles; these are enlarged from the last one on. */
const GROUND = { roads: [5, 14], waterways: [5, 14], buildings: [13, 15] } as const;

function tileUrl(template: string, zoom: number, column: number, row: number): string {
  return template.replace("{z}", String(zoom)).replace("{x}", String(column)).replace("{y}", String(row));
}

async function picture(url: string, signal: AbortSignal): Promise<ImageBitmap | null> {
  const response = await fetch(url, { signal, credentials: "omit" });
  return response.ok ? createImageBitmap(await response.blob()) : null;
}

/** The WGS-84 tile, put together from the (up to four) GCJ-02 tiles that its land is drawn on. */
async function shiftedTile(
  template: string,
  zoom: number,
  column: number,
  row: number,
  signal: AbortSignal,
): Promise<ArrayBuffer> {
  const [dx, dy] = tileShift(zoom, column, row);
  const [left, top] = [column + dx, row + dy];
  const canvas = new OffscreenCanvas(TILE_PX, TILE_PX);
  const pen = canvas.getContext("2d");
  const columns = [...new Set([Math.floor(left), Math.ceil(left)])];
  const rows = [...new Set([Math.floor(top), Math.ceil(top)])];
  await Promise.all(
    columns.flatMap((x) =>
      rows.map(async (y) => {
        const found = await picture(tileUrl(template, zoom, x, y), signal);
        if (found)
          pen?.drawImage(found, Math.round((x - left) * TILE_PX), Math.round((y - top) * TILE_PX), TILE_PX, TILE_PX);
      }),
    ),
  );
  return (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer();
}

/** The address of a shifted tile names the base map whose template it is of. */
function addProtocols(): void {
  addProtocol("pmtiles", new Protocol().tile);
  addProtocol(SHIFTED, async ({ url }, { signal }) => {
    const [id = "", ...place] = url.slice(`${SHIFTED}://`.length).split("/");
    const template = offered.get().find((each) => each.id === id)?.url ?? "";
    const [zoom = 0, column = 0, row = 0] = place.map(Number);
    return { data: await shiftedTile(template, zoom, column, row, signal) };
  });
}

function sourcesOf(chosen: string, found: OfferedMap | undefined): Record<string, SourceSpecification> {
  if (chosen === "roads")
    return Object.fromEntries(
      Object.entries(GROUND).map(([each, [minzoom, maxzoom]]) => [
        `base-${each}`,
        { type: "vector", tiles: [tileAddress(each, {})], minzoom, maxzoom },
      ]),
    );
  if (!found) return {};
  if (found.kind !== "tiles") {
    const url = `pmtiles://${new URL(serviceRoot + found.url, location.href).href}`;
    return { base: found.kind === "vector" ? { type: "vector", url } : { type: "raster", url, tileSize: TILE_PX } };
  }
  const tiles = found.datum === "gcj02" ? `${SHIFTED}://${found.id}/{z}/{x}/{y}` : found.url;
  return { base: { type: "raster", tiles: [tiles], tileSize: TILE_PX, maxzoom: found.max_zoom } };
}

const shapes = (): LayerSpecification[] => {
  const ground = groundShown();
  return ground ? groundOf(ground) : [];
};
const names = (): LayerSpecification[] => {
  const ground = groundShown();
  return ground ? namesOf(ground) : [];
};
/** A foreign picture is made for a light ground: at night it is dimmed. */
const pictures = (): LayerSpecification[] =>
  groundShown() || !offeredChosen()
    ? []
    : [{ id: "base", type: "raster", source: "base", paint: shade.get() === "dark" ? DIMMED : BRIGHT }];

/** Pictures lie below the land, which is then seen through; roads lie on it, and their names below those of areas. */
function draw(map: MapView): void {
  for (const make of [shapes, names, pictures]) removeThemed(map, make);
  for (const id of ["base", ...Object.keys(GROUND).map((each) => `base-${each}`)])
    if (map.getSource(id)) map.removeSource(id);
  for (const [id, source] of Object.entries(sourcesOf(baseChosen(), offeredChosen()))) map.addSource(id, source);
  addThemed(map, pictures, () => "land");
  addThemed(map, shapes, () => "functional_zone-fill");
  addThemed(map, names, () => "unit_grid-label");
  map.setPaintProperty("land", "fill-opacity", map.getLayer("base") ? 0.2 : 1);
}

/** Show the base map that is chosen, and follow the choice and the language. */
export function followBaseMap(map: MapView): void {
  addProtocols();
  let shown = "";
  const follow = (): void => {
    const now = `${baseChosen()} ${language.get()}`;
    if (now !== shown) draw(map);
    shown = now;
  };
  follow();
  address.subscribe(follow);
  language.subscribe(follow);
}
