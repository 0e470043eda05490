/** Guide layers: files dropped into the page, in a system that is chosen, listed with removal and with their difference to the partition. */
import type { Geometry } from "geojson";
import { html, nothing, type TemplateResult } from "lit";
import { flyTo, type Console } from "../../console";
import { Piece } from "../../core/element";
import type { GuideDifference, GuideDifferenceRow } from "../../core/types";
import { GUIDE_ENDINGS, polygonsOf, type ComparedKind, type GuideLayer } from "../../edit/guides";
import type { EditSession } from "../../edit/session";
import { list, number, surface } from "../../texts/format";
import { t, term } from "../../texts/text";
import { busy, failure } from "../pieces";

const DATUMS = ["wgs84", "cgcs2000", "gcj02", "bd09", "file", "other"] as const;
const KINDS: readonly ComparedKind[] = ["unit_grid", "community", "town"];
const SHOWN = 200;

class GuideBox extends Piece {
  static override properties = { editor: { attribute: false }, parts: { attribute: false } };
  declare editor: EditSession;
  declare parts: Console;
  /** Files that wait for their system to be chosen. */
  #waiting: File[] = [];
  #crs = "";
  #epsg = "";
  #ignore = false;
  #kind: ComparedKind = "unit_grid";
  #difference: { layer: GuideLayer; found: GuideDifference } | null = null;
  #fault: unknown = null;

  protected override follows() {
    return [this.editor.guides.layers];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("dragover", this.#over);
    window.addEventListener("drop", this.#drop);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("dragover", this.#over);
    window.removeEventListener("drop", this.#drop);
  }

  readonly #over = (event: DragEvent): void => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  };

  readonly #drop = (event: DragEvent): void => {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    this.#take(event.dataTransfer.files);
  };

  #take(files: FileList | null): void {
    const [good, bad] = [[...(files ?? [])].filter(isGuide), [...(files ?? [])].filter((each) => !isGuide(each))];
    this.#waiting = [...this.#waiting, ...good];
    this.#fault = bad.length
      ? new Error(t("guides.other_kind", { files: list(bad.map((each) => each.name)), kinds: GUIDE_ENDINGS.join(" ") }))
      : null;
    this.requestUpdate();
    void this.updateComplete.then(() => {
      const details = this.querySelector("details");
      if (details) details.open = true;
      this.querySelector<HTMLElement>("[name=guide-crs]")?.focus();
    });
  }

  async #read(): Promise<void> {
    const crs = this.#crs === "other" ? `EPSG:${this.#epsg}` : this.#crs;
    this.#fault = null;
    try {
      for (let file = this.#waiting[0]; file; file = this.#waiting[0]) {
        const layer = await this.editor.guides.add(file, crs, this.#ignore);
        this.#waiting = this.#waiting.slice(1);
        this.#fly(layer);
      }
      this.#crs = "";
    } catch (error) {
      this.#fault = error;
    }
    this.requestUpdate();
  }

  #fly({ features }: GuideLayer): void {
    flyTo(this.parts, { type: "GeometryCollection", geometries: features.map((each) => each.geometry) }, 15);
  }

  async #compare(layer: GuideLayer): Promise<void> {
    this.#fault = null;
    try {
      this.#difference = { layer, found: await this.editor.guides.difference(layer, this.#kind) };
    } catch (error) {
      this.#fault = error;
    }
    this.requestUpdate();
  }

  /** The system of the files that wait: there is no default, and nothing is guessed. */
  #asking(): TemplateResult {
    const ready = this.#crs !== "" && (this.#crs !== "other" || /^\d{4,6}$/.test(this.#epsg));
    const set = (act: (value: string) => void) => (event: Event) => {
      act((event.target as HTMLInputElement).value.trim());
      this.requestUpdate();
    };
    return html`
      <div class="guide-asking">
        <p><b>${list(this.#waiting.map((each) => each.name))}</b></p>
        <label>
          ${t("guides.crs")}
          <select name="guide-crs" @change=${set((value) => (this.#crs = value))}>
            <option value="" ?selected=${this.#crs === ""}>${t("guides.choose")}</option>
            ${DATUMS.map((each) => html`<option value=${each} ?selected=${this.#crs === each}>${t(`guides.crs.${each}`)}</option>`)}
          </select>
        </label>
        ${
          this.#crs === "other"
            ? html`<label>EPSG <input name="guide-epsg" inputmode="numeric" .value=${this.#epsg} @input=${set((value) => (this.#epsg = value))} /></label>`
            : nothing
        }
        <label class="check">
          <input
            type="checkbox"
            name="guide-ignore"
            .checked=${this.#ignore}
            @change=${({ target }: Event) => (this.#ignore = (target as HTMLInputElement).checked)}
          />${t("guides.ignore")}
        </label>
        <div class="actions wrap">
          <button type="button" class="primary" data-guides="read" ?disabled=${!ready} @click=${busy(() => this.#read())}>
            ${t("guides.read")}
          </button>
          <button
            type="button"
            @click=${() => {
              this.#waiting = [];
              this.#fault = null;
              this.requestUpdate();
            }}
          >
            ${t("cancel")}
          </button>
        </div>
      </div>
    `;
  }

  #row(layer: GuideLayer): TemplateResult {
    const polygons = polygonsOf(layer).length;
    return html`
      <li data-guide=${layer.name}>
        <b>${layer.name}</b> <span class="muted">${layer.crs} · ${t("guides.count", { n: number(layer.features.length) })}</span>
        ${layer.notes.map((note) => html`<p class="muted">${note}</p>`)}
        <div class="actions wrap">
          <button type="button" class="small" @click=${() => this.#fly(layer)}>${t("guides.fly")}</button>
          ${
            polygons
              ? html`<button type="button" class="small" data-guides="compare" @click=${busy(() => this.#compare(layer))}>
                  ${t("guides.compare")}
                </button>`
              : nothing
          }
          <button type="button" class="small" data-guides="remove" @click=${() => this.#remove(layer)}>${t("guides.remove")}</button>
        </div>
      </li>
    `;
  }

  #remove(layer: GuideLayer): void {
    if (this.#difference?.layer.id === layer.id) this.#difference = null;
    this.editor.guides.remove(layer.id);
  }

  #found(): TemplateResult | typeof nothing {
    if (!this.#difference) return nothing;
    const { layer, found } = this.#difference;
    const polygons = polygonsOf(layer);
    const other = found.rows.filter((each) => each.state !== "same");
    const name = (row: GuideDifferenceRow): string =>
      String(polygons[row.number - 1]?.properties?.name || t("guides.polygon", { n: row.number }));
    return html`
      <div data-guides="difference">
        <p>${t("guides.found", { same: number(found.rows.length - other.length), other: number(other.length), file: layer.name })}</p>
        <ul class="guide-list">
          ${other.slice(0, SHOWN).map(
            (row) => html`<li data-state=${row.state}>
              <button
                type="button"
                class="small"
                ?disabled=${!row.place}
                @click=${() => row.place && this.editor.lookAt(row.place as Geometry)}
              >
                ${t("guides.fly")}
              </button>
              <span>${name(row)}${row.code ? html` → <code>${row.code}</code> ${row.name}` : nothing}<br /><span class="muted">${said(row)}</span></span>
            </li>`,
          )}
        </ul>
      </div>
    `;
  }

  protected override render() {
    const layers = this.editor.guides.layers.get();
    return html`
      <details class="guide-box" data-guide-box ?open=${layers.length > 0}>
        <summary>${t("guides", { n: number(layers.length) })}</summary>
        <p class="muted">${t("guides.about")}</p>
        <label class="button">
          ${t("guides.open")}
          <input
            type="file"
            name="guide-file"
            multiple
            accept=${GUIDE_ENDINGS.join(",")}
            @change=${({ target }: Event) => {
              const input = target as HTMLInputElement;
              this.#take(input.files);
              input.value = "";
            }}
          />
        </label>
        ${this.#waiting.length ? this.#asking() : nothing} ${this.#fault ? failure(this.#fault) : nothing}
        ${
          layers.some((each) => polygonsOf(each).length)
            ? html`<label>${t("guides.kind")}
                <select name="guide-kind" @change=${({ target }: Event) => (this.#kind = (target as HTMLSelectElement).value as ComparedKind)}>
                  ${KINDS.map((each) => html`<option value=${each}>${term("kind", each)}</option>`)}
                </select></label>`
            : nothing
        }
        <ul class="guide-list">${layers.map((each) => this.#row(each))}</ul>
        ${this.#found()}
      </details>
    `;
  }
}
customElements.define("guide-box", GuideBox);

function isGuide({ name }: File): boolean {
  return GUIDE_ENDINGS.some((ending) => name.toLowerCase().endsWith(ending));
}

function said(row: GuideDifferenceRow): string {
  if (row.state === "no_area") return t("guides.no_area", { size: surface(row.only_guide_m2) });
  return t("guides.differs", { guide: surface(row.only_guide_m2), area: surface(row.only_area_m2) });
}
