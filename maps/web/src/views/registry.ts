/** The views by name. Each is loaded when it is opened for the first time. */
import type { TemplateResult } from "lit";
import type { RouteTo, View } from "../address/address";
import type { Console } from "../console";

export interface ViewModule<V extends View> {
  view: (to: RouteTo<V>, parts: Console) => TemplateResult;
  /** What stands there until the map is ready; without it, that it is loading. */
  early?: (city: string) => TemplateResult;
}

/** A view with its texts, which come beside it. */
async function withTexts<V extends View>(view: Promise<ViewModule<V>>): Promise<ViewModule<V>> {
  const [opened] = await Promise.all([view, import("../texts/messages")]);
  return opened;
}

export const VIEWS: { [V in View]: () => Promise<ViewModule<V>> } = {
  overview: () => withTexts(import("./overview")),
  account: () => withTexts(import("./account")),
  alerts: () => withTexts(import("./alerts")),
  alert: () => withTexts(import("./card")),
  cases: () => withTexts(import("./cases")),
  case: () => withTexts(import("./case")),
  intake: () => withTexts(import("./intake")),
  clue: () => withTexts(import("./clue")),
  dispatches: () => withTexts(import("./dispatches")),
  assign: () => withTexts(import("./assign")),
  edit: () => withTexts(import("./editing/edit")),
  imports: () => withTexts(import("./imports")),
  webhooks: () => withTexts(import("./webhooks")),
  figures: () => withTexts(import("./figures")),
  registers: () => withTexts(import("./registers")),
  unplaced: () => withTexts(import("./unplaced")),
  sources: () => withTexts(import("./sources")),
  runs: () => withTexts(import("./runs")),
  models: () => withTexts(import("./models")),
  proposals: () => withTexts(import("./duty_proposals")),
};
