/** The story of one grid, and the difference of the partition between two days, on the map and as a table. */
import { html, nothing, type TemplateResult } from "lit";
import { address, get } from "../../core/api";
import { Piece } from "../../core/element";
import { session } from "../../core/session";
import type { AreaStory, PartitionDifference } from "../../core/types";
import type { EditSession } from "../../edit/session";
import { day, list, number, surface, time, today } from "../../texts/format";
import { language } from "../../texts/language";
import { t } from "../../texts/text";
import { busy, empty, failure, section } from "../pieces";

const SHOWN = 200;

function text(root: Element, name: string): string {
  return root.querySelector<HTMLInputElement>(`[name=${name}]`)?.value.trim() ?? "";
}

/** The day that ends at a moment. */
function lastDay(end: string): string {
  return day(new Date(new Date(end).getTime() - 1).toISOString());
}

/** Codes other than the own one: a grid that kept its code came from itself. */
function others(codes: readonly string[], own: string): string[] {
  return codes.filter((each) => each !== own);
}

export class HistoryBox extends Piece {
  static override properties = { editor: { attribute: false } };
  declare editor: EditSession;
  #story: AreaStory | null = null;
  #difference: PartitionDifference | null = null;
  #fault: unknown = null;
  #ends: (() => void)[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    this.#ends = [this.editor.tools.selection.subscribe(() => this.requestUpdate())];
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const end of this.#ends) end();
  }

  async #try(work: () => Promise<void>): Promise<void> {
    this.#fault = null;
    try {
      await work();
    } catch (error) {
      this.#fault = error;
    }
    this.requestUpdate();
  }

  async #tell(code: string): Promise<void> {
    if (!code) return;
    await this.#try(async () => {
      this.#story = await get<AreaStory>(`v1/areas/${encodeURIComponent(code)}/story`);
    });
  }

  async #compare(): Promise<void> {
    const [since, until] = [text(this, "since-day"), text(this, "until-day")];
    if (!since || !until) return;
    const area = session.get().area?.code;
    const asked = new URLSearchParams({ since, until, ...(area && { area }) });
    await this.#try(async () => {
      this.#difference = await get<PartitionDifference>(`v1/areas/difference?${asked}`);
      this.editor.showDifference(this.#difference);
    });
  }

  readonly #close = (): void => {
    this.#difference = null;
    this.editor.dismiss();
    this.requestUpdate();
  };

  protected override render() {
    const [first] = this.editor.tools.selection.get();
    const code = first?.properties.code ?? "";
    return section(
      t("edit.past"),
      html`
        <div class="actions wrap">
          <label>${t("edit.story_code")} <input name="story-code" maxlength="40" .value=${code} /></label>
          <button type="button" data-history="story" @click=${busy(() => this.#tell(text(this, "story-code")))}>
            ${t("edit.story_show")}
          </button>
          ${
            code
              ? html`<a class="button" data-history="sheet" target="_blank" href=${address(`v1/areas/${code}/report.html?lang=${language.get()}`)}>
                  ${t("edit.sheet")}
                </a>`
              : nothing
          }
        </div>
        ${this.#fault ? failure(this.#fault) : nothing} ${this.#story ? this.#versions(this.#story) : nothing}
        <div class="actions wrap">
          <label>${t("edit.since")} <input name="since-day" type="date" max=${today()} /></label>
          <label>${t("edit.until")} <input name="until-day" type="date" .value=${today()} /></label>
          <button type="button" data-history="difference" @click=${busy(() => this.#compare())}>
            ${t("edit.difference_show")}
          </button>
        </div>
        ${this.#difference ? this.#changes(this.#difference) : nothing}
      `,
    );
  }

  #versions({ versions, truncated }: AreaStory): TemplateResult {
    return html`
      <ol class="grid-story" data-story>
        ${versions.map(
          (each) => html`<li class=${each.relation} data-version=${each.code}>
            <b><code>${each.code}</code> ${each.name}</b>
            <span>${time(each.valid_from)} – ${each.valid_to ? time(each.valid_to) : t("edit.story_now")}</span>
            <span>${surface(each.area_m2)}</span>
            ${others(each.predecessors, each.code).length ? html`<p>${t("edit.story_from", { codes: list(others(each.predecessors, each.code)) })}</p>` : nothing}
            ${others(each.successors, each.code).length ? html`<p>${t("edit.story_to", { codes: list(others(each.successors, each.code)) })}</p>` : nothing}
            ${
              each.change
                ? html`<p>
                    ${t("edit.story_change", {
                      id: each.change.id,
                      title: each.change.title,
                      author: each.change.author,
                      who: each.change.approved_by ?? "–",
                    })}
                    ${each.change.reason}
                    <button type="button" class="small" @click=${() => void this.editor.reviewById(each.change?.id ?? null)}>
                      ${t("edit.review")}
                    </button>
                  </p>`
                : nothing
            }
          </li>`,
        )}
      </ol>
      ${truncated ? html`<p class="muted">${t("edit.story_more")}</p>` : nothing}
    `;
  }

  #changes({ changes, n_before, n_after, since, until, truncated }: PartitionDifference): TemplateResult {
    const told = { before: number(n_before), after: number(n_after), n: number(changes.length) };
    return html`
      <p role="status" data-difference>${t("edit.difference_told", { ...told, since: lastDay(since), until: lastDay(until) })}</p>
      ${
        changes.length
          ? html`<div class="scroll" tabindex="0" role="region" aria-label=${t("edit.difference_show")}>
              <table>
                <thead>
                  <tr>
                    <th scope="col">${t("edit.story_code")}</th>
                    <th scope="col">${t("edit.difference_change")}</th>
                    <th scope="col">${t("edit.difference_other")}</th>
                  </tr>
                </thead>
                <tbody>
                  ${changes.slice(0, SHOWN).map(
                    (each) => html`<tr data-changed=${each.code}>
                      <td><code title=${each.name}>${each.code}</code></td>
                      <td>${t(`edit.difference_${each.change}`)}</td>
                      <td>${list([...each.follows, ...each.followed_by].map((code) => code.slice(-3)))}</td>
                    </tr>`,
                  )}
                </tbody>
              </table>
            </div>`
          : empty(t("edit.difference_none"))
      }
      ${truncated || changes.length > SHOWN ? html`<p class="muted">${t("edit.story_more")}</p>` : nothing}
      <button type="button" class="small" data-history="close" @click=${this.#close}>${t("edit.close")}</button>
    `;
  }
}
customElements.define("history-box", HistoryBox);
