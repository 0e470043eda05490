/** A drawn line that was refused stays on the map: its points are dragged, new ones are pulled out of its middles, and it is tried again. */
import type { Feature, FeatureCollection, Position } from "geojson";
import type { GeoJSONSource, LayerSpecification, Map as MapView } from "maplibre-gl";
import { middle } from "../geometry/corners";
import { round7 } from "../geometry/snap";
import { colors } from "../map/palette";
import { addThemed, removeThemed } from "../map/themed_layers";
import { Dragging, type Place } from "./dragging";
import type { Drawing } from "./drawing";
import type { Snapping } from "./snapping";

const SOURCE = "edit-line-fix";
const LAYER = "edit-line-fix-point";
const fixLayers = (): LayerSpecification[] => [
  {
    id: "edit-line-fix-line",
    type: "line",
    source: SOURCE,
    filter: ["==", ["geometry-type"], "LineString"],
    paint: { "line-color": colors().sketch, "line-width": 3 },
  },
  {
    id: LAYER,
    type: "circle",
    source: SOURCE,
    filter: ["==", ["geometry-type"], "Point"],
    paint: {
      "circle-radius": ["case", ["get", "chosen"], 9, ["get", "between"], 5, 7],
      "circle-color": [
        "case",
        ["get", "chosen"],
        colors().chosen,
        ["get", "between"],
        colors().casing,
        colors().sketch,
      ],
      "circle-stroke-color": ["case", ["get", "between"], colors().sketch, colors().casing],
      "circle-stroke-width": 2,
    },
  },
];

interface Handlers {
  /** The line after a point was let go, or taken away. */
  changed: (line: Position[]) => void;
  cancelled: () => void;
}

/** Points of a line that can be dragged; Delete takes the chosen one away, Escape leaves. */
export class LineFix implements Drawing {
  readonly #map: MapView;
  readonly #snapping: Snapping;
  readonly #handlers: Handlers;
  readonly #dragging: Dragging;
  #line: Position[];
  #chosen = -1;

  constructor(map: MapView, line: readonly Position[], snapping: Snapping, handlers: Handlers) {
    this.#map = map;
    this.#line = [...line];
    this.#snapping = snapping;
    this.#handlers = handlers;
    map.addSource(SOURCE, { type: "geojson", data: this.#features() });
    addThemed(map, fixLayers);
    this.#dragging = new Dragging(map, LAYER, {
      taken: ({ features }) => this.#take(features?.sort(pointsFirst)[0]),
      dragged: (place) => this.#drag(place),
      dropped: () => this.#handlers.changed(this.#line),
    });
    window.addEventListener("keydown", this.#keys, true);
    map.getCanvas().focus();
  }

  stop(): void {
    this.#dragging.stop();
    window.removeEventListener("keydown", this.#keys, true);
    removeThemed(this.#map, fixLayers);
    if (this.#map.getSource(SOURCE)) this.#map.removeSource(SOURCE);
  }

  #features(): FeatureCollection {
    const point = (at: Position, index: number, between: boolean): Feature => ({
      type: "Feature",
      properties: { index, between, chosen: !between && index === this.#chosen },
      geometry: { type: "Point", coordinates: at },
    });
    const points = this.#line.map((each, i) => point(each, i, false));
    const middles = this.#line.slice(1).map((each, i) => point(middle(this.#line[i] ?? each, each), i + 1, true));
    const line: Feature = {
      type: "Feature",
      properties: {},
      geometry: { type: "LineString", coordinates: this.#line },
    };
    return { type: "FeatureCollection", features: [line, ...middles, ...points] };
  }

  #draw(): void {
    this.#map.getSource<GeoJSONSource>(SOURCE)?.setData(this.#features());
  }

  #take(feature: Feature | undefined): boolean {
    if (!feature) return false;
    this.#chosen = Number(feature.properties?.index);
    const [before, after] = [this.#line[this.#chosen - 1], this.#line[this.#chosen]];
    if (feature.properties?.between && before && after) this.#line.splice(this.#chosen, 0, middle(before, after));
    this.#draw();
    return true;
  }

  #drag({ lngLat, point }: Place): void {
    const free = [round7(lngLat.lng), round7(lngLat.lat)];
    this.#line[this.#chosen] = this.#snapping.at(point) ?? free;
    this.#draw();
  }

  readonly #keys = (event: KeyboardEvent): void => {
    if (event.key === "Escape") this.#handlers.cancelled();
    else if (event.key === "Delete" && document.activeElement === this.#map.getCanvas()) this.#remove();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  #remove(): void {
    if (this.#chosen < 0 || this.#line.length < 3) return;
    this.#line.splice(this.#chosen, 1);
    this.#chosen = -1;
    this.#draw();
    this.#handlers.changed(this.#line);
  }
}

function pointsFirst(a: Feature, b: Feature): number {
  return Number(a.properties?.between) - Number(b.properties?.between);
}
