/** The draft on the server: saved as it is made, with the version that was read, so that two tabs do not overwrite each other. */
import { get, post, Problem, removeVersion, send } from "../core/api";
import { complain } from "../core/notices";
import type { DraftBody, DraftDocument, DraftFacts } from "../core/types";
import { Value } from "../core/value";
import { EMPTY, keep, kept, type KeptAs, type Sheet } from "./steps";

/** Time for a burst of keys and steps before they are sent. */
const SETTLE_MS = 700;
const AGAIN_MS = 10_000;

export type Saving =
  | { name: "none" }
  | { name: "saving" }
  | { name: "saved"; at: string }
  /** Not on the server yet: it stays in this tab and is sent again. */
  | { name: "here"; error: unknown }
  /** Another tab or device saved it meanwhile. */
  | { name: "overtaken"; version: number }
  /** Somebody else's, to look at. */
  | { name: "others"; owner: string };

const tag = (version: number): Record<string, string> => ({ "If-Match": `"${version}"` });

function isEmpty(sheet: Sheet): boolean {
  return !sheet.steps.length && !sheet.undone.length && !sheet.title && !sheet.reason;
}

/** The draft as a sheet. */
export function sheetOf(draft: DraftDocument): Sheet {
  const steps = (some: DraftDocument["steps"]): Sheet["steps"] =>
    some.map(({ operation, zones, target }) => ({ operation, zones: zones ?? [], ...(target && { target }) }));
  return {
    steps: steps(draft.steps),
    undone: steps(draft.undone),
    title: draft.title,
    reason: draft.reason,
    day: draft.effective_on ?? "",
    keepCodes: draft.keep_codes,
  };
}

export class DraftKeeper {
  readonly saving = new Value<Saving>({ name: "none" });
  /** The draft that is open; null: nothing is stored yet. */
  readonly open = new Value<DraftFacts | null>(null);
  /** How often a draft was deleted here. */
  readonly deletions = new Value(0);
  readonly #username: string;
  #sheet: Sheet = EMPTY;
  #as: KeptAs | null = null;
  #timer = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(username: string) {
    this.#username = username;
    window.addEventListener("online", this.#again);
  }

  /** The sheet of this tab, as it was left; what the server has of it follows. */
  start(): Sheet {
    const [sheet, as] = kept(this.#username);
    this.#sheet = sheet;
    this.#as = as;
    return sheet;
  }

  /** Whether the sheet may be changed: somebody else's draft may not. */
  get readOnly(): boolean {
    return this.saving.get().name === "others";
  }

  /** Take over what another tab or device made of the draft of this tab; null: nothing newer is stored. */
  async newer(): Promise<Sheet | null> {
    if (!this.#as) {
      if (!isEmpty(this.#sheet)) this.#later(0);
      return null;
    }
    try {
      const stored = await this.#get(this.#as.id);
      this.open.set(stored);
      if (stored.version === this.#as.version) {
        if (this.#as.dirty) this.#later(0);
        else this.saving.set({ name: "saved", at: stored.changed_at });
        return null;
      }
      if (this.#as.dirty) {
        this.saving.set({ name: "overtaken", version: stored.version });
        return null;
      }
      return this.#adopt(stored);
    } catch (error) {
      if (error instanceof Problem && error.status === 404) this.#forget(!isEmpty(this.#sheet));
      else this.#failed(error);
      return null;
    }
  }

  /** Keep what was drawn: in this tab at once, on the server soon. */
  save(sheet: Sheet): void {
    this.#sheet = sheet;
    const begun = this.#as !== null || !isEmpty(sheet);
    this.#keepHere(begun);
    if (begun && this.saving.get().name !== "overtaken") this.#later(SETTLE_MS);
  }

  /** Open a draft: the own one to go on with, another's to look at. */
  async read(id: number): Promise<Sheet> {
    await this.#flush();
    return this.#adopt(await this.#get(id));
  }

  /** Read what the other tab saved; what was drawn here since is given up. */
  async readStored(): Promise<Sheet> {
    return this.#adopt(await this.#get(this.#as?.id ?? 0));
  }

  /** Go on with what was drawn here, as a draft of its own. */
  async saveAsCopy(): Promise<void> {
    this.#as = null;
    this.saving.set({ name: "saving" });
    await this.#store();
  }

  /** Copy somebody else's draft to an own one. */
  async copy(): Promise<Sheet> {
    const id = this.open.get()?.id ?? 0;
    return this.#adopt(await post<DraftDocument>(`v1/drafts/${id}/copy`));
  }

  async share(shared: boolean): Promise<void> {
    const open = this.open.get();
    if (!open) return;
    this.open.set({ ...open, shared });
    this.#keepHere(true);
    await this.#flush();
  }

  /** Put the sheet away for a new one; the draft stays in the list. */
  async leave(): Promise<void> {
    if (!this.readOnly) await this.#flush();
    this.#forget(false);
  }

  /** Delete the open draft: it was handed in, or is not wanted. */
  async discard(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#running;
    const as = this.#as;
    const others = this.readOnly;
    this.#forget(false);
    if (!as || others) return;
    await removeVersion(`v1/drafts/${as.id}`, tag(as.version)).catch(complain);
    this.deletions.set(this.deletions.get() + 1);
  }

  async list(signal?: AbortSignal): Promise<DraftFacts[]> {
    return (await get<{ drafts: DraftFacts[] }>("v1/drafts?shared=true&limit=200", signal)).drafts;
  }

  async delete(draft: DraftFacts): Promise<void> {
    if (draft.id === this.#as?.id) return this.discard();
    await removeVersion(`v1/drafts/${draft.id}`, tag(draft.version));
  }

  end(): void {
    window.removeEventListener("online", this.#again);
    clearTimeout(this.#timer);
    if (this.#as?.dirty && !this.readOnly) void this.#flush();
  }

  readonly #again = (): void => {
    if (this.saving.get().name === "here") this.#later(0);
  };

  #get(id: number): Promise<DraftDocument> {
    return get<DraftDocument>(`v1/drafts/${id}`);
  }

  #adopt(draft: DraftDocument): Sheet {
    clearTimeout(this.#timer);
    const sheet = sheetOf(draft);
    this.#sheet = sheet;
    this.open.set(draft);
    this.#as = draft.mine ? { id: draft.id, version: draft.version, dirty: false } : null;
    this.saving.set(draft.mine ? { name: "saved", at: draft.changed_at } : { name: "others", owner: draft.owner });
    if (draft.mine) keep(this.#username, sheet, this.#as);
    return sheet;
  }

  #forget(again: boolean): void {
    clearTimeout(this.#timer);
    this.#as = null;
    this.open.set(null);
    this.saving.set({ name: "none" });
    if (again) {
      this.#later(0);
    } else {
      this.#sheet = EMPTY;
      keep(this.#username, EMPTY, null);
    }
  }

  #keepHere(dirty: boolean): void {
    if (this.#as) this.#as = { ...this.#as, dirty };
    keep(this.#username, this.#sheet, this.#as);
  }

  #later(ms: number): void {
    if (this.readOnly) return;
    clearTimeout(this.#timer);
    if (this.saving.get().name !== "here") this.saving.set({ name: "saving" });
    this.#timer = window.setTimeout(() => void this.#flush(), ms);
  }

  /** Send what is not sent; one request follows the other. */
  async #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#running = this.#running.then(async () => {
      const waits = this.#as ? this.#as.dirty : !isEmpty(this.#sheet);
      if (waits && !this.readOnly && this.saving.get().name !== "overtaken") await this.#store();
    });
    await this.#running;
  }

  async #store(): Promise<void> {
    const [sent, as] = [this.#sheet, this.#as];
    try {
      const body = this.#body(sent);
      const stored = await (as
        ? send<DraftDocument>("PUT", `v1/drafts/${as.id}`, body, tag(as.version))
        : post<DraftDocument>("v1/drafts", body));
      if (this.#as?.id !== as?.id) return;
      this.#as = { id: stored.id, version: stored.version, dirty: this.#sheet !== sent };
      this.open.set(stored);
      keep(this.#username, this.#sheet, this.#as);
      if (this.#as.dirty) this.#later(SETTLE_MS);
      else this.saving.set({ name: "saved", at: stored.changed_at });
    } catch (error) {
      this.#failed(error);
    }
  }

  #body({ steps, undone, title, reason, day, keepCodes }: Sheet): DraftBody {
    const open = this.open.get();
    return {
      name: title ? "" : (open?.name ?? ""),
      steps: steps as NonNullable<DraftBody["steps"]>,
      undone: undone.slice(0, 100) as NonNullable<DraftBody["undone"]>,
      title,
      reason,
      effective_on: day || null,
      keep_codes: keepCodes,
      shared: open?.shared ?? false,
    };
  }

  #failed(error: unknown): void {
    if (error instanceof Problem && error.kind === "version-conflict") {
      this.saving.set({ name: "overtaken", version: Number(error.body.version ?? 0) });
    } else if (error instanceof Problem && error.status === 404 && this.#as) {
      this.#as = null;
      this.#later(0);
    } else {
      this.saving.set({ name: "here", error });
      clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => void this.#flush(), AGAIN_MS);
    }
  }
}
