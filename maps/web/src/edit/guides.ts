/** Guide layers: files that a person draws by. They are kept in this page while it is open, and nowhere else. */
import type { Feature, FeatureCollection, Geometry } from "geojson";
import type { GeoJSONSource, LayerSpecification, Map as MapView } from "maplibre-gl";
import { post, postFile } from "../core/api";
import { session } from "../core/session";
import type { GuideDifference, GuideDifferenceBody, GuideLayerAnswer } from "../core/types";
import { Value } from "../core/value";
import { linesOf, type Target } from "../geometry/snap";
import { FONT } from "../map/area_layers";
import { colors } from "../map/palette";
import { addThemed, removeThemed } from "../map/themed_layers";

/** Endings of the files that the service reads. */
export const GUIDE_ENDINGS = [".geojson", ".json", ".zip", ".kml", ".gpkg", ".dxf"];

export type ComparedKind = NonNullable<GuideDifferenceBody["kind"]>;

export interface GuideLayer {
  id: number;
  name: string;
  crs: string;
  notes: string[];
  features: Feature[];
}

const SOURCE = "edit-guides";
const guideLayers = (): LayerSpecification[] => [
  {
    id: "edit-guides-fill",
    type: "fill",
    source: SOURCE,
    filter: ["==", ["geometry-type"], "Polygon"],
    paint: { "fill-color": colors().guide, "fill-opacity": 0.06 },
  },
  {
    id: "edit-guides-line",
    type: "line",
    source: SOURCE,
    filter: ["!=", ["geometry-type"], "Point"],
    paint: { "line-color": colors().guide, "line-width": 2.5, "line-dasharray": [4, 1.5] },
  },
  {
    id: "edit-guides-point",
    type: "circle",
    source: SOURCE,
    filter: ["==", ["geometry-type"], "Point"],
    paint: {
      "circle-radius": 4,
      "circle-color": colors().guide,
      "circle-stroke-color": colors().casing,
      "circle-stroke-width": 1.5,
    },
  },
  {
    id: "edit-guides-name",
    type: "symbol",
    source: SOURCE,
    minzoom: 13,
    filter: ["==", ["geometry-type"], "LineString"],
    layout: {
      "symbol-placement": "line",
      "text-field": ["get", "name"],
      "text-font": FONT,
      "text-size": 12,
      "text-offset": [0, -0.9],
    },
    paint: { "text-color": colors().guide, "text-halo-color": colors().halo, "text-halo-width": 2 },
  },
];

/** Layers of this page, over views and sittings; another person does not see them. */
const layers = new Value<readonly GuideLayer[]>([]);
let last = 0;
let owner: string | null | undefined = null;

function isPolygon(geometry: Geometry): geometry is GuideDifferenceBody["polygons"][number] {
  return geometry.type === "Polygon" || geometry.type === "MultiPolygon";
}

export class Guides {
  readonly layers = layers;
  readonly #map: MapView;
  readonly #endings: (() => void)[];
  #targets: Target[] = [];

  constructor(map: MapView) {
    this.#map = map;
    if (owner !== session.get().username) layers.set([]);
    owner = session.get().username;
    map.addSource(SOURCE, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
    addThemed(map, guideLayers);
    this.#endings = [layers.subscribe(() => this.#show())];
    this.#show();
  }

  /** Let the service read a file in a system that a person chose. */
  async add(file: File, crs: string, ignoreFileCrs: boolean): Promise<GuideLayer> {
    const query = new URLSearchParams({ name: file.name, crs, ...(ignoreFileCrs && { ignore_file_crs: "true" }) });
    const content = new Blob([file], { type: "application/octet-stream" });
    const found = await postFile<GuideLayerAnswer>(`v1/guide-layers?${query.toString()}`, content);
    const layer: GuideLayer = {
      id: ++last,
      name: found.name,
      crs: found.crs,
      notes: found.notes,
      features: found.features.features as unknown as Feature[],
    };
    layers.set([...layers.get(), layer]);
    return layer;
  }

  remove(id: number): void {
    layers.set(layers.get().filter((each) => each.id !== id));
  }

  /** What can be snapped to and followed. */
  targets(): readonly Target[] {
    return this.#targets;
  }

  /** The polygons of a layer against the areas of now; a row's number says which polygon. */
  async difference(layer: GuideLayer, kind: ComparedKind): Promise<GuideDifference> {
    const polygons = polygonsOf(layer).map((each) => each.geometry) as GuideDifferenceBody["polygons"];
    return await post<GuideDifference>("v1/guide-layers/difference", { kind, polygons });
  }

  end(): void {
    for (const end of this.#endings) end();
    removeThemed(this.#map, guideLayers);
    if (this.#map.getSource(SOURCE)) this.#map.removeSource(SOURCE);
  }

  #show(): void {
    const features = layers.get().flatMap((each) => each.features);
    const data: FeatureCollection = { type: "FeatureCollection", features };
    this.#map.getSource<GeoJSONSource>(SOURCE)?.setData(data);
    this.#targets = layers.get().flatMap((layer) =>
      layer.features
        .filter(({ geometry }) => linesOf(geometry).length > 0)
        .map(({ geometry, properties }) => ({
          geometry,
          layer: "guides",
          name: String(properties?.name || layer.name),
        })),
    );
  }
}

/** The polygons of a layer, in the order in which they are compared. */
export function polygonsOf({ features }: GuideLayer): Feature[] {
  return features.filter(({ geometry }) => isPolygon(geometry));
}
