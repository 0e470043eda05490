/** Hits of the search: what they say, and where they lead. */
import { go, put } from "../address/router";
import { get } from "../core/api";
import { tell } from "../core/notices";
import type { components } from "../core/types";
import { flyTo, type Console } from "../console";
import { number } from "../texts/format";
import { pick, t, term } from "../texts/text";

export type SearchAnswer = components["schemas"]["SearchAnswer"];
export type SearchGroup = components["schemas"]["SearchGroup"];
export type SearchHit = components["schemas"]["SearchHit"];

const SITE_ZOOM = 15;
const GRID_ZOOM = 16;

/** How the group is called, and how many there are. */
export function groupTitle({ group, count, more }: SearchGroup): string {
  return group === "coordinates"
    ? t("search.coordinates")
    : `${t(`search.${group}`)} ${number(count)}${more ? "+" : ""}`;
}

export function hitTitle(hit: SearchHit): string {
  if (hit.kind === "coordinate") return `${hit.lon?.toFixed(6)}, ${hit.lat?.toFixed(6)}`;
  if (hit.kind === "case") return hit.key;
  if (hit.kind === "alert") return `${pick({ zh: hit.title, en: hit.title_en ?? "" })} #${hit.key}`;
  return hit.title;
}

/** Why it was found; empty where its own words show it. */
function reasonOf({ matched_by: by }: SearchHit): string {
  switch (by) {
    case "name":
    case "code":
    case "site_id":
    case "number":
    case "vehicle_id":
    case "coordinates":
      return "";
    default:
      return t(`search.by_${by}`);
  }
}

/** What tells it from others of that name, and why it was found when its name does not show it. */
export function hitAbout(hit: SearchHit, first: SearchHit | undefined): string {
  const reason = reasonOf(hit);
  const where = hit.within.join(" · ");
  const joined = (...parts: (string | null | undefined)[]) => parts.filter(Boolean).join(" · ");
  switch (hit.kind) {
    case "coordinate":
      return joined(
        t(`search.crs_${hit.crs ?? "wgs84"}`),
        t(`search.${hit.order ?? "lon_lat"}`),
        hit === first ? t("search.taken") : t("search.metres", { metres: number(Math.round(hit.distance_m ?? 0)) }),
      );
    case "site":
      return joined(term("status", hit.state), where, hit.key, reason);
    case "case":
      return joined(pick({ zh: hit.title, en: hit.title_en ?? "" }), term("state", hit.state));
    case "alert":
      return joined(where);
    case "vehicle":
      return joined(hit.key, reason);
    case "road":
    case "waterway":
      return joined(t(`search.${hit.kind}`), reason);
    default:
      return joined(
        term("kind", hit.kind),
        where,
        /^\d/.test(hit.key) && !hit.key.includes(",") ? hit.key : null,
        reason,
      );
  }
}

/** Open what a hit names. */
export async function openHit(parts: Console | null, hit: SearchHit): Promise<void> {
  const place = hit.lon === null || hit.lat === null ? null : { lon: hit.lon, lat: hit.lat };
  const point = place && { type: "Point" as const, coordinates: [place.lon, place.lat] };
  if (hit.kind === "case") return go({ view: "case", number: hit.key });
  if (hit.kind === "alert") return go({ view: "alert", id: Number(hit.key) });
  if (hit.kind === "vehicle") return openVehicle(parts, hit);
  if (hit.kind === "coordinate" && place) go({ view: "assign", place });
  else if (hit.kind === "site" && place && hit.id) put({ picked: { collection: "sites", ids: [hit.id], ...place } });
  else if (hit.kind === "site") return go({ view: "unplaced" });
  if (!parts) return;
  const [west, south, east, north] = hit.bbox ?? [];
  if (west === undefined || south === undefined || east === undefined || north === undefined)
    return flyTo(parts, point, SITE_ZOOM);
  const box = {
    type: "LineString" as const,
    coordinates: [
      [west, south],
      [east, north],
    ],
  };
  flyTo(parts, box, GRID_ZOOM);
}

/** Draw the last day on which the vehicle was heard of. */
async function openVehicle(parts: Console | null, hit: SearchHit): Promise<void> {
  if (!parts) return;
  const last = await get<{ from: string | null; to: string | null; fix_count: number }>(
    `v1/vehicles/${encodeURIComponent(hit.key)}/track`,
  );
  if (!last.fix_count || !last.from || !last.to) return tell(() => t("search.no_fixes", { vehicle: hit.title }));
  const shown = await parts.track.show({ vehicle: hit.key, from: last.from, to: last.to }, hit.title);
  const lines = shown.answer.features.find((each) => each.properties?.kind === "track")?.geometry;
  flyTo(parts, lines ?? null);
}
