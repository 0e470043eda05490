import type { Position } from "geojson";

/** A part of a track between two gaps. */
export interface TrackPart {
  line: Position[];
  from_ms: number;
  to_ms: number;
}

/**
 * Where a vehicle was, taken as even speed along the part: the place is approximate.
 * Null before, after, and in a gap.
 */
export function trackAt(parts: readonly TrackPart[], at_ms: number): Position | null {
  const part = parts.find((each) => each.from_ms <= at_ms && at_ms <= each.to_ms);
  if (!part) return null;
  const share = part.to_ms > part.from_ms ? (at_ms - part.from_ms) / (part.to_ms - part.from_ms) : 0;
  return alongLine(part.line, share);
}

/** The place at a share (0 to 1) of a line's length, lengths in degrees with longitude shortened by latitude. */
export function alongLine(line: readonly Position[], share: number): Position | null {
  const first = line[0];
  if (!first) return null;
  const shrink = Math.cos(((first[1] ?? 0) * Math.PI) / 180);
  const lengths = line.slice(1).map((to, i) => {
    const from = line[i] ?? to;
    return Math.hypot(((to[0] ?? 0) - (from[0] ?? 0)) * shrink, (to[1] ?? 0) - (from[1] ?? 0));
  });
  let left = lengths.reduce((sum, each) => sum + each, 0) * Math.min(Math.max(share, 0), 1);
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i] ?? 0;
    const [from, to] = [line[i], line[i + 1]];
    if (!from || !to) break;
    if (left <= length && length > 0) {
      const part = left / length;
      return [
        (from[0] ?? 0) + ((to[0] ?? 0) - (from[0] ?? 0)) * part,
        (from[1] ?? 0) + ((to[1] ?? 0) - (from[1] ?? 0)) * part,
      ];
    }
    left -= length;
  }
  return line[line.length - 1] ?? null;
}
