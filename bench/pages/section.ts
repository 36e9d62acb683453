/** The section of RESULTS.md that has the figures of pages, which a run of the others keeps. @module */

const HEAD = "\n## In pages\n";

/** The section as it stands, or nothing. */
export function pagesOf(results: string): string | undefined {
  const at = results.indexOf(HEAD);
  return at < 0 ? undefined : results.slice(at + HEAD.length).trim();
}

/** The report with that section at its end, in the place of the one that was there. */
export function withPages(results: string, section: string): string {
  const at = results.indexOf(HEAD);
  const others = at < 0 ? results : results.slice(0, at);
  return `${others.trimEnd()}\n${HEAD}\n${section.trim()}\n`;
}
