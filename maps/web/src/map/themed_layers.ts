/** Layers that follow the theme: what is drawn on the map is painted anew when light becomes dark. */
import type { LayerSpecification, Map as MapView } from "maplibre-gl";
import { shade } from "../core/theme";

/** Layers in the colours of now. */
export type LayerMaker = () => LayerSpecification[];

type Paint = Record<string, unknown>;

/** What each maker made last. */
const made = new Map<LayerMaker, LayerSpecification[]>();

/** Make layers and remember how, for layers that are part of the first style. */
export function themed(make: LayerMaker): LayerSpecification[] {
  const layers = make();
  made.set(make, layers);
  return layers;
}

export function addThemed(
  map: MapView,
  make: LayerMaker,
  before?: (layer: LayerSpecification) => string | undefined,
): void {
  for (const layer of themed(make)) map.addLayer(layer, before?.(layer));
}

export function removeThemed(map: MapView, make: LayerMaker): void {
  for (const { id } of made.get(make) ?? make()) if (map.getLayer(id)) map.removeLayer(id);
  made.delete(make);
}

/** Properties that are the same in both themes may have been set by somebody else since: they are left alone. */
function repaint(map: MapView): void {
  for (const [make, before] of made) {
    const now = make();
    for (const [i, layer] of now.entries()) {
      if (!map.getLayer(layer.id)) continue;
      const old = (before[i]?.paint ?? {}) as Paint;
      for (const [name, value] of Object.entries((layer.paint ?? {}) as Paint))
        if (JSON.stringify(old[name]) !== JSON.stringify(value))
          map.setPaintProperty(layer.id, name as never, value as never);
    }
    made.set(make, now);
  }
}

export function followShade(map: MapView): void {
  shade.subscribe(() => repaint(map));
}
