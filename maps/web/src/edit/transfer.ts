/** Giving unit grids to a neighbouring community. */
import type { Operation } from "../core/edit_types";
import type { Unit } from "./units";

export function transfer(areaIds: readonly number[], communityId: number, partsReason = ""): Operation {
  return {
    op: "transfer",
    area_ids: [...areaIds],
    community_id: communityId,
    ...(partsReason && { parts_reason: partsReason }),
  };
}

/** Whether the community may take them, as far as the browser knows: they are not its own already. */
export function takes(units: readonly Unit[], communityId: number): boolean {
  return units.length > 0 && units.every((each) => each.properties.parent_id !== communityId);
}
