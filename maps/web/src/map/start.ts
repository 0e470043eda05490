/** Everything that needs MapLibre, loaded beside the frame of the page: the map, and what is drawn on it. */
import "../style/map.css";
import "../texts/messages";
import type { Map as MapView } from "maplibre-gl";
import { positionOf, type Address, type MapPosition, type TrackOf } from "../address/address";
import { address, put, route } from "../address/router";
import { complain } from "../core/notices";
import { same } from "../core/same";
import { loggedIn, may, session } from "../core/session";
import type { ConsoleSettings } from "../core/types";
import type { Console, Covered } from "../console";
import { lastChange, listen, reconnect, updated } from "../live/changes";
import { followAway } from "./away";
import { followBaseMap } from "./base_map";
import { createMap, showWorkLayers, whenIdle, type Box } from "./create";
import { applyLayers, followLayers } from "./layers_shown";
import { addMark } from "./mark";
import { attachPopups } from "./popups";
import { offered } from "./offered_maps";
import { followOwnArea, ownBox } from "./own_area";
import { followPrinting } from "./print_map";
import { Redraw } from "./redraw";
import { filterSource } from "./sources";
import { Track } from "./track";

export { whenIdle };

/** What of the address changed since the last call. */
function changes(): <K extends keyof Address>(part: K) => boolean {
  let before = address.get();
  let now = before;
  address.subscribe((next) => ([before, now] = [now, next]));
  return (part) => !same(before[part], now[part]);
}

/** Keep the place of the map in the address, and go where Back and forward lead. */
function followPlace(map: MapView): void {
  const position = () => positionOf(map.getZoom(), map.getCenter().lat, map.getCenter().lng);
  const changed = changes();
  const show = (wanted: MapPosition | null): void => {
    if (wanted && !same(wanted, position())) map.jumpTo({ center: [wanted.lon, wanted.lat], zoom: wanted.zoom });
  };
  show(address.get().map); // a link may have been opened while the map was being made
  const tell = (): void => put({ map: position() }, "replace");
  map.on("moveend", tell);
  tell();
  address.subscribe(({ map: wanted }) => changed("map") && show(wanted));
}

/** Keep the track that is drawn in the address, and draw the one that the address names. */
function followTrack(track: Track): void {
  const show = (wanted: TrackOf | null): void => {
    if (same(wanted, track.shown.get()?.asked ?? null)) return;
    if (!wanted) track.clear();
    else if (may("read_tracks")) track.show(wanted, wanted.vehicle).catch(complain);
  };
  const changed = changes();
  track.shown.subscribe((shown) => put({ track: shown?.asked ?? null }));
  address.subscribe(({ track: wanted }) => changed("track") && show(wanted));
  session.subscribe(() => (loggedIn() ? show(address.get().track) : track.clear()));
  show(address.get().track);
}

/** Finished alerts keep no ring: the map has those of the queue, or of the state that the list is of. */
function followAlertState(map: MapView): void {
  let shown = "open";
  const follow = (): void => {
    const now = route.get();
    const wanted = now.view === "alerts" ? (now.state ?? "open") : now.view === "alert" ? shown : "open";
    if (wanted === shown) return;
    shown = wanted;
    filterSource(map, "alerts", { status: wanted });
  };
  follow();
  route.subscribe(follow);
  session.subscribe(() => {
    // the source was made anew for this person
    if (shown !== "open") filterSource(map, "alerts", { status: shown });
  });
}

/** Load anew what others changed. */
function followChanges(map: MapView): void {
  const redraw = new Redraw(map, (layers) => {
    for (const layer of layers) lastChange.set({ layer });
    void whenIdle(map).then(() => updated.set(new Date()));
  });
  listen((change) => redraw.put(change));
  session.subscribe(reconnect);
}

export interface Start {
  container: HTMLElement;
  settings: Partial<ConsoleSettings>;
  /** The box of the city, shown when the address names no place. */
  extent: Box | undefined;
  covered: () => Covered;
}

function clearOf({ left, right, bottom }: Covered) {
  return { top: 24, bottom: 36 + bottom, left: left + 24, right: right + 12 };
}

/** Make the map; resolves when its style is there. */
export async function startMap({ container, settings, extent, covered }: Start): Promise<Console> {
  offered.set(settings.base_maps ?? []);
  const place = address.get().map;
  const box = (place ? undefined : await ownBox()) ?? extent;
  const map = createMap(container, { place, box, padding: clearOf(covered()) });
  await new Promise<void>((resolve) => map.once("load", () => resolve()));
  followAway(map);
  followPrinting(map);
  followBaseMap(map);
  addMark(map);
  const track = new Track(map);
  const follow = (): void => {
    showWorkLayers(map, loggedIn());
    applyLayers(map);
  };
  follow();
  session.subscribe(follow);
  followLayers(map);
  attachPopups(map);
  followPlace(map);
  followTrack(track);
  followAlertState(map);
  followChanges(map);
  const parts = { map, settings, track, covered };
  followOwnArea(parts, place !== null);
  return parts;
}
