/** What an account searched for, kept in this browser until it logs out. */

const MOST = 6;
const key = (account: string): string => `wangge.searches.${account}`;

/** The newest first. */
export function recentSearches(account: string): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key(account)) ?? "[]");
    return Array.isArray(kept) ? kept.filter((each) => typeof each === "string").slice(0, MOST) : [];
  } catch {
    return []; // no storage, or not ours: nothing is remembered
  }
}

export function rememberSearch(account: string, text: string): void {
  const kept = [text, ...recentSearches(account).filter((each) => each !== text)].slice(0, MOST);
  try {
    localStorage.setItem(key(account), JSON.stringify(kept));
  } catch {
    // no storage: nothing is remembered
  }
}

export function forgetSearches(account: string): void {
  try {
    localStorage.removeItem(key(account));
  } catch {
    // no storage: nothing was remembered
  }
}
