/**
 * A chart of readings: of days a line that breaks where days are missing, of other intervals bars of their own width and
 * their use a day. The baseline, the closure and the start of work are drawn, flags are marked and named.
 */
import { html, nothing, type PropertyValues } from "lit";
import uPlot from "uplot";
import "../style/chart.css";
import { Piece } from "../core/element";
import { shade } from "../core/theme";
import { brackets, list, quantity, number, span } from "../texts/format";
import { t, term } from "../texts/text";
import { bandOf, dayNumber, DAY_S, flagCounts, flaggedPlaces, type Reading, type Series, seriesOf } from "./series";

export interface MeterChartInput {
  kind: "power" | "water" | "gas";
  unit: string;
  readings: readonly Reading[];
  baseline: number | null;
  closedOn: string | null;
  /** First and last day between which work began. */
  started: readonly [string, string] | null;
}

const HEIGHT_PX = 138;
const AXIS_PX = 44;
const KEYS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30 };

function isoDay(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}

/** The days between which work began, in words. */
function startText([first, last]: readonly [string, string]): string {
  return t("chart.started", { days: first === last ? first : span(first, last) });
}

export class MeterChart extends Piece {
  static override properties = { input: { attribute: false }, at: { state: true } };
  declare input: MeterChartInput;
  /** The day that is read out: its place in the series; null: none. */
  declare at: number | null;
  #series: Series = seriesOf([]);
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
    if (changed.has("input")) this.#series = seriesOf(this.input.readings);
  }

  #hasValues(): boolean {
    return this.#series.y.some((each) => each !== null);
  }

  #bars(): boolean {
    return this.#series.spans.length > 0;
  }

  /** The unit of the axis. */
  #unit(): string {
    return this.#bars() ? t("chart.a_day", { unit: this.input.unit }) : this.input.unit;
  }

  #summary(): string {
    const { kind, baseline, closedOn, started } = this.input;
    const unit = this.#unit();
    const values = this.#series.y.filter((each) => each !== null);
    const { x } = this.#series;
    return [
      term("meter", kind),
      span(isoDay(x[0] ?? 0), isoDay(x.at(-1) ?? 0)),
      t("chart.range", { low: number(Math.min(...values), 2), high: quantity(Math.max(...values), unit, 2) }),
      baseline === null ? "" : t("chart.baseline", { value: number(baseline, 2), unit }),
      closedOn ? t("chart.closed", { day: closedOn }) : "",
      started ? startText(started) : "",
    ]
      .filter(Boolean)
      .join(t("written.list_separator"));
  }

  /** What is said beside the title: the day under the pointer, else the baseline. */
  #readout(): string {
    const { baseline } = this.input;
    const unit = this.#unit();
    if (this.at !== null) {
      const reading = this.#series.readings[this.at];
      const value = this.#series.y[this.at] ?? null;
      const words = value === null ? t("chart.missing") : this.#value(reading ?? null, value);
      const remarks = reading ? reading.flags.map((flag) => term("reading_flag", flag)) : [];
      if (reading && (reading.quality === "estimated" || reading.quality === "computed"))
        remarks.unshift(term("quality", reading.quality));
      return `${this.#when(this.at)} ${remarks.length ? brackets(words, list(remarks)) : words}`;
    }
    return baseline === null ? unit : t("chart.baseline", { value: number(baseline, 2), unit });
  }

  #value(reading: Reading | null, value: number): string {
    const { unit } = this.input;
    if (!this.#bars()) return quantity(value, unit, 2);
    return `${quantity(reading?.value ?? 0, unit, 2)}, ${quantity(value, this.#unit(), 2)}`;
  }

  /** The day at a place, or the first and the last day of its interval, or its hours. */
  #when(at: number): string {
    const bar = this.#series.spans[at];
    if (!bar) return isoDay(this.#series.x[at] ?? 0);
    const [begin, end] = bar.map((each) => new Date(each * 1000).toISOString()) as [string, string];
    if (bar[1] - bar[0] < DAY_S) return `${begin.slice(0, 16).replace("T", " ")}–${end.slice(11, 16)}`;
    return span(begin.slice(0, 10), isoDay(bar[1] - 1));
  }

  /** The flags of the readings, each with its count. */
  #flags() {
    const counts = [...flagCounts(this.input.readings)];
    if (!counts.length) return nothing;
    const named = counts.map(([flag, n]) => brackets(term("reading_flag", flag), n));
    return html`<p class="flags">${t("chart.flags", { flags: list(named) })}</p>`;
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
        ${this.#flags()}
      </figure>
    `;
  }

  protected override updated(changed: PropertyValues): void {
    const box = this.querySelector<HTMLElement>(".plot");
    // only the day that is read out: the picture stays
    if (!box || (changed.size === 1 && changed.has("at") && this.#plot)) return;
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(box), [this.#series.x, this.#series.y], box);
    this.#sized.observe(box);
  }

  #fit(): void {
    const box = this.querySelector<HTMLElement>(".plot");
    if (!box || !this.#plot || box.clientWidth === this.#plot.width || !box.clientWidth) return;
    this.#plot.setSize({ width: box.clientWidth, height: HEIGHT_PX });
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
      scales: { ...this.#wholeBars(), y: { range: () => [0, uPlot.rangeNum(0, top, 0.08, true)[1] ?? top] } },
      series: [
        {},
        {
          stroke: color("--meter"),
          width: 1.5,
          points: { show: this.#series.alone.length > 0, size: 3, filter: () => this.#series.alone },
          ...(this.#bars() ? { paths: () => null } : {}),
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
        drawAxes: [(plot) => this.#drawStart(plot, color), (plot) => this.#drawBars(plot, color)],
        draw: [
          (plot) => this.#references(plot, color),
          (plot) => this.#drawFlagged(plot, color),
          (plot) => this.#label(plot),
        ],
        setCursor: [
          ({ cursor }) => {
            this.at = (cursor.left ?? -1) < 0 ? null : (cursor.idx ?? null);
          },
        ],
      },
    };
  }

  /** The time axis from the begin of the first bar to the end of the last. */
  #wholeBars(): uPlot.Scales {
    const { spans } = this.#series;
    if (!spans.length) return {};
    const range: [number, number] = [spans[0]?.[0] ?? 0, Math.max(...spans.map(([, end]) => end))];
    return { x: { range: () => range } };
  }

  /** The interval of the start of work, behind the readings. */
  #drawStart(plot: uPlot, color: (name: string) => string): void {
    const band = this.#startBand();
    if (!band) return;
    const { ctx, bbox } = plot;
    const [left, right] = band.map((each) => plot.valToPos(each, "x", true)) as [number, number];
    ctx.save();
    ctx.globalAlpha = 0.28;
    ctx.fillStyle = color("--adds");
    ctx.fillRect(left, bbox.top, Math.max(right - left, 2 * devicePixelRatio), bbox.height);
    ctx.restore();
  }

  #startBand(): [number, number] | null {
    const { x, spans } = this.#series;
    const axis: [number, number] = [spans[0]?.[0] ?? x[0] ?? 0, spans.at(-1)?.[1] ?? x.at(-1) ?? 0];
    return bandOf(this.input.started, axis);
  }

  /** Dots on the flagged days of a line. */
  #drawFlagged(plot: uPlot, color: (name: string) => string): void {
    if (this.#bars()) return;
    const { ctx } = plot;
    ctx.save();
    ctx.fillStyle = color("--bad");
    for (const i of flaggedPlaces(this.#series)) {
      ctx.beginPath();
      const [x, y] = [this.#series.x[i] ?? 0, this.#series.y[i] ?? 0];
      ctx.arc(plot.valToPos(x, "x", true), plot.valToPos(y, "y", true), 2.5 * devicePixelRatio, 0, 2 * Math.PI);
      ctx.fill();
    }
    ctx.restore();
  }

  /** Bars of their own width: estimated ones are pale, flagged ones have a line on top. */
  #drawBars(plot: uPlot, color: (name: string) => string): void {
    const { ctx } = plot;
    const zero = plot.valToPos(0, "y", true);
    ctx.save();
    for (const [i, [begin, end]] of this.#series.spans.entries()) {
      const value = this.#series.y[i] ?? null;
      if (value === null) continue;
      const reading = this.#series.readings[i];
      const left = plot.valToPos(begin, "x", true);
      const width = Math.max(plot.valToPos(end, "x", true) - left, 1);
      const top = plot.valToPos(value, "y", true);
      const gap = width > 6 * devicePixelRatio ? devicePixelRatio : 0;
      ctx.globalAlpha = reading?.quality === "estimated" ? 0.35 : 0.75;
      ctx.fillStyle = color("--meter");
      ctx.fillRect(left, top, width - gap, zero - top);
      if (!reading?.flags.length) continue;
      ctx.globalAlpha = 1;
      ctx.fillStyle = color("--bad");
      ctx.fillRect(left, top - 2 * devicePixelRatio, width - gap, 2 * devicePixelRatio);
    }
    ctx.restore();
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

  /** The closure and the start in words, on the side of their line where there is room. */
  #label(plot: uPlot): void {
    for (const old of plot.over.querySelectorAll(".closure, .start")) old.remove();
    const { closedOn, started } = this.input;
    if (this.#isInside(closedOn))
      this.#write(plot, "closure", dayNumber(closedOn) * DAY_S, t("chart.closed", { day: closedOn }));
    const band = this.#startBand();
    if (band && started) this.#write(plot, "start", band[0], startText(started));
  }

  #write(plot: uPlot, name: string, at: number, text: string): void {
    const x = plot.valToPos(at, "x");
    const width = plot.over.clientWidth;
    const label = document.createElement("span");
    label.className = name;
    label.textContent = text;
    if (x > width / 2) label.style.right = `${width - x + 4}px`;
    else label.style.left = `${x + 4}px`;
    plot.over.append(label);
  }
}
customElements.define("meter-chart", MeterChart);
