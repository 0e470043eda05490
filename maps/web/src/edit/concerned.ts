/** Sites and open cases inside the areas that a draft ends, as points for the map. */
import type { Feature, Geometry, Point } from "geojson";
import { allItems, itemsPath } from "../core/api";
import type { CaseProperties, SiteProperties } from "../core/types";
import { bounds } from "../geometry/bounds";
import { contains } from "../geometry/inside";

const MOST = 2000;

export async function concerned(
  ended: readonly Geometry[],
  openCases: readonly string[],
  signal: AbortSignal,
): Promise<Feature[]> {
  const box = bounds({ type: "GeometryCollection", geometries: [...ended] });
  if (!box) return [];
  const bbox = box.map((each) => each.toFixed(7)).join(",");
  const [sites, cases] = await Promise.all([
    allItems<SiteProperties, Point>(itemsPath("sites", { bbox, limit: 1000 }), MOST, signal),
    openCases.length ? allItems<CaseProperties, Point>(itemsPath("cases", { bbox, limit: 1000 }), MOST, signal) : [],
  ]);
  const inside = (each: Feature<Point | null>): boolean =>
    each.geometry !== null && ended.some((area) => contains(area, each.geometry?.coordinates ?? []));
  const as = (what: string, { geometry }: Feature<Point>): Feature => ({
    type: "Feature",
    properties: { what },
    geometry,
  });
  return [
    ...sites.filter(inside).map((each) => as("site", each)),
    ...cases.filter((each) => openCases.includes(each.properties.number)).map((each) => as("case", each)),
  ];
}
