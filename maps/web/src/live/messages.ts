/** What tabs and the holder of their one stream say to each other. */
import type { Change } from "./change_stream";

/** From a tab. `url` is the address of the stream. */
export type Wish = { kind: "hello"; url: string } | { kind: "again" } | { kind: "bye" };

/** To the tabs. */
export type News =
  | { kind: "connected"; now: boolean }
  | { kind: "changed"; change: Change }
  | { kind: "position"; id: string };
