/** The evidence card of one alert. */
import { get, post } from "../core/api";
import { h, type Child } from "../core/dom";
import { day, duration, number, time } from "../texts/format";
import { pick, t, term } from "../texts/text";
import { tell } from "../core/notices";
import { go } from "../core/route";
import { may } from "../core/session";
import { written } from "../core/written";
import type { Evidence, EvidenceCard, SiteMeters, SiteVisit } from "../core/types";
import { flyTo, mark, pointOf } from "../console";
import { chart } from "./chart";
import { actionButton, backButton, download, empty, facts, levelBadge, section, show } from "./pieces";
import { trackPanel } from "./track_panel";
import type { View, ViewContext } from "./view";

const METERS: [keyof SiteMeters, string, string][] = [
  ["power", "kWh", "#b35900"],
  ["water", "m³", "#0b5d8f"],
  ["gas", "m³", "#6a2f9c"],
];
const TRACK_MARGIN_MS = 3 * 3_600_000;

function evidenceRow(item: Evidence, largest: number): HTMLElement {
  const share = largest > 0 ? Math.min(1, Math.abs(item.contribution) / largest) : 0;
  const lowers = item.contribution < 0;
  const sentence = pick({ zh: item.sentence_zh ?? "", en: item.sentence_en ?? "" }) || term("signal", item.signal);
  const sign = item.contribution > 0 ? "+" : lowers ? "−" : "";
  return h(
    "li",
    { class: lowers ? "lowers" : "" },
    h("p", {}, sentence),
    h(
      "div",
      { class: "bar-line", title: t("card.contribution") },
      h("span", { class: "bar" }, h("i", { style: `width:${(share * 100).toFixed(1)}%` })),
      h("b", {}, sign + Math.abs(item.contribution).toFixed(2)),
      item.family ? h("small", {}, term("family", item.family)) : null,
    ),
  );
}

function evidenceList(items: Evidence[]): Child {
  if (!items.length) return empty(t("card.no_evidence"));
  const largest = Math.max(...items.map((each) => Math.abs(each.contribution)));
  return h(
    "ul",
    { class: "evidence" },
    items.map((each) => evidenceRow(each, largest)),
  );
}

/** The baseline that the model used for a meter, when the evidence names one. */
function baselineOf(card: EvidenceCard, kind: string): number | null {
  const own = card.evidence.find((each) => each.signal.startsWith(`${kind}_`) && each.signal !== "power_water_agree");
  return own?.baseline ?? null;
}

function meterCharts(card: EvidenceCard): Child {
  return METERS.filter(([kind]) => card.meters[kind]?.length).map(([kind, unit, color]) =>
    chart({
      readings: card.meters[kind] ?? [],
      unit,
      color,
      title: term("meter", kind),
      baseline: baselineOf(card, kind),
      closedOn: card.enterprise.status === "operating" ? null : card.enterprise.status_since,
    }),
  );
}

async function showTrack({ console: parts }: ViewContext, visit: SiteVisit): Promise<void> {
  const from = new Date(Date.parse(visit.entered_at) - TRACK_MARGIN_MS).toISOString();
  const to = new Date(Date.parse(visit.left_at) + TRACK_MARGIN_MS).toISOString();
  const shown = await parts.track.show(visit.vehicle_id, visit.plate_masked ?? visit.vehicle_id, from, to);
  const line = shown.answer.features.find((each) => each.geometry)?.geometry;
  flyTo(parts, line, 14);
}

function visitTable(context: ViewContext, visits: SiteVisit[]): Child {
  if (!visits.length) return empty(t("card.no_visits"));
  const tracks = may("read_tracks");
  const head = ["card.plate", "card.entered", "card.length", "card.share"] as const;
  return h(
    "div",
    { class: "scroll" },
    h(
      "table",
      { class: "visits" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          head.map((key) => h("th", {}, t(key))),
          tracks && h("th", {}),
        ),
      ),
      h(
        "tbody",
        {},
        visits.map((visit) =>
          h(
            "tr",
            {
              class: visit.excluded_by ? "excluded" : "",
              title: visit.excluded_by ? t("card.excluded", { reason: term("excluded", visit.excluded_by) }) : "",
            },
            h("td", {}, visit.plate_masked ?? visit.vehicle_id),
            h("td", {}, time(visit.entered_at).slice(5)),
            h("td", {}, duration((Date.parse(visit.left_at) - Date.parse(visit.entered_at)) / 1000)),
            h("td", { class: "num" }, visit.excluded_by ? "–" : `${number(visit.share * 100)} %`),
            tracks &&
              h(
                "td",
                {},
                actionButton(t("card.track"), () => showTrack(context, visit), {
                  class: "small",
                  "data-track": visit.vehicle_id,
                }),
              ),
          ),
        ),
      ),
    ),
  );
}

function outcomeButtons(card: EvidenceCard, again: () => void): Child {
  if (!may("record_outcome")) return null;
  const draft = written(`alert ${card.alert.id}`);
  const note = h(
    "textarea",
    { rows: 2, placeholder: t("case.note"), "aria-label": t("case.note"), oninput: () => draft.keep(note.value) },
    draft.text,
  );
  const record = (outcome: string): HTMLElement =>
    actionButton(term("outcome", outcome), async () => {
      await post(`v1/alerts/${card.alert.id}/outcome`, { outcome, note: note.value });
      draft.sent();
      tell(() => t("card.outcome_saved"));
      again();
    });
  return section(
    t("card.outcome"),
    card.alert.outcome && h("p", {}, t("card.outcome_now"), " ", h("b", {}, term("outcome", card.alert.outcome))),
    note,
    h("div", { class: "actions wrap" }, ["confirmed", "legal_use", "cannot_tell"].map(record)),
  );
}

function cardBody(context: ViewContext, card: EvidenceCard): Child {
  const { enterprise: e } = card;
  const notices = card.notices ?? [];
  return h(
    "article",
    { class: "card", "data-card": card.alert.id },
    h("header", { class: "card-head" }, levelBadge(card.level), h("h2", {}, e.name)),
    h(
      "div",
      { class: "score-line" },
      h("span", { class: "big" }, card.score.toFixed(2)),
      h(
        "span",
        {},
        h("b", {}, t("alert.clue")),
        h("small", {}, t("card.raised", { time: time(card.alert.raised_at) })),
      ),
    ),
    facts([
      [
        t("site.status"),
        `${term("status", e.status)}${e.status_since ? ` · ${t("written.since", { day: day(e.status_since) })}` : ""}`,
      ],
      [t("site.hazard"), term("hazard", e.hazard)],
      [t("site.uscc"), h("code", {}, e.uscc)],
      [t("site.id"), `${card.site.site_id} · ${term("site_kind", card.site.kind)}`],
      [
        t("alert.case"),
        card.case_number &&
          h(
            "a",
            {
              href: "#",
              "data-case": card.case_number,
              onclick: (event: Event) => openCase(event, card.case_number ?? ""),
            },
            card.case_number,
          ),
      ],
    ]),
    section(t("card.evidence"), evidenceList(card.evidence)),
    section(t("card.meters"), meterCharts(card)),
    section(t("card.visits", { n: card.visits.length }), trackPanel(context), visitTable(context, card.visits)),
    section(
      t("card.would_lower"),
      card.would_lower.length
        ? h(
            "ul",
            { class: "plain" },
            card.would_lower.map((each) => h("li", {}, pick(each))),
          )
        : empty(t("card.nothing")),
    ),
    notices.length
      ? section(
          t("card.notices"),
          h(
            "ul",
            { class: "plain" },
            notices.map((n) =>
              h("li", {}, `${term("notice", n.kind)}: ${n.valid_from} – ${n.valid_to ?? t("written.open_end")}`),
            ),
          ),
        )
      : null,
    outcomeButtons(card, context.again),
    h(
      "footer",
      { class: "actions no-print" },
      h("button", { onclick: () => download(`alert-${card.alert.id}.json`, card) }, t("export")),
      h("button", { onclick: () => window.print() }, t("print")),
    ),
  );
}

function openCase(event: Event, number_: string): void {
  event.preventDefault();
  go({ view: "case", number: number_ });
}

export function card(id: number): View {
  return (context) => {
    const holder = h("div", {});
    context.into.append(
      backButton(t("alerts"), () => go({ view: "alerts" })),
      holder,
    );
    void show(
      holder,
      async () => {
        const found = await get<EvidenceCard>(`v1/alerts/${id}`, context.signal);
        mark(context.console, pointOf(found.site.geometry));
        return cardBody(context, found);
      },
      context.again,
    );
  };
}
