/** What is drawn of a vehicle, and a slider over its time. */
import { html, nothing } from "lit";
import { Piece } from "../core/element";
import { icon } from "../core/icons";
import type { ShownTrack, Track } from "../map/track";
import { number, time } from "../texts/format";
import { t } from "../texts/text";

const STEPS = 1000;

export class TrackPanel extends Piece {
  static override properties = { track: { attribute: false } };
  declare track: Track;
  #at = 0;
  #of: ShownTrack | null = null;

  protected override follows() {
    return [this.track.shown];
  }

  readonly #move = ({ target }: Event): void => {
    this.#at = Number((target as HTMLInputElement).value) / STEPS;
    this.track.moveHead(this.#moment());
    this.requestUpdate();
  };

  #moment(): number {
    const [from, to] = [Date.parse(this.#of?.from ?? ""), Date.parse(this.#of?.to ?? "")];
    return from + (to - from) * this.#at;
  }

  protected override render() {
    const shown = this.track.shown.get();
    if (shown !== this.#of) [this.#of, this.#at] = [shown, 0];
    if (!shown) return nothing;
    const facts = { fixes: number(shown.fixCount), gaps: number(shown.gaps), stays: number(shown.stays.length) };
    return html`
      <div class="track-box">
        <div class="row-head">
          <b>${t("track.of", { vehicle: shown.label })}</b>
          <button type="button" class="icon-button" aria-label=${t("track.clear")} @click=${() => this.track.clear()}>
            ${icon("close")}
          </button>
        </div>
        <p class="muted">${t("track.facts", facts)}</p>
        <div class="legend-line">
          <i class="mark line track"></i>${t("track.driven")}<i class="mark dash gap"></i>${t("track.gap")}
          <i class="mark ring track"></i>${t("layer.stays")}
        </div>
        <div class="slider">
          <input
            type="range"
            min="0"
            max=${STEPS}
            .value=${String(this.#at * STEPS)}
            aria-label=${t("track.time")}
            aria-valuetext=${time(new Date(this.#moment()).toISOString())}
            @input=${this.#move}
          />
          <output>${time(new Date(this.#moment()).toISOString())}</output>
        </div>
      </div>
    `;
  }
}
customElements.define("track-panel", TrackPanel);
