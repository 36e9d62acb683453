import { assertEquals, assertMatch } from "@std/assert";
import { test } from "../harness.ts";
import { checkSizes, CORE } from "./size.ts";

const OTHER = 'import { Future } from "@concurrent/futures/futures"';
const LIMITS = { [CORE]: 12_000, [OTHER]: 2_000 };
const CHANGELOG = "- Size: 10,000 bytes gzipped in a bundle.";

test("checkSizes() takes what is within its limit and told of", () => {
  assertEquals(checkSizes({ [CORE]: 10_400, [OTHER]: 2_000 }, LIMITS, CHANGELOG), []);
});

test("checkSizes() refuses what is too large, has no limit, or is not what CHANGELOG.md tells", () => {
  const refused = (
    sizes: Record<string, number>,
    limits = LIMITS,
    changelog = CHANGELOG,
  ): string => {
    const problems = checkSizes(sizes, limits, changelog);
    assertEquals(problems.length, 1, problems.join("\n"));
    return problems[0]!;
  };
  assertMatch(
    refused({ [CORE]: 10_000, [OTHER]: 2_001 }),
    /2,001 bytes gzipped, allowed are 2,000/,
  );
  assertMatch(refused({ [CORE]: 10_000, other: 1 }), /^other: 1 bytes gzipped, allowed are 0/);
  assertMatch(refused({ [CORE]: 10_600 }), /tells of 10,000 bytes gzipped; there are 10,600/);
  assertMatch(refused({ [CORE]: 9_000 }), /there are 9,000/);
  assertMatch(refused({ [CORE]: 10_000 }, LIMITS, "nothing"), /tells of no bytes gzipped/);
  assertMatch(refused({ [OTHER]: 1 }), /there are NaN/);
});
