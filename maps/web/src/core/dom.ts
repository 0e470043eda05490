/** Building elements without markup strings: text from the server is always text, never HTML. */

export type Child = Node | string | number | null | undefined | false | Child[];

type Attributes = Record<string, unknown>;

function append(parent: Node, child: Child): void {
  if (child === null || child === undefined || child === false) return;
  if (Array.isArray(child)) for (const each of child) append(parent, each);
  else parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
}

function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on") && typeof value === "function")
      element.addEventListener(name.slice(2), value as EventListener);
    else if (name === "value" && "value" in element) (element as HTMLInputElement).value = String(value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** An element: `h("button", { class: "plain", onclick: act }, "OK")`. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  append(element, children);
  setAttributes(element, attributes);
  return element;
}

/** An SVG element. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  append(element, children);
  setAttributes(element, attributes);
  return element;
}

/** How the control that has the focus can be found again after its surroundings were built anew. */
function focused(parent: Element): string | null {
  const now = document.activeElement;
  if (!now || now === parent || !parent.contains(now)) return null;
  const key = [...now.attributes].find((each) => each.name.startsWith("data-") || each.name === "name");
  return key ? `${now.tagName}[${key.name}="${CSS.escape(key.value)}"]` : null;
}

/** Put `children` in the place of whatever `parent` holds; the control that had the focus keeps it. */
export function fill(parent: Element, ...children: Child[]): void {
  const before = focused(parent);
  parent.replaceChildren();
  append(parent, children);
  if (before) parent.querySelector<HTMLElement>(before)?.focus({ preventScroll: true });
}
