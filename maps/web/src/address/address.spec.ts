import { expect, it } from "vitest";
import { parseAddress, positionOf, START, writeAddress, type Address, type Route } from "./address";

const there = (part: Partial<Address>): Address => ({ ...START, ...part });

it.each<[string, Address]>([
  ["", START],
  ["map=12.5/32.01/120.95", there({ map: { zoom: 12.5, lat: 32.01, lon: 120.95 } })],
  ["view=alerts&level=high", there({ route: { view: "alerts", level: "high" } })],
  ["view=alert/12", there({ route: { view: "alert", id: 12 } })],
  ["view=cases&state=overdue&lang=zh", there({ route: { view: "cases", state: "overdue" }, language: "zh" })],
  [
    "view=cases&state=all&county=Marsh&town=Reed&item=ECO-1&body=North bureau&due=week&mine=1".replace(" ", "%20"),
    there({
      route: {
        view: "cases",
        state: "all",
        county: "Marsh",
        town: "Reed",
        item: "ECO-1",
        body: "North bureau",
        due: "week",
        mine: true,
      },
    }),
  ],
  [
    "view=alerts&state=checked&item=silence&outcome=legal_use",
    there({ route: { view: "alerts", state: "checked", item: "silence", outcome: "legal_use" } }),
  ],
  ["view=sources", there({ route: { view: "sources" } })],
  ["view=unplaced", there({ route: { view: "unplaced" } })],
  ["view=imports&state=undone", there({ route: { view: "imports", state: "undone" } })],
  ["view=case/NT20260301-0001", there({ route: { view: "case", number: "NT20260301-0001" } })],
  [
    "view=assign&item=ECO-RESUME-001&place=120.95,32.01",
    there({ route: { view: "assign", item: "ECO-RESUME-001", place: { lon: 120.95, lat: 32.01 } } }),
  ],
  ["view=edit&draft=12", there({ route: { view: "edit", draft: 12 } })],
  [
    "view=edit&grids=320601001001001,320601001001002&review=7",
    there({ route: { view: "edit", grids: ["320601001001001", "320601001001002"], review: 7 } }),
  ],
  [
    "pick=areas/9,4,1@120.95,32.01",
    there({ picked: { collection: "areas", ids: [9, 4, 1], lon: 120.95, lat: 32.01 } }),
  ],
  [
    "track=V-1,2026-03-01T10:00:00Z,2026-03-01T16:00:00Z&layers=county,hot_spots&hot=alerts",
    there({
      track: { vehicle: "V-1", from: "2026-03-01T10:00:00Z", to: "2026-03-01T16:00:00Z" },
      layers: ["county", "hot_spots"],
      hotField: "alerts",
    }),
  ],
  ["layers=", there({ layers: [] })],
  ["view=alerts&sheet=full", there({ route: { view: "alerts" }, sheet: "full" })],
  ["sheet=map", there({ sheet: "map" })],
])("reads and writes #%s", (fragment, address) => {
  expect(parseAddress(`#${fragment}`)).toEqual(address);
  expect(writeAddress(address)).toBe(fragment);
});

it("keeps texts whole that hold separators, Chinese and a percent sign", () => {
  const route: Route = { view: "case", number: "南通/2026&a=b%20 #1" };
  expect(parseAddress(writeAddress(there({ route }))).route).toEqual(route);
});

it.each([
  ["view=nowhere", START],
  ["view=alert/abc", there({ route: { view: "alerts" } })],
  ["view=alert/0", there({ route: { view: "alerts" } })],
  ["view=case/", there({ route: { view: "cases" } })],
  ["view=assign&place=200,95", there({ route: { view: "assign" } })],
  ["view=edit&review=-3", there({ route: { view: "edit" } })],
  ["map=a/b/c", START],
  ["map=99/32/120", START],
  ["map=12/32", START],
  ["pick=areas/x@1,2&track=V,yesterday,today&lang=fr&hot=heat&&=&%E0%A4%A=1", START],
])("passes over what means nothing in #%s", (fragment, address) => {
  expect(parseAddress(fragment)).toEqual(address);
});

it("names a place of the map to half a pixel", () => {
  const half_px = 360 / (512 * 2 ** 14.3) / 2;
  const position = positionOf(14.345678, 32.0123456789, 120.9876543211);
  expect(position.zoom).toBe(14.35);
  expect(Math.abs(position.lat - 32.0123456789)).toBeLessThan(half_px);
  expect(Math.abs(position.lon - 120.9876543211)).toBeLessThan(half_px);
});
