/** Readings of meters as a series: of days, or of intervals of any length. */

export interface Reading {
  /** The local day on which the interval begins. */
  day: string;
  from_at: string;
  to_at: string;
  value: number | null;
  quality: string;
  flags: readonly string[];
}

export interface Series {
  /** Seconds since 1970-01-01 of the beginning of each day, without gaps; of intervals their middle. */
  x: number[];
  /** Null where there is no reading: a break, not zero. Of intervals the use a day. */
  y: (number | null)[];
  /** The reading at each place, when there is one. */
  readings: (Reading | null)[];
  /** Places of days whose neighbours have no reading: a line would not show them. */
  alone: number[];
  /** Begin and end of each interval in seconds; empty for a series of days. */
  spans: [number, number][];
}

export const DAY_S = 86_400;
const SHORTEST_DAY_S = 20 * 3600;
const LONGEST_DAY_S = 27 * 3600;

/** Days since 1970-01-01 of a date such as 2026-03-01. */
export function dayNumber(day: string): number {
  return Math.round(Date.parse(`${day.slice(0, 10)}T00:00:00Z`) / (DAY_S * 1000));
}

function seconds(at: string): number {
  return Date.parse(at) / 1000;
}

/** Readings of several meters of a site as one: equal intervals are added, unknown as soon as one is. */
export function together(readings: readonly Reading[]): Reading[] {
  const found = new Map<string, Reading>();
  for (const each of readings) {
    const key = `${each.from_at}/${each.to_at}`;
    const other = found.get(key);
    if (!other) {
      found.set(key, each);
      continue;
    }
    const known = other.value !== null && each.value !== null;
    found.set(key, {
      ...other,
      value: known ? (other.value ?? 0) + (each.value ?? 0) : null,
      quality: other.quality === each.quality ? other.quality : known ? "estimated" : "missing",
      flags: [...new Set([...other.flags, ...each.flags])],
    });
  }
  return [...found.values()];
}

/** Whether every reading is of about a day. */
export function areDays(readings: readonly Reading[]): boolean {
  return readings.every((each) => {
    const length = seconds(each.to_at) - seconds(each.from_at);
    return length >= SHORTEST_DAY_S && length <= LONGEST_DAY_S;
  });
}

/** The readings as days when they are days, else as intervals. */
export function seriesOf(readings: readonly Reading[]): Series {
  const all = together(readings);
  return areDays(all) ? daily(all) : intervals(all);
}

/** Every day from the first reading to the last. */
export function daily(readings: readonly Reading[]): Series {
  const byDay = new Map(readings.map((each) => [dayNumber(each.day), each]));
  const series: Series = { x: [], y: [], readings: [], alone: [], spans: [] };
  if (!byDay.size) return series;
  const last = Math.max(...byDay.keys());
  for (let day = Math.min(...byDay.keys()); day <= last; day++) {
    const reading = byDay.get(day) ?? null;
    series.x.push(day * DAY_S);
    series.y.push(known(reading));
    series.readings.push(reading);
  }
  const there = (i: number): boolean => (series.y[i] ?? null) !== null;
  series.alone = series.y.flatMap((_, i) => (there(i) && !there(i - 1) && !there(i + 1) ? [i] : []));
  return series;
}

function known(reading: Reading | null): number | null {
  return reading === null || reading.quality === "missing" ? null : reading.value;
}

/** Each interval with its own width and its use a day, so that equal areas are equal uses. */
export function intervals(readings: readonly Reading[]): Series {
  const sorted = [...readings].sort((a, b) => seconds(a.from_at) - seconds(b.from_at));
  const first = sorted[0];
  // the clock of the city, by the distance of the first day from UTC
  const shift = first ? Math.round((dayNumber(first.day) * DAY_S - seconds(first.from_at)) / 900) * 900 : 0;
  const clock = shift > -15 * 3600 ? shift : 0;
  const spans = sorted.map((each): [number, number] => [seconds(each.from_at) + clock, seconds(each.to_at) + clock]);
  return {
    x: spans.map(([begin, end]) => (begin + end) / 2),
    y: sorted.map((each, i) => {
      const [begin, end] = spans[i] ?? [0, 1];
      const value = known(each);
      return value === null ? null : (value * DAY_S) / (end - begin);
    }),
    readings: sorted,
    alone: [],
    spans,
  };
}

/** How many readings have each flag. */
export function flagCounts(readings: readonly Reading[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const flag of readings.flatMap((each) => each.flags)) counts.set(flag, (counts.get(flag) ?? 0) + 1);
  return counts;
}

/** Places of the readings that have a flag and a value. */
export function flaggedPlaces(series: Series): number[] {
  return series.readings.flatMap((each, i) => (each?.flags.length && (series.y[i] ?? null) !== null ? [i] : []));
}

/** The part of the axis from the beginning of one day to the end of another, in seconds; null: it lies outside. */
export function bandOf(
  days: readonly [string, string] | null,
  axis: readonly [number, number],
): [number, number] | null {
  if (!days) return null;
  const begin = Math.max(dayNumber(days[0]) * DAY_S, axis[0]);
  const end = Math.min((dayNumber(days[1]) + 1) * DAY_S, axis[1]);
  return end > begin ? [begin, end] : null;
}
