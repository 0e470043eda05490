/** Daily readings as lines. */

export interface Reading {
  day: string;
  value: number | null;
  quality: string;
}

const DAY_MS = 86_400_000;

/** Days since 1970-01-01 of a date such as 2026-03-01. */
export function dayNumber(day: string): number {
  return Math.round(Date.parse(`${day.slice(0, 10)}T00:00:00Z`) / DAY_MS);
}

/** Readings cut into runs of days that follow each other: a missing day is a break, not zero. */
export function runs(readings: readonly Reading[]): Reading[][] {
  const found: Reading[][] = [];
  let current: Reading[] = [];
  let before: number | null = null;
  for (const reading of readings) {
    const at = dayNumber(reading.day);
    const missing = reading.value === null || reading.quality === "missing";
    if (missing || (before !== null && at !== before + 1)) {
      if (current.length) found.push(current);
      current = [];
    }
    if (!missing) current.push(reading);
    before = at;
  }
  if (current.length) found.push(current);
  return found;
}

/** Zero and round steps (1, 2, 5 times a power of ten) up to at least `top`, about `count` of them. */
export function niceTicks(top: number, count: number): number[] {
  if (!(top > 0)) return [0];
  const rough = top / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10) * power;
  const ticks: number[] = [];
  for (let i = 0; i * step < top + step * 0.999; i++) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}
