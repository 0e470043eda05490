import { expect, it } from "vitest";
import { addsBar, axisOf, sidesOf, takesBar } from "./balance";

const prior = sidesOf(-3);
const meters = { adds: 5, takes: 1 };

it("holds the longest bar of each direction", () => {
  const axis = axisOf([prior, meters]);
  expect(axis).toEqual({ zero: 37.5, unit: 12.5 });
  expect(addsBar(meters, axis)).toEqual({ left: 37.5, width: 62.5 });
  expect(takesBar(meters, axis)).toEqual({ left: 25, width: 12.5 });
  expect(takesBar(prior, axis)).toEqual({ left: 0, width: 37.5 });
  expect(addsBar(prior, axis).width).toBe(0);
});

it("stays within the axis where everything speaks against", () => {
  const axis = axisOf([prior, sidesOf(-1)]);
  expect(axis.zero).toBe(100);
  expect(takesBar(sidesOf(-1), axis).left).toBeCloseTo(66.667, 2);
});

it("has no bars without evidence", () => {
  const axis = axisOf([]);
  expect(axis).toEqual({ zero: 50, unit: 0 });
  expect(addsBar(sidesOf(0), axis)).toEqual({ left: 50, width: 0 });
});
