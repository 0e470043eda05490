/** Search by code, name, site or case number. */
import { get, itemsPath, type Page } from "../core/api";
import { h, fill } from "../core/dom";
import { language } from "../texts/language";
import { t, term } from "../texts/text";
import { complain } from "../core/notices";
import { go } from "../core/route";
import { loggedIn } from "../core/session";
import type { AreaProperties, CaseProperties, SiteProperties } from "../core/types";
import { loading } from "./pieces";
import { flyTo, type Console } from "../console";

const MOST = 8;
const WAIT_MS = 250;

interface Hit {
  title: string;
  about: string;
  open: () => void;
}

async function ask<P>(
  collection: string,
  name: string,
  value: string,
  open: (feature: Page<P>["features"][number]) => Hit,
): Promise<Hit[]> {
  const page = await get<Page<P>>(itemsPath(collection, { [name]: value, limit: MOST }));
  return page.features.map(open);
}

async function find(parts: Console, text: string): Promise<Hit[]> {
  const area = (f: Page<AreaProperties>["features"][number]): Hit => ({
    title: f.properties.name,
    about: `${term("kind", f.properties.kind)} · ${f.properties.code}`,
    open: () => flyTo(parts, f.geometry, 16),
  });
  const site = (f: Page<SiteProperties>["features"][number]): Hit => ({
    title: f.properties.enterprise_name,
    about: `${f.properties.site_id} · ${term("status", f.properties.status)}`,
    open: () => flyTo(parts, f.geometry, 15),
  });
  const found = (f: Page<CaseProperties>["features"][number]): Hit => ({
    title: f.properties.number,
    about: f.properties.title,
    open: () => {
      flyTo(parts, f.geometry, 14);
      go({ view: "case", number: f.properties.number });
    },
  });
  const asked = [
    ask<AreaProperties>("areas", /^\d{6,}/.test(text) ? "code" : "name", text, area),
    ask<SiteProperties>("sites", "site_id", text, site),
    ask<SiteProperties>("sites", /^[0-9A-Z]{18}$/i.test(text) ? "uscc" : "enterprise_name", text, site),
    loggedIn() ? ask<CaseProperties>("cases", "number", text, found) : Promise.resolve([]),
  ];
  return (await Promise.all(asked)).flat().slice(0, MOST);
}

export function searchBox(parts: Console): HTMLElement {
  const field = h("input", { type: "search", autocomplete: "off" });
  const list = h("div", { class: "hits", hidden: true });
  const name = (): void => {
    field.placeholder = t("search");
    field.setAttribute("aria-label", t("search"));
  };
  name();
  language.subscribe(() => {
    name();
    if (!list.hidden) void look().catch(complain);
  });
  let timer = 0;
  let asked = 0;
  const look = async (): Promise<void> => {
    const text = field.value.trim();
    const mine = ++asked;
    list.hidden = text.length < 2;
    if (list.hidden) return;
    if (!list.childElementCount) fill(list, loading());
    const hits = await find(parts, text);
    if (mine !== asked) return;
    const row = (hit: Hit): HTMLElement => {
      const open = (): void => {
        list.hidden = true;
        hit.open();
      };
      return h("button", { onclick: open }, h("b", {}, hit.title), h("small", {}, hit.about));
    };
    fill(list, hits.length ? hits.map(row) : h("p", { class: "muted" }, t("search.none")));
  };
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void look().catch(complain), WAIT_MS);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") list.hidden = true;
    if (event.key === "Enter") list.querySelector("button")?.click();
  });
  document.addEventListener("pointerdown", (event) => {
    if (event.target instanceof Node && !box.contains(event.target)) list.hidden = true;
  });
  const box = h("div", { class: "search" }, field, list);
  return box;
}
