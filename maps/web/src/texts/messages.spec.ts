import { expect, it } from "vitest";
import { messages } from "./messages";

const places = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((each) => each[1] ?? "").sort();

it("has no empty text, and the same places to fill in both languages", () => {
  for (const [key, text] of Object.entries(messages)) {
    expect(text.zh.trim(), key).not.toBe("");
    expect(text.en.trim(), key).not.toBe("");
    expect(places(text.zh), key).toEqual(places(text.en));
  }
});

it("has Chinese in the Chinese text and none in the English one", () => {
  const switches = new Set(["language"]);
  for (const [key, text] of Object.entries(messages)) {
    if (switches.has(key) || key.startsWith("written.")) continue;
    expect(/[一-鿿]/.test(text.zh), key).toBe(true);
    expect(/[一-鿿]/.test(text.en), key).toBe(false);
  }
});
