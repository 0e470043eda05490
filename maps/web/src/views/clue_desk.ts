/** The clerk's desk: text, place, matter and duplicates of one clue, then what becomes of it. Nothing is chosen silently. */
import { html, nothing, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";
import { repeat } from "lit/directives/repeat.js";
import type { MapMouseEvent } from "maplibre-gl";
import type { Place } from "../address/address";
import { linkTo } from "../address/router";
import { get, post } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { complain, tell } from "../core/notices";
import { may, session } from "../core/session";
import type {
  ClueDocument,
  DutyLine,
  OpenedCase,
  PlaceFound,
  PlacesFound,
  PossibleDuplicate,
  PossibleDuplicates,
  ReceivedClue,
  SuggestedMatter,
  SuggestedMatters,
} from "../core/types";
import { written } from "../core/written";
import { flyTo, type Console } from "../console";
import { ask } from "../frame/ask";
import { Pins, rounded, type Pin } from "../map/pins";
import { brackets, number, percent, time } from "../texts/format";
import { t, term } from "../texts/text";
import { busy, empty, follow, loaded, section, type Content } from "./pieces";
import { kindOfPlace } from "./place_kinds";

const TITLE_LENGTH = 40;
const DAY_MS = 86_400_000;
const SOURCES = ["hotline", "grid"] as const;
const URGENCIES = ["normal", "urgent", "very_urgent"] as const;

/** Matters of the duty list, one each. */
async function matters(signal: AbortSignal): Promise<DutyLine[]> {
  const { items } = await get<{ items: DutyLine[] }>("v1/duty-items?limit=10000", signal);
  return [...new Map(items.map((each) => [each.item_code, each])).values()];
}

/** The beginning of a text up to the last pause that fits. */
function shortened(text: string): string {
  if (text.length <= TITLE_LENGTH) return text.replace(/[，,；;：:。.]$/, "");
  const start = text.slice(0, TITLE_LENGTH);
  const pause = Math.max(...["，", "。", "；", ", ", "; ", ". "].map((each) => start.lastIndexOf(each)));
  return pause > 0 ? start.slice(0, pause) : `${start}…`;
}

interface Result {
  clue: number;
  number?: string;
  state: string;
}

export class ClueDesk extends Piece {
  static override properties = { parts: { attribute: false }, clue: { attribute: false } };
  declare parts: Console;
  /** The clue that is decided on; null: a new one is taken in. */
  declare clue: ClueDocument | null;
  readonly #matters = new Loading(this, matters);
  #pins: Pins | null = null;
  #fields: Record<string, string> = { source: "hotline", urgency: "normal" };
  #place: Place | null = null;
  #item = "";
  #candidates: readonly PlaceFound[] | null = null;
  #suggested: readonly SuggestedMatter[] | null = null;
  #near: PossibleDuplicates | null = null;
  #nearOf = "";
  #saved: ReceivedClue | null = null;
  #storedText: string | null = null;
  #result: Result | null = null;

  protected override follows() {
    return [session];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#pins ??= new Pins(this.parts.map);
    this.parts.map.getCanvas().classList.add("asking");
    this.parts.map.on("click", this.#click);
    if (this.clue) {
      this.#item = this.clue.item_code ?? "";
      this.#candidates = this.clue.candidates.length ? this.clue.candidates : null;
      const [lon, lat] = this.clue.geometry?.coordinates ?? [];
      if (lon !== undefined && lat !== undefined) this.#place = { lon, lat };
      if (this.clue.geometry) flyTo(this.parts, this.clue.geometry, 15);
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#pins?.clear();
    this.parts.map.getCanvas().classList.remove("asking");
    this.parts.map.off("click", this.#click);
  }

  readonly #click = ({ lngLat }: MapMouseEvent): void => {
    if (!this.#result) this.#choose(rounded(lngLat));
  };

  #choose({ lon, lat }: Place): void {
    this.#place = rounded({ lng: lon, lat });
    this.requestUpdate();
  }

  get #text(): string {
    return this.clue?.text ?? this.#storedText ?? written("new clue").text();
  }

  protected override updated(): void {
    const candidates = (this.#candidates ?? []).map(
      (each, i): Pin => ({
        lon: each.lon,
        lat: each.lat,
        text: String(i + 1),
        title: each.name,
        kind: "candidate",
        choose: () => this.#choose({ lon: each.lon, lat: each.lat }),
      }),
    );
    const near = (this.#near?.duplicates ?? []).map(
      (each): Pin => ({ lon: each.lon, lat: each.lat, text: "≈", title: `${each.key} ${each.title}`, kind: "nearby" }),
    );
    this.#pins?.show([...candidates, ...near]);
    this.#pins?.place(this.#place, t("desk.place"), this.#result ? undefined : (to) => this.#choose(to));
    void this.#findDuplicates().catch(complain);
  }

  /** Asked again whenever place or matter are others. */
  async #findDuplicates(): Promise<void> {
    if (!this.#place || this.#result || !may("report_clues")) return;
    const query = new URLSearchParams({ lon: String(this.#place.lon), lat: String(this.#place.lat) });
    if (this.#item) query.set("item_code", this.#item);
    const asked = query.toString();
    if (asked === this.#nearOf) return;
    this.#nearOf = asked;
    const found = await get<PossibleDuplicates>(`v1/clues/duplicates?${asked}`);
    if (asked !== this.#nearOf) return;
    const own = String(this.clue?.id ?? this.#saved?.id ?? "");
    this.#near = { ...found, duplicates: found.duplicates.filter((each) => each.kind !== "clue" || each.key !== own) };
    this.requestUpdate();
  }

  protected override render() {
    if (this.#result) return this.#shownResult(this.#result);
    return html`
      ${this.clue ? this.#told(this.clue) : this.#form()}
      ${section(t("desk.where"), this.#where())} ${section(t("desk.matter"), this.#matter())}
      ${this.#place ? section(t("desk.near"), this.#duplicates()) : nothing} ${this.#decisions()}
    `;
  }

  #told(clue: ClueDocument): TemplateResult {
    const { reporter } = clue;
    return html`
      <p class="note" data-clue-text>${clue.text}</p>
      <p class="muted">
        ${term("clue_source", clue.source)} · ${time(clue.created_at)} · ${term("urgency", clue.urgency)}
        ${clue.address ? html`<br />${t("desk.address")}: ${clue.address}` : nothing}
        ${reporter ? html`<br />${[reporter.name, reporter.phone, reporter.email].filter(Boolean).join(" · ")}` : nothing}
      </p>
    `;
  }

  #field(name: string, title: string, more: { type?: string; most?: number } = {}): TemplateResult {
    return html`
      <label>
        ${title}<input
          name=${name}
          type=${more.type ?? "text"}
          maxlength=${more.most ?? 200}
          autocomplete="off"
          .value=${live(this.#fields[name] ?? "")}
          @input=${(event: Event) => (this.#fields[name] = (event.target as HTMLInputElement).value)}
        />
      </label>
    `;
  }

  #choice(name: string, title: string, options: readonly [string, string][]): TemplateResult {
    return html`
      <label>
        ${title}<select
          name=${name}
          .value=${live(this.#fields[name] ?? "")}
          @change=${(event: Event) => (this.#fields[name] = (event.target as HTMLSelectElement).value)}
        >
          ${options.map(([value, text]) => html`<option value=${value} ?selected=${this.#fields[name] === value}>${text}</option>`)}
        </select>
      </label>
    `;
  }

  #form(): TemplateResult {
    const draft = written("new clue");
    return html`
      <div class="desk-fields">
        <label class="wide">
          ${t("desk.text")}<textarea
            name="text"
            rows="4"
            maxlength="4000"
            ?readonly=${this.#saved !== null}
            .value=${live(this.#text)}
            @input=${(event: Event) => draft.keep((event.target as HTMLTextAreaElement).value)}
          ></textarea>
        </label>
        ${this.#choice(
          "source",
          t("desk.source"),
          SOURCES.map((each) => [each, term("clue_source", each)] as const),
        )}
        ${this.#choice(
          "urgency",
          t("case.urgency"),
          URGENCIES.map((each) => [each, term("urgency", each)] as const),
        )}
        ${this.#field("name", t("desk.name"))} ${this.#field("phone", t("desk.phone"), { type: "tel", most: 20 })}
      </div>
    `;
  }

  #where(): Content {
    const find = busy(() => this.#findPlaces());
    return html`
      <form
        class="desk-ask"
        @submit=${(event: SubmitEvent) => {
          event.preventDefault();
          (event.currentTarget as HTMLElement).querySelector<HTMLElement>("[data-find]")?.click();
        }}
      >
        ${this.clue?.address ? nothing : this.#field("address", t("desk.address"))}
        <button type="button" data-find @click=${find}>${t("desk.find")}</button>
      </form>
      ${this.#candidatesList()}
      <p class="place" data-place>
        ${this.#place ? html`${t("desk.place")} <code>${this.#place.lon}, ${this.#place.lat}</code>` : t("desk.click")}
      </p>
    `;
  }

  #candidatesList(): Content {
    if (this.#candidates === null) return nothing;
    if (!this.#candidates.length) return empty(t("desk.nothing_found"));
    return html`
      <ol class="rows candidates">
        ${this.#candidates.map((each, i) => {
          const at = rounded({ lng: each.lon, lat: each.lat });
          const chosen = at.lon === this.#place?.lon && at.lat === this.#place?.lat;
          const choose = (): void => {
            this.#choose({ lon: each.lon, lat: each.lat });
            flyTo(this.parts, { type: "Point", coordinates: [each.lon, each.lat] }, 15);
          };
          return html`
            <li>
              <button type="button" class=${chosen ? "row chosen" : "row"} data-candidate=${i} @click=${choose}>
                <span class="row-head">
                  <span class="badge call">${i + 1}</span><b>${each.name}</b><span>${percent(each.score)}</span>
                </span>
                ${each.lies_in?.length ? html`<span class="row-foot"><span>${each.lies_in.join(" › ")}</span></span>` : nothing}
                <span class="row-foot">
                  <span>${kindOfPlace(each.kind)}${each.former ? ` · ${t("desk.former")}` : ""}</span>
                  <span>${t("desk.matched", { part: each.matched })}</span>
                </span>
              </button>
            </li>
          `;
        })}
      </ol>
    `;
  }

  async #findPlaces(): Promise<void> {
    const address = (this.clue?.address ?? this.#fields.address ?? "").trim();
    if (!address) return complain(new Error(t("desk.address_needed")));
    const found = await get<PlacesFound>(`v1/places?address=${encodeURIComponent(address)}`);
    if (found.another_city) complain(new Error(t("desk.another_city", { city: found.another_city })));
    this.#candidates = found.candidates;
    const points = found.candidates.map((each) => [each.lon, each.lat]);
    if (points.length) flyTo(this.parts, { type: "MultiPoint", coordinates: points }, 14);
    this.requestUpdate();
  }

  #matter(): Content {
    const choose = (item: string): void => {
      this.#item = item;
      this.requestUpdate();
    };
    return [
      html`<button type="button" data-suggest @click=${busy(() => this.#suggest())}>${t("desk.suggest")}</button>`,
      this.#suggested === null
        ? nothing
        : this.#suggested.length
          ? html`
            <ul class="rows">
              ${this.#suggested.map(
                (each) => html`
                  <li class="bare">
                    <button
                      type="button"
                      class=${each.item_code === this.#item ? "row chosen" : "row"}
                      data-matter=${each.item_code}
                      @click=${() => choose(each.item_code)}
                    >
                      <span class="row-head"><b>${each.name}</b><span>${percent(each.score)}</span></span>
                      <span class="row-foot">
                        <span>${term("domain", each.domain)}</span><code>${each.item_code}</code>
                      </span>
                    </button>
                  </li>
                `,
              )}
            </ul>
          `
          : empty(t("desk.no_matter")),
      loaded(
        this.#matters,
        (items) => html`
          <label>
            ${t("desk.matter_chosen")}<select
              name="item"
              .value=${live(this.#item)}
              @change=${(event: Event) => choose((event.target as HTMLSelectElement).value)}
            >
              <option value="">${t("desk.matter_open")}</option>
              ${items.map(
                (each) => html`
                  <option value=${each.item_code} ?selected=${each.item_code === this.#item}>
                    ${brackets(each.item, each.item_code)}
                  </option>
                `,
              )}
            </select>
          </label>
        `,
      ),
    ];
  }

  async #suggest(): Promise<void> {
    const text = this.#text.trim();
    if (!text) return complain(new Error(t("desk.text_needed")));
    const { matters: found } = await get<SuggestedMatters>(
      `v1/clues/matters?text=${encodeURIComponent(text.slice(0, 500))}`,
    );
    this.#suggested = found;
    this.requestUpdate();
  }

  #duplicates(): Content {
    const near = this.#near;
    if (!near) return nothing;
    if (!near.duplicates.length)
      return empty(t("desk.none_near", { radius: number(near.radius_m), days: number(near.days) }));
    return html`
      <ul class="rows">
        ${repeat(
          near.duplicates,
          (each) => `${each.kind} ${each.key}`,
          (each) => this.#duplicate(each),
        )}
      </ul>
    `;
  }

  #duplicate(each: PossibleDuplicate): TemplateResult {
    const days = Math.floor((Date.now() - Date.parse(each.reported_at)) / DAY_MS);
    const to =
      each.kind === "case"
        ? ({ view: "case", number: each.key } as const)
        : ({ view: "clue", id: Number(each.key) } as const);
    return html`
      <li data-duplicate=${each.key}>
        <div class="row-head">
          <span class="badge call">${term(each.kind === "case" ? "state" : "clue_state", each.state)}</span>
          <b>${each.title}</b>
        </div>
        <div class="row-foot">
          <a href=${linkTo(to)} @click=${follow(to)}><code>${each.kind === "case" ? each.key : `#${each.key}`}</code></a>
          <span>${t("desk.distance", { distance: number(each.distance_m), days: number(days) })}</span>
        </div>
        ${
          may("decide_clues")
            ? html`
              <div class="actions wrap">
                <button type="button" data-merge @click=${busy(() => this.#merge(each))}>${t("desk.merge")}</button>
                ${
                  each.kind === "case"
                    ? html`<button type="button" data-link @click=${busy(() => this.#link(each))}>${t("desk.link")}</button>`
                    : nothing
                }
              </div>
            `
            : nothing
        }
      </li>
    `;
  }

  #decisions(): Content {
    const title = this.#fields.title ?? shortened(this.#text.trim().split("\n")[0] ?? "");
    const ready = this.#place !== null && this.#item !== "";
    return section(
      t("desk.decide"),
      html`
        ${
          may("decide_clues")
            ? html`
              <label>
                ${t("desk.title")}<input
                  name="title"
                  maxlength="200"
                  .value=${live(title)}
                  @input=${(event: Event) => (this.#fields.title = (event.target as HTMLInputElement).value)}
                />
              </label>
            `
            : nothing
        }
        <div class="actions wrap">
          ${
            this.clue
              ? nothing
              : html`<button type="button" data-save @click=${busy(() => this.#save())}>${t("desk.save")}</button>`
          }
          ${
            may("decide_clues")
              ? html`
                <button type="button" class="primary" data-open ?disabled=${!ready} @click=${busy(() => this.#open(title))}>
                  ${t("desk.open")}
                </button>
                ${
                  this.clue
                    ? html`<button type="button" data-reject @click=${busy(() => this.#reject())}>${t("desk.reject")}</button>`
                    : nothing
                }
              `
              : nothing
          }
        </div>
        ${ready || !may("decide_clues") ? nothing : html`<p class="muted">${t("desk.not_ready")}</p>`}
      `,
    );
  }

  /** The clue on the server: what is new is saved first, once. */
  async #stored(): Promise<number> {
    if (this.clue) return this.clue.id;
    if (this.#saved) return this.#saved.id;
    const text = this.#text.trim();
    const filled = (name: string): Record<string, string> => {
      const value = this.#fields[name]?.trim();
      return value ? { [name]: value } : {};
    };
    const saved = await post<ReceivedClue>("v1/clues", {
      text,
      source: this.#fields.source,
      urgency: this.#fields.urgency,
      with_code: true,
      ...filled("name"),
      ...filled("phone"),
      ...filled("address"),
      ...this.#place,
      ...(this.#item && { item_code: this.#item }),
    });
    this.#saved = saved;
    this.#storedText = text; // a refused opening is tried again with what was written
    written("new clue").sent();
    return saved.id;
  }

  async #save(): Promise<void> {
    this.#done({ clue: await this.#stored(), state: "received" });
  }

  async #open(title: string): Promise<void> {
    if (!this.#place) return;
    const clue = await this.#stored();
    const body = { title: title.trim(), item_code: this.#item, ...this.#place };
    const opened = await post<OpenedCase>(`v1/clues/${clue}/open`, body);
    this.#done({ clue, number: opened.number, state: "opened" });
  }

  async #merge(each: PossibleDuplicate): Promise<void> {
    if ((await ask(t("desk.merge_question", { key: each.key }), t("desk.merge"))) === null) return;
    const clue = await this.#stored();
    const into = each.kind === "case" ? { case_number: each.key } : { clue_id: Number(each.key) };
    await post(`v1/clues/${clue}/merge`, into);
    this.#done({ clue, state: "merged", ...(each.kind === "case" && { number: each.key }) });
  }

  async #link(each: PossibleDuplicate): Promise<void> {
    const clue = await this.#stored();
    await post(`v1/clues/${clue}/link`, { case_number: each.key });
    tell(() => t("desk.linked", { number: each.key }));
    this.requestUpdate();
  }

  async #reject(): Promise<void> {
    const reason = await ask(t("desk.reject_question"), t("desk.reject"), t("dispatch.reason"));
    if (reason === null) return;
    const clue = await this.#stored();
    await post(`v1/clues/${clue}/reject`, { reason });
    this.#done({ clue, state: "rejected" });
  }

  #done(result: Result): void {
    this.#result = result;
    this.#near = null;
    this.#candidates = null;
    this.requestUpdate();
    this.dispatchEvent(new CustomEvent("clue-decided", { bubbles: true }));
  }

  #shownResult({ clue, number: found, state }: Result): TemplateResult {
    const code = this.#saved?.code;
    const to = { view: "clue", id: clue } as const;
    return html`
      <div class="hint" role="status" data-result=${state}>
        <p><b>${term("clue_state", state)}</b> · <a href=${linkTo(to)} @click=${follow(to)}>${t("desk.clue", { id: clue })}</a></p>
        ${
          found
            ? html`<p>
              ${t("desk.case")}
              <a href=${linkTo({ view: "case", number: found })} @click=${follow({ view: "case", number: found })}>
                <code data-case-number>${found}</code>
              </a>
            </p>`
            : nothing
        }
        ${
          code
            ? html`<p>${t("desk.code")} <strong class="key" data-code>${code}</strong><br /><small>${t("desk.code_once")}</small></p>`
            : nothing
        }
        <button type="button" data-next @click=${() => this.#next()}>${t("desk.next")}</button>
      </div>
    `;
  }

  #next(): void {
    this.#storedText = null;
    this.#result = this.#saved = this.#place = this.#suggested = this.#candidates = this.#near = null;
    this.#item = this.#nearOf = "";
    this.#fields = { source: this.#fields.source ?? "hotline", urgency: "normal" };
    this.dispatchEvent(new CustomEvent("clue-next", { bubbles: true }));
    this.requestUpdate();
  }
}
customElements.define("clue-desk", ClueDesk);
