/** An optional raster map under everything else; one in GCJ-02 is shifted, tile by tile, to meet WGS-84. */
import { addProtocol, type LayerSpecification, type Map as MapView } from "maplibre-gl";
import { shade } from "../core/theme";
import { tileShift } from "../geometry/gcj02";
import { addThemed } from "./themed_layers";

const TILE_PX = 256;
const SHIFTED = "gcj02tile";
const DIMMED = { "raster-brightness-max": 0.6, "raster-saturation": -0.5 };

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

function addShiftedProtocol(template: string): void {
  addProtocol(SHIFTED, async ({ url }, { signal }) => {
    const [zoom = 0, column = 0, row = 0] = url.slice(`${SHIFTED}://`.length).split("/").map(Number);
    return { data: await shiftedTile(template, zoom, column, row, signal) };
  });
}

/** A foreign picture is made for a light ground: at night it is dimmed. */
const baseLayers = (): LayerSpecification[] => [
  {
    id: "base",
    type: "raster",
    source: "base",
    paint: shade.get() === "dark" ? DIMMED : { "raster-brightness-max": 1, "raster-saturation": 0 },
  },
];

export function addBaseMap(map: MapView, template: string, crs: string | undefined): void {
  const shifted = crs === "gcj02";
  if (shifted) addShiftedProtocol(template);
  map.addSource("base", {
    type: "raster",
    tiles: [shifted ? `${SHIFTED}://{z}/{x}/{y}` : template],
    tileSize: TILE_PX,
    maxzoom: 18,
  });
  addThemed(map, baseLayers, () => "land");
  map.setPaintProperty("land", "fill-opacity", 0.2);
}
