/** The console: puts the parts together and starts them. */
import "maplibre-gl/dist/maplibre-gl.css";
import "./style/base.css";
import "./style/panels.css";
import { explain, get } from "./core/api";
import { fill, h } from "./core/dom";
import { announceLanguage, language } from "./texts/language";
import { t } from "./texts/text";
import { offerLogin } from "./core/login_again";
import { noticeHolder } from "./core/notices";
import { loggedIn, refreshSession, session } from "./core/session";
import type { ConsoleSettings } from "./core/types";
import type { Console } from "./console";
import { lastChange, listen, updated } from "./live";
import { addBaseMap } from "./map/base_map";
import { createMap, showWorkLayers, whenIdle, type Box } from "./map/create";
import { addMark } from "./map/mark";
import { adoptStyle, type StyleDocument } from "./map/palette";
import { attachPopups } from "./map/popups";
import { Redraw } from "./map/redraw";
import { Track } from "./map/track";
import { LayerSwitch } from "./panels/layer_switch";
import { openLogin } from "./panels/login_dialog";
import { lostConnection } from "./panels/lost_connection";
import { SidePanel } from "./panels/side_panel";
import { statusBar } from "./panels/status_bar";
import { topBar } from "./panels/top_bar";

/** A part that an older service may lack: the console starts without it. */
async function optional<T>(path: string, fallback: T): Promise<T> {
  try {
    return await get<T>(path);
  } catch {
    return fallback;
  }
}

interface Described {
  extent?: { spatial?: { bbox?: Box[] } };
}

async function start(): Promise<void> {
  announceLanguage();
  const placed = location.hash.includes("map=");
  const [settings, style, areas] = await Promise.all([
    optional<Partial<ConsoleSettings>>("v1/settings", {}),
    optional<StyleDocument>("v1/style", {}),
    optional<Described>("collections/areas", {}),
    refreshSession(),
  ]);
  adoptStyle(style);
  offerLogin(() => openLogin(t("login.ended")));
  const canvas = h("div", { class: "map" });
  const stage = h("main", { class: "stage" }, canvas);
  const app = document.getElementById("app") ?? document.body;
  app.append(stage);
  const map = createMap(canvas);
  await new Promise<void>((resolve) => map.once("load", () => resolve()));
  if (settings.tile_url) addBaseMap(map, settings.tile_url, settings.tile_crs);

  const layers = new LayerSwitch(map);
  const parts: Console = {
    map,
    settings,
    track: new Track(map),
    covered: () => ({ left: panel.width, right: layers.width }),
    showGroup: (id, shown) => layers.show(id, shown),
  };
  addMark(map);
  const panel = new SidePanel(parts);
  stage.append(panel.element, layers.element, noticeHolder());
  app.prepend(topBar(parts));
  app.append(statusBar(map, settings.tile_crs === "gcj02" && Boolean(settings.tile_url)));
  attachPopups(map);
  const extent = areas.extent?.spatial?.bbox?.[0];
  if (extent && !placed) fitCity(parts, extent);

  const follow = (): void => {
    showWorkLayers(map, loggedIn());
    layers.apply();
    if (!loggedIn()) parts.track.clear();
  };
  follow();
  session.subscribe(follow);
  panel.draw();
  const again = watch(parts, panel);
  stage.append(lostConnection(again));
  expose(parts);
}

function fitCity(parts: Console, extent: Box): void {
  parts.map.resize();
  const { left, right } = parts.covered();
  const padding = { top: 24, bottom: 36, left: left + 24, right: right + 12 };
  parts.map.fitBounds(extent, { padding, duration: 0 });
}

/** Listen to changes; the result connects anew. */
function watch({ map }: Console, panel: SidePanel): () => void {
  const redraw = new Redraw(map, (layers) => {
    for (const layer of layers) lastChange.set({ layer });
    panel.changed(layers);
    void whenIdle(map).then(() => updated.set(new Date()));
  });
  const hear = (): (() => void) => listen((change) => redraw.put(change));
  let stop = hear();
  const again = (): void => {
    stop();
    stop = hear();
  };
  session.subscribe(again);
  return again;
}

declare global {
  interface Window {
    /** For tests: the map, and a promise that it has drawn everything. */
    __wangge?: { map: Console["map"]; idle: () => Promise<void>; version: string };
  }
}

function expose({ map, settings }: Console): void {
  window.__wangge = { map, idle: () => whenIdle(map), version: settings.version ?? "" };
}

start().catch((error: unknown) => {
  const app = document.getElementById("app") ?? document.body;
  const fault = h("div", { class: "start-fault", role: "alert" });
  const words = (): void =>
    fill(
      fault,
      h("p", {}, t("problem.start")),
      h("p", { class: "muted" }, explain(error)),
      h("button", { class: "primary", onclick: () => location.reload() }, t("try_again")),
    );
  words();
  language.subscribe(words);
  app.replaceChildren(fault);
});
