/** One sitting at the grid editor: what is selected, drawn, drafted; what the map shows of it. */
import type { Position } from "geojson";
import type { MapMouseEvent } from "maplibre-gl";
import { complain } from "../core/notices";
import type { ChangeSet, Operation } from "../core/types";
import { Value } from "../core/value";
import { flyTo, type Console } from "../console";
import { lastChange } from "../live";
import { drawLine, type Drawing } from "./drawing";
import { merge } from "./merge";
import { Overlay } from "./overlay";
import { distinct, split } from "./split";
import { apply, draft, undo, type Refusal } from "./transact";
import { Units, type Unit } from "./units";

export type Stage =
  | { name: "selecting" }
  | { name: "drawing" }
  | { name: "waiting" }
  | { name: "preview"; changeSet: ChangeSet }
  | { name: "refused"; refusal: Refusal }
  | { name: "applied"; changeSet: ChangeSet };

export class EditSession {
  readonly stage = new Value<Stage>({ name: "selecting" });
  readonly selection = new Value<readonly Unit[]>([]);
  readonly units: Units;
  readonly #console: Console;
  readonly #overlay: Overlay;
  #drawing: Drawing | null = null;
  readonly #unlisten: () => void;

  constructor(console: Console) {
    this.#console = console;
    this.units = new Units(console.map);
    this.#overlay = new Overlay(console.map);
    console.map.on("click", this.#pick);
    console.map.on("moveend", this.#load);
    this.#unlisten = lastChange.subscribe((change) => {
      if (change?.layer === "areas") this.#load();
    });
    this.#load();
  }

  readonly #load = (): void => void this.units.load();

  readonly #pick = (event: MapMouseEvent): void => {
    if (!["selecting", "refused", "applied"].includes(this.stage.get().name)) return;
    const [hit] = this.#console.map.queryRenderedFeatures(event.point, { layers: ["unit_grid-fill"] });
    const unit = hit && this.units.get(Number(hit.id));
    if (!unit) return;
    const chosen = this.selection.get();
    this.#select(chosen.some((each) => each.id === unit.id) ? chosen.filter((each) => each.id !== unit.id) : [...chosen, unit]);
  };

  #select(units: readonly Unit[]): void {
    this.#overlay.clash(null);
    this.#overlay.selected([...units]);
    this.selection.set(units);
    this.stage.set({ name: "selecting" });
  }

  clear(): void {
    this.#drawing?.stop();
    this.#drawing = null;
    this.#overlay.result(undefined);
    this.#select([]);
  }

  /** Draw a line over the one selected unit and ask for a draft. */
  startSplit(): void {
    const [unit] = this.selection.get();
    if (!unit) return;
    this.#overlay.clash(null);
    this.stage.set({ name: "drawing" });
    this.#drawing = drawLine(this.#console.map, () => this.units.geometries(), {
      finished: (line) => this.#finished(unit, line),
      cancelled: () => this.stage.set({ name: "selecting" }),
    });
  }

  #finished(unit: Unit, line: Position[]): void {
    if (distinct(line) >= 2) void this.#ask(split(Number(unit.id), line));
    else this.startSplit();
  }

  async startMerge(): Promise<void> {
    await this.#ask(merge(this.selection.get()));
  }

  async #ask(operation: Operation): Promise<void> {
    this.stage.set({ name: "waiting" });
    try {
      const answer = await draft([operation]);
      if ("refusal" in answer) this.#refused(answer.refusal);
      else this.#drafted(answer.changeSet);
    } catch (error) {
      complain(error);
      this.stage.set({ name: "selecting" });
    }
  }

  #refused(refusal: Refusal): void {
    this.#overlay.clash(refusal.clash);
    this.stage.set({ name: "refused", refusal });
  }

  #drafted(changeSet: ChangeSet): void {
    this.#overlay.result(changeSet.preview.result);
    this.stage.set({ name: "preview", changeSet });
  }

  /** Look at a draft that waits, whoever drew it: its units on the map, and the choice to put it into force. */
  review(changeSet: ChangeSet): void {
    this.clear();
    this.#drafted(changeSet);
    const [first] = changeSet.preview.result?.features ?? [];
    if (first) flyTo(this.#console, first.geometry, 14);
  }

  discard(): void {
    this.#overlay.result(undefined);
    this.stage.set({ name: "selecting" });
  }

  async apply(id: number): Promise<ChangeSet> {
    const changeSet = await apply(id);
    this.#overlay.result(undefined);
    this.#overlay.selected([]);
    this.selection.set([]);
    await this.units.load();
    this.stage.set({ name: "applied", changeSet });
    return changeSet;
  }

  async undo(id: number): Promise<void> {
    await undo(id);
    this.clear();
    await this.units.load();
  }

  zoomTo(unit: Unit): void {
    flyTo(this.#console, unit.geometry, 17);
  }

  end(): void {
    this.#drawing?.stop();
    this.units.stop();
    this.#unlisten();
    this.#console.map.off("click", this.#pick);
    this.#console.map.off("moveend", this.#load);
    this.#overlay.remove();
  }
}
