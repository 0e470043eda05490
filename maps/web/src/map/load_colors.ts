/** Communities coloured by their load, as long as it is looked at. */
import type { ExpressionSpecification, Map as MapView } from "maplibre-gl";

const LAYER = "community-fill";
/** From light to dark, readable for people who see red and green alike. */
const COLORS = ["#ffffd4", "#fed98e", "#fe9929", "#d95f0e", "#993404"] as const;

/** The colour of a share, 0 to 1, of the largest load. */
export function colorOfLoad(share: number): string {
  const step = Math.min(COLORS.length - 1, Math.max(0, Math.floor(share * COLORS.length)));
  return COLORS[step] ?? COLORS[0];
}

export function paintLoads(map: MapView, shares: readonly [id: number, share: number][]): void {
  if (!shares.length) return;
  const match = ["match", ["id"], ...shares.flatMap(([id, share]) => [id, colorOfLoad(share)]), "#000000"];
  const known = ["match", ["id"], shares.map(([id]) => id), 0.55, 0];
  map.setPaintProperty(LAYER, "fill-color", match as ExpressionSpecification);
  map.setPaintProperty(LAYER, "fill-opacity", known as ExpressionSpecification);
}

export function unpaintLoads(map: MapView): void {
  map.setPaintProperty(LAYER, "fill-color", "#000000");
  map.setPaintProperty(LAYER, "fill-opacity", 0);
}
