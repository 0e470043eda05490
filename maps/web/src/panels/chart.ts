/** A small chart of daily readings: the line breaks where days are missing, the baseline and the closure are drawn. */
import { h, svg } from "../core/dom";
import { number } from "../texts/format";
import { t } from "../texts/text";
import { dayNumber, niceTicks, runs, type Reading } from "../geometry/series";

export interface ChartInput {
  readings: readonly Reading[];
  unit: string;
  color: string;
  title: string;
  baseline?: number | null | undefined;
  closedOn?: string | null | undefined;
}

const SIZE = { width: 352, height: 128, left: 40, right: 8, top: 14, bottom: 20 };

interface Scale {
  x: (day: string) => number;
  y: (value: number) => number;
  ticks: number[];
  first: number;
  last: number;
}

function scaleOf({ readings, baseline }: ChartInput): Scale {
  const days = readings.map((each) => dayNumber(each.day));
  const first = Math.min(...days);
  const last = Math.max(...days, first + 1);
  const top = Math.max(1e-9, baseline ?? 0, ...readings.map((each) => each.value ?? 0));
  const ticks = niceTicks(top, 3);
  const highest = Math.max(top, ticks[ticks.length - 1] ?? top);
  const inner = { width: SIZE.width - SIZE.left - SIZE.right, height: SIZE.height - SIZE.top - SIZE.bottom };
  return {
    x: (day) => SIZE.left + ((dayNumber(day) - first) / (last - first)) * inner.width,
    y: (value) => SIZE.top + inner.height - (Math.max(0, value) / highest) * inner.height,
    ticks,
    first,
    last,
  };
}

function path(run: readonly Reading[], scale: Scale): string {
  return run
    .map((each, i) => `${i ? "L" : "M"}${scale.x(each.day).toFixed(1)} ${scale.y(each.value ?? 0).toFixed(1)}`)
    .join("");
}

function axes(input: ChartInput, scale: Scale): SVGElement[] {
  const { readings } = input;
  const parts: SVGElement[] = scale.ticks.flatMap((tick) => [
    svg("line", { class: "grid", x1: SIZE.left, x2: SIZE.width - SIZE.right, y1: scale.y(tick), y2: scale.y(tick) }),
    svg("text", { x: SIZE.left - 5, y: scale.y(tick) + 3.5, "text-anchor": "end" }, number(tick, 2)),
  ]);
  const first = readings[0]?.day ?? "";
  const last = readings[readings.length - 1]?.day ?? "";
  parts.push(svg("text", { x: SIZE.left, y: SIZE.height - 6 }, first));
  parts.push(svg("text", { x: SIZE.width - SIZE.right, y: SIZE.height - 6, "text-anchor": "end" }, last));
  return parts;
}

function references({ baseline, closedOn }: ChartInput, scale: Scale): SVGElement[] {
  const parts: SVGElement[] = [];
  if (closedOn && dayNumber(closedOn) >= scale.first && dayNumber(closedOn) <= scale.last) {
    const x = scale.x(closedOn);
    const late = x > SIZE.width / 2;
    parts.push(svg("line", { class: "closure", x1: x, x2: x, y1: SIZE.top - 4, y2: SIZE.height - SIZE.bottom }));
    parts.push(
      svg(
        "text",
        { class: "closure", x: late ? x - 4 : x + 4, y: SIZE.top + 4, "text-anchor": late ? "end" : "start" },
        t("chart.closed", { day: closedOn }),
      ),
    );
  }
  if (baseline !== null && baseline !== undefined) {
    const y = scale.y(baseline);
    parts.push(svg("line", { class: "baseline", x1: SIZE.left, x2: SIZE.width - SIZE.right, y1: y, y2: y }));
  }
  return parts;
}

function readout(picture: SVGElement, input: ChartInput, scale: Scale, line: HTMLElement): void {
  const cursor = svg("line", { class: "cursor", y1: SIZE.top, y2: SIZE.height - SIZE.bottom, visibility: "hidden" });
  picture.append(cursor);
  const rest = line.textContent ?? "";
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const share = ((event.clientX - box.left) / box.width) * SIZE.width;
    const nearest = input.readings.reduce((a, b) =>
      Math.abs(scale.x(b.day) - share) < Math.abs(scale.x(a.day) - share) ? b : a,
    );
    const x = scale.x(nearest.day);
    for (const end of ["x1", "x2"]) cursor.setAttribute(end, String(x));
    cursor.setAttribute("visibility", "visible");
    line.textContent = `${nearest.day}  ${nearest.value === null ? t("chart.missing") : `${number(nearest.value, 2)} ${input.unit}`}${nearest.quality === "estimated" ? ` (${t("chart.estimated")})` : ""}`;
  });
  picture.addEventListener("pointerleave", () => {
    cursor.setAttribute("visibility", "hidden");
    line.textContent = rest;
  });
}

export function chart(input: ChartInput): HTMLElement {
  if (!input.readings.some((each) => each.value !== null))
    return h(
      "figure",
      { class: "chart" },
      h("figcaption", {}, h("b", {}, input.title), h("span", {}, t("chart.none"))),
    );
  const scale = scaleOf(input);
  const lines = runs(input.readings).map((run) =>
    run.length === 1 && run[0]
      ? svg("circle", { cx: scale.x(run[0].day), cy: scale.y(run[0].value ?? 0), r: 1.2, fill: input.color })
      : svg("path", {
          d: path(run, scale),
          fill: "none",
          stroke: input.color,
          "stroke-width": 1.3,
          "stroke-linejoin": "round",
        }),
  );
  const picture = svg(
    "svg",
    { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img", "aria-label": input.title },
    ...axes(input, scale),
    ...lines,
    ...references(input, scale),
  );
  const base =
    input.baseline === null || input.baseline === undefined
      ? ""
      : t("chart.baseline", { value: number(input.baseline, 2), unit: input.unit });
  const line = h("span", {}, base || input.unit);
  readout(picture, input, scale, line);
  return h("figure", { class: "chart" }, h("figcaption", {}, h("b", {}, input.title), line), picture);
}
