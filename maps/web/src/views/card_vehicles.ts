/** Different vehicles at the site of an alert, and where they fell silent or met. */
import { html, nothing, type TemplateResult } from "lit";
import { flyTo, type Console } from "../console";
import type { CallerCount, NearEncounter, NearSilence, Caller, SiteVehicles } from "../core/types";
import type { ListedPlace } from "../map/mark";
import { day, duration, label, number, shortTime, span } from "../texts/format";
import { t, term } from "../texts/text";
import { type Content, empty, facts } from "./pieces";

const SHOWN = 5;

/** Places of the silences and encounters, for the map. */
export function placesOf({ silences, encounters }: SiteVehicles): ListedPlace[] {
  return [
    ...silences.map(({ geometry }) => ({ kind: "silence" as const, geometry })),
    ...encounters.map(({ geometry }) => ({ kind: "encounter" as const, geometry })),
  ];
}

function countRow(each: CallerCount): [string, Content] {
  const kind = term("vehicle_kind", each.kind);
  if (each.left_out === null)
    return [kind, t("card.counted", { vehicles: each.vehicles, days: each.days, hours: number(each.hours, 1) })];
  const words = t("card.left_out_count", { vehicles: each.vehicles, visits: each.visits });
  return [kind, label(t("card.left_out", { reason: term("excluded", each.left_out) }), words)];
}

function callerRow(each: Caller): TemplateResult {
  const out = each.left_out;
  return html`
    <tr
      class=${out ? "excluded" : ""}
      data-caller=${each.vehicle_id}
      title=${out ? t("card.left_out", { reason: term("excluded", out) }) : ""}
    >
      <td>${each.plate_masked ?? each.vehicle_id}</td>
      <td class="num">${each.days}</td>
      <td class="num">${number(each.hours, 1)}</td>
      <td>${day(each.last_day)}</td>
    </tr>
  `;
}

function callerTable(callers: readonly Caller[]): TemplateResult {
  const head = ["card.plate", "card.days", "card.hours", "card.newest"] as const;
  return html`
    <div class="scroll callers" tabindex="0" role="region" aria-label=${t("card.callers")}>
      <table>
        <thead>
          <tr>
            ${head.map((key) => html`<th scope="col">${t(key)}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${callers.map(callerRow)}
        </tbody>
      </table>
    </div>
  `;
}

function placeRow(parts: Console, place: ListedPlace, name: string, words: string, more: string): TemplateResult {
  return html`
    <li>
      <button type="button" class="place-row" data-place=${name} @click=${() => flyTo(parts, place.geometry, 16)}>
        <i class="place-dot ${place.kind}"></i>
        <span>${words}<small>${more}</small></span>
      </button>
    </li>
  `;
}

function silenceRow(parts: Console, each: NearSilence): TemplateResult {
  const counts = each.left_out
    ? t("card.left_out", { reason: term("silence_left_out", each.left_out) })
    : t("card.counts", { n: number(each.weight, 2) });
  const words = `${each.plate_masked ?? each.vehicle_id} · ${shortTime(each.began_at)} · ${duration(each.duration_s)}`;
  const more = `${t("card.away", { m: number(each.distance_m) })} · ${counts}`;
  return placeRow(parts, { kind: "silence", geometry: each.geometry }, `silence/${each.id}`, words, more);
}

function encounterRow(parts: Console, each: NearEncounter): TemplateResult {
  const pair = `${each.plate_masked_a ?? each.vehicle_a} · ${each.plate_masked_b ?? each.vehicle_b}`;
  const more = [
    shortTime(each.started_at),
    duration(each.duration_s),
    term("encounter_kind", each.kind),
    t("card.away", { m: number(each.distance_m) }),
  ].join(" · ");
  return placeRow(parts, { kind: "encounter", geometry: each.geometry }, `encounter/${each.id}`, pair, more);
}

/** The first rows, and the others behind a click. */
function shortList(title: string, rows: readonly TemplateResult[], ofAll: number): Content {
  if (!rows.length) return nothing;
  const rest = rows.slice(SHOWN);
  return html`
    <h4>${title}</h4>
    <ul class="plain places">${rows.slice(0, SHOWN)}</ul>
    ${
      rest.length
        ? html`<details>
            <summary>${t("card.more", { n: rest.length })}</summary>
            <ul class="plain places">${rest}</ul>
          </details>`
        : nothing
    }
    ${ofAll > rows.length ? html`<p class="muted">${t("card.shown_of", { n: rows.length, of: ofAll })}</p>` : nothing}
  `;
}

export function vehicleRows(parts: Console, found: SiteVehicles): Content {
  const callers = found.callers.length
    ? [html`<div class="counts">${facts(found.counts.map(countRow))}</div>`, callerTable(found.callers)]
    : empty(t("card.no_visits"));
  return [
    html`<p class="muted">${span(day(found.from_at), day(found.to_at))}</p>`,
    callers,
    found.callers.length ? html`<p class="muted">${t("card.habits")}</p>` : nothing,
    shortList(
      t("card.silences", { n: found.silences_of_all }),
      found.silences.map((each) => silenceRow(parts, each)),
      found.silences_of_all,
    ),
    shortList(
      t("card.encounters", { n: found.encounters_of_all }),
      found.encounters.map((each) => encounterRow(parts, each)),
      found.encounters_of_all,
    ),
  ];
}
