/** Work that outlives a login: when it has ended, ask for it again and go on, so that nothing drawn is lost. */
import { Problem } from "./api";

let ask: (() => Promise<boolean>) | null = null;

/** Name what asks a person to log in again; it answers whether somebody did. */
export function offerLogin(dialog: () => Promise<boolean>): void {
  ask = dialog;
}

function loginEnded(error: unknown): boolean {
  return error instanceof Problem && (error.kind === "login-required" || error.kind === "csrf");
}

export async function withLogin<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!ask || !loginEnded(error) || !(await ask())) throw error;
    return await work();
  }
}
