/** How much larger text and marks are on a wall of screens, which is read from metres away; the panels follow `style/wall.css`. */
export function wallScale(width_px = globalThis.innerWidth ?? 0): number {
  if (width_px >= 3300) return 1.75;
  return width_px >= 2500 ? 1.4 : 1;
}
