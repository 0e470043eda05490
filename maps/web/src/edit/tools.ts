/** What a person does on the map to make one step: choose grids, draw a line, drag a corner, point at who takes them. */
import type { Feature, Position } from "geojson";
import type { MapMouseEvent } from "maplibre-gl";
import { tell } from "../core/notices";
import { t } from "../texts/text";
import type { Operation, ZoneName } from "../core/edit_types";
import { Value } from "../core/value";
import type { Console } from "../console";
import { drawLine, type Drawing, type Line } from "./drawing";
import { Handles, type Moved } from "./handles";
import { merge, mergeBar } from "./merge";
import { moveEdge, moveVertex } from "./move";
import type { Overlay } from "./overlay";
import { nameOf } from "./rebase";
import { parentKind, reparent, type Movable } from "./reparent";
import { reshape, reshapeBar } from "./reshape";
import { distinct, split } from "./split";
import type { Step } from "./steps";
import { takes, transfer } from "./transfer";
import type { Unit, Units } from "./units";

export type Activity =
  | { name: "choosing" }
  | { name: "drawing"; tool: "split" | "reshape" }
  | { name: "moving" }
  /** Pointing at an area: which kind, and for what. */
  | { name: "pointing"; tool: "transfer" | "reparent"; kind: string; child?: ZoneName };

const CHOOSING: Activity = { name: "choosing" };

export class Tools {
  readonly activity = new Value<Activity>(CHOOSING);
  readonly selection = new Value<readonly Unit[]>([]);
  readonly #console: Console;
  readonly #units: Units;
  readonly #overlay: Overlay;
  readonly #done: (step: Step) => void;
  #running: Drawing | null = null;
  #line: Line | null = null;

  constructor(console: Console, units: Units, overlay: Overlay, done: (step: Step) => void) {
    this.#console = console;
    this.#units = units;
    this.#overlay = overlay;
    this.#done = done;
    console.map.on("click", this.#click);
  }

  readonly #click = (event: MapMouseEvent): void => {
    const now = this.activity.get();
    if (now.name === "pointing") this.#pointed(now, event);
    else if (now.name === "choosing") this.#pick(event);
  };

  #pick(event: MapMouseEvent): void {
    const [hit] = this.#console.map.queryRenderedFeatures(event.point, { layers: ["unit_grid-fill"] });
    const unit = hit && this.#units.get(Number(hit.id));
    if (!unit) return;
    const chosen = this.selection.get();
    this.select(
      chosen.some((each) => each.id === unit.id) ? chosen.filter((each) => each.id !== unit.id) : [...chosen, unit],
    );
  }

  select(units: readonly Unit[]): void {
    this.#overlay.selected([...units]);
    this.selection.set(units);
  }

  /** Leave whatever is under way; what is chosen stays. */
  leave(): void {
    this.#running?.stop();
    this.#running = null;
    this.#line = null;
    this.#console.map.getCanvas().style.cursor = "";
    this.activity.set(CHOOSING);
  }

  /** Draw a line over the one chosen grid, or over the two whose boundary it is to be. */
  line(tool: "split" | "reshape"): void {
    const chosen = this.selection.get();
    if (tool === "split" ? chosen.length !== 1 : reshapeBar(chosen) !== null) return;
    this.leave();
    this.#overlay.sketch([]);
    this.activity.set({ name: "drawing", tool });
    this.#running = this.#line = drawLine(this.#console.map, () => this.#units.geometries(), {
      finished: (line) => this.#drawn(tool, chosen, line),
      cancelled: () => this.leave(),
    });
  }

  /** Finish the line that is being drawn, as Enter does. */
  finish(): void {
    this.#line?.finish();
  }

  /** Take the last point of the line back. */
  takePointBack(): void {
    this.#line?.back();
  }

  #drawn(tool: "split" | "reshape", units: readonly Unit[], line: Position[]): void {
    const [unit] = units;
    if (!unit || distinct(line) < 2) {
      this.line(tool);
      return;
    }
    this.leave();
    this.#overlay.sketch([{ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: line } }]);
    this.#finish(tool === "split" ? split(Number(unit.id), line) : reshape(units, line), units);
  }

  merge(): void {
    const chosen = this.selection.get();
    if (mergeBar(chosen) === null) this.#finish(merge(chosen), chosen);
  }

  /** Handles on the corners and edges of the one chosen grid. */
  move(): void {
    const [unit] = this.selection.get();
    if (!unit) return;
    this.leave();
    this.activity.set({ name: "moving" });
    this.#running = new Handles(this.#console.map, unit, this.#units, {
      sketch: (features) => this.#overlay.sketch(features),
      finished: (what) => this.#movedTo(unit, what),
      cancelled: () => this.leave(),
    });
  }

  #movedTo(unit: Unit, { kind, from, to, units }: Moved): void {
    const operation =
      kind === "corner" ? moveVertex(Number(unit.id), from[0] ?? [], to[0] ?? []) : moveEdge(Number(unit.id), from, to);
    this.leave();
    this.#overlay.sketch(lines(from, to));
    this.#finish(operation, [unit, ...units.filter((each) => each.id !== unit.id)]);
  }

  /** The chosen grids go to the community that is pointed at next. */
  transfer(): void {
    if (this.selection.get().length) this.#point({ name: "pointing", tool: "transfer", kind: "community" });
  }

  /** A community or town, pointed at next, goes to the town or county pointed at after it. */
  reparent(kind: Movable): void {
    this.#point({ name: "pointing", tool: "reparent", kind });
  }

  #point(activity: Activity): void {
    this.leave();
    this.#console.map.getCanvas().style.cursor = "crosshair";
    this.activity.set(activity);
  }

  #pointed(now: Activity & { name: "pointing" }, event: MapMouseEvent): void {
    const [hit] = this.#console.map.queryRenderedFeatures(event.point, { layers: [`${now.kind}-fill`] });
    if (!hit) {
      tell(() => t("edit.nothing_there", { kind: t(`kind.${now.kind as "town"}`) }), "bad");
      return;
    }
    const area: ZoneName = {
      id: Number(hit.id),
      code: String(hit.properties.code),
      name: String(hit.properties.name),
    };
    if (now.tool === "transfer") this.#givenTo(area);
    else if (!now.child) this.activity.set({ ...now, child: area, kind: parentKind(now.kind as Movable) });
    else {
      this.leave();
      this.#done({ operation: reparent(now.child.id, area.id), zones: [now.child], target: area });
    }
  }

  #givenTo(community: ZoneName): void {
    const chosen = this.selection.get();
    if (!takes(chosen, community.id)) {
      tell(() => t("edit.own_already", { name: community.name }), "bad");
      return;
    }
    this.leave();
    this.#finish(
      transfer(
        chosen.map((each) => Number(each.id)),
        community.id,
      ),
      chosen,
      community,
    );
  }

  #finish(operation: Operation, units: readonly Unit[], target?: ZoneName): void {
    this.#done({ operation, zones: units.map(nameOf), ...(target && { target }) });
  }

  end(): void {
    this.#running?.stop();
    this.#console.map.off("click", this.#click);
    this.#console.map.getCanvas().style.cursor = "";
  }
}

function lines(from: Position[], to: Position[]): Feature[] {
  return from.map((each, i) => ({
    type: "Feature",
    properties: {},
    geometry: { type: "LineString", coordinates: [each, to[i] ?? each] },
  }));
}
