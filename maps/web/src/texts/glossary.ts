/** Names of the codes that the service answers with: the same file that reports and docs/glossary.md read. */
import glossary from "../../../glossary.json";

type Glossary = typeof glossary;
export type TermGroup = keyof Glossary;
/** `group.code`, such as `state.filed`. */
export type TermKey = {
  [G in TermGroup]: `${G}.${keyof Glossary[G]["terms"] & string}`;
}[TermGroup];

export const terms = Object.fromEntries(
  Object.entries(glossary).flatMap(([group, { terms: codes }]) =>
    Object.entries(codes).map(([code, text]) => [`${group}.${code}`, text]),
  ),
) as Record<TermKey, { zh: string; en: string }>;
