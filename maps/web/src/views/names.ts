/** What a view is called: in the title of the page, and where it cannot be shown. */
import type { Route } from "../address/address";
import { t } from "../texts/text";

export function nameOf(to: Route): string {
  if (to.view === "case") return t("name.case", { number: to.number });
  if (to.view === "alert") return t("name.alert", { id: to.id });
  return t(to.view);
}
