/** What a person does on the map to make one step: choose grids, draw a line, drag a corner, point at who takes them. */
import type { Feature, Geometry, Position } from "geojson";
import type { MapMouseEvent } from "maplibre-gl";
import { allItems, itemsPath, post } from "../core/api";
import { complain, tell } from "../core/notices";
import type { AreaProperties, GridCornersAnswer } from "../core/types";
import type { Text } from "../texts/language";
import { t } from "../texts/text";
import type { Operation, ZoneName } from "../core/edit_types";
import { Value } from "../core/value";
import type { Console } from "../console";
import { insidePoint } from "../geometry/inside";
import type { Target } from "../geometry/snap";
import { Brush } from "./brush";
import { drawLine, type Drawing, type Line } from "./drawing";
import { Handles, type Moved } from "./handles";
import { LineFix } from "./line_fix";
import { merge, mergeBar } from "./merge";
import { deleteVertex, insertVertex, moveEdge, moveVertex } from "./move";
import type { Overlay } from "./overlay";
import { Picking } from "./picking";
import { nameOf } from "./rebase";
import { parentKind, reparent, type Movable } from "./reparent";
import { reshape, reshapeBar } from "./reshape";
import { Snapping } from "./snapping";
import { distinct, split } from "./split";
import type { Step } from "./steps";
import { takes, transfer } from "./transfer";
import type { Unit, Units } from "./units";

export type Activity =
  | { name: "choosing" }
  | { name: "drawing"; tool: "split" | "reshape" }
  /** `note`: why the handle that was touched does not move freely. */
  | { name: "moving"; note: Text | null }
  /** A refused line is put right. */
  | { name: "correcting" }
  | { name: "measuring" }
  /** Unit grids are painted to a community. */
  | { name: "painting"; target: ZoneName }
  /** Pointing at an area: which kind, and for what. */
  | { name: "pointing"; tool: "transfer" | "reparent" | "paint"; kind: string; child?: ZoneName };

const CHOOSING: Activity = { name: "choosing" };
const MOST_CHOSEN = 200;

export class Tools {
  readonly activity = new Value<Activity>(CHOOSING);
  readonly selection = new Value<readonly Unit[]>([]);
  readonly snapping: Snapping;
  /** The line that is measured. */
  readonly measured = new Value<readonly Position[]>([]);
  /** The grids that are painted. */
  readonly painted = new Value<readonly Unit[]>([]);
  readonly #console: Console;
  readonly #units: Units;
  readonly #overlay: Overlay;
  /** Take a step into the draft; whether it was taken. */
  readonly #done: (step: Step) => Promise<boolean>;
  /** The steps of the draft so far. */
  readonly #steps: () => readonly Operation[];
  #running: Drawing | null = null;
  /** The grid whose corner was moved last: its handles come back when the step is taken. */
  #moving: Unit | null = null;
  #line: Pick<Line, "finish" | "back"> | null = null;
  readonly #picking: Picking;

  constructor(
    console: Console,
    units: Units,
    overlay: Overlay,
    done: (step: Step) => Promise<boolean>,
    steps: () => readonly Operation[],
    guides: () => readonly Target[],
  ) {
    this.#steps = steps;
    this.#console = console;
    this.snapping = new Snapping(console.map, units, guides);
    this.#units = units;
    this.#overlay = overlay;
    this.#done = done;
    console.map.on("click", this.#click);
    this.#picking = new Picking(console.map, units, {
      active: () => this.activity.get().name === "choosing",
      clicked: (unit) => this.toggle(unit),
      boxed: (found) => this.#add(found),
      hovered: (unit) => this.mark(unit),
    });
  }

  readonly #click = (event: MapMouseEvent): void => {
    const now = this.activity.get();
    if (now.name === "pointing") this.#pointed(now, event);
  };

  /** Mark a grid on the map that is looked at. */
  mark(unit: Unit | null): void {
    this.#overlay.hover(unit);
  }

  /** Choose more grids, as many as one step may name. */
  #add(found: readonly Unit[]): void {
    const all = new Map([...this.selection.get(), ...found].map((each) => [each.id, each]));
    if (all.size > MOST_CHOSEN) tell(() => t("edit.too_many_chosen", { n: MOST_CHOSEN }), "bad");
    this.select([...all.values()].slice(0, MOST_CHOSEN));
  }

  /** Choose all grids of the communities of those that are chosen. */
  async communities(): Promise<void> {
    const parents = [...new Set(this.selection.get().map((each) => each.properties.parent_id))];
    const pages = parents.map((parent) =>
      allItems<AreaProperties>(
        itemsPath("areas", { kind: "unit_grid", parent_id: Number(parent), limit: 1000 }),
        MOST_CHOSEN + 1,
      ),
    );
    this.#add((await Promise.all(pages)).flat());
  }

  /** Choose a grid, or no more. */
  toggle(unit: Unit): void {
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
    this.#moving = null;
    this.#running?.stop();
    this.#running = null;
    this.#line = null;
    this.snapping.end();
    if (this.activity.get().name === "measuring") this.#overlay.sketch([]);
    this.painted.set([]);
    this.#console.map.getCanvas().style.cursor = "";
    this.activity.set(CHOOSING);
  }

  /** Draw a line over the one chosen grid, or over the two whose boundary it is to be. */
  line(tool: "split" | "reshape"): void {
    const chosen = this.selection.get();
    if (tool === "split" ? chosen.length !== 1 : reshapeBar(chosen) !== null) return;
    this.leave();
    this.#overlay.sketch([]);
    this.snapping.begin();
    this.activity.set({ name: "drawing", tool });
    this.#running = this.#line = drawLine(this.#console.map, this.snapping, {
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

  /** Let the line of a refused step be put right: its points are dragged, and it is tried again. */
  correct({ operation, zones }: Step): void {
    if (operation.op !== "split" && operation.op !== "reshape") return;
    this.leave();
    this.#overlay.sketch([]);
    this.snapping.begin();
    this.activity.set({ name: "correcting" });
    this.#running = new LineFix(this.#console.map, operation.line.coordinates, this.snapping, {
      changed: (coordinates) => {
        const line = { type: "LineString" as const, coordinates: coordinates.map(([x = 0, y = 0]) => [x, y]) };
        void this.#done({ operation: { ...operation, line }, zones });
      },
      cancelled: () => this.leave(),
    });
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

  /** Draw a line whose length is told, and the area inside of it when it is closed; nothing comes of it. */
  measure(): void {
    this.leave();
    this.#overlay.sketch([]);
    this.measured.set([]);
    this.snapping.begin();
    this.activity.set({ name: "measuring" });
    this.#running = this.#line = drawLine(this.#console.map, this.snapping, {
      changed: (line) => this.measured.set(line),
      finished: (line) => {
        this.#running = this.#line = null;
        this.measured.set(line);
        this.#overlay.sketch([{ type: "Feature", properties: {}, geometry: surfaceOf(line) }]);
      },
      cancelled: () => this.leave(),
    });
  }

  /** The community that is pointed at next gets the unit grids that are painted then. */
  paint(): void {
    this.#point({ name: "pointing", tool: "paint", kind: "community" });
  }

  #paintTo(target: ZoneName): void {
    this.leave();
    this.select([]);
    this.activity.set({ name: "painting", target });
    const brush = new Brush(this.#console.map, this.#units, {
      takes: (unit) => takes([unit], target.id),
      painted: (units) => {
        this.painted.set(units);
        this.#overlay.selected([...units]);
      },
      finished: (units) => void this.#handOver(units, target),
      cancelled: () => {
        this.leave();
        this.#overlay.selected([]);
      },
    });
    this.#running = brush;
    this.#line = brush;
  }

  /** One step for each community that gives grids, as long as they are taken. */
  async #handOver(units: readonly Unit[], target: ZoneName): Promise<void> {
    this.leave();
    this.#overlay.selected([]);
    const givers = new Set(units.map((each) => each.properties.parent_id));
    for (const giver of givers) {
      const some = units.filter((each) => each.properties.parent_id === giver);
      const operation = transfer(
        some.map((each) => Number(each.id)),
        target.id,
      );
      if (!(await this.#done({ operation, zones: some.map(nameOf), target }))) return;
    }
  }

  merge(): void {
    const chosen = this.selection.get();
    if (mergeBar(chosen) === null) this.#finish(merge(chosen), chosen);
  }

  /** After a moved corner: the handles of what the grid has become, so that the next one can be moved. */
  goOn(): void {
    const place = this.#moving && insidePoint(this.#moving.geometry);
    this.#moving = null;
    const unit = place && this.#units.at(place);
    if (!unit) return;
    this.select([unit]);
    this.move();
  }

  /** Put the handles away while the draft changes; they come back with what the grid is then. */
  pause(): void {
    const [unit] = this.selection.get();
    if (this.activity.get().name !== "moving" || !unit) return;
    this.leave();
    this.#moving = unit;
  }

  /** Handles on the corners and edges of the one chosen grid. */
  move(): void {
    const [unit] = this.selection.get();
    if (!unit) return;
    this.leave();
    this.snapping.begin();
    this.activity.set({ name: "moving", note: null });
    const handles = new Handles(this.#console.map, this.#units, this.snapping, {
      sketch: (features) => this.#overlay.sketch(features),
      told: (note) => this.activity.set({ name: "moving", note }),
      finished: (what) => this.#movedTo(unit, what),
      cancelled: () => this.leave(),
    });
    this.#running = handles;
    post<GridCornersAnswer>("v1/change-sets/corners", { area_id: Number(unit.id), operations: this.#steps() })
      .then((found) => this.#running === handles && handles.show(found))
      .catch((error: unknown) => {
        complain(error);
        if (this.#running === handles) this.leave();
      });
  }

  #movedTo(unit: Unit, { kind, from, to, units }: Moved): void {
    const [id, corner, place] = [Number(unit.id), from[0] ?? [], to[0] ?? []];
    const operations: Record<Moved["kind"], () => Operation> = {
      corner: () => moveVertex(id, corner, place),
      edge: () => moveEdge(id, from, to),
      bend: () => insertVertex(id, from, place),
      removal: () => deleteVertex(id, corner),
    };
    const operation = operations[kind]();
    this.leave();
    this.#moving = unit;
    this.#overlay.sketch(kind === "bend" ? lines(from, [place, place]) : kind === "removal" ? [] : lines(from, to));
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
    else if (now.tool === "paint") this.#paintTo(area);
    else if (!now.child) this.activity.set({ ...now, child: area, kind: parentKind(now.kind as Movable) });
    else {
      this.leave();
      void this.#done({ operation: reparent(now.child.id, area.id), zones: [now.child], target: area });
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
    void this.#done({ operation, zones: units.map(nameOf), ...(target && { target }) });
  }

  end(): void {
    this.#running?.stop();
    this.snapping.end();
    this.#picking.stop();
    this.#console.map.off("click", this.#click);
    this.#console.map.getCanvas().style.cursor = "";
  }
}

/** A measured line as it was drawn, or the area inside of it. */
function surfaceOf(line: readonly Position[]): Geometry {
  const [first] = line;
  return first && line.length > 2
    ? { type: "Polygon", coordinates: [[...line, first]] }
    : { type: "LineString", coordinates: [...line] };
}

function lines(from: Position[], to: Position[]): Feature[] {
  return from.map((each, i) => ({
    type: "Feature",
    properties: {},
    geometry: { type: "LineString", coordinates: [each, to[i] ?? each] },
  }));
}
