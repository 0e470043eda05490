/** A chart of daily readings: the line breaks where days are missing, the baseline and the closure are drawn. */
import { html, type PropertyValues } from "lit";
import uPlot from "uplot";
import "../style/chart.css";
import { Piece } from "../core/element";
import { shade } from "../core/theme";
import { brackets, quantity, number, span } from "../texts/format";
import { t, term } from "../texts/text";
import { daily, dayNumber, DAY_S, type DailySeries, type Reading } from "./series";

export interface MeterChartInput {
  kind: "power" | "water" | "gas";
  unit: string;
  readings: readonly Reading[];
  baseline: number | null;
  closedOn: string | null;
}

const HEIGHT_PX = 138;
const AXIS_PX = 44;
const KEYS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30 };

function isoDay(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}

export class MeterChart extends Piece {
  static override properties = { input: { attribute: false }, at: { state: true } };
  declare input: MeterChartInput;
  /** The day that is read out: its place in the series; null: none. */
  declare at: number | null;
  #series: DailySeries = daily([]);
  #plot: uPlot | null = null;
  readonly #sized = new ResizeObserver(() => this.#fit());

  constructor() {
    super();
    this.at = null;
  }

  protected override follows() {
    return [shade];
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#sized.disconnect();
    this.#plot?.destroy();
    this.#plot = null;
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has("input")) this.#series = daily(this.input.readings);
  }

  #hasValues(): boolean {
    return this.#series.y.some((each) => each !== null);
  }

  #summary(): string {
    const { kind, unit, baseline, closedOn } = this.input;
    const values = this.#series.y.filter((each) => each !== null);
    const { x } = this.#series;
    return [
      term("meter", kind),
      span(isoDay(x[0] ?? 0), isoDay(x.at(-1) ?? 0)),
      t("chart.range", { low: number(Math.min(...values), 2), high: quantity(Math.max(...values), unit, 2) }),
      baseline === null ? "" : t("chart.baseline", { value: number(baseline, 2), unit }),
      closedOn ? t("chart.closed", { day: closedOn }) : "",
    ]
      .filter(Boolean)
      .join(t("written.list_separator"));
  }

  /** What is said beside the title: the day under the pointer, else the baseline. */
  #readout(): string {
    const { unit, baseline } = this.input;
    if (this.at !== null) {
      const reading = this.#series.readings[this.at];
      const value = this.#series.y[this.at] ?? null;
      const words = value === null ? t("chart.missing") : quantity(value, unit, 2);
      const day = isoDay(this.#series.x[this.at] ?? 0);
      return `${day} ${reading?.quality === "estimated" ? brackets(words, t("chart.estimated")) : words}`;
    }
    return baseline === null ? unit : t("chart.baseline", { value: number(baseline, 2), unit });
  }

  readonly #keys = (event: KeyboardEvent): void => {
    const by = KEYS[event.key];
    const last = this.#series.x.length - 1;
    if (event.key === "Escape") this.#point(null);
    else if (event.key === "Home") this.#point(0);
    else if (event.key === "End") this.#point(last);
    else if (by !== undefined) this.#point(Math.min(last, Math.max(0, (this.at ?? last + 1) + by)));
    else return;
    event.preventDefault();
  };

  #point(at: number | null): void {
    this.at = at;
    const left = at === null ? -10 : (this.#plot?.valToPos(this.#series.x[at] ?? 0, "x") ?? -10);
    this.#plot?.setCursor({ left, top: 0 }, false);
  }

  protected override render() {
    const { kind } = this.input;
    if (!this.#hasValues())
      return html`
        <figure class="chart">
          <figcaption><b>${term("meter", kind)}</b><span>${t("chart.none")}</span></figcaption>
        </figure>
      `;
    return html`
      <figure class="chart">
        <figcaption>
          <b>${term("meter", kind)}</b><output aria-live=${this.at === null ? "off" : "polite"}>${this.#readout()}</output>
        </figcaption>
        <div
          class="plot plot-${kind}"
          role="img"
          tabindex="0"
          aria-label=${this.#summary()}
          @keydown=${this.#keys}
          @blur=${() => this.#point(null)}
        ></div>
      </figure>
    `;
  }

  protected override updated(changed: PropertyValues): void {
    const box = this.querySelector<HTMLElement>(".plot");
    // only the day that is read out: the picture stays
    if (!box || (changed.size === 1 && changed.has("at") && this.#plot)) return;
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(box), [this.#series.x, this.#series.y], box);
    this.#label(this.#plot);
    this.#sized.observe(box);
  }

  #fit(): void {
    const box = this.querySelector<HTMLElement>(".plot");
    if (!box || !this.#plot || box.clientWidth === this.#plot.width || !box.clientWidth) return;
    this.#plot.setSize({ width: box.clientWidth, height: HEIGHT_PX });
    this.#label(this.#plot);
  }

  #options(box: HTMLElement): uPlot.Options {
    const css = getComputedStyle(box);
    const color = (name: string): string => css.getPropertyValue(name).trim();
    const font = `11px ${css.fontFamily}`;
    const grid = { stroke: color("--line"), width: 1 };
    const axis = { stroke: color("--soft"), font, grid, ticks: { show: false } };
    const top = Math.max(this.input.baseline ?? 0, ...this.#series.y.map((each) => each ?? 0), 1e-9);
    return {
      width: box.clientWidth,
      height: HEIGHT_PX,
      padding: [10, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      scales: { y: { range: () => [0, uPlot.rangeNum(0, top, 0.08, true)[1] ?? top] } },
      series: [
        {},
        {
          stroke: color("--meter"),
          width: 1.5,
          points: { show: this.#series.alone.length > 0, size: 3, filter: () => this.#series.alone },
        },
      ],
      axes: [
        {
          ...axis,
          grid: { show: false },
          space: 62,
          size: 24,
          values: (_, at) => at.map((each) => isoDay(each).slice(0, 7)),
        },
        { ...axis, size: AXIS_PX, space: 26, gap: 4, values: (_, at) => at.map((each) => number(each, 2)) },
      ],
      hooks: {
        draw: [(plot) => this.#references(plot, color)],
        setCursor: [
          ({ cursor }) => {
            this.at = (cursor.left ?? -1) < 0 ? null : (cursor.idx ?? null);
          },
        ],
      },
    };
  }

  /** The baseline and the day of the closure. */
  #references(plot: uPlot, color: (name: string) => string): void {
    const { ctx, bbox } = plot;
    const { baseline, closedOn } = this.input;
    const line = (stroke: string, dash: number[], ...[x1, y1, x2, y2]: [number, number, number, number]): void => {
      ctx.beginPath();
      ctx.strokeStyle = stroke;
      ctx.setLineDash(dash);
      ctx.moveTo(x1, y1);
      ctx.lineTo(x2, y2);
      ctx.stroke();
    };
    ctx.save();
    ctx.lineWidth = devicePixelRatio;
    if (baseline !== null) {
      const y = plot.valToPos(baseline, "y", true);
      line(color("--ink"), [5, 4], bbox.left, y, bbox.left + bbox.width, y);
    }
    if (this.#isInside(closedOn)) {
      const x = plot.valToPos(dayNumber(closedOn) * DAY_S, "x", true);
      line(color("--bad"), [], x, bbox.top, x, bbox.top + bbox.height);
    }
    ctx.restore();
  }

  #isInside(day: string | null): day is string {
    const at = day === null ? Number.NaN : dayNumber(day) * DAY_S;
    return at >= (this.#series.x[0] ?? Infinity) && at <= (this.#series.x.at(-1) ?? -Infinity);
  }

  /** The closure in words, on the side of its line where there is room. */
  #label(plot: uPlot): void {
    const { closedOn } = this.input;
    plot.over.querySelector(".closure")?.remove();
    if (!this.#isInside(closedOn)) return;
    const x = plot.valToPos(dayNumber(closedOn) * DAY_S, "x");
    const width = plot.over.clientWidth;
    const label = document.createElement("span");
    label.className = "closure";
    label.textContent = t("chart.closed", { day: closedOn });
    if (x > width / 2) label.style.right = `${width - x + 4}px`;
    else label.style.left = `${x + 4}px`;
    plot.over.append(label);
  }
}
customElements.define("meter-chart", MeterChart);
