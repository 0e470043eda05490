/** Handles on the corners and edges of one grid: dragged with the pointer or moved with the arrow keys; neighbours are shown as they would follow. */
import type { Feature, FeatureCollection, Position } from "geojson";
import type {
  GeoJSONSource,
  LayerSpecification,
  Map as MapView,
  MapLayerMouseEvent,
  MapLayerTouchEvent,
  MapMouseEvent,
  MapTouchEvent,
} from "maplibre-gl";
import { corners, edges, middle, moved, type Move } from "../geometry/corners";
import { round7, snapTo } from "../geometry/snap";
import { colors } from "../map/palette";
import { addThemed, removeThemed } from "../map/themed_layers";
import type { Units, Unit } from "./units";

const REACH_PX = 12;
const SOURCE = "edit-handles";
const LAYER = "edit-handles-point";
const handleLayers = (): LayerSpecification[] => [
  {
    id: LAYER,
    type: "circle",
    source: SOURCE,
    paint: {
      "circle-radius": ["case", ["get", "chosen"], 9, ["==", ["get", "kind"], "edge"], 5, 7],
      "circle-color": [
        "case",
        ["get", "chosen"],
        colors().chosen,
        ["==", ["get", "kind"], "edge"],
        colors().casing,
        ["get", "shared"],
        colors().sketch,
        colors().selected,
      ],
      "circle-stroke-color": ["case", ["==", ["get", "kind"], "edge"], colors().sketch, colors().casing],
      "circle-stroke-width": 2,
    },
  },
];

interface Handle {
  kind: "corner" | "edge";
  /** One corner, or both ends of an edge. */
  from: Position[];
  at: Position;
  shared: boolean;
}

export interface Moved {
  kind: "corner" | "edge";
  from: Position[];
  to: Position[];
  units: Unit[];
}

interface Listeners {
  /** The grids as they would be while a handle is on its way. */
  sketch: (features: Feature[]) => void;
  finished: (what: Moved) => void;
  cancelled: () => void;
}

const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class Handles {
  readonly #map: MapView;
  readonly #units: Units;
  readonly #listeners: Listeners;
  readonly #handles: Handle[];
  #chosen = -1;
  #to: Position[] = [];
  #dragging = false;

  constructor(map: MapView, unit: Unit, units: Units, listeners: Listeners) {
    this.#map = map;
    this.#units = units;
    this.#listeners = listeners;
    this.#handles = this.#find(unit);
    map.addSource(SOURCE, { type: "geojson", data: this.#features() });
    addThemed(map, handleLayers);
    map.on("mousedown", LAYER, this.#take);
    map.on("mousemove", this.#drag);
    map.on("mouseup", this.#drop);
    map.on("touchstart", LAYER, this.#take);
    map.on("touchmove", this.#drag);
    map.on("touchend", this.#drop);
    window.addEventListener("keydown", this.#keys, true);
    map.getCanvas().focus();
  }

  stop(): void {
    this.#map.off("mousedown", LAYER, this.#take);
    this.#map.off("mousemove", this.#drag);
    this.#map.off("mouseup", this.#drop);
    this.#map.off("touchstart", LAYER, this.#take);
    this.#map.off("touchmove", this.#drag);
    this.#map.off("touchend", this.#drop);
    window.removeEventListener("keydown", this.#keys, true);
    removeThemed(this.#map, handleLayers);
    if (this.#map.getSource(SOURCE)) this.#map.removeSource(SOURCE);
    this.#listeners.sketch([]);
  }

  #find(unit: Unit): Handle[] {
    const shared = (from: Position[]): boolean => this.#touching(from).length > 1;
    const points = corners(unit.geometry).map(
      (at): Handle => ({ kind: "corner", from: [at], at, shared: shared([at]) }),
    );
    const lines = edges(unit.geometry).map(
      (from): Handle => ({ kind: "edge", from, at: middle(...from), shared: shared(from) }),
    );
    return [...lines, ...points];
  }

  #touching(from: Position[]): Unit[] {
    return [...new Set(from.flatMap((each) => this.#units.touching(each)))];
  }

  #features(): FeatureCollection {
    const features = this.#handles.map((each, index): Feature => {
      const at =
        index === this.#chosen && this.#to.length
          ? each.kind === "corner"
            ? this.#to[0]
            : middle(this.#to[0] ?? [], this.#to[1] ?? [])
          : each.at;
      return {
        type: "Feature",
        properties: { index, kind: each.kind, shared: each.shared, chosen: index === this.#chosen },
        geometry: { type: "Point", coordinates: at ?? each.at },
      };
    });
    return { type: "FeatureCollection", features };
  }

  #draw(): void {
    this.#map.getSource<GeoJSONSource>(SOURCE)?.setData(this.#features());
    const moves = this.#moves();
    const units = moves.length ? this.#touching(moves.map((each) => each.from)) : [];
    this.#listeners.sketch(units.map((each) => ({ ...each, geometry: moved(each.geometry, moves) })));
  }

  #moves(): Move[] {
    return this.#to.map((to, i) => ({ from: this.#handles[this.#chosen]?.from[i] ?? to, to }));
  }

  readonly #take = (event: MapLayerMouseEvent | MapLayerTouchEvent): void => {
    const nearest = event.features?.sort(
      (a, b) => Number(b.properties.kind === "corner") - Number(a.properties.kind === "corner"),
    )[0];
    if (!nearest) return;
    event.preventDefault();
    this.#choose(Number(nearest.properties.index));
    this.#dragging = true;
  };

  #choose(index: number): void {
    this.#chosen = index;
    this.#to = [];
    this.#draw();
  }

  readonly #drag = (event: MapMouseEvent | MapTouchEvent): void => {
    const handle = this.#handles[this.#chosen];
    if (!this.#dragging || !handle) return;
    const free = [round7(event.lngLat.lng), round7(event.lngLat.lat)];
    if (handle.kind === "corner")
      this.#to = [event.originalEvent.altKey ? free : (this.#snapped(event.point, handle) ?? free)];
    else this.#to = shifted(handle, free);
    this.#draw();
  };

  /** Corners and edges of grids that do not move themselves. */
  #snapped(point: { x: number; y: number }, handle: Handle): Position | undefined {
    const moving = new Set(this.#touching(handle.from));
    const others = this.#units
      .all()
      .filter((each) => !moving.has(each))
      .map((each) => each.geometry);
    return snapTo(point, others, (lon, lat) => this.#map.project([lon, lat]), REACH_PX);
  }

  readonly #drop = (): void => {
    if (!this.#dragging) return;
    this.#dragging = false;
    if (this.#to.length) this.#finish();
  };

  #finish(): void {
    const handle = this.#handles[this.#chosen];
    if (!handle || !this.#to.length) return;
    this.#listeners.finished({
      kind: handle.kind,
      from: handle.from,
      to: this.#to,
      units: this.#touching(handle.from),
    });
  }

  readonly #keys = (event: KeyboardEvent): void => {
    if (document.activeElement !== this.#map.getCanvas() && event.key !== "Escape") return;
    const arrow = ARROWS[event.key];
    if (event.key === "Escape") this.#listeners.cancelled();
    else if (event.key === "Enter") this.#finish();
    else if (event.key === "PageDown" || event.key === "PageUp") this.#step(event.key === "PageDown" ? 1 : -1);
    else if (arrow && this.#chosen >= 0) this.#nudge(arrow, event.shiftKey ? 10 : 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  #step(by: number): void {
    const count = this.#handles.length;
    this.#choose((this.#chosen + by + count) % count);
  }

  /** Move the chosen handle by pixels of the map, as the arrows point. */
  #nudge([x, y]: [number, number], pixels: number): void {
    const handle = this.#handles[this.#chosen];
    if (!handle) return;
    this.#to = (this.#to.length ? this.#to : handle.from).map((each) => {
      const from = this.#map.project([each[0] ?? 0, each[1] ?? 0]);
      const to = this.#map.unproject([from.x + x * pixels, from.y + y * pixels]);
      return [round7(to.lng), round7(to.lat)];
    });
    this.#draw();
  }
}

/** Both ends of an edge, moved as its middle is. */
function shifted({ from, at }: Handle, to: Position): Position[] {
  const [dx, dy] = [(to[0] ?? 0) - (at[0] ?? 0), (to[1] ?? 0) - (at[1] ?? 0)];
  return from.map((each) => [round7((each[0] ?? 0) + dx), round7((each[1] ?? 0) + dy)]);
}
