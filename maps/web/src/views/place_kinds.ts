/** Kinds of places of the gazetteer in words: an area by its kind, a road, a waterway, a site. */
import { t, term } from "../texts/text";

const OTHERS = new Set(["road", "waterway", "site"]);

export function kindOfPlace(kind: string): string {
  return OTHERS.has(kind) ? t(`place.${kind}` as never) : term("kind", kind);
}
