/** The console: puts the parts together and starts them. */
import "./style/tokens.css";
import "./style/base.css";
import "./style/frame.css";
import "./style/views.css";
import "./style/phone.css";
import "./style/wall.css";
import "./style/print.css";
import { html, nothing, render } from "lit";
import { address, followHistory, go, put, route } from "./address/router";
import { explain, get, offerLogin } from "./core/api";
import { followIdle } from "./core/idle";
import { endLogin, enrolling, forgetSession, loggedIn, refreshSession, session, shareSession } from "./core/session";
import { followTheme } from "./core/theme";
import type { ConsoleSettings } from "./core/types";
import type { Console, Covered } from "./console";
import { widthAtStart, type LayerSwitch } from "./frame/layer_switch";
import { openLogin } from "./frame/login_dialog";
import { needsLogin } from "./frame/permissions";
import "./frame/lost_connection";
import "./frame/notice_list";
import "./frame/side_panel";
import type { SidePanel } from "./frame/side_panel";
import "./frame/status_bar";
import "./frame/top_bar";
import type { Box } from "./map/create";
import { adoptStyle, type StyleDocument } from "./map/palette";
import { timeZone } from "./texts/format";
import { announceLanguage, language, languages, offerLanguages } from "./texts/language";
import { cityName, t } from "./texts/text";
import { nameOf } from "./views/names";

/** The map is the largest part: it is on its way while the frame is drawn. */
const mapPart = import("./map/start");

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

interface Shown {
  settings: Partial<ConsoleSettings>;
  /** Null until it is known who is here. */
  known: boolean;
  parts: Console | null;
}

const app = document.getElementById("app") ?? document.body;

function draw({ settings, known, parts }: Shown): void {
  const city = cityName(settings);
  render(
    html`
      <top-bar .parts=${parts} .city=${city} ?known=${known}></top-bar>
      <main class="stage">
        <div class="map"></div>
        ${known ? html`<side-panel .parts=${parts} .city=${city}></side-panel>` : html`<section class="side"></section>`}
        ${parts ? html`<layer-switch .map=${parts.map}></layer-switch>` : nothing}
        <notice-list></notice-list>
        ${parts ? html`<lost-connection></lost-connection>` : nothing}
      </main>
      <status-bar .map=${parts?.map ?? null}></status-bar>
    `,
    app,
  );
}

/** What the panels cover of the map. */
function covered(): Covered {
  const panel = document.querySelector<SidePanel>("side-panel")?.covered ?? { left: 0, right: 0, bottom: 0 };
  return { ...panel, right: document.querySelector<LayerSwitch>("layer-switch")?.width ?? widthAtStart() };
}

/** The page follows the language of its address, and its title the view. */
function followAddress(city: () => string): void {
  const follow = (): void => {
    const { language: asked, route: shown } = address.get();
    if (asked && languages.get().includes(asked)) language.set(asked);
    document.title = [nameOf(shown), t("title"), city()].filter(Boolean).join(" · ");
  };
  follow();
  address.subscribe(follow);
  language.subscribe(follow);
}

/** Nobody touched the desk: the login ends, the page is hidden, and who logs in again goes on where it was left. */
async function lock(): Promise<void> {
  const minutes = session.get().idle_minutes ?? 0;
  await endLogin().catch(() => undefined); // without the service nobody can read on either
  if (await openLogin(t("login.idle", { minutes }), true)) return;
  if (needsLogin(route.get())) go({ view: "overview" });
  forgetSession();
}

/** Who must set up a second factor first is led there. */
function leadToEnrolment(): void {
  if (enrolling() && route.get().view !== "account") go({ view: "account" });
}

async function start(): Promise<void> {
  const shown: Shown = { settings: {}, known: false, parts: null };
  followTheme();
  followHistory();
  shareSession();
  announceLanguage();
  followAddress(() => cityName(shown.settings));
  language.subscribe(() => draw(shown));
  app.replaceChildren();
  draw(shown);
  const [settings, style, areas] = await Promise.all([
    optional<Partial<ConsoleSettings>>("v1/settings", {}),
    optional<StyleDocument>("v1/style", {}),
    optional<Described>("collections/areas", {}),
    refreshSession(),
  ]);
  adoptStyle(style);
  offerLanguages(settings.languages ?? []);
  if (settings.time_zone) timeZone.set(settings.time_zone);
  offerLogin(async () => loggedIn() && (await openLogin(t("login.ended"))));
  followIdle(lock);
  leadToEnrolment();
  session.subscribe(leadToEnrolment);
  Object.assign(shown, { settings, known: true });
  put({ language: language.get() }, "replace");
  draw(shown);
  const { startMap, whenIdle } = await mapPart;
  const container = app.querySelector<HTMLElement>(".map") ?? app;
  const parts = await startMap({ container, settings, extent: areas.extent?.spatial?.bbox?.[0], covered });
  shown.parts = parts;
  draw(shown);
  window.__wangge = { map: parts.map, idle: () => whenIdle(parts.map), version: settings.version ?? "" };
}

declare global {
  interface Window {
    /** For tests: the map, and a promise that it has drawn everything. */
    __wangge?: { map: Console["map"]; idle: () => Promise<void>; version: string };
  }
}

start().catch((error: unknown) => {
  const fault = document.createElement("div");
  const words = (): void => {
    render(
      html`
        <div class="start-fault" role="alert">
          <p>${t("problem.start")}</p>
          <p class="muted">${explain(error)}</p>
          <button type="button" class="primary" @click=${() => location.reload()}>${t("try_again")}</button>
        </div>
      `,
      fault,
    );
  };
  words();
  language.subscribe(words);
  app.replaceChildren(fault);
});
