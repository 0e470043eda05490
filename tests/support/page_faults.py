"""Faults of a page that a script in it can find; each answers with a list that should be empty."""

from __future__ import annotations

LAYOUT_FAULTS = """() => {
  const faults = [];
  const box = (e) => e.getBoundingClientRect();
  const name = (e) => e.className || e.tagName;
  if (document.documentElement.scrollWidth > innerWidth || document.documentElement.scrollHeight > innerHeight) faults.push("the page scrolls");
  for (const e of document.querySelectorAll(".top > *, .status > *, .tabs > *")) {
    const b = box(e);
    if (b.right > innerWidth + 1 || b.left < -1) faults.push("outside: " + name(e));
    for (let next = e.nextElementSibling; next; next = next.nextElementSibling)
      if (box(next).left < b.right - 1 && box(next).width && b.width) faults.push("overlap: " + name(e) + " " + name(next));
  }
  for (const e of document.querySelectorAll(".tabs a, .top button, .who b, .who small, .status span:not(.attribution)"))
    if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline") faults.push("cut off: " + name(e) + " " + e.textContent);
  const side = document.querySelector(".side-body");
  if (side.scrollWidth > side.clientWidth) faults.push("the panel is too wide");
  const s = box(document.querySelector(".side")), l = box(document.querySelector(".layers")), z = box(document.querySelector(".maplibregl-ctrl-bottom-right"));
  if (l.left < s.right) faults.push("layers over the panel");
  if (l.bottom > z.top && l.right > z.left) faults.push("layers over the zoom buttons");
  if (box(document.querySelector(".maplibregl-ctrl-scale")).left < s.right) faults.push("scale under the panel");
  return faults;
}"""
"""What is cut off, outside of the page, or over something else."""

NAMELESS = """() => [...document.querySelectorAll("button, a[href], input, select, textarea, canvas, [role=img], dialog")]
  .filter((e) => e.offsetParent !== null || e.tagName === "svg")
  .filter((e) => {
    const label = e.labels && e.labels.length ? e.labels[0].textContent : "";
    return ![e.getAttribute("aria-label"), label, e.title, e.tagName === "BUTTON" || e.tagName === "A" ? e.textContent : ""].some((each) => each && each.trim());
  })
  .map((e) => e.outerHTML.slice(0, 120))"""
"""Controls without a name."""

LOW_CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map((each, i) => (i < 3 ? each : each / 255));
  };
  const over = ([r, g, b, a], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a), 1];
  const ground = (e) => {
    const layers = [];
    for (let at = e; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] > 0) layers.push(color);
      if (color[3] === 1) break;
    }
    return layers.reverse().reduce((below, color) => over(color, below), [255, 255, 255, 1]);
  };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((each) => ((each /= 255) <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const faults = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement, words = texts.currentNode.data.trim();
    if (!words || !e.checkVisibility({ visibilityProperty: true }) || e.closest(":disabled, noscript, script, style, option")) continue;
    const behind = ground(e), [one, other] = [luminance(over(rgba(getComputedStyle(e).color), behind)), luminance(behind)];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) faults.add(`${ratio.toFixed(2)} ${e.className || e.tagName}: ${words.slice(0, 40)}`);
  }
  return [...faults];
}"""
"""Texts whose contrast against what lies behind them is below 4.5 to 1."""

SMALL_TARGETS = """() => [...document.querySelectorAll("a, button, input, select, summary, textarea")]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !(e.tagName === "INPUT" && e.closest("label")))
  .map((e) => [e, e.getBoundingClientRect()])
  .filter(([, b]) => b.width && b.height && (b.width < 43.5 || b.height < 43.5))
  .map(([e, b]) => `${e.tagName} ${e.className} ${e.textContent.trim().slice(0, 20)} ${b.width} x ${b.height}`)"""
"""Controls that a finger may miss: smaller than 44 px."""
