/** Daily readings as a series of days. */

export interface Reading {
  day: string;
  value: number | null;
  quality: string;
}

export interface DailySeries {
  /** Seconds since 1970-01-01 of the beginning of each day, without gaps. */
  x: number[];
  /** Null where a day has no reading: a break, not zero. */
  y: (number | null)[];
  /** The reading of each day, when there is one. */
  readings: (Reading | null)[];
  /** Places of days whose neighbours have no reading: a line would not show them. */
  alone: number[];
}

export const DAY_S = 86_400;

/** Days since 1970-01-01 of a date such as 2026-03-01. */
export function dayNumber(day: string): number {
  return Math.round(Date.parse(`${day.slice(0, 10)}T00:00:00Z`) / (DAY_S * 1000));
}

/** Every day from the first reading to the last. */
export function daily(readings: readonly Reading[]): DailySeries {
  const byDay = new Map(readings.map((each) => [dayNumber(each.day), each]));
  const series: DailySeries = { x: [], y: [], readings: [], alone: [] };
  if (!byDay.size) return series;
  const last = Math.max(...byDay.keys());
  for (let day = Math.min(...byDay.keys()); day <= last; day++) {
    const reading = byDay.get(day) ?? null;
    series.x.push(day * DAY_S);
    series.y.push(reading === null || reading.quality === "missing" ? null : reading.value);
    series.readings.push(reading);
  }
  const there = (i: number): boolean => (series.y[i] ?? null) !== null;
  series.alone = series.y.flatMap((_, i) => (there(i) && !there(i - 1) && !there(i + 1) ? [i] : []));
  return series;
}
