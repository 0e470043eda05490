/** Taking the grids of now, or the new areas of a draft, away as files. */
import { address, allItems, postForFile } from "../core/api";
import { h } from "../core/dom";
import { t } from "../texts/text";
import { session } from "../core/session";
import { withLogin } from "../core/login_again";
import type { Operation, Trial } from "../core/edit_types";
import type { AreaProperties } from "../core/types";
import type { EditSession } from "../edit/session";
import { plain } from "../edit/steps";
import { actionButton, download, save, section } from "./pieces";

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

/** Formats of a draft beside GeoJSON, which the browser has already. */
const FORMATS = [
  ["gpkg", "GeoPackage"],
  ["fgb", "FlatGeobuf"],
  ["csv", "CSV"],
] as const;

async function draftFile(operations: readonly Operation[], format: string): Promise<void> {
  save(
    `draft.${format}`,
    await withLogin(() => postForFile(`v1/change-sets/preview?f=${format}`, { operations: operations.map(plain) })),
  );
}

/** The new areas of a draft, or of a change set that is looked at. */
function draftBox({ operations, preview }: Trial): HTMLElement {
  const button = ([format, name]: (typeof FORMATS)[number]): HTMLElement =>
    actionButton(name, () => draftFile(operations, format), { "data-export": `draft-${format}` });
  return h(
    "div",
    {},
    h("p", { class: "muted" }, t("edit.export_draft")),
    h(
      "div",
      { class: "actions wrap" },
      h(
        "button",
        { type: "button", "data-export": "draft", onclick: () => download("draft.geojson", preview.result) },
        "GeoJSON",
      ),
      FORMATS.map(button),
    ),
  );
}

export function exportBox(editor: EditSession): HTMLElement {
  const area = session.get().area?.name ?? t("login.city");
  const outcome = editor.outcome.get();
  const drawn = outcome.name === "preview" ? outcome.trial : outcome.name === "review" ? outcome.changeSet : null;
  const link = (format: string, name: string): HTMLElement =>
    h(
      "a",
      {
        class: "button",
        href: address(`collections/areas/export?f=${format}&${query()}`),
        download: "",
        "data-export": format,
      },
      name,
    );
  return section(
    t("edit.export"),
    h("p", { class: "muted" }, t("edit.export_area", { area })),
    h(
      "div",
      { class: "actions wrap" },
      actionButton("GeoJSON", geoJson, { "data-export": "geojson" }),
      link("gpkg", "GeoPackage"),
      link("parquet", "GeoParquet"),
      link("fgb", "FlatGeobuf"),
      link("csv", "CSV"),
    ),
    drawn?.preview.result ? draftBox(drawn) : null,
  );
}
