/** Budgets of checks: how many alerts of a kind each county can check in a week; set by those who may. */
import { html, nothing, type TemplateResult } from "lit";
import { allItems, get, itemsPath, send } from "../core/api";
import { Piece } from "../core/element";
import { submitting } from "../core/forms";
import { Loading } from "../core/loading";
import { tell } from "../core/notices";
import { session } from "../core/session";
import type { AlertBudget, AlertBudgets, AreaProperties, ModelsInForce } from "../core/types";
import { number } from "../texts/format";
import { pick } from "../texts/text";
import { empty, loaded, type Content } from "./pieces";

/** Texts that are loaded with this view. */
const texts = {
  title: { zh: "核查预算", en: "Checks a week" },
  lead: {
    zh: "各县每周能核查多少处预警；排在前面的标为“本周核查”。",
    en: "How many alerts each county can check in a week; the first of its list are due this week.",
  },
  none: { zh: "还没有设定预算。", en: "No budget is set." },
  county: { zh: "县", en: "County" },
  kind: { zh: "预警类型", en: "Kind of alert" },
  week: { zh: "每周核查数", en: "Checks a week" },
  from: { zh: "自此日起", en: "From this day on" },
  note: { zh: "理由", en: "Reason" },
  set: { zh: "设定", en: "Set" },
  end: { zh: "取消预算", en: "End the budget" },
  done: { zh: "已设定核查预算", en: "The budget is set" },
} as const;
const say = (key: keyof typeof texts): string => pick(texts[key]);

interface Found {
  budgets: AlertBudgets;
  kinds: { kind: string; title: { zh: string; en: string } }[];
  counties: AreaProperties[];
}

async function found(signal: AbortSignal): Promise<Found> {
  const [budgets, { models }] = await Promise.all([
    get<AlertBudgets>("v1/alert-budgets", signal),
    get<ModelsInForce>("v1/models", signal),
  ]);
  const counties = budgets.may_set
    ? (await allItems<AreaProperties>(itemsPath("areas", { kind: "county", limit: 200 }), 1000, signal))
        .map(({ properties }) => properties)
        .filter((each) => each.valid_to === null)
    : [];
  return { budgets, kinds: models.map((each) => ({ kind: each.alert_kind, title: each.title })), counties };
}

function row(budget: AlertBudget, kinds: Found["kinds"]): TemplateResult {
  const title = kinds.find((each) => each.kind === budget.kind)?.title;
  const state = {
    zh: `待查 ${number(budget.n_open)}，本周应查 ${number(budget.n_due)}，已查 ${number(budget.checked)}`,
    en: `${number(budget.n_open)} open, ${number(budget.n_due)} due this week, ${number(budget.checked)} checked`,
  };
  return html`
    <li data-budget=${budget.area_code}>
      <b>${budget.area_name ?? budget.area_code}</b> · ${title ? pick(title) : budget.kind}:
      <b>${number(budget.checks_per_week)}</b>
      <small>${pick(state)} · ${budget.set_by} · ${budget.valid_from}${budget.note ? ` · ${budget.note}` : ""}</small>
    </li>
  `;
}

export class BudgetsPanel extends Piece {
  readonly #found = new Loading(this, found);

  protected override follows() {
    return [session];
  }

  protected override render(): TemplateResult {
    return html`
      <p class="muted">${say("lead")}</p>
      ${loaded(this.#found, (all): Content => {
        const { budgets, kinds, counties } = all;
        return html`
          ${
            budgets.budgets.length
              ? html`<ul class="plain history">${budgets.budgets.map((each) => row(each, kinds))}</ul>`
              : empty(say("none"))
          }
          ${budgets.may_set && counties.length ? this.#form(kinds, counties) : nothing}
        `;
      })}
    `;
  }

  #form(kinds: Found["kinds"], counties: readonly AreaProperties[]): TemplateResult {
    const set = submitting(async (form) => {
      const week = String(form.get("checks_per_week") ?? "").trim();
      const day = String(form.get("valid_from") ?? "");
      await send<AlertBudgets>("PUT", "v1/alert-budgets", {
        area: form.get("area"),
        kind: form.get("kind"),
        checks_per_week: form.has("end") ? null : Number(week),
        valid_from: day || null,
        note: form.get("note"),
      });
      tell(() => say("done"));
      this.#found.again();
      this.dispatchEvent(new Event("budget-set", { bubbles: true }));
    });
    return html`
      <form class="stack" data-form="budget" @submit=${set}>
        <label>
          ${say("county")}
          <select name="area" required>
            ${counties.map((each) => html`<option value=${each.code}>${each.name} ${each.code}</option>`)}
          </select>
        </label>
        <label>
          ${say("kind")}
          <select name="kind" required>
            ${kinds.map((each) => html`<option value=${each.kind}>${pick(each.title)}</option>`)}
          </select>
        </label>
        <label>
          ${say("week")}<input name="checks_per_week" type="number" min="0" max="10000" inputmode="numeric" value="5" />
        </label>
        <label>${say("from")}<input name="valid_from" type="date" /></label>
        <label>${say("note")}<input name="note" maxlength="2000" required /></label>
        <label class="check"><input type="checkbox" name="end" value="yes" /> ${say("end")}</label>
        <p class="fault" role="alert"></p>
        <button type="submit" class="primary">${say("set")}</button>
      </form>
    `;
  }
}
customElements.define("budgets-panel", BudgetsPanel);

/** The budgets behind a heading; they are asked for when it is opened. */
export const budgetsOf = (open: boolean, opened: (open: boolean) => void): TemplateResult => html`
  <details
    class="form"
    data-budgets
    @toggle=${(event: Event) => opened((event.target as HTMLDetailsElement).open)}
  >
    <summary>${say("title")}</summary>
    ${open ? html`<budgets-panel></budgets-panel>` : nothing}
  </details>
`;
