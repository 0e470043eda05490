import { expect, it } from "vitest";
import { colorOfLoad } from "./load_colors";

it("has a colour for every share, darker for more", () => {
  expect(colorOfLoad(0)).toBe("#ffffd4");
  expect(colorOfLoad(0.39)).toBe("#fed98e");
  expect([colorOfLoad(0.81), colorOfLoad(1), colorOfLoad(7)]).toEqual(["#993404", "#993404", "#993404"]);
  expect(colorOfLoad(-1)).toBe("#ffffd4");
});
