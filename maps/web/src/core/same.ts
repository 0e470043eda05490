/** Whether two plain values say the same, however deep. Their keys stand in one order. */
export function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
