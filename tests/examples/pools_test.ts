import { assertEquals, assertMatch } from "@std/assert";
import { test as testWith } from "../harness.ts";
import { runExample } from "./programs.ts";

/** A test with time for a program to start when the machine is busy. */
function test(name: string, fn: () => Promise<void>): void {
  testWith(name, fn, { deadline: 30_000 });
}

/** Runs a program that must print this and nothing else. */
async function assertPrints(name: string, expected: string): Promise<void> {
  const { code, stdout, stderr } = await runExample(name);
  assertEquals({ stdout, stderr, code }, { stdout: expected, stderr: "", code: 0 });
}

test("pool_eight_ways issues work in all eight ways", () =>
  assertPrints(
    "pool_eight_ways",
    `\
apply: 5 EUR
applyAsync: 1024
map: 1 EUR, 2 EUR, 3 EUR
mapAsync: 4 EUR, 5 EUR, 6 EUR
starmap: 2, 4, 8
starmapAsync: 3, 9, 27
imap: 250
imap: 0
imapUnordered: 0
imapUnordered: 250
`,
  ));

test("pool_async_result asks a result before and after it is ready", () =>
  assertPrints(
    "pool_async_result",
    `\
ready: false
successful: InvalidStateError: Cannot tell whether the call was successful: it is not ready
ready after wait({ timeout: 20 }): false
get({ timeout: 20 }) gives a TimeoutError: true
ready after wait(): true
successful: true
get: 5
await: 5
ready after a failure: true
successful after a failure: false
get after a failure: RangeError: No such number
`,
  ));

test("pool_callbacks gets one value, one list or one error", () =>
  assertPrints(
    "pool_callbacks",
    `\
one call
  callback: 4
one call that fails
  errorCallback: RangeError: 3 is odd
a map
  callback: [1,2,3]
a map with items that fail: the error of the first of them
  errorCallback: RangeError: 5 is odd
a map over nothing
  callback: []
a callback that issues more work
  callback: 20
  callback: 10
`,
  ));

test("port_scanner finds the open ports, and waits for all silent ones at once", async () => {
  const { code, stdout, stderr } = await runExample("port_scanner");
  assertEquals({ stderr, code }, { stderr: "", code: 0 });
  // Other programs may have ports open in the same place.
  assertMatch(
    stdout,
    /^Port 21 is open: 220 files\n(.*\n)*Port 22 is open: SSH-2.0-example\n(.*\n)*Port 25 is open: 220 mail\n/m,
  );
  assertMatch(
    stdout,
    /^Port 110 is open: \+OK letters\n(.*\n)*Port 1024 is open: hello from the last port\n/m,
  );
  const found = /^1024 tries: (\d+) open, (\d+) closed, (\d+) silent$/m.exec(stdout);
  const [open, closed, silent] = found!.slice(1).map(Number) as [number, number, number];
  assertEquals([open >= 5, closed > 950, silent >= 20], [true, true, true], stdout);
  assertEquals(open + closed + silent, 1024);
  assertMatch(
    stdout,
    /All at once: [0-9]\.\d s\. One by one the silent ports alone would take \d\d\.\d s\n$/,
  );
});

test("pool_patterns shows five ways to take results", () =>
  assertPrints(
    "pool_patterns",
    `\
1. map, and iterate over the results
  30 ms
  20 ms
  10 ms
2. applyAsync, and forget: close and join wait for the work
  sum of the marks: 55
3. mapAsync, and forget
  callback: 3 results
4. imapUnordered, and take the results as they come
  0 ms
  300 ms
5. imapUnordered, take the first result, and terminate the rest
  first: 0 ms
  waited for the others: false
`,
  ));

test("pool_exceptions shows where errors come out", () =>
  assertPrints(
    "pool_exceptions",
    `\
in the initializer: the pool is broken at once
  BrokenThreadPoolError: Cannot use ThreadPool any more: initializer failed
  cause: Error: No database
in a task, handled by the task
  0
in a task, handled at get()
  RangeError: No root of -9
in a task, seen by successful()
  false
in map: the error of the first item that failed, when all have ended
  RangeError: No root of -9
in mapAsync: the same, at get()
  RangeError: No root of -9
in imap: at its place; the items after it are still there
  1
  2
  RangeError: No root of -9
  4
in a callback: it is reported, and the result is there all the same
  Uncaught error in a callback of an AsyncResult: Error: The callback failed
  result: 2
  next call: 3
`,
  ));

test("pool_mistakes gets errors that say what to do", () =>
  assertPrints(
    "pool_mistakes",
    `\
1. applyAsync with a call in place of the function
  TypeError: Cannot submit 42: pass the function itself, not the result of calling it
2. map with a call in place of the function
  TypeError: Cannot submit 42: pass the function itself, not the result of calling it
3. map without the items
  TypeError: Cannot map over undefined: expected an iterable
4. a callback without a parameter: no mistake in JavaScript
  callback was called
  no error
5. nobody looks at a call that fails: it is silent, as in Python
  successful: false
  RangeError: -1 is negative
6. join before close
  InvalidStateError: Pool is still running: close it first
7. a call to a closed pool
  InvalidStateError: Pool not running
`,
  ));

test("pool_close ends pools in every way", () =>
  assertPrints(
    "pool_close",
    `\
close and join: what was issued is finished
  finished: true
terminate: it ends now, whatever runs
  running: BrokenExecutorError
  waiting: CancelledError
await using: take the results inside of the block
  taken: 10
  outstanding: rejected
await using, with close and join at its end: as an executor does
  finished: 10
await using: an error of the block terminates the pool and goes on
  Error: The block failed
`,
  ));
