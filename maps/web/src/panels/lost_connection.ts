/** A bar over the map while the service does not tell of changes: what is shown may be out of date. */
import { fill, h } from "../core/dom";
import { language } from "../texts/language";
import { t } from "../texts/text";
import { connected } from "../live";

/** A connection that comes back at once is not worth a word. */
const PATIENCE_MS = 5000;

export function lostConnection(again: () => void): HTMLElement {
  const bar = h("div", { class: "lost", role: "alert", hidden: true });
  let timer = 0;
  const words = (): void =>
    fill(
      bar,
      h("span", {}, t("live.lost")),
      h("button", { type: "button", class: "small", "data-reconnect": true, onclick: again }, t("live.again")),
    );
  const follow = (): void => {
    clearTimeout(timer);
    if (connected.get()) bar.hidden = true;
    else timer = window.setTimeout(() => (bar.hidden = false), PATIENCE_MS);
  };
  language.subscribe(words);
  connected.subscribe(follow);
  words();
  follow();
  return bar;
}
