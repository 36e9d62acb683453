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

/**
 * Writes a report.
 *
 * @param {readonly { name: string, file: string, status: string, message?: string, milliseconds?: number }[]} results
 */
export function writeReport(results) {
  const cases = results.map(({ name, file, status, message, milliseconds = 0 }) => {
    const inner = status === "failed"
      ? `<failure>${escape(message ?? "")}</failure>`
      : status === "skipped"
      ? "<skipped/>"
      : "";
    const time = (milliseconds / 1000).toFixed(3);
    return `<testcase name="${escape(name)}" classname="${escape(file)}" time="${time}">` +
      `${inner}</testcase>`;
  });
  return `<testsuites><testsuite>${cases.join("\n")}</testsuite></testsuites>\n`;
}

function escape(text) {
  const names = { "&": "amp", "<": "lt", ">": "gt", '"': "quot" };
  return text.replace(/[&<>"]/g, (c) => `&${names[c]};`);
}
