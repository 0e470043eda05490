/** The views by name. Each is loaded when it is opened for the first time. */
import type { TemplateResult } from "lit";
import type { RouteTo, View } from "../address/address";
import type { Console } from "../console";

export interface ViewModule<V extends View> {
  view: (to: RouteTo<V>, parts: Console) => TemplateResult;
  /** What stands there until the map is ready; without it, that it is loading. */
  early?: (city: string) => TemplateResult;
}

export const VIEWS: { [V in View]: () => Promise<ViewModule<V>> } = {
  overview: () => import("./overview"),
  account: () => import("./account"),
  alerts: () => import("./alerts"),
  alert: () => import("./card"),
  cases: () => import("./cases"),
  case: () => import("./case"),
  intake: () => import("./intake"),
  clue: () => import("./clue"),
  dispatches: () => import("./dispatches"),
  assign: () => import("./assign"),
  edit: () => import("./editing/edit"),
  imports: () => import("./imports"),
  webhooks: () => import("./webhooks"),
  figures: () => import("./figures"),
  registers: () => import("./registers"),
  runs: () => import("./runs"),
  proposals: () => import("./duty_proposals"),
};
