import { expect, it } from "vitest";
import { terms } from "./glossary";
import { messages } from "./messages";
import { startSentences } from "./start_messages";

const sources = import.meta.glob<string>("../**/*.ts", { query: "?raw", import: "default", eager: true });

/** Files by the path from here, as `import.meta.glob` names them. */
function imported(file: string, source: string): string[] {
  const names = [...source.matchAll(/^(?:import|export) (?!type )(?:[^;"]*? from )?"(\.{1,2}\/[^"]+)"/gm)].map(
    (each) => each[1] ?? "",
  );
  return names.map((name) => {
    const path = new URL(`${name}.ts`, `file:///src/texts/${file}`).pathname;
    return path.startsWith("/src/texts/") ? `./${path.slice("/src/texts/".length)}` : `..${path.slice("/src".length)}`;
  });
}

function loadedAtStart(): Set<string> {
  const found = new Set<string>();
  const waiting = ["../main.ts"];
  for (let file = waiting.pop(); file; file = waiting.pop()) {
    const source = sources[file];
    if (source === undefined || found.has(file)) continue;
    found.add(file);
    waiting.push(...imported(file, source));
  }
  return found;
}

it("has every text that the frame names: the others come with the first view", () => {
  const files = loadedAtStart();
  expect(files.size).toBeGreaterThan(40);
  expect(files).not.toContain("./messages.ts");
  const views = new Set(Object.keys(messages).filter((key) => !(key in startSentences || key in terms)));
  for (const file of files) {
    const named = [...(sources[file] ?? "").matchAll(/\bt\(\s*"(\w+)"|"(\w+(?:\.\w+)+)"/g)].map(
      (each) => each[1] ?? each[2] ?? "",
    );
    expect(
      named.filter((key) => views.has(key)),
      file,
    ).toEqual([]);
  }
});
