/** The fence of an alert: what it is, and which vehicles broke its rule, when and where. */
import { html, nothing, type TemplateResult } from "lit";
import { flyTo, type Console } from "../console";
import { may } from "../core/session";
import type { AlertFence, FenceBreach, FenceBreaches, FenceVehicle } from "../core/types";
import type { ListedPlace } from "../map/mark";
import { day, duration, number, shortTime, span } from "../texts/format";
import { pick, t, term } from "../texts/text";
import { busy, empty, type Content } from "./pieces";

const SHOWN = 10;
const TRACK_MARGIN_MS = 3 * 3_600_000;
const SAY = {
  fence: { zh: "围栏", en: "Fence" },
  rule: { zh: "规则", en: "Rule" },
  basis: { zh: "依据", en: "Legal basis" },
  exempt: { zh: "获准车船", en: "With leave" },
  vehicles: { zh: "违规车船（不重复计）", en: "Different vehicles in breach" },
  breaches: { zh: "违规", en: "Breaches" },
  by_vehicle: { zh: "按车船", en: "By vehicle" },
  list: { zh: "违规记录", en: "List of breaches" },
  none: { zh: "没有违规记录。", en: "No breaches." },
  leave: { zh: "获准进入，不计入", en: "has leave, does not count" },
  scope: { zh: "只列出本账户辖区内的违规。", en: "Only breaches within this account's area are listed." },
  open: { zh: "未结束", en: "goes on" },
} as const;
const RULES: Readonly<Record<string, { zh: string; en: string }>> = {
  forbid_enter: { zh: "禁入", en: "must not enter" },
  forbid_leave: { zh: "禁出", en: "must not leave" },
  dwell_limit: { zh: "限停", en: "must not stay" },
};

/** The fence and the places of the breaches that count, for the map. */
export function placesOfFence(fence: AlertFence, found: FenceBreaches): ListedPlace[] {
  return [
    { kind: "fence", geometry: fence.boundary },
    ...found.breaches.filter((each) => !each.exempt).map(({ geometry }) => ({ kind: "breach" as const, geometry })),
  ];
}

export function fenceFacts(fence: AlertFence): [string, Content][] {
  const rule = RULES[fence.rule];
  return [
    [pick(SAY.fence), fence.fence_id],
    [pick(SAY.rule), rule ? pick(rule) : fence.rule],
    [pick(SAY.basis), fence.legal_basis],
    [pick(SAY.exempt), fence.exempt ? number(fence.exempt) : null],
  ];
}

export const fenceTitle = (): string => pick(SAY.vehicles);

function vehicleRow(each: FenceVehicle): TemplateResult {
  return html`
    <tr class=${each.exempt ? "excluded" : ""} data-vessel=${each.vehicle_id} title=${each.exempt ? pick(SAY.leave) : ""}>
      <td>${each.plate_masked ?? each.vehicle_id}</td>
      <td class="num">${number(each.breaches)}</td>
      <td class="num">${number(each.days)}</td>
      <td class="num">${number(each.hours, 1)}</td>
      <td>${day(each.last_day)}</td>
    </tr>
  `;
}

function vehicleTable(found: readonly FenceVehicle[]): TemplateResult {
  const head = [t("card.plate"), pick(SAY.breaches), t("card.days"), t("card.hours"), t("card.newest")];
  return html`
    <div class="scroll callers" tabindex="0" role="region" aria-label=${pick(SAY.by_vehicle)}>
      <table>
        <thead>
          <tr>
            ${head.map((each) => html`<th scope="col">${each}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${found.map(vehicleRow)}
        </tbody>
      </table>
    </div>
  `;
}

async function showTrack(parts: Console, breach: FenceBreach): Promise<void> {
  const from = new Date(Date.parse(breach.started_at) - TRACK_MARGIN_MS).toISOString();
  const to = new Date(Date.parse(breach.ended_at) + TRACK_MARGIN_MS).toISOString();
  const asked = { vehicle: breach.vehicle_id, from, to };
  const shown = await parts.track.show(asked, breach.plate_masked ?? breach.vehicle_id);
  flyTo(parts, shown.answer.features.find((each) => each.geometry)?.geometry, 14);
}

function breachRow(parts: Console, each: FenceBreach): TemplateResult {
  const track = (): Promise<void> => showTrack(parts, each);
  const more = [
    duration(each.duration_s),
    term("vehicle_kind", each.kind),
    each.open && pick(SAY.open),
    each.exempt && pick(SAY.leave),
  ];
  return html`
    <li class="breach">
      <button
        type="button"
        class="place-row"
        data-breach=${each.id}
        @click=${() => flyTo(parts, each.geometry, 14)}
      >
        <i class="place-dot breach"></i>
        <span>
          ${each.plate_masked ?? each.vehicle_id} · ${shortTime(each.started_at)}
          <small>${more.filter(Boolean).join(" · ")}</small>
        </span>
      </button>
      ${
        may("read_tracks")
          ? html`<button type="button" class="small" data-track=${each.vehicle_id} @click=${busy(track)}>
              ${t("card.track")}
            </button>`
          : nothing
      }
    </li>
  `;
}

export function breachRows(parts: Console, found: FenceBreaches): Content {
  if (!found.breaches.length) return [empty(pick(SAY.none)), html`<p class="muted">${pick(SAY.scope)}</p>`];
  const rows = found.breaches.map((each) => breachRow(parts, each));
  const rest = rows.slice(SHOWN);
  return [
    html`<p class="muted">${span(day(found.from_at), day(found.to_at))} · ${pick(SAY.scope)}</p>`,
    vehicleTable(found.vehicles),
    html`<track-panel .track=${parts.track}></track-panel>`,
    html`<h4>${pick(SAY.list)}</h4>
      <ul class="plain places">
        ${rows.slice(0, SHOWN)}
      </ul>`,
    rest.length
      ? html`<details>
          <summary>${t("card.more", { n: rest.length })}</summary>
          <ul class="plain places">${rest}</ul>
        </details>`
      : nothing,
    found.breaches_of_all > rows.length
      ? html`<p class="muted">${t("card.shown_of", { n: rows.length, of: found.breaches_of_all })}</p>`
      : nothing,
  ];
}

/** What would settle an alert: it may go up or down. */
export function settleTitle(): string {
  return pick({ zh: "哪些情况可以查清（可升可降）", en: "What would settle it, up or down" });
}
