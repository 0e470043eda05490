/** Registers (名录): bodies, officers, matters, grid workers and households; each change is a version from its day on. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { REGISTER_NAMES, type RouteTo } from "../address/address";
import { go, linkTo, tabRoute } from "../address/router";
import { address, get, sameService, send } from "../core/api";
import { Piece } from "../core/element";
import { submitting } from "../core/forms";
import { Loading } from "../core/loading";
import { tell } from "../core/notices";
import { may, session } from "../core/session";
import type { RegisterEntry, RegisterEntryDocument, RegisterPage, Withdrawn } from "../core/types";
import { mark, type Console } from "../console";
import { mayOpen } from "../frame/permissions";
import { number, time, today } from "../texts/format";
import { language } from "../texts/language";
import type { MessageKey } from "../texts/messages";
import { t, term } from "../texts/text";
import { terms } from "../texts/glossary";
import { backLink, busy, empty, facts, follow, loaded, section, type Content } from "./pieces";
import {
  FIELDS,
  given,
  labelOf,
  shown,
  typed,
  valueIn,
  type Field,
  type Register,
  type RegisterVersion,
} from "./register_fields";

const PAGE = 50;
const PROPOSALS = { view: "proposals" } as const;
const UNPLACED = { view: "unplaced" } as const;
const MARKS = ["unconfirmed", "in_force", "withdrawn", "coming", "certificate_expired"] as const;
const DOMAINS = Object.keys(terms)
  .filter((key) => key.startsWith("domain."))
  .map((key) => key.slice("domain.".length));
const POSTS = ["full_time", "part_time"] as const;
const LEVELS = ["town", "county", "city"] as const;

function periodOf({ valid_from, valid_to }: RegisterVersion): string {
  if (valid_to) return t("registers.period_ended", { from: valid_from, to: valid_to });
  return t("registers.period", { from: valid_from });
}

function marks(entry: RegisterEntry): Content {
  const badge = (name: string): TemplateResult =>
    html`<span class="badge state register-${name}">${t(`registers.mark.${name}` as MessageKey)}</span>`;
  return [
    entry.confirmed ? nothing : badge("unconfirmed"),
    entry.state === "in_force" ? nothing : badge(entry.state),
    entry.certificate_expired ? badge("certificate_expired") : nothing,
  ];
}

/** The name of an entry; of a count of households that of its grid. */
function nameOf(entry: RegisterEntry, version = entry.version): string {
  return String(valueIn(version, "name") ?? entry.names[entry.key] ?? entry.key);
}

/** The tabs of the registers; people are shown to those who lead and check them. */
function tabs(chosen: Register): TemplateResult {
  const offered = REGISTER_NAMES.filter((register) => mayOpen({ view: "registers", register }));
  return html`
    <nav class="chips" aria-label=${t("registers")}>
      ${offered.map((register) => {
        const to = { view: "registers", register } as const;
        return html`<a
          class="chip"
          aria-current=${register === chosen ? "page" : nothing}
          data-register=${register}
          href=${linkTo(to)}
          @click=${follow(to)}
          >${t(`registers.${register}`)}</a
        >`;
      })}
    </nav>
  `;
}

/** A form that was sent is put away: what it said stands in the card. */
function fold(form: HTMLFormElement): void {
  form.closest("details")?.removeAttribute("open");
}

function input(field: Field, written: string): TemplateResult {
  const options = (values: readonly string[], name: (value: string) => string): TemplateResult => html`
    <select name=${field.name}>
      ${values.map((value) => html`<option value=${value} ?selected=${value === written}>${name(value)}</option>`)}
    </select>
  `;
  if (field.form === "level") return options(LEVELS, (value) => term("level_of", value));
  if (field.form === "domain") return options(DOMAINS, (value) => term("domain", value));
  if (field.form === "post") return options(POSTS, (value) => t(`register.post.${value}` as MessageKey));
  if (field.form === "flag")
    return options(["yes", "no"], (value) => t(value === "yes" ? "registers.yes" : "registers.no"));
  const type = field.form === "date" || field.form === "number" ? field.form : "text";
  return html`<input name=${field.name} type=${type} .value=${written} ?required=${field.required} maxlength="2000" />`;
}

function fieldsOf(register: Register, version: RegisterVersion | null): TemplateResult[] {
  return FIELDS[register].map((field) => {
    const start = version ? typed(valueIn(version, field.name)) : field.name === "on_duty" ? "yes" : "";
    return html`<label>${labelOf(field.name)}${input(field, start)}</label>`;
  });
}

/** What a form says differently from a version, as the service takes it. */
function changes(register: Register, form: FormData, version: RegisterVersion | null): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const field of FIELDS[register]) {
    const written = String(form.get(field.name) ?? "");
    if (version && written === typed(valueIn(version, field.name))) continue;
    if (!version && !written.trim()) continue;
    found[field.name] = given(field, written);
  }
  return found;
}

export class RegistersView extends Piece {
  static override properties = { parts: { attribute: false }, register: {} };
  declare parts: Console;
  declare register: Register;
  #words = "";
  #mark = "";
  #next: string | null = null;
  #matched = { n: 0, open: 0 };
  #asked = "";
  readonly #entries = new Loading(this, (signal) => this.#page(this.#path(), [], signal));

  protected override follows() {
    return [session];
  }

  protected override firstUpdated(): void {
    mark(this.parts, null);
    this.#asked = this.register;
  }

  protected override updated(): void {
    if (this.#asked === this.register) return;
    this.#asked = this.register;
    this.#words = "";
    this.#mark = "";
    this.#entries.again();
  }

  #path(): string {
    const query = new URLSearchParams({
      limit: String(PAGE),
      ...(this.#words && { q: this.#words }),
      ...(this.#mark && { mark: this.#mark }),
    });
    return `v1/registers/${this.register}?${query.toString()}`;
  }

  async #page(from: string, before: readonly RegisterEntry[], signal?: AbortSignal): Promise<readonly RegisterEntry[]> {
    const page = await get<RegisterPage>(from, signal);
    const next = page.links.find((each) => each.rel === "next")?.href;
    this.#next = next ? sameService(next, "/v1/") : null;
    this.#matched = { n: page.numberMatched, open: page.unconfirmed };
    return [...before, ...page.entries];
  }

  async #more(): Promise<void> {
    if (!this.#next) return;
    this.#entries.value = await this.#page(this.#next, this.#entries.value ?? []);
    this.requestUpdate();
  }

  protected override render(): TemplateResult {
    const file = (f: string): TemplateResult =>
      html`<a href=${address(`v1/registers/${this.register}?f=${f}`)} download data-file=${f}>${f.toUpperCase()}</a>`;
    return html`
      ${backLink(t("cases"), tabRoute("cases"))}
      <h2>${t("registers")}</h2>
      <p class="muted">${t("registers.lead")}</p>
      ${tabs(this.register)} ${this.#filter()}
      <p class="muted">
        ${t("registers.file")} ${file("csv")} ${file("xlsx")}
        ${
          mayOpen(PROPOSALS)
            ? html` · <a href=${linkTo(PROPOSALS)} data-proposals @click=${follow(PROPOSALS)}>${t("proposals")}</a>`
            : nothing
        }
      </p>
      ${
        mayOpen(UNPLACED)
          ? html`<p><a href=${linkTo(UNPLACED)} data-unplaced-sites @click=${follow(UNPLACED)}>${t("unplaced")}</a></p>`
          : nothing
      }
      ${may("edit_registers") ? this.#adding() : nothing} ${loaded(this.#entries, (found) => this.#list(found))}
    `;
  }

  #filter(): TemplateResult {
    const search = (event: Event): void => {
      this.#words = (event.target as HTMLInputElement).value.trim();
      this.#entries.again();
    };
    const choose = (event: Event): void => {
      this.#mark = (event.target as HTMLSelectElement).value;
      this.#entries.again();
    };
    const offered = MARKS.filter((each) => (each === "certificate_expired") <= (this.register === "officers"));
    return html`
      <div class="filter">
        <input
          type="search"
          name="register-search"
          aria-label=${t("registers.search")}
          placeholder=${t("registers.search")}
          maxlength="100"
          .value=${this.#words}
          @change=${search}
        />
        <label>
          ${t("registers.mark")}
          <select name="register-mark" @change=${choose}>
            <option value="">${t("all")}</option>
            ${offered.map(
              (each) =>
                html`<option value=${each} ?selected=${this.#mark === each}>${t(`registers.mark.${each}`)}</option>`,
            )}
          </select>
        </label>
      </div>
    `;
  }

  #adding(): TemplateResult {
    const add = submitting(async (form) => {
      const key = String(form.get("key") ?? "").trim();
      const body = { valid_from: form.get("valid_from"), values: changes(this.register, form, null) };
      const path = `v1/registers/${this.register}/${encodeURIComponent(key)}`;
      await send<RegisterEntryDocument>("PUT", path, body, { "If-None-Match": "*" });
      tell(() => t("registers.saved", { key }));
      go({ view: "registers", register: this.register, key });
    });
    return html`
      <details class="form">
        <summary data-add>${t("registers.add")}</summary>
        <form class="stack" data-form="add" @submit=${add}>
          <p class="muted">${t("registers.lists")}</p>
          <label>${t("registers.key")}<input name="key" required maxlength="100" /></label>
          ${fieldsOf(this.register, null)}
          <label>
            ${t("registers.edit_from")}<input name="valid_from" type="date" .value=${today()} required />
          </label>
          <p class="fault" role="alert"></p>
          <button type="submit" class="primary">${t("registers.add")}</button>
        </form>
      </details>
    `;
  }

  #list(found: readonly RegisterEntry[]): Content {
    const counts = { n: number(this.#matched.n), open: number(this.#matched.open) };
    if (!found.length) return empty(t("registers.none"));
    return html`
      <p class="muted" data-count>${t("registers.count", counts)}</p>
      <div class="rows">
        ${repeat(
          found,
          (each) => each.key,
          (each) => this.#row(each),
        )}
      </div>
      ${
        this.#next
          ? html`<button type="button" data-more @click=${busy(() => this.#more())}>${t("registers.more")}</button>`
          : nothing
      }
    `;
  }

  #row(entry: RegisterEntry): TemplateResult {
    const to = { view: "registers", register: this.register, key: entry.key } as const;
    const beside = ["level", "domain", "body_code", "area_code", "area_codes", "households"].map((name) => {
      const field = FIELDS[this.register].find((each) => each.name === name);
      return field ? shown(field, valueIn(entry.version, name), entry.names) : "";
    });
    return html`
      <a class="row" data-key=${entry.key} href=${linkTo(to)} @click=${follow(to)}>
        <span class="row-head">${marks(entry)}<b>${nameOf(entry)}</b></span>
        <span class="row-foot"><code>${entry.key}</code><span>${beside.filter(Boolean).join(" · ")}</span></span>
        <span class="row-foot"><span>${periodOf(entry.version)}</span></span>
      </a>
    `;
  }
}
customElements.define("registers-view", RegistersView);

export class RegisterCard extends Piece {
  static override properties = { parts: { attribute: false }, register: {}, key: {} };
  declare parts: Console;
  declare register: Register;
  declare key: string;
  #asked = "";
  readonly #entry = new Loading(this, (signal) => get<RegisterEntryDocument>(this.#path(), signal));

  protected override follows() {
    return [session];
  }

  protected override firstUpdated(): void {
    mark(this.parts, null);
    this.#asked = this.#path();
  }

  protected override updated(): void {
    if (this.#asked === this.#path()) return;
    this.#asked = this.#path();
    this.#entry.again();
  }

  #path(more = ""): string {
    return `v1/registers/${this.register}/${encodeURIComponent(this.key)}${more}`;
  }

  protected override render(): TemplateResult {
    return html`
      ${backLink(t(`registers.${this.register}`), { view: "registers", register: this.register })}
      ${loaded(this.#entry, (entry) => this.#card(entry))}
    `;
  }

  #card(entry: RegisterEntryDocument): Content {
    return html`
      <h2>${nameOf(entry)}</h2>
      <p class="row-head">${marks(entry)}<code>${entry.key}</code></p>
      ${this.#facts(entry, entry.version)} ${entry.confirmed || !entry.may_edit ? nothing : this.#confirming(entry)}
      ${entry.may_edit ? this.#editing(entry) : nothing} ${this.#resting(entry)} ${this.#history(entry)}
    `;
  }

  #facts({ names }: RegisterEntryDocument, version: RegisterVersion): TemplateResult {
    const rows = FIELDS[this.register].map((field): [string, Content] => [
      labelOf(field.name),
      shown(field, valueIn(version, field.name), names),
    ]);
    return html`<p class="muted">${periodOf(version)}</p>${facts(rows)}`;
  }

  #confirming(entry: RegisterEntryDocument): TemplateResult {
    const confirm = async (): Promise<void> => {
      await send("POST", this.#path("/confirm"), {}, { "If-Match": entry.tag });
      tell(() => t("registers.saved", { key: entry.key }));
      await this.#entry.load();
    };
    return html`
      <p class="note">${t("registers.confirm_about")}</p>
      <div class="actions">
        <button type="button" class="primary" data-confirm-entry @click=${busy(confirm)}>${t("registers.confirm")}</button>
      </div>
    `;
  }

  #editing(entry: RegisterEntryDocument): TemplateResult {
    const edit = submitting(async (form, at) => {
      const values = changes(this.register, form, entry.version);
      if (!Object.keys(values).length) throw new Error(t("registers.nothing"));
      const reason = String(form.get("reason") ?? "").trim();
      const body = { valid_from: form.get("valid_from"), values, ...(reason && { reason }) };
      await send("PATCH", this.#path(), body, { "If-Match": entry.tag });
      tell(() => t("registers.saved", { key: entry.key }));
      fold(at);
      await this.#entry.load();
    });
    const withdraw = submitting(async (form, at) => {
      const body = { on: form.get("on"), reason: form.get("reason") };
      await send<Withdrawn>("POST", this.#path("/withdraw"), body, { "If-Match": entry.tag });
      tell(() => t("registers.withdrawn", { key: entry.key, day: String(body.on) }));
      fold(at);
      await this.#entry.load();
    });
    return html`
      <details class="form">
        <summary data-edit>${t("registers.edit")}</summary>
        <form class="stack" data-form="edit" @submit=${edit}>
          <p class="muted">${t("registers.lists")}</p>
          ${fieldsOf(this.register, entry.version)}
          <label>${t("registers.edit_from")}<input name="valid_from" type="date" .value=${today()} required /></label>
          <label>${t("registers.reason")}<input name="reason" maxlength="2000" /></label>
          <p class="fault" role="alert"></p>
          <button type="submit" class="primary">${t("registers.save")}</button>
        </form>
      </details>
      <details class="form">
        <summary data-withdraw>${t("registers.withdraw")}</summary>
        <form class="stack" data-form="withdraw" @submit=${withdraw}>
          <label>${t("registers.withdraw_from")}<input name="on" type="date" .value=${today()} required /></label>
          <label>${t("registers.reason")}<input name="reason" required maxlength="2000" /></label>
          <p class="fault" role="alert"></p>
          <button type="submit">${t("registers.withdraw")}</button>
        </form>
      </details>
    `;
  }

  #resting({ resting }: RegisterEntryDocument): Content {
    if (!resting.length) return nothing;
    const name = language.get() === "zh" ? "name_zh" : "name_en";
    return section(
      t("registers.resting"),
      html`<ul>
        ${resting.map(
          (each) =>
            html`<li data-resting=${each.kind}>${each[name]} ${number(each.count)} <span class="muted">${each.ids.join(", ")}</span></li>`,
        )}
      </ul>`,
    );
  }

  #history(entry: RegisterEntryDocument): TemplateResult {
    return section(
      t("registers.history"),
      html`<ol class="timeline">
        ${entry.versions.map((version) => this.#version(entry, version))}
      </ol>`,
    );
  }

  #version(entry: RegisterEntryDocument, version: RegisterVersion): TemplateResult {
    const told = (
      key: "made" | "ended" | "changed",
      of: Pick<RegisterVersion, "changed_by" | "changed_at" | "reason">,
    ) =>
      of.changed_by
        ? html`<p class="muted" data-change=${key}>
              ${t(`registers.${key}`, { who: of.changed_by, at: time(of.changed_at) })}
            </p>
            ${of.reason ? html`<p class="note">${of.reason}</p>` : nothing}`
        : nothing;
    return html`
      <li data-version=${version.valid_from}>
        <details>
          <summary><b>${nameOf(entry, version)}</b> ${periodOf(version)}</summary>
          ${this.#facts(entry, version)}
        </details>
        ${told("made", version)} ${version.later.map((each) => told(each.what, each))}
      </li>
    `;
  }
}
customElements.define("register-card", RegisterCard);

export const view = ({ register, key }: RouteTo<"registers">, parts: Console): TemplateResult => {
  const chosen = register ?? "bodies";
  if (key) return html`<register-card .parts=${parts} .register=${chosen} .key=${key}></register-card>`;
  return html`<registers-view .parts=${parts} .register=${chosen}></registers-view>`;
};
