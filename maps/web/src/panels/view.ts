/** What a view of the side panel gets: the map's tools, and a signal that ends with the view. */
import type { Console } from "../console";

export interface ViewContext {
  console: Console;
  into: HTMLElement;
  signal: AbortSignal;
  /** Build the view anew. */
  again: () => void;
}

export type View = (context: ViewContext) => void;
