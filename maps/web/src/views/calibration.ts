/** The share confirmed among judged alerts of such a score, where a fitted version of the model is in force. */
import { percent } from "../texts/format";
import { pick } from "../texts/text";

/** The share on the steps (score, share), linear between them; outside of them that of the nearest. */
export function shareAt(points: readonly (readonly number[])[], score: number): number {
  const [first = [0, 0], ...more] = points;
  let [x0 = 0, y0 = 0] = first;
  if (score <= x0) return y0;
  for (const [x1 = 0, y1 = 0] of more) {
    if (score <= x1) return x1 === x0 ? y1 : y0 + ((y1 - y0) * (score - x0)) / (x1 - x0);
    [x0, y0] = [x1, y1];
  }
  return y0;
}

export function confirmedShare(share: number): string {
  const shown = percent(share);
  return pick({ zh: `此类预警核查属实比例 ${shown}`, en: `${shown} of such alerts were confirmed` });
}
