/** The balance of a score: what speaks for and against, by family, as bars in both directions. */
import { html, nothing, type TemplateResult } from "lit";
import { styleMap } from "lit/directives/style-map.js";
import { addsBar, axisOf, type Axis, type Bar, type Sides, sidesOf, takesBar } from "../charts/balance";
import type { EvidenceCard, FamilyBalance, ScoreBalance } from "../core/types";
import { fixed, signed } from "../texts/format";
import { pick, t, term } from "../texts/text";
import { empty } from "./pieces";

const sidesOfFamily = (each: FamilyBalance): Sides => ({ adds: each.adds, takes: each.takes + each.explained });

function bar({ left, width }: Bar, name: string): TemplateResult {
  return html`<i class=${name} style=${styleMap({ left: `${left.toFixed(2)}%`, width: `${width.toFixed(2)}%` })}></i>`;
}

function row(part: string, name: unknown, sides: Sides, total: number, axis: Axis): TemplateResult {
  const zero = styleMap({ left: `${axis.zero.toFixed(2)}%` });
  const title = `${t("card.for")} ${fixed(sides.adds, 2)} · ${t("card.against")} ${fixed(sides.takes, 2)}`;
  return html`
    <div class="two-sided" data-part=${part} title=${title}>
      <span>${name}</span>
      <span class="axis">
        ${bar(takesBar(sides, axis), "takes")}${bar(addsBar(sides, axis), "adds")}<i class="zero" style=${zero}></i>
      </span>
      <b>${signed(total, 2)}</b>
    </div>
  `;
}

function familyRow(each: FamilyBalance, axis: Axis): TemplateResult {
  const blind = each.is_blind ? html` <small class="badge blind">${t("card.blind")}</small>` : nothing;
  return html`
    ${row(each.family, html`${term("family", each.family)}${blind}`, sidesOfFamily(each), each.total, axis)}
    ${each.settle ? html`<p class="settle" data-blind=${each.family}>${pick(each.settle)}</p>` : nothing}
    ${
      each.explained > 0
        ? html`<p class="settle">${t("card.explained", { value: signed(-each.explained, 2) })}</p>`
        : nothing
    }
  `;
}

function rows(balance: ScoreBalance, score: number): TemplateResult {
  const prior = sidesOf(balance.prior);
  const axis = axisOf([prior, ...balance.families.map(sidesOfFamily), sidesOf(balance.log_odds)]);
  return html`
    <p class="settle balance-head"><span>← ${t("card.against")}</span><span>${t("card.for")} →</span></p>
    ${row("prior", t("card.prior"), prior, balance.prior, axis)}
    ${balance.families.map((each) => familyRow(each, axis))}
    ${row("sum", html`<b>${t("card.sum")}</b>`, sidesOf(balance.log_odds), balance.log_odds, axis)}
    <p class="settle">${t("card.balance_note")} ${t("card.sum_score", { score: fixed(score, 2) })}</p>
  `;
}

export function balanceRows({ balance, score }: EvidenceCard): TemplateResult {
  if (!balance.families.length) return empty(t("card.no_score"));
  return html`<div class="balance">${rows(balance, score)}</div>`;
}
