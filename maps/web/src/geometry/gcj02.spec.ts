import { describe, expect, it } from "vitest";
import places from "../../../../tests/maps/gcj02.json";
import { placeOf, tilePlace, tileShift, toGcj02 } from "./gcj02";

describe("toGcj02", () => {
  it("agrees with the published pair of Shanghai", () => {
    const [lon, lat] = toGcj02(121.5272106, 31.1774276);
    expect(lon).toBeCloseTo(121.531541859215, 6);
    expect(lat).toBeCloseTo(31.17530398364597, 6);
  });

  it.each(places)("is the rule of the server: $place", ({ wgs84: [x = 0, y = 0], gcj02: [lon = 0, lat = 0] }) => {
    const found = toGcj02(x, y);
    expect(found[0]).toBeCloseTo(lon, 8); // a millimetre
    expect(found[1]).toBeCloseTo(lat, 8);
  });

  it("changes nothing outside of China", () => {
    expect(toGcj02(-122.4, 37.77)).toEqual([-122.4, 37.77]);
  });
});

it("tiles and places are inverse", () => {
  const [x, y] = tilePlace(120.9, 32.1, 14);
  const [lon, lat] = placeOf(x, y, 14);
  expect(lon).toBeCloseTo(120.9, 10);
  expect(lat).toBeCloseTo(32.1, 10);
});

it("shifts by about the same metres at every zoom", () => {
  const [x14, y14] = tileShift(14, 13686, 6639);
  const [x15, y15] = tileShift(15, 13686 * 2, 6639 * 2);
  expect(x15 / x14).toBeCloseTo(2, 1);
  expect(y15 / y14).toBeCloseTo(2, 1);
  expect(Math.abs(x14)).toBeGreaterThan(0.05); // 400 m and more of a tile of 2 km
});
