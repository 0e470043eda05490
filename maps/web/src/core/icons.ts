/** Small drawings for buttons, in the colour of their text; what they mean is said beside them or in `aria-label`. */
import { html, svg, type SVGTemplateResult, type TemplateResult } from "lit";

const SHAPES = {
  search: svg`<circle cx="9" cy="9" r="5.5" /><path d="m13.2 13.2 3.8 3.8" />`,
  close: svg`<path d="m5 5 10 10M15 5 5 15" />`,
  back: svg`<path d="m12 4-6 6 6 6" />`,
  left: svg`<path d="m12.5 4.5-5.5 5.5 5.5 5.5" />`,
  right: svg`<path d="m7.5 4.5 5.5 5.5-5.5 5.5" />`,
  up: svg`<path d="m4.5 12.5 5.5-5.5 5.5 5.5" />`,
  down: svg`<path d="m4.5 7.5 5.5 5.5 5.5-5.5" />`,
  layers: svg`<path d="m10 3 7.5 4-7.5 4-7.5-4z" /><path d="m2.5 10.5 7.5 4 7.5-4" /><path d="m2.5 14 7.5 4 7.5-4" />`,
  light: svg`<circle cx="10" cy="10" r="3.4" /><path d="M10 2v2M10 16v2M2 10h2M16 10h2M4.4 4.4l1.4 1.4M14.2 14.2l1.4 1.4M4.4 15.6l1.4-1.4M14.2 5.8l1.4-1.4" />`,
  dark: svg`<path d="M16.5 12.3A7 7 0 0 1 7.7 3.5a7 7 0 1 0 8.8 8.8z" />`,
  system: svg`<rect x="2.5" y="3.5" width="15" height="10" rx="1.5" /><path d="M7 17h6M10 13.5V17" />`,
  user: svg`<circle cx="10" cy="6.7" r="3.2" /><path d="M3.8 17a6.3 6.3 0 0 1 12.4 0" />`,
  lock: svg`<rect x="4" y="9" width="12" height="8" rx="1.6" /><path d="M6.8 9V6.4a3.2 3.2 0 0 1 6.4 0V9" />`,
  inbox: svg`<path d="M3 11.5 5.2 4.6h9.6l2.2 6.9v4H3z" /><path d="M3 11.5h4l1 2h4l1-2h4" />`,
  outside: svg`<circle cx="10" cy="10" r="7" /><path d="m5.2 5.2 9.6 9.6" />`,
  alert: svg`<path d="M10 3 18 16.5H2z" /><path d="M10 8v4M10 14.2v.2" />`,
  bars: svg`<path d="M3 17h14M5 14V9M10 14V4M15 14v-3" />`,
  edit: svg`<path d="m4 16 .8-3.4L13.4 4l2.6 2.6-8.6 8.6z" /><path d="m11.6 5.8 2.6 2.6" />`,
  import: svg`<path d="M10 3v9M6.5 8.5 10 12l3.5-3.5" /><path d="M3.5 13v4h13v-4" />`,
  leave: svg`<path d="M8 3.5H4v13h4" /><path d="M8.5 10H17M13.5 6.5 17 10l-3.5 3.5" />`,
  pin: svg`<path d="M10 17.5c3.4-4 5.2-6.9 5.2-9.3a5.2 5.2 0 0 0-10.4 0c0 2.4 1.8 5.3 5.2 9.3z" /><circle cx="10" cy="8.2" r="1.9" />`,
} satisfies Record<string, SVGTemplateResult>;

export type Icon = keyof typeof SHAPES;

export function icon(name: Icon): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">${SHAPES[name]}</svg>`;
}
