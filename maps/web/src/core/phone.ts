/** Whether the window is as narrow as a phone: the panel is a sheet at the foot, the tabs are a bar below it. */
import { Value } from "./value";

/** The same width as in the style sheets. */
const narrow = globalThis.matchMedia?.("(max-width: 700px)");

export const phone = new Value<boolean>(narrow?.matches ?? false);

narrow?.addEventListener("change", ({ matches }) => phone.set(matches));
