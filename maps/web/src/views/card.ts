/** The evidence card of one alert. */
import { html, nothing, type TemplateResult } from "lit";
import { keyed } from "lit/directives/keyed.js";
import { live } from "lit/directives/live.js";
import { styleMap } from "lit/directives/style-map.js";
import type { RouteTo } from "../address/address";
import { linkTo, tabRoute } from "../address/router";
import "../charts/meter_chart";
import type { MeterChartInput } from "../charts/meter_chart";
import { get, post } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { tell } from "../core/notices";
import { may, session } from "../core/session";
import type { AlertOutcome, AlertScore, Evidence, EvidenceCard, Reopening, SiteVisit } from "../core/types";
import { written, type Written } from "../core/written";
import { flyTo, mark, pointOf, type Console } from "../console";
import { day, duration, fixed, label, list, percent, shortTime, signed, span, time } from "../texts/format";
import { pick, t, term } from "../texts/text";
import { confirmedShare } from "./calibration";
import { balanceRows } from "./card_balance";
import { breachRows, fenceFacts, fenceTitle, placesOfFence, settleTitle } from "./card_fence";
import { placesOf, vehicleRows } from "./card_vehicles";
import { notShown } from "./outside";
import { backLink, busy, download, empty, facts, follow, levelBadge, loaded, section, type Content } from "./pieces";
import "./track_panel";

const METERS = [
  ["power", "kWh"],
  ["water", "m³"],
  ["gas", "m³"],
] as const;
const DAILY_BASELINES = ["rise", "never_fell", "quiet"] as const;
const OUTCOMES = ["confirmed", "legal_use", "cannot_tell"] as const;
const TRACK_MARGIN_MS = 3 * 3_600_000;

function evidenceRow(item: Evidence, largest: number): TemplateResult {
  const share = largest > 0 ? Math.min(1, Math.abs(item.contribution) / largest) : 0;
  const sentence = pick({ zh: item.sentence_zh ?? "", en: item.sentence_en ?? "" }) || term("signal", item.signal);
  return html`
    <li class=${item.contribution < 0 ? "lowers" : ""}>
      <p>${sentence}</p>
      <div class="bar-line" title=${t("card.contribution")}>
        <span class="bar"><i style=${styleMap({ width: `${(share * 100).toFixed(1)}%` })}></i></span>
        <b>${signed(item.contribution, 2)}</b>
        ${item.family ? html`<small>${term("family", item.family)}</small>` : nothing}
      </div>
    </li>
  `;
}

function evidenceList(items: readonly Evidence[]): TemplateResult {
  if (!items.length) return empty(t("card.no_evidence"));
  const largest = Math.max(...items.map((each) => Math.abs(each.contribution)));
  return html`<ul class="evidence">${items.map((each) => evidenceRow(each, largest))}</ul>`;
}

/** The baseline that the model used for a meter, when the evidence names one. */
function baselineOf(card: EvidenceCard, kind: string): number | null {
  const of = (signals: readonly string[]) => card.evidence.find((each) => signals.includes(each.signal));
  const former = of(DAILY_BASELINES.map((name) => `${kind}_${name}`)); // of former models
  return of([`${kind}_use`])?.idle_level ?? former?.baseline ?? null;
}

/** The days between which the use of a meter rose, when the evidence names them. */
function startOf(card: EvidenceCard, kind: string): readonly [string, string] | null {
  const [first, last] = card.evidence.find((each) => each.signal === `${kind}_use`)?.started ?? [];
  return first && last ? [first, last] : null;
}

function meterCharts(card: EvidenceCard): Content {
  const there = METERS.filter(([kind]) => card.meters[kind]?.length);
  if (!there.length) return empty(t("chart.none"));
  return there.map(([kind, unit]) => {
    const input: MeterChartInput = {
      kind,
      unit,
      readings: card.meters[kind] ?? [],
      baseline: baselineOf(card, kind),
      closedOn: card.enterprise?.status === "operating" ? null : (card.enterprise?.status_since ?? null),
      started: startOf(card, kind),
    };
    return html`<meter-chart .input=${input}></meter-chart>`;
  });
}

async function showTrack(parts: Console, visit: SiteVisit): Promise<void> {
  const from = new Date(Date.parse(visit.entered_at) - TRACK_MARGIN_MS).toISOString();
  const to = new Date(Date.parse(visit.left_at) + TRACK_MARGIN_MS).toISOString();
  const shown = await parts.track.show({ vehicle: visit.vehicle_id, from, to }, visit.plate_masked ?? visit.vehicle_id);
  flyTo(parts, shown.answer.features.find((each) => each.geometry)?.geometry, 14);
}

function visitRow(parts: Console, visit: SiteVisit, tracks: boolean): TemplateResult {
  const seconds = (Date.parse(visit.left_at) - Date.parse(visit.entered_at)) / 1000;
  const out = visit.excluded_by;
  const track = (): Promise<void> => showTrack(parts, visit);
  return html`
    <tr
      class=${out ? "excluded" : ""}
      title=${out ? t("card.excluded", { reason: term("excluded", out) }) : ""}
    >
      <td>${visit.plate_masked ?? visit.vehicle_id}</td>
      <td>${shortTime(visit.entered_at)}</td>
      <td>${duration(seconds)}</td>
      <td class="num">${out ? "–" : percent(visit.share)}</td>
      ${
        tracks
          ? html`<td>
              <button type="button" class="small" data-track=${visit.vehicle_id} @click=${busy(track)}>
                ${t("card.track")}
              </button>
            </td>`
          : nothing
      }
    </tr>
  `;
}

function visitTable(parts: Console, visits: readonly SiteVisit[]): TemplateResult {
  if (!visits.length) return empty(t("card.no_visits"));
  const tracks = may("read_tracks");
  const head = ["card.plate", "card.entered", "card.length", "card.share"] as const;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label=${t("card.visit_table")}>
      <table class="visits">
        <thead>
          <tr>
            ${head.map((key) => html`<th scope="col">${t(key)}</th>`)}${tracks ? html`<th scope="col">${t("card.track")}</th>` : nothing}
          </tr>
        </thead>
        <tbody>
          ${visits.map((visit) => visitRow(parts, visit, tracks))}
        </tbody>
      </table>
    </div>
  `;
}

function changeRow(score: AlertScore): TemplateResult {
  const told = score.told && score.change !== "raised" ? html`<p>${pick(score.told)}</p>` : nothing;
  return html`
    <li data-change=${score.change}>
      <span class="row-head">
        ${levelBadge(score.level)}<b>${term("score_change", score.change)}</b>
        <span class="score">${fixed(score.score, 2)}</span>
      </span>
      ${told}
      <small>${time(score.at)}</small>
    </li>
  `;
}

function outcomeRow(found: AlertOutcome): TemplateResult {
  const judged = found.score === null ? "" : t("card.judged", { score: fixed(found.score, 2) });
  const by = [time(found.at), found.actor, judged].filter(Boolean).join(" · ");
  return html`
    <li data-outcome=${found.outcome}>
      <b>${term("outcome", found.outcome)}</b> <small>${by}</small>${found.note ? html`<p>${found.note}</p>` : nothing}
    </li>
  `;
}

/** What each outcome changes, told before one is recorded. */
function outcomeEffects(after: Reopening | null): TemplateResult {
  const back = after && [
    after.families.length
      ? t("card.after_family", { families: list(after.families.map((each) => term("family", each))) })
      : null,
    t("card.after_score", { score: fixed(after.score, 3) }),
    t("card.after_gone"),
  ];
  return html`
    <div class="effects">
      ${facts(OUTCOMES.map((each) => [term("outcome", each), t(`card.effect_${each}`)]))}
      ${
        after && back
          ? html`
              <p>${t("card.after", { day: after.later_than })}</p>
              <ul>
                ${back.filter(Boolean).map((each) => html`<li>${each}</li>`)}
              </ul>
            `
          : nothing
      }
    </div>
  `;
}

export class AlertCard extends Piece {
  static override properties = { parts: { attribute: false }, alertId: { attribute: false } };
  declare parts: Console;
  declare alertId: number;
  readonly #card = new Loading(
    this,
    async (signal) => {
      const card = await get<EvidenceCard>(`v1/alerts/${this.alertId}`, signal);
      const first = this.#card.value === undefined;
      const place = (card.site ?? card.fence)?.geometry;
      const point = place ? pointOf(place) : null;
      mark(
        this.parts,
        point,
        card.fence && card.breaches ? placesOfFence(card.fence, card.breaches) : placesOf(card.vehicles),
      );
      if (first && point && !this.parts.map.getBounds().contains(point)) flyTo(this.parts, place, card.fence ? 11 : 14);
      return card;
    },
    ["alerts"],
  );

  protected override follows() {
    return [session];
  }

  protected override render() {
    const list = tabRoute("alerts");
    if (this.#card.error !== undefined) {
      const what = t("name.alert", { id: this.alertId });
      return notShown(this.#card.error, what, { name: t("alerts"), to: list }, this.#card.again);
    }
    return html`${backLink(t("alerts"), list)}${loaded(this.#card, (card) => this.#body(card))}`;
  }

  #body(card: EvidenceCard): TemplateResult {
    const notices = card.notices ?? [];
    return html`
      <article class="card" data-card=${card.alert.id}>
        <header class="card-head">${levelBadge(card.level)}<h2>${card.enterprise?.name ?? card.fence?.name}</h2></header>
        <div class="score-line">
          <span class="big">${fixed(card.score, 2)}</span>
          <span>
            <b>${t("alert.clue")}</b><small>${t("card.raised", { time: time(card.alert.raised_at) })}</small>
            ${
              card.confirmed_share === null
                ? nothing
                : html`<small data-confirmed>${confirmedShare(card.confirmed_share)}</small>`
            }
          </span>
          <span class="chip" data-status=${card.alert.status}>${term("alert_status", card.alert.status)}</span>
        </div>
        ${this.#change(card)}
        ${this.#facts(card)}
        ${section(t("card.balance"), balanceRows(card))}
        ${section(t("card.evidence"), evidenceList(card.evidence))}
        ${
          card.history.length
            ? section(
                t("card.history", { n: card.history.length }),
                html`<ul class="plain history">${card.history.map(changeRow)}</ul>`,
              )
            : nothing
        }
        ${card.breaches ? section(fenceTitle(), breachRows(this.parts, card.breaches)) : this.#atSite(card)}
        ${section(
          t("card.would_lower"),
          card.would_lower.length
            ? html`<ul class="plain">${card.would_lower.map((each) => html`<li>${pick(each)}</li>`)}</ul>`
            : empty(t("card.nothing")),
        )}
        ${
          card.would_settle.length
            ? section(
                settleTitle(),
                html`<ul class="plain">${card.would_settle.map((each) => html`<li>${pick(each)}</li>`)}</ul>`,
              )
            : nothing
        }
        ${
          notices.length
            ? section(
                t("card.notices"),
                html`<ul class="plain">
                  ${notices.map((n) => html`<li>${label(term("notice", n.kind), span(n.valid_from, n.valid_to))}</li>`)}
                </ul>`,
              )
            : nothing
        }
        ${
          card.licences.length
            ? section(
                t("card.licences"),
                html`<ul class="plain">
                  ${card.licences.map(
                    (each) => html`<li>
                      ${label(`${term("licence", each.licence_kind)} ${each.number}`, span(each.valid_from, each.valid_to))}
                    </li>`,
                  )}
                </ul>`,
              )
            : nothing
        }
        ${this.#outcome(card)}
        <footer class="actions no-print">
          <button type="button" @click=${() => download(`alert-${card.alert.id}.json`, card)}>${t("export")}</button>
          <button type="button" @click=${() => window.print()}>${t("print")}</button>
        </footer>
      </article>
    `;
  }

  /** Meters and visits of a site. */
  #atSite(card: EvidenceCard): Content {
    return [
      section(t("card.meters"), meterCharts(card)),
      section(t("card.vehicles"), vehicleRows(this.parts, card.vehicles)),
      section(
        t("card.visits", { n: card.visits.length }),
        html`<track-panel .track=${this.parts.track}></track-panel>`,
        visitTable(this.parts, card.visits),
      ),
    ];
  }

  /** What changed since the run before, or where the alert went. */
  #change({ alert, history }: EvidenceCard): Content {
    if (alert.joined_to !== null) {
      const to = { view: "alert", id: alert.joined_to } as const;
      return html`<p>${t("card.joined")} <a href=${linkTo(to)} @click=${follow(to)}>${alert.joined_to}</a></p>`;
    }
    const told = history.find((each) => each.told && each.change !== "refreshed")?.told;
    return [
      told ? html`<p class="change">${pick(told)}</p>` : nothing,
      alert.status === "checked" ? html`<p class="muted">${t("card.suppressed")}</p>` : nothing,
    ];
  }

  #facts({ enterprise: e, site, fence, case_number }: EvidenceCard): TemplateResult {
    const since = e?.status_since ? ` · ${t("written.since", { day: day(e.status_since) })}` : "";
    const to = { view: "case", number: case_number ?? "" } as const;
    return facts([
      ...(fence ? fenceFacts(fence) : []),
      ...(e && site
        ? ([
            [t("site.status"), term("status", e.status) + since],
            [t("site.hazard"), term("hazard", e.hazard)],
            [t("site.uscc"), html`<code>${e.uscc}</code>`],
            [t("site.id"), `${site.site_id} · ${term("site_kind", site.kind)}`],
          ] as [string, Content][])
        : []),
      [
        t("alert.case"),
        case_number && html`<a href=${linkTo(to)} data-case=${case_number} @click=${follow(to)}>${case_number}</a>`,
      ],
    ]);
  }

  #outcome(card: EvidenceCard): Content {
    const draft = written(`alert ${card.alert.id}`);
    const record = (outcome: string) => async (): Promise<void> => {
      await post(`v1/alerts/${card.alert.id}/outcome`, { outcome, note: draft.text() });
      draft.sent();
      tell(() => t("card.outcome_saved"));
      await this.#card.load();
    };
    const found = card.outcomes;
    const open = may("record_outcome") && card.alert.joined_to === null;
    if (!open && !found.length) return nothing;
    return section(
      t("card.outcome"),
      found.length ? html`<ul class="plain outcomes">${found.map(outcomeRow)}</ul>` : nothing,
      open ? [outcomeEffects(card.after_outcome), this.#outcomeForm(draft, record)] : nothing,
    );
  }

  #outcomeForm(draft: Written, record: (outcome: string) => () => Promise<void>): TemplateResult {
    return html`
        <textarea
          rows="2"
          placeholder=${t("case.note")}
          aria-label=${t("case.note")}
          .value=${live(draft.text())}
          @input=${(event: Event) => draft.keep((event.target as HTMLTextAreaElement).value)}
        ></textarea>
        <div class="actions wrap">
          ${OUTCOMES.map(
            (each) => html`<button type="button" @click=${busy(record(each))}>${term("outcome", each)}</button>`,
          )}
        </div>
      `;
  }
}
customElements.define("alert-card", AlertCard);

export const view = ({ id }: RouteTo<"alert">, parts: Console) =>
  html`${keyed(id, html`<alert-card .parts=${parts} .alertId=${id}></alert-card>`)}`;
