/** The texts that are loaded so far: those of the frame from the start, those of the views with the first view. */
import { terms } from "./glossary";
import type { Text } from "./language";
import { startSentences } from "./start_messages";

const known: Record<string, Text> = { ...startSentences, ...terms };

/** Add the texts of a part that has been loaded. */
export function addTexts(texts: Record<string, Text>): void {
  Object.assign(known, texts);
}

/** The text of a key, or nothing as long as its part is not loaded. */
export function textOf(key: string): Text | undefined {
  return known[key];
}
