/** Taking the grids of now, or the new areas of a draft, away as files. */
import { html, nothing, type TemplateResult } from "lit";
import { address, allItems, postForFile } from "../../core/api";
import { session } from "../../core/session";
import type { Operation, Trial } from "../../core/edit_types";
import type { AreaProperties } from "../../core/types";
import type { EditSession } from "../../edit/session";
import { plain } from "../../edit/steps";
import { t } from "../../texts/text";
import { busy, download, save, section } from "../pieces";

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
const DRAFT_FORMATS = [
  ["gpkg", "GeoPackage"],
  ["fgb", "FlatGeobuf"],
  ["csv", "CSV"],
] as const;
const FORMATS = [["gpkg", "GeoPackage"], ["parquet", "GeoParquet"], ...DRAFT_FORMATS.slice(1)] as const;

async function draftFile(operations: readonly Operation[], format: string): Promise<void> {
  const path = `v1/change-sets/preview?f=${format}`;
  save(`draft.${format}`, await postForFile(path, { operations: operations.map(plain) }));
}

function button(name: string, text: string, work: () => Promise<void>): TemplateResult {
  return html`<button type="button" data-export=${name} @click=${busy(work)}>${text}</button>`;
}

/** The new areas of a draft, or of a change set that is looked at. */
function draftBox({ operations, preview }: Trial): TemplateResult {
  return html`
    <p class="muted">${t("edit.export_draft")}</p>
    <div class="actions wrap">
      ${button("draft", "GeoJSON", async () => download("draft.geojson", preview.result))}
      ${DRAFT_FORMATS.map(([format, name]) => button(`draft-${format}`, name, () => draftFile(operations, format)))}
    </div>
  `;
}

export function exportBox(editor: EditSession): TemplateResult {
  const outcome = editor.outcome.get();
  const drawn = outcome.name === "preview" ? outcome.trial : outcome.name === "review" ? outcome.changeSet : null;
  const link = (format: string, name: string): TemplateResult => html`
    <a class="button" href=${address(`collections/areas/export?f=${format}&${query()}`)} download data-export=${format}>
      ${name}
    </a>
  `;
  return section(
    t("edit.export"),
    html`
      <p class="muted">${t("edit.export_area", { area: session.get().area?.name ?? t("login.city") })}</p>
      <div class="actions wrap">
        ${button("geojson", "GeoJSON", geoJson)}${FORMATS.map(([format, name]) => link(format, name))}
      </div>
      ${drawn?.preview.result ? draftBox(drawn) : nothing}
    `,
  );
}
