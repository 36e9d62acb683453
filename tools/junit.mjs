// @ts-self-types="./junit.d.mts"
/**
 * Reads the JUnit reports that `deno test`, `bun test` and `node --test` write.
 *
 * @module
 */

// A ">" may stand in a test's name, so the attributes are taken one by one.
const TEST_CASE = /<testcase((?:\s+[\w-]+="[^"]*")*)\s*(?:\/>|>([\s\S]*?)<\/testcase>)/g;

const ENTITIES = { lt: "<", gt: ">", quot: '"', apos: "'", "#10": "\n", "#39": "'", amp: "&" };

/** Counts the test cases of a report. */
export function readReport(xml) {
  const counts = { passed: 0, failures: [], skipped: [] };
  for (const [, attributes, body = ""] of xml.matchAll(TEST_CASE)) {
    const name = text(/\sname="([^"]*)"/.exec(attributes)?.[1] ?? "?");
    const failure = /<(?:failure|error)\b([\s\S]*)/.exec(body)?.[1];
    if (failure !== undefined) {
      counts.failures.push(`${name}\n${text(failure.replace(/<\/(?:failure|error)>/, "")).trim()}`);
    } else if (body.includes("<skipped")) counts.skipped.push(name);
    else counts.passed++;
  }
  return counts;
}

/** The text without XML's entities. Twice: Node escapes the quotes of a name two times. */
function text(xml) {
  const once = (value) => value.replace(/&(#?\w+);/g, (all, name) => ENTITIES[name] ?? all);
  return once(once(xml));
}

/** How often each reason to skip was given: `tests/harness.ts` puts it into the name. */
export function skipReasons(names) {
  const reasons = new Map();
  for (const name of names) {
    const reason = name.split("# skipped: ")[1] ?? "no reason given";
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return [...reasons].map(([reason, times]) => `${times} skipped: ${reason}`);
}
