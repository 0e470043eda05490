/** Changes that the service tells of: the changed layer is loaded anew, and the view that shows it. */
import { address } from "./core/api";
import { Value } from "./core/value";

export const connected = new Value<boolean>(false);
/** The newest change; each is an object of its own, so that two of one layer are told apart. */
export const lastChange = new Value<{ layer: string } | null>(null);

/** Listen until `stop` is called; a new login needs a new stream. */
export function listen(changed: (layer: string) => void): () => void {
  const source = new EventSource(address("v1/events"));
  source.addEventListener("open", () => connected.set(true));
  source.addEventListener("error", () => connected.set(false));
  source.addEventListener("change", (event: MessageEvent<string>) => {
    const { layer } = JSON.parse(event.data) as { layer?: string };
    if (!layer) return;
    changed(layer);
    lastChange.set({ layer });
  });
  return () => source.close();
}
