/** What is drawn of a vehicle, and a slider over its time. */
import { h, fill } from "../core/dom";
import { time } from "../texts/format";
import { t } from "../texts/text";
import type { ShownTrack } from "../map/track";
import type { ViewContext } from "./view";

const STEPS = 1000;

function body(shown: ShownTrack, { console: parts }: ViewContext): HTMLElement[] {
  const [from, to] = [Date.parse(shown.from), Date.parse(shown.to)];
  const readout = h("output", {}, time(shown.from));
  const slider = h("input", { type: "range", min: 0, max: STEPS, value: 0, "aria-label": t("track.time") });
  slider.addEventListener("input", () => {
    const at = from + ((to - from) * Number(slider.value)) / STEPS;
    readout.textContent = time(new Date(at).toISOString());
    parts.track.moveHead(at);
  });
  return [
    h(
      "div",
      { class: "row-head" },
      h("b", {}, t("track.of", { vehicle: shown.label })),
      h("button", { class: "icon", "aria-label": t("track.clear"), onclick: () => parts.track.clear() }, "×"),
    ),
    h(
      "p",
      { class: "muted" },
      t("track.facts", { fixes: shown.fixCount, gaps: shown.gaps, stays: shown.stays.length }),
    ),
    h(
      "div",
      { class: "legend-line" },
      h("i", { class: "mark line track" }),
      t("track.driven"),
      h("i", { class: "mark dash gap" }),
      t("track.gap"),
      h("i", { class: "mark ring track" }),
      t("layer.stays"),
    ),
    h("div", { class: "slider" }, slider, readout),
  ];
}

export function trackPanel(context: ViewContext): HTMLElement {
  const box = h("div", { class: "track-box" });
  const draw = (shown: ShownTrack | null): void => {
    box.hidden = shown === null;
    fill(box, shown ? body(shown, context) : []);
  };
  draw(context.console.track.shown.get());
  const stop = context.console.track.shown.subscribe(draw);
  context.signal.addEventListener("abort", stop);
  return box;
}
