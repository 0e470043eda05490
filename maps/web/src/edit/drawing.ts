/** Drawing one line with terra-draw, snapped to the source coordinates of the unit grids. */
import type { Geometry, Position } from "geojson";
import type { Map as MapView } from "maplibre-gl";
import { TerraDraw, TerraDrawLineStringMode, TerraDrawModeUndoRedo } from "terra-draw";
import { TerraDrawMapLibreGLAdapter } from "terra-draw-maplibre-gl-adapter";
import { snapTo } from "../geometry/snap";
import { colors } from "../map/palette";
import { isUndo } from "./keys";

const REACH_PX = 12;
/** A click so near to the last point finishes the line; points of a winding road lie closer than terra-draw's 40 px. */
const CLOSING_PX = 8;
type Hex = `#${string}`;

export interface Drawing {
  stop: () => void;
}

/** A line on its way; without a keyboard it is finished and taken back by buttons. */
export interface Line extends Drawing {
  finish: () => void;
  back: () => void;
}

interface Handlers {
  finished: (line: Position[]) => void;
  cancelled: () => void;
}

/** Start to draw; Enter or a click on the last point finishes, Escape cancels, Ctrl+Z takes the last point back. */
export function drawLine(map: MapView, zones: () => Geometry[], { finished, cancelled }: Handlers): Line {
  const draw = new TerraDraw({
    adapter: new TerraDrawMapLibreGLAdapter({ map, coordinatePrecision: 9 }),
    undoRedo: { modeLevel: new TerraDrawModeUndoRedo() },
    modes: [
      new TerraDrawLineStringMode({
        pointerDistance: CLOSING_PX,
        snapping: {
          toCustom: (event, { project }) =>
            snapTo({ x: event.containerX, y: event.containerY }, zones(), project, REACH_PX),
        },
        keyEvents: { cancel: null, finish: "Enter" },
        styles: {
          lineStringColor: colors().selected as Hex,
          lineStringWidth: 3,
          snappingPointColor: colors().chosen as Hex,
          snappingPointWidth: 7,
        },
      }),
    ],
  });
  let over = false;
  const stop = (): void => {
    if (over) return;
    over = true;
    window.removeEventListener("keydown", keys, true);
    draw.stop();
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
    const back = isUndo(event);
    if (event.key !== "Escape" && !back) return;
    event.stopPropagation();
    event.preventDefault();
    if (back) {
      takeBack();
      return;
    }
    stop();
    cancelled();
  };
  draw.on("finish", (id) => {
    const line = draw.getSnapshotFeature(id);
    if (line?.geometry.type !== "LineString") return;
    const coordinates = line.geometry.coordinates;
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
