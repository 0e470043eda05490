/** Contrast of the colours of the page by the formula of WCAG 2.2, as the style sheet has them in both schemes. */
import { expect, it } from "vitest";
import css from "./tokens.css?raw";

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
}

function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

const COLORS = new Map<string, readonly string[]>(
  [...css.matchAll(/--([\w-]+):\s*(?:light-dark\((#\w{6}),\s*(#\w{6})\)|(#\w{6}));/g)].map(
    ([, name = "", light = "", dark = "", both = ""]) => [name, [light || both, dark || both]],
  ),
);

/** Texts and the grounds that they stand on. */
const PAIRS: readonly [string, readonly string[]][] = [
  ["ink", ["ground", "surface", "raised", "sunken", "accent-soft", "bad-soft", "good-soft", "warn-soft"]],
  ["soft", ["ground", "surface", "raised", "sunken", "accent-soft"]], // greyed rows of the legend, hints, headings
  ["accent", ["surface", "raised", "sunken", "accent-soft"]],
  ["bad", ["surface", "raised", "bad-soft"]],
  ["good", ["surface", "raised", "good-soft"]],
  ["warn", ["surface", "raised", "warn-soft"]],
  ["on-accent", ["accent-fill", "accent-fill-hover"]],
  ["on-badge", ["badge"]],
  ["on-badge-quiet", ["badge-quiet"]],
  ["on-badge-warn", ["badge-warn"]],
];

it("has 21 for black on white and 4.48 for #777777, as the standard says", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 2);
  expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
});

it("gives every text at least 4.5 to 1 on its ground, light and dark", () => {
  const faults = PAIRS.flatMap(([text, grounds]) =>
    grounds.flatMap((ground) =>
      ["light", "dark"].flatMap((scheme, i) => {
        const [one, other] = [COLORS.get(text)?.[i], COLORS.get(ground)?.[i]];
        const found = one && other ? contrast(one, other) : 0;
        return found >= 4.5 ? [] : [`${text} on ${ground}, ${scheme}: ${found.toFixed(2)}`];
      }),
    ),
  );
  expect(faults).toEqual([]);
});

it("does not make texts of the legend paler than their colour", async () => {
  const { default: frame } = await import("./frame.css?raw");
  const rules = [...frame.matchAll(/([^{}]+)\{([^{}]*)\}/g)];
  const paler = rules.filter(
    ([, names = "", body = ""]) => /\.(group|legend|zoom-hint)/.test(names) && /opacity/.test(body),
  );
  expect(paler.map(([, names]) => names)).toEqual([]);
});
