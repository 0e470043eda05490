/** Calls of the service: addresses, the CSRF header, and problems instead of bare statuses. */
import type { Feature, FeatureCollection, Geometry } from "geojson";
import { language } from "../texts/language";
import { t } from "../texts/text";

/** The console is served one folder below the service. */
export const serviceRoot = new URL("..", document.baseURI).href;

let csrfToken: string | null = null;

export function rememberCsrf(token: string | null | undefined): void {
  csrfToken = token ?? null;
}

export function address(path: string): string {
  return new URL(path.replace(/^\//, ""), serviceRoot).href;
}

/** What the service answered when it did not do what was asked (RFC 9457). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    readonly body: Record<string, unknown>,
    /** After how many seconds another try makes sense; null: the service does not say. */
    readonly retryAfter_s: number | null = null,
  ) {
    super(String(body.detail ?? body.title ?? kind));
  }

  /** One or two sentences in the language of the page. */
  get text(): string {
    const zh = language.get() === "zh";
    const title = zh ? (this.body.title_zh ?? this.body.title) : this.body.title;
    const detail = zh ? (this.body.detail_zh ?? this.body.detail) : this.body.detail;
    const known = [title, detail].filter((part) => typeof part === "string" && part !== "");
    const text = known.length ? known.join(zh ? "：" : ": ") : statusText(this.status);
    const seconds = this.retryAfter_s;
    if (seconds === null || new RegExp(`\\b${seconds}\\b`).test(text)) return text;
    return `${text.replace(/[.。]$/, "")}${zh ? "。" : ". "}${t("problem.retry_after", { n: seconds })}`;
  }

  /** Whether the login has ended, and not whether somebody may do this. */
  get loginEnded(): boolean {
    return this.kind === "login-required" || this.kind === "csrf";
  }
}

function statusText(status: number): string {
  if (status === 0) return t("problem.network");
  if (status === 401) return t("problem.login");
  if (status === 403) return t("problem.denied");
  if (status === 404) return t("problem.missing");
  if (status === 409 || status === 412) return t("problem.changed");
  if (status === 413) return t("problem.large");
  if (status === 428) return t("problem.version");
  if (status === 429) return t("problem.often");
  if (status >= 500) return t("problem.server");
  return t("problem.other", { status });
}

/** What to tell a person about any error. */
export function explain(error: unknown): string {
  if (error instanceof Problem) return error.text;
  return error instanceof Error ? error.message : String(error);
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

async function problemOf(response: Response): Promise<Problem> {
  let body: Record<string, unknown> = {};
  try {
    body = (await response.json()) as Record<string, unknown>;
  } catch {
    // not JSON: the status says enough
  }
  const kind =
    String(body.type ?? "")
      .split("/")
      .pop() ?? "";
  const seconds = Number(response.headers.get("Retry-After"));
  return new Problem(response.status, kind, body, seconds > 0 ? Math.ceil(seconds) : null);
}

let whenUnreached: () => void = () => undefined;

/** Name what is to happen when the network or the service does not answer. */
export function followUnreached(then: () => void): void {
  whenUnreached = then;
}

let askForLogin: (() => Promise<boolean>) | null = null;
let asking: Promise<boolean> | null = null;

/** Name what asks a person whose login has ended to log in again; it answers whether somebody did. */
export function offerLogin(ask: () => Promise<boolean>): void {
  askForLogin = ask;
}

/** Ask once, however many questions were refused meanwhile. */
function loggedInAgain(): Promise<boolean> {
  asking ??= (askForLogin?.() ?? Promise.resolve(false)).finally(() => {
    asking = null;
  });
  return asking;
}

/** Ask the service; when the login has ended, ask for it and go on where the page was. */
async function fetched(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetchedOnce(path, init);
  } catch (error) {
    if (!(error instanceof Problem) || !error.loginEnded || path.startsWith("v1/log")) throw error;
    if (!(await loggedInAgain())) throw error;
    if (init.signal?.aborted) throw new DOMException("asked anew", "AbortError");
    const headers = { ...(init.headers as Record<string, string>) };
    if ("X-CSRF-Token" in headers && csrfToken) headers["X-CSRF-Token"] = csrfToken;
    return await fetchedOnce(path, { ...init, headers });
  }
}

async function fetchedOnce(path: string, init: RequestInit): Promise<Response> {
  const url = /^https?:/.test(path) ? path : address(path);
  let response: Response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...init });
  } catch (error) {
    if (isAbort(error)) throw error;
    whenUnreached();
    throw new Problem(0, "network", {});
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function request(path: string, init: RequestInit): Promise<unknown> {
  const response = await fetched(path, init);
  return response.status === 204 ? null : ((await response.json()) as unknown);
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await request(path, {
    headers: { Accept: "application/json, application/geo+json" },
    ...(signal && { signal }),
  })) as T;
}

function postHeaders(accept: string): Record<string, string> {
  return { "Content-Type": "application/json", Accept: accept, ...(csrfToken && { "X-CSRF-Token": csrfToken }) };
}

/** Post; `version` is the ETag of what was read, for what another person may have changed since. */
export async function post<T>(path: string, body: unknown = {}, signal?: AbortSignal, version?: string): Promise<T> {
  return (await request(path, {
    method: "POST",
    headers: { ...postHeaders("application/json"), ...(version && { "If-Match": version }) },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  })) as T;
}

/** Change something by any method, with further headers such as the ETag of what was read. */
export async function send<T>(
  method: "POST" | "PUT" | "PATCH",
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<T> {
  const sent = { ...postHeaders("application/json"), ...headers };
  return (await request(path, { method, headers: sent, body: JSON.stringify(body) })) as T;
}

export async function remove<T>(path: string): Promise<T> {
  return (await request(path, { method: "DELETE", headers: postHeaders("application/json") })) as T;
}

/** Delete what is still as it was read. */
export async function removeVersion(path: string, headers: Record<string, string>): Promise<void> {
  await request(path, { method: "DELETE", headers: { ...postHeaders("application/json"), ...headers } });
}

/** Post a file as it is. */
export async function postFile<T>(path: string, file: Blob): Promise<T> {
  const headers = { ...postHeaders("application/json"), "Content-Type": file.type || "application/octet-stream" };
  return (await request(path, { method: "POST", headers, body: file })) as T;
}

/** Post, and take what is answered as a file. */
export async function postForFile(path: string, body: unknown): Promise<Blob> {
  const response = await fetched(path, { method: "POST", headers: postHeaders("*/*"), body: JSON.stringify(body) });
  return await response.blob();
}

export interface Page<P, G extends Geometry = Geometry> extends FeatureCollection<G, P> {
  numberMatched?: number;
  links?: { rel: string; href: string }[];
}

/** The address of a collection's items; several values of one name are alternatives. */
export function itemsPath(collection: string, parameters: Record<string, string | number | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, String(value));
  return `collections/${collection}/items?${query.toString()}`;
}

/** All features, page after page, up to `most`. */
export async function allItems<P, G extends Geometry = Geometry>(
  path: string,
  most: number,
  signal?: AbortSignal,
): Promise<Feature<G, P>[]> {
  const features: Feature<G, P>[] = [];
  let next: string | undefined = path;
  while (next && features.length < most) {
    const page: Page<P, G> = await get<Page<P, G>>(next, signal);
    features.push(...page.features);
    const link = page.links?.find((each) => each.rel === "next")?.href;
    next = link ? sameService(link) : undefined;
  }
  return features.slice(0, most);
}

/** A link of the service by its path: behind a proxy its host may not be ours. */
export function sameService(href: string, begins = "/collections/"): string {
  const url = new URL(href, serviceRoot);
  const at = url.pathname.indexOf(begins);
  return (at < 0 ? url.pathname : url.pathname.slice(at)) + url.search;
}
