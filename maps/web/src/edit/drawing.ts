/** Drawing one line with terra-draw, snapped to source coordinates; between two clicks on a road it follows the road when that is asked. */
import type { Position } from "geojson";
import type { GeoJSONSource, LayerSpecification, Map as MapView } from "maplibre-gl";
import { TerraDraw, TerraDrawLineStringMode, TerraDrawModeUndoRedo } from "terra-draw";
import { TerraDrawMapLibreGLAdapter } from "terra-draw-maplibre-gl-adapter";
import { colors } from "../map/palette";
import { addThemed, removeThemed } from "../map/themed_layers";
import { isUndo } from "./keys";
import type { Snapping } from "./snapping";
import { Traced } from "./traced";

/** A click so near to the last point finishes the line; points of a winding road lie closer than terra-draw's 40 px. */
const CLOSING_PX = 8;
const SOURCE = "edit-drawn";
type Hex = `#${string}`;

/** The line as it will be; terra-draw's own has no corners between two clicks, and is not seen. */
const lineLayers = (): LayerSpecification[] => [
  {
    id: "edit-drawn-line",
    type: "line",
    source: SOURCE,
    paint: { "line-color": colors().selected, "line-width": 3 },
  },
];

export interface Drawing {
  stop: () => void;
}

/** A line on its way; without a keyboard it is finished and taken back by buttons. */
export interface Line extends Drawing {
  finish: () => void;
  back: () => void;
}

interface Handlers {
  /** The line on its way. */
  changed?: (line: Position[]) => void;
  finished: (line: Position[]) => void;
  cancelled: () => void;
}

/** Start to draw; Enter or a click on the last point finishes, Escape cancels, Ctrl+Z takes the last point back, T follows roads or no more, Alt does not snap. */
export function drawLine(map: MapView, snapping: Snapping, { changed, finished, cancelled }: Handlers): Line {
  const traced = new Traced(
    (from, to) => snapping.way(from, to),
    () => snapping.switches.get().trace,
  );
  const draw = new TerraDraw({
    adapter: new TerraDrawMapLibreGLAdapter({ map, coordinatePrecision: 9 }),
    undoRedo: { modeLevel: new TerraDrawModeUndoRedo() },
    modes: [
      new TerraDrawLineStringMode({
        pointerDistance: CLOSING_PX,
        snapping: {
          toCustom: (event) => snapping.at({ x: event.containerX, y: event.containerY }),
        },
        keyEvents: { cancel: null, finish: "Enter" },
        styles: {
          lineStringColor: colors().selected as Hex,
          lineStringOpacity: 0,
          snappingPointColor: colors().chosen as Hex,
          snappingPointOpacity: 0,
          snappingPointOutlineOpacity: 0,
        },
      }),
    ],
  });
  map.addSource(SOURCE, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  addThemed(map, lineLayers);
  let over = false;
  const stop = (): void => {
    if (over) return;
    over = true;
    window.removeEventListener("keydown", keys, true);
    unlisten();
    draw.stop();
    snapping.mark(undefined);
    removeThemed(map, lineLayers);
    if (map.getSource(SOURCE)) map.removeSource(SOURCE);
  };
  /** The line on its way as terra-draw has it; its last place is the pointer's. */
  const show = (): void => {
    const line = draw.getSnapshot().find((each) => each.geometry.type === "LineString");
    const coordinates = line?.geometry.type === "LineString" ? traced.sofar(line.geometry.coordinates) : [];
    map.getSource<GeoJSONSource>(SOURCE)?.setData({
      type: "Feature",
      properties: {},
      geometry: { type: "LineString", coordinates },
    });
    changed?.(coordinates);
  };
  const takeBack = (): void => {
    if (draw.canUndo()) draw.undo();
  };
  /** terra-draw finishes a line by its key only. */
  const finish = (): void => {
    for (const type of ["keydown", "keyup"])
      map.getCanvas().dispatchEvent(new KeyboardEvent(type, { key: "Enter", bubbles: true }));
  };
  const keys = (event: KeyboardEvent): void => {
    const [back, follow] = [isUndo(event), event.key.toLowerCase() === "t" && !event.ctrlKey && !event.metaKey];
    if (event.key !== "Escape" && !back && !follow) return;
    event.stopPropagation();
    event.preventDefault();
    if (back) takeBack();
    else if (follow) snapping.set("trace", !snapping.switches.get().trace);
    else {
      stop();
      cancelled();
    }
  };
  const unlisten = snapping.switches.subscribe(show);
  draw.on("change", show);
  draw.on("finish", (id) => {
    const line = draw.getSnapshotFeature(id);
    if (line?.geometry.type !== "LineString") return;
    const coordinates = traced.whole(line.geometry.coordinates);
    setTimeout(() => {
      stop();
      finished(coordinates);
    });
  });
  window.addEventListener("keydown", keys, true);
  draw.start();
  draw.setMode("linestring");
  map.getCanvas().focus();
  return { stop, finish, back: takeBack };
}
