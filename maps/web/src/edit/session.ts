/** One sitting at the grid editor: the change set being drawn up, what the server says of it, and what the map shows. */
import type { Feature, Geometry } from "geojson";
import { allItems, isAbort, itemsPath } from "../core/api";
import { complain, tell } from "../core/notices";
import { today } from "../texts/format";
import { session } from "../core/session";
import type { Trial } from "../core/edit_types";
import type { AreaProperties, ChangeSetDocument, PartitionDifference } from "../core/types";
import { Value } from "../core/value";
import { fitTo, flyTo, inView, type Console } from "../console";
import { lastChange } from "../live/changes";
import { t } from "../texts/text";
import { areasById, followed } from "./area_versions";
import { DraftKeeper } from "./drafts";
import { concerned } from "./concerned";
import { inheritedFates, withFates } from "./fates";
import { Guides } from "./guides";
import { isRedo, isUndo, isWriting } from "./keys";
import { Overlay } from "./overlay";
import { allCarriedOver, nameOf } from "./rebase";
import {
  added,
  doneAgain,
  effectiveAt,
  EMPTY,
  isPast,
  madeBy,
  operandIds,
  plain,
  takenBack,
  targetId,
  type Sheet,
  type Step,
} from "./steps";
import { Tools } from "./tools";
import {
  approve,
  changeSet as readChangeSet,
  draft,
  preview,
  turnDown,
  undo,
  type Answer,
  type Asked,
  type Conflict,
  type Refusal,
} from "./transact";
import { Units } from "./units";

export type Outcome =
  | { name: "none" }
  | { name: "waiting" }
  | { name: "preview"; trial: Trial }
  | { name: "refused"; refusal: Refusal; attempt: Step | null }
  /** Somebody was faster. `stored`: it hit a draft that is being reviewed, not the one being drawn up. */
  | { name: "conflict"; conflict: Conflict; attempt: Step | null; stored: ChangeSetDocument | null }
  /** The server could not be asked: nothing is lost, it can be asked again. */
  | { name: "unchecked"; error: unknown }
  | { name: "review"; changeSet: ChangeSetDocument }
  | { name: "submitted"; changeSet: ChangeSetDocument }
  | { name: "applied"; changeSet: ChangeSetDocument };

/** What of a change the map shows: as it is, as it would be, or one over the other. */
export type Side = "both" | "before" | "after" | "swipe";

const NONE: Outcome = { name: "none" };
/** Time for a burst of changes to arrive, and for one's own answer. */
const SETTLE_MS = 800;
const MOST_CHOSEN = 200;

export class EditSession {
  readonly outcome = new Value<Outcome>(NONE);
  readonly sheet: Value<Sheet>;
  readonly drafts: DraftKeeper;
  /** What of a change the map shows. */
  readonly side = new Value<Side>("both");
  /** Kind of the own area; null: the whole city, or not known yet. */
  readonly scope = new Value<AreaProperties["kind"] | null>(null);
  readonly units: Units;
  readonly tools: Tools;
  readonly guides: Guides;
  readonly #console: Console;
  readonly #overlay: Overlay;
  #asking: AbortController | null = null;
  #settling = 0;
  readonly #unlisten: () => void;

  constructor(console: Console) {
    this.#console = console;
    this.units = new Units(console.map);
    this.#overlay = new Overlay(console.map);
    this.guides = new Guides(console.map);
    this.drafts = new DraftKeeper(session.get().username ?? "");
    this.sheet = new Value(this.drafts.start());
    this.tools = new Tools(
      console,
      this.units,
      this.#overlay,
      (step) => this.add(step),
      () => this.sheet.get().steps.map((each) => each.operation),
      () => this.guides.targets(),
    );
    console.map.on("moveend", this.#load);
    window.addEventListener("keydown", this.#keys);
    this.#unlisten = lastChange.subscribe((change) => change?.layer === "areas" && this.#changedByOthers());
    this.#load();
    this.#findScope().catch(complain);
    if (this.sheet.get().steps.length) void this.check();
    this.drafts
      .newer()
      .then((sheet) => sheet && this.#adopt(sheet))
      .catch(complain);
  }

  /** Show a sheet that came from the server. */
  async #adopt(sheet: Sheet): Promise<void> {
    this.sheet.set(sheet);
    this.dismiss();
    await this.check();
    const outcome = this.outcome.get();
    if (outcome.name === "preview") await this.fit(outcome.trial);
  }

  /** Open a draft: the own one to go on with, another's to look at. */
  async openDraft(id: number): Promise<void> {
    if (this.drafts.open.get()?.id === id) return;
    this.tools.leave();
    await this.#adopt(await this.drafts.read(id));
  }

  /** Copy the draft that somebody shares, and go on with the copy. */
  async copyDraft(): Promise<void> {
    await this.#adopt(await this.drafts.copy());
  }

  /** Read what another tab or device saved of this draft. */
  async readStored(): Promise<void> {
    await this.#adopt(await this.drafts.readStored());
  }

  /** Begin another draft; this one stays in the list. */
  async newDraft(): Promise<void> {
    await this.drafts.leave();
    this.sheet.set(EMPTY);
    this.tools.select([]);
    this.dismiss();
  }

  /** Bring all that a change ends and begins into the view. */
  async fit({ operations, preview: seen }: Trial): Promise<void> {
    const shapes = (seen.result?.features ?? []).map((each) => each.geometry);
    const ids = operations.flatMap(operandIds).filter((id) => id > 0);
    const ended = await areasById([...new Set(ids)]);
    fitTo(this.#console, [...shapes, ...ended.map((each) => each.geometry)], 16.5);
  }

  /** Draw what differs between two days: what ended, and what began or has another border. */
  showDifference({ changes }: PartitionDifference): void {
    this.tools.leave();
    this.dismiss();
    const feature = ({ code, name, change, geometry }: PartitionDifference["changes"][number]): Feature => ({
      type: "Feature",
      properties: { code, name, fate: change === "changed" ? "changes" : "ends" },
      geometry: geometry as Geometry,
    });
    const ended = changes.filter((each) => each.change === "ended");
    const begun = changes.filter((each) => each.change !== "ended");
    this.#overlay.voided(ended.map(feature));
    this.#overlay.result({ type: "FeatureCollection", features: begun.map(feature) });
    fitTo(
      this.#console,
      changes.map((each) => each.geometry as Geometry),
      16,
    );
  }

  /** Show a place that a warning names. */
  lookAt(place: Geometry): void {
    this.#overlay.clash(place);
    flyTo(this.#console, place, 17);
  }

  show(side: Side): void {
    this.side.set(side);
    this.#overlay.side(side === "swipe" ? "both" : side);
    if (side !== "swipe") this.#overlay.swipe(null);
    else this.swipeTo(0.5);
  }

  /** Move the line between what is and what would be: 0 at the left edge of the free part of the map, 1 at the right one. */
  swipeTo(share: number): void {
    const { map, covered } = this.#console;
    const { left, right } = covered();
    const width = map.getContainer().clientWidth - left - right;
    this.#overlay.swipe(map.unproject([left + share * width, map.getContainer().clientHeight / 2]).lng);
  }

  async #findScope(): Promise<void> {
    const code = session.get().area?.code;
    if (!code) return;
    const [own] = await allItems<AreaProperties>(itemsPath("areas", { code, limit: 1 }), 1);
    this.scope.set(own?.properties.kind ?? null);
  }

  readonly #load = (): void => void this.units.load();

  #changedByOthers(): void {
    this.#load();
    clearTimeout(this.#settling);
    this.#settling = window.setTimeout(() => {
      if (this.sheet.get().steps.length && this.outcome.get().name === "preview") void this.check();
    }, SETTLE_MS);
  }

  readonly #keys = (event: KeyboardEvent): void => {
    if (isWriting() || this.tools.activity.get().name === "drawing") return;
    if (isUndo(event)) this.undoStep();
    else if (isRedo(event)) this.redoStep();
    else if (event.key === "Escape") this.#escape();
    else return;
    event.preventDefault();
  };

  #escape(): void {
    if (this.outcome.get().name === "waiting") this.#asking?.abort();
    else if (this.tools.activity.get().name !== "choosing") this.tools.leave();
    else this.tools.select([]);
  }

  /** Change what is said of the draft: title, reason, day. */
  write(part: Partial<Pick<Sheet, "title" | "reason" | "day" | "keepCodes">>): void {
    const before = this.sheet.get();
    this.#put({ ...before, ...part });
    const otherDay = part.day !== undefined && part.day !== before.day && !isPast(part.day, today());
    const other = otherDay || (part.keepCodes !== undefined && part.keepCodes !== before.keepCodes);
    if (other && before.steps.length) void this.check();
  }

  #put(sheet: Sheet): void {
    if (this.drafts.readOnly) {
      tell(() => t("edit.draft_read_only"), "bad");
      return;
    }
    this.drafts.save(sheet);
    this.sheet.set(sheet);
  }

  /** Take a step into the draft when the server finds nothing against it. */
  async add(step: Step): Promise<boolean> {
    if (this.tools.activity.get().name === "correcting") this.tools.leave();
    if (this.drafts.readOnly) {
      this.#overlay.sketch([]);
      tell(() => t("edit.draft_read_only"), "bad");
      return false;
    }
    await this.check(step);
    return this.outcome.get().name === "preview";
  }

  undoStep(): void {
    this.tools.pause();
    this.#put(takenBack(this.sheet.get()));
    void this.check();
  }

  redoStep(): void {
    this.tools.pause();
    this.#put(doneAgain(this.sheet.get()));
    void this.check();
  }

  /** Ask for the preview of the draft, with one more step when there is one to try. */
  async check(attempt: Step | null = null): Promise<void> {
    const tried = attempt ? added(this.sheet.get(), attempt) : this.sheet.get();
    this.#asking?.abort();
    this.#overlay.clash(null);
    this.show("both");
    if (!tried.steps.length) return this.dismiss();
    const asking = new AbortController();
    this.#asking = asking;
    this.outcome.set({ name: "waiting" });
    try {
      const answer = await preview(this.#asked(tried), asking.signal);
      if (this.#asking !== asking) return;
      if (!this.#taken(answer, attempt)) return;
      if (attempt) this.#put(tried);
      await this.#show(answer.done);
    } catch (error) {
      if (this.#asking !== asking) return;
      if (isAbort(error)) return this.outcome.set(NONE);
      if (attempt) this.#put(tried);
      complain(error);
      this.outcome.set({ name: "unchecked", error });
    }
  }

  #asked({ steps, day, title, reason, keepCodes }: Sheet): Asked {
    const from = effectiveAt(day, today());
    return {
      operations: steps.map((each) => each.operation),
      title,
      reason,
      keep_codes: keepCodes,
      ...(from && { effective_at: from }),
    };
  }

  /** Whether it was done; a refusal or a conflict is shown instead. */
  #taken<T>(answer: Answer<T>, attempt: Step | null, stored: ChangeSetDocument | null = null): answer is { done: T } {
    if ("done" in answer) return true;
    if ("refusal" in answer) this.#refused(answer.refusal, attempt);
    else this.outcome.set({ name: "conflict", conflict: answer.conflict, attempt, stored });
    return false;
  }

  #refused(refusal: Refusal, attempt: Step | null): void {
    this.#overlay.clash(refusal.clash);
    if (refusal.clash && !inView(this.#console, refusal.clash)) flyTo(this.#console, refusal.clash, 17.5);
    this.outcome.set({ name: "refused", refusal, attempt });
    if (attempt) this.tools.correct(attempt);
  }

  async #show(trial: Trial): Promise<void> {
    this.#overlay.sketch([]);
    this.units.after(trial.preview);
    this.tools.select([]);
    this.outcome.set({ name: "preview", trial });
    this.tools.goOn();
    await this.#draw(trial);
  }

  /** What ends, what begins, and the sites and cases in it, on the map. */
  async #draw({ operations, preview: seen }: Trial): Promise<void> {
    const drawing = new AbortController();
    this.#asking = drawing;
    this.#overlay.result(seen.result);
    try {
      const stored = operations.flatMap(operandIds).filter((id) => id > 0);
      const known = await areasById([...new Set(stored)], drawing.signal);
      const ended = withFates(known, operations);
      this.#overlay.voided(ended);
      this.#overlay.result(seen.result && inheritedFates(seen.result, ended));
      this.#overlay.concerned(
        await concerned(
          ended.map((each) => each.geometry),
          seen.open_cases ?? [],
          drawing.signal,
        ),
      );
    } catch (error) {
      complain(error);
    }
  }

  /** Try the refused step again, with a reason why its result may have several parts. */
  async addWithReason(step: Step, reason: string): Promise<void> {
    const { operation } = step;
    if (operation.op === "merge" || operation.op === "transfer" || operation.op === "reparent")
      await this.check({ ...step, operation: { ...operation, parts_reason: reason } });
  }

  /** Hand the draft in: it waits for approval, or is approved at once by whoever may. */
  async submit(approved: boolean): Promise<void> {
    this.tools.leave();
    const answer = await draft(this.#asked(this.sheet.get()));
    if (!this.#taken(answer, null)) return;
    await this.drafts.discard();
    this.sheet.set(EMPTY);
    if (approved) await this.approve(answer.done);
    else this.outcome.set({ name: "submitted", changeSet: answer.done });
  }

  /** Look at a change set that waits, whoever drew it. */
  async review(changeSet: ChangeSetDocument): Promise<void> {
    this.tools.leave();
    this.dismiss();
    this.outcome.set({ name: "review", changeSet });
    await Promise.all([this.#draw(changeSet), this.fit(changeSet)]);
  }

  /** Look at the change set with that number, in whatever state; null: at none. */
  async reviewById(id: number | null): Promise<void> {
    if (id === null) return this.dismiss();
    const found = await readChangeSet(id).catch(() => null);
    if (found) await this.review(found);
    else tell(() => t("edit.no_review", { id }), "bad");
  }

  /** Choose the unit grids with these codes that hold now. */
  async chooseByCodes(codes: readonly string[]): Promise<void> {
    if (!codes.length) return this.tools.select([]);
    const path = itemsPath("areas", { kind: "unit_grid", code: codes.join(","), limit: 1000 });
    this.tools.select(await allItems<AreaProperties>(path, MOST_CHOSEN));
  }

  async approve(changeSet: ChangeSetDocument): Promise<void> {
    const answer = await approve(changeSet.id);
    if (!this.#taken(answer, null, changeSet)) return;
    this.dismiss();
    this.tools.select([]);
    await this.units.load();
    this.outcome.set({ name: answer.done.status === "applied" ? "applied" : "submitted", changeSet: answer.done });
  }

  /** Turn down somebody's draft, or withdraw the own one. */
  async turnDown(changeSet: ChangeSetDocument, reason: string): Promise<void> {
    if (this.#taken(await turnDown(changeSet.id, reason), null, changeSet)) this.dismiss();
  }

  async undo(changeSet: ChangeSetDocument): Promise<boolean> {
    if (!this.#taken(await undo(changeSet.id), null, changeSet)) return false;
    this.dismiss();
    await this.units.load();
    return true;
  }

  /** Draw up the operations of a stored change set anew, on the areas of now. */
  async takeUp(changeSet: ChangeSetDocument): Promise<number> {
    const areas = new Map(
      (
        await areasById(
          changeSet.operations.flatMap((each) => [...operandIds(each), targetId(each) ?? 0]).filter((id) => id > 0),
        )
      ).map((each) => [Number(each.id), nameOf(each)]),
    );
    const named = (id: number): { id: number; code: string; name: string } =>
      areas.get(id) ?? { id, code: "", name: id < 0 ? t("edit.new_grid", { n: madeBy(id)?.step ?? "" }) : `#${id}` };
    const steps = changeSet.operations.map((each): Step => {
      const target = targetId(each);
      return {
        operation: plain(each),
        zones: operandIds(each).map(named),
        ...(target !== null && { target: named(target) }),
      };
    });
    await this.newDraft();
    this.#put({
      ...EMPTY,
      keepCodes: changeSet.keep_codes ?? false,
      steps,
      title: changeSet.title ?? "",
      reason: changeSet.reason ?? "",
    });
    return await this.carryOver(null);
  }

  /** Move every step over to the areas that hold now; gives how many could not be. They stay under "redo". */
  async carryOver(attempt: Step | null): Promise<number> {
    this.outcome.set({ name: "waiting" });
    const sheet = this.sheet.get();
    const steps = attempt ? [...sheet.steps, attempt] : sheet.steps;
    const ids = new Set(
      steps.flatMap(({ operation }) => [...operandIds(operation), targetId(operation) ?? 0]).filter((id) => id > 0),
    );
    const now = await followed([...ids]);
    const next = allCarriedOver(steps, (id) => now.get(id) ?? []);
    const lost = steps.filter((_, i) => next[i] === null);
    this.#put({ ...sheet, steps: next.filter((each) => each !== null), undone: [...lost, ...sheet.undone] });
    await this.units.load();
    await this.check();
    return lost.length;
  }

  /** What became of the change set that is looked at, when somebody else decided on it; null: nothing. */
  heard(changeSets: readonly ChangeSetDocument[]): ChangeSetDocument | null {
    const outcome = this.outcome.get();
    if (outcome.name !== "submitted" && outcome.name !== "review") return null;
    const now = changeSets.find((each) => each.id === outcome.changeSet.id);
    if (!now || now.status === outcome.changeSet.status) return null;
    this.dismiss();
    void this.units.load();
    if (now.status === "applied") this.outcome.set({ name: "applied", changeSet: now });
    else if (now.status === "approved") this.outcome.set({ name: "submitted", changeSet: now });
    return now;
  }

  /** Stop asking; the draft stays as it is. */
  stop(): void {
    this.#asking?.abort();
  }

  clearDraft(): void {
    this.drafts.discard().catch(complain);
    this.sheet.set(EMPTY);
    this.tools.select([]);
    this.dismiss();
  }

  /** Put away what the server said last; a draft that is being drawn up stays. */
  dismiss(): void {
    if (this.tools.activity.get().name === "correcting") this.tools.leave();
    this.#asking?.abort();
    this.#asking = null;
    this.units.after(null);
    this.show("both");
    this.#overlay.clearPreview();
    this.#overlay.sketch([]);
    this.#overlay.clash(null);
    this.outcome.set(NONE);
  }

  end(): void {
    this.#asking?.abort();
    clearTimeout(this.#settling);
    this.tools.end();
    this.drafts.end();
    this.guides.end();
    this.units.stop();
    this.#unlisten();
    window.removeEventListener("keydown", this.#keys);
    this.#console.map.off("moveend", this.#load);
    this.#overlay.remove();
  }
}
