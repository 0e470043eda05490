/** Notes that are being written: another language, another view or a login that ended does not lose them. */
import { session } from "./session";

const notes = new Map<string, string>();

export interface Written {
  text: () => string;
  keep: (text: string) => void;
  sent: () => void;
}

/** The note of this person on that thing (`case 2026-1`): what was written so far, kept, and forgotten once it is sent. */
export function written(about: string): Written {
  const key = `${session.get().username ?? ""} ${about}`;
  return {
    text: () => notes.get(key) ?? "",
    keep: (text) => void notes.set(key, text),
    sent: () => void notes.delete(key),
  };
}
