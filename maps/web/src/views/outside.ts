/** A case or an alert that the service does not show to this person. */
import { html, type TemplateResult } from "lit";
import type { Route } from "../address/address";
import { linkTo } from "../address/router";
import { Problem } from "../core/api";
import { icon } from "../core/icons";
import { session } from "../core/session";
import { t } from "../texts/text";
import { failure, follow } from "./pieces";

/** Why a thing could not be shown: outside of the person's area (or not there: the service does not say which), or a fault. */
export function notShown(
  error: unknown,
  what: string,
  list: { name: string; to: Route },
  again: () => void,
): TemplateResult {
  if (!(error instanceof Problem && error.status === 404)) return failure(error, again);
  const area = session.get().area?.name;
  return html`
    <div class="closed" data-closed="outside" role="alert">
      ${icon("outside")}
      <h2>${what}</h2>
      <p>${area ? t("closed.outside", { area }) : t("closed.missing")}</p>
      <a class="button" href=${linkTo(list.to)} @click=${follow(list.to)}>${list.name}</a>
    </div>
  `;
}
