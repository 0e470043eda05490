/** The three heights of the panel on a phone (map, half, full): by drag, by tap, by key, and by Back of the browser. */
import type { Sheet } from "../address/address";
import { address, put } from "../address/router";

/** Null is the half, as in the address. */
export type SheetHeight = Sheet | null;

const HEIGHTS: readonly SheetHeight[] = ["map", null, "full"];
/** A finger that moves less has tapped. */
const TAP_PX = 8;
/** A click that belongs to a drag comes within this time. */
const CLICK_MS = 100;
/** A flick of this speed goes one height further than the finger. */
const FLICK_PX_MS = 0.5;

/** The height that is one higher (+1) or lower (-1); the highest and the lowest stay. */
export function stepped(from: SheetHeight, by: number): SheetHeight {
  const at = Math.min(Math.max(HEIGHTS.indexOf(from) + by, 0), HEIGHTS.length - 1);
  return HEIGHTS[at] ?? null;
}

/** The height that a key chooses; undefined: it is no key of the sheet. */
export function keyed(from: SheetHeight, key: string): SheetHeight | undefined {
  if (key === "ArrowUp") return stepped(from, 1);
  if (key === "ArrowDown") return stepped(from, -1);
  if (key === "Home") return "full";
  if (key === "End" || key === "Escape") return "map";
  return undefined;
}

/**
 * The height at which a sheet comes to rest that was let go.
 *
 * `share` of the stage is covered, and the finger went up with `speed` pixels in a millisecond.
 */
export function settled(share: number, speed: number): SheetHeight {
  const nearest: SheetHeight = share < 0.28 ? "map" : share < 0.75 ? null : "full";
  return Math.abs(speed) < FLICK_PX_MS ? nearest : stepped(nearest, Math.sign(speed));
}

/** Choose a height; a higher one than before is an entry of the history, so that Back closes it again. */
export function chooseHeight(to: SheetHeight): void {
  const from = address.get().sheet;
  if (to !== from) put({ sheet: to });
}

/** A browser may tell of a drag that ends on its button as a click, too. */
function swallowClick(grip: HTMLElement): void {
  const swallow = (event: Event): void => event.stopImmediatePropagation();
  grip.addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => grip.removeEventListener("click", swallow, { capture: true }), CLICK_MS);
}

/** Follow a finger that drags the sheet by its grip. */
export function drag(event: PointerEvent, sheet: HTMLElement): void {
  const grip = event.currentTarget as HTMLElement;
  const stage = sheet.parentElement?.parentElement ?? document.body;
  const whole = stage.clientHeight;
  const startHeight = sheet.offsetHeight;
  let [y, at, speed] = [event.clientY, event.timeStamp, 0];
  grip.setPointerCapture(event.pointerId);
  const move = (next: PointerEvent): void => {
    speed = (y - next.clientY) / Math.max(next.timeStamp - at, 1);
    [y, at] = [next.clientY, next.timeStamp];
    sheet.classList.add("dragged");
    sheet.style.height = `${Math.min(Math.max(startHeight + event.clientY - y, 0), whole)}px`;
  };
  const end = (last: PointerEvent): void => {
    grip.removeEventListener("pointermove", move);
    grip.removeEventListener("pointerup", end);
    grip.removeEventListener("pointercancel", end);
    const share = sheet.offsetHeight / whole;
    sheet.classList.remove("dragged");
    sheet.style.height = "";
    if (Math.abs(last.clientY - event.clientY) <= TAP_PX) return;
    swallowClick(grip);
    chooseHeight(settled(share, speed));
  };
  grip.addEventListener("pointermove", move);
  grip.addEventListener("pointerup", end);
  grip.addEventListener("pointercancel", end);
}
