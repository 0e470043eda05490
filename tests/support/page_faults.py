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
  for (const e of document.querySelectorAll(".tabs button, .top button, .who b, .who small, .status span:not(.attribution)"))
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

NAMELESS = """() => [...document.querySelectorAll("button, a[href], input, select, textarea, canvas, svg[role=img], dialog")]
  .filter((e) => e.offsetParent !== null || e.tagName === "svg")
  .filter((e) => {
    const label = e.labels && e.labels.length ? e.labels[0].textContent : "";
    return ![e.getAttribute("aria-label"), label, e.title, e.tagName === "BUTTON" || e.tagName === "A" ? e.textContent : ""].some((each) => each && each.trim());
  })
  .map((e) => e.outerHTML.slice(0, 120))"""
"""Controls without a name."""
