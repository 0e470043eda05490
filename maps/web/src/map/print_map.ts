/** On paper the map stands above what is printed: as a picture, for a canvas of WebGL is empty there. */
import type { Map as MapView } from "maplibre-gl";

export function followPrinting(map: MapView): void {
  const take = (): void => {
    const from = map.getCanvas();
    const picture = document.createElement("canvas");
    picture.className = "print-map";
    [picture.width, picture.height] = [from.width, from.height];
    map.redraw(); // what was drawn can be read only until the browser shows it
    picture.getContext("2d")?.drawImage(from, 0, 0);
    document.querySelector(".side-body")?.prepend(picture);
  };
  const remove = (): void => {
    for (const each of document.querySelectorAll(".print-map")) each.remove();
  };
  window.addEventListener("beforeprint", take);
  window.addEventListener("afterprint", remove);
}
