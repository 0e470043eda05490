/** Which base maps there are, and which one is shown: kept in the address. */
import { address, put } from "../address/router";
import type { ConsoleSettings } from "../core/types";
import { Value } from "../core/value";

export type OfferedMap = ConsoleSettings["base_maps"][number];

/** What the installation offers beside nothing and the roads. */
export const offered = new Value<readonly OfferedMap[]>([]);

/** Which base map is shown: `none`, `roads`, or the id of an offered one; the first one when nothing was chosen. */
export function baseChosen(): string {
  const asked = address.get().base;
  const known = asked === "none" || asked === "roads" || offered.get().some((each) => each.id === asked);
  return asked !== null && known ? asked : (offered.get()[0]?.id ?? "roads");
}

export function offeredChosen(): OfferedMap | undefined {
  return offered.get().find((each) => each.id === baseChosen());
}

export function chooseBase(base: string): void {
  put({ base });
}
