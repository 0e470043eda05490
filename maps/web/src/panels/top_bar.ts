/** The bar at the top: name, search, language, who is logged in. */
import { h, fill } from "../core/dom";
import { language, rememberLanguage } from "../texts/language";
import { t, term } from "../texts/text";
import { complain, tell } from "../core/notices";
import { loggedIn, logOut, session } from "../core/session";
import type { Console } from "../console";
import { openLogin } from "./login_dialog";
import { searchBox } from "./search";

function who(): HTMLElement {
  const now = session.get();
  if (!loggedIn())
    return h("button", { class: "on-dark strong", "data-login": true, onclick: () => void openLogin() }, t("login"));
  const leave = (): void => {
    logOut()
      .then(() => tell(t("logout.done")))
      .catch(complain);
  };
  return h(
    "div",
    { class: "who" },
    h(
      "span",
      {},
      h("b", {}, now.display_name || now.username),
      h("small", {}, term("role", now.role), " · ", now.area?.name ?? t("login.city")),
    ),
    h("button", { class: "on-dark", "data-logout": true, onclick: leave }, t("logout")),
  );
}

function switchLanguage(): void {
  language.set(language.get() === "zh" ? "en" : "zh");
  rememberLanguage(language.get());
}

export function topBar(parts: Console): HTMLElement {
  const search = searchBox(parts);
  const bar = h("header", { class: "top" });
  const draw = (): void => {
    document.title = `${t("title")} · ${parts.settings.city ?? ""}`;
    fill(
      bar,
      h(
        "div",
        { class: "brand" },
        h("img", { src: "./favicon.svg", alt: "", width: 26, height: 26 }),
        h("b", {}, t("title")),
        h("small", {}, parts.settings.city),
      ),
      search,
      h("button", { class: "on-dark", "data-language": true, onclick: switchLanguage }, t("language")),
      who(),
    );
  };
  draw();
  language.subscribe(draw);
  session.subscribe(draw);
  return bar;
}
