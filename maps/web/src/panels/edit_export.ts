/** Taking the grids of now, or the new areas of a draft, away as files. */
import { address, allItems } from "../core/api";
import { h } from "../core/dom";
import { t } from "../core/language";
import { session } from "../core/session";
import type { AreaProperties } from "../core/types";
import type { EditSession } from "../edit/session";
import { actionButton, download, section } from "./pieces";

const MOST = 20_000;

/** Unit grids of the own area; codes of lower areas begin with those of the higher. */
function query(): string {
  const code = session.get().area?.code;
  const filter = code ? `kind = 'unit_grid' AND code LIKE '${code}%'` : "kind = 'unit_grid'";
  return new URLSearchParams({ filter }).toString();
}

async function geoJson(): Promise<void> {
  const features = await allItems<AreaProperties>(`collections/areas/items?${query()}&limit=1000`, MOST);
  download("unit-grids.geojson", { type: "FeatureCollection", features });
}

export function exportBox(editor: EditSession): HTMLElement {
  const area = session.get().area?.name ?? t("login.city");
  const outcome = editor.outcome.get();
  const result = outcome.name === "preview" ? outcome.trial.preview.result : outcome.name === "review" ? outcome.changeSet.preview.result : undefined;
  const link = (format: string, name: string): HTMLElement => h("a", { class: "button", href: address(`collections/areas/export?f=${format}&${query()}`), download: "", "data-export": format }, name);
  return section(
    t("edit.export"),
    h("p", { class: "muted" }, t("edit.export_area", { area })),
    h("div", { class: "actions wrap" }, actionButton("GeoJSON", geoJson, { "data-export": "geojson" }), link("gpkg", "GeoPackage"), link("parquet", "GeoParquet")),
    result ? h("div", { class: "actions wrap" }, h("button", { type: "button", "data-export": "draft", onclick: () => download("draft.geojson", result) }, t("edit.export_draft"))) : null,
  );
}
