import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { test } from "../harness.ts";
import { ALL_EXECUTORS, IN_PAGE, isProcesses } from "../contract/executors.ts";
import { CALLS } from "./calls.ts";
import { PROCESS_CALLS } from "./process_calls.ts";
import { FAULTS } from "./table.ts";

/** Rows of docs/faults.md that are tested elsewhere: in which file, and by which tests. */
const ELSEWHERE: Record<string, readonly [file: string, ...tests: string[]]> = {
  'throw of `undefined`, `null`, `0`, `""`, a string, an object': [
    "contract/errors_test.ts",
    "any thrown value is a failure, and arrives as it left",
  ],
  "stack overflow": ["contract/errors_test.ts", "stack overflow in a task is its error"],
  "an error of a timer or an unhandled rejection during the task": [
    "contract/errors_test.ts",
    "an error outside of the task fails it with that error as cause",
  ],
  "an error of a timer after the task": [
    "contract/errors_test.ts",
    "a stray error after its task is nobody's, and the worker is replaced",
  ],
  "process.exit() in the task": [
    "contract/errors_test.ts",
    "a worker that exits fails only the task it ran, with its exit code",
  ],
  "out of memory": [
    "runtime/runtime_test.ts",
    "resourceLimits isolate a task that runs out of memory",
  ],
  "out of memory of a process": [
    "faults/programs_test.ts",
    "a process that runs out of memory fails its task alone",
  ],
  "a task that prints in floods": [
    "faults/programs_test.ts",
    "what processes print in floods arrives whole, and harms no result",
    "the lines that processes print in floods do not mix",
  ],
  "a crash storm": [
    "contract/errors_test.ts",
    "three deaths in a row break the executor, and all that is pending",
  ],
  "a task that replaces, removes or freezes built-ins, listeners or ports of its worker": [
    "faults/sabotage_test.ts",
    "later tasks settle, whatever a task has replaced [${kind}]",
  ],
  "a worker that does not hear what it is sent": [
    "engine/stands_still_test.ts",
    "a worker that does not hear is replaced, and its tasks run elsewhere [${memory}]",
  ],
  "a worker whose messages do not arrive": [
    "engine/stands_still_test.ts",
    "a worker that is not heard fails what it has begun, and is replaced",
  ],
  "an end that nobody tells": [
    "browser/page_test.ts",
    "a worker that ends silently fails its task alone, and is replaced",
    "a worker that ends silently while it is idle is missed and replaced",
  ],
  "a Content-Security-Policy that forbids `blob:` workers": [
    "browser/csp_test.ts",
    "without a worker of one's own the executor breaks at once, with the remedy",
    "warmUp(), map() and createExecutor() tell the remedy as well",
  ],
  "a busy loop": [
    "contract/cancel_test.ts",
    "timeout ends a busy task with TimeoutError and replaces its worker",
  ],
  "Atomics.wait() for ever": [
    "contract/options_test.ts",
    "timeout ends a task that blocks, and replaces its worker",
  ],
  "a promise that never settles": [
    "contract/cancel_test.ts",
    "timeout ends an asynchronous task with TimeoutError",
  ],
  "a module that is missing, or has no such function": [
    "contract/submit_test.ts",
    "a missing module rejects that future, and the worker lives",
    "a missing export, and one that is no function, reject with a clear error",
  ],
  "an initializer that throws or rejects": [
    "contract/options_test.ts",
    "initializer that ${how} breaks the executor",
  ],
  "an initializer with arguments that cannot be cloned": [
    "contract/options_test.ts",
    "initargs that cannot be cloned break the executor",
  ],
  "an argument that cannot be read on the other side": [
    "contract/unreadable_test.ts",
    "an argument that cannot be read on the other side fails its own future, and no neighbour",
  ],
  "an argument that is a function": [
    "contract/errors_test.ts",
    "an argument that cannot be cloned fails its own future, and names itself",
  ],
  "a result that is a function": [
    "contract/errors_test.ts",
    "a result that cannot be cloned fails its own future, not those gathered with it",
  ],
  "an onProgress that throws": [
    "contract/options_test.ts",
    "onProgress that throws changes nothing",
  ],
  "an input that throws": [
    "contract/map_test.ts",
    "map() gives the input's error at its position",
  ],
  "shutdown() or terminate() from a done callback": [
    "contract/shutdown_test.ts",
    "shutdown() may be called from a done callback",
    "terminate() may be called from a done callback",
  ],
  "shutdown() again, in any mixture of options": [
    "contract/shutdown_test.ts",
    "shutdown() is idempotent, in any mixture of options",
  ],
  "terminate() before the first task": [
    "contract/shutdown_test.ts",
    "terminate() of an executor that was never used ends at once",
  ],
  "terminate() while tasks run": [
    "contract/shutdown_test.ts",
    "terminate() cancels pending and rejects running tasks",
  ],
  "a task that waits for a future which fails": [
    "contract/future_arguments_test.ts",
    "futures as arguments: the first failure is the task's, at once",
  ],
  "a task that waits for a future which is cancelled": [
    "contract/future_arguments_test.ts",
    "futures as arguments: a cancelled one cancels the task, and not the reverse",
  ],
  "a task that waits for a future whose worker crashes": [
    "contract/future_arguments_test.ts",
    "futures as arguments: a crash is the error of what waits for it",
  ],
  "an abort of a task that waits for a future": [
    "contract/future_arguments_test.ts",
    "futures as arguments: a signal ends the wait",
  ],
  "shutdown() while a task waits for a future": [
    "contract/future_arguments_test.ts",
    "futures as arguments: shutdown() waits for what they wait for",
  ],
  "terminate() while a task waits for a future": [
    "contract/future_arguments_test.ts",
    "futures as arguments: cancelFutures and terminate() cancel them",
  ],
  "a death that breaks the executor while a task waits for a future": [
    "contract/future_arguments_test.ts",
    "futures as arguments: a broken executor fails them",
  ],
  "a result of `mapBlocks` of another length": [
    "contract/typed_arrays_test.ts",
    "mapBlocks(): a result of another length, errors of a block, and limits",
  ],
  "a worker that crashes at a block of `mapBlocks`": [
    "contract/typed_arrays_test.ts",
    "mapBlocks(): a crash fails the block that ran, and not the executor",
  ],
  "an abort or a timeout while `mapBlocks` runs": [
    "contract/typed_arrays_test.ts",
    "mapBlocks(): a result of another length, errors of a block, and limits",
  ],
  "terminate() while `mapBlocks` runs": [
    "contract/typed_arrays_test.ts",
    "mapBlocks(): terminate() and shutdown({ cancelFutures: true })",
  ],
  "a target of `into()` with too few places": [
    "contract/typed_arrays_test.ts",
    "into() writes results into a typed array",
  ],
  "a task that hangs when the futures that it waited for are there": [
    "contract/future_arguments_test.ts",
    "futures as arguments: a timeout counts from when all are there",
  ],
  "a task of a group that fails": [
    "contract/task_group_test.ts",
    "TaskGroup: the first failure aborts the rest, and is thrown",
  ],
  "several tasks of a group that fail at once": [
    "contract/task_group_test.ts",
    "TaskGroup: what failed in the same moment comes in an AggregateError",
  ],
  "a task of a group that is cancelled": [
    "contract/task_group_test.ts",
    "TaskGroup: a cancelled task is no failure",
  ],
  "a block of a group that throws": [
    "contract/task_group_test.ts",
    "TaskGroup.run(): the block's own error wins, after all have ended",
  ],
  "an abort of a group, or its cancel()": [
    "contract/task_group_test.ts",
    "TaskGroup: an outer group, or the executor's signal, aborts it",
    "TaskGroup.cancel() ends it early, and close() does not throw",
  ],
  "a stream that throws": [
    "contract/stream_test.ts",
    "a stream that fails rejects after the values that came",
  ],
  "a stream with a value that cannot be cloned": [
    "contract/stream_test.ts",
    "a stream that fails rejects after the values that came",
  ],
  "a stream whose worker dies": [
    "contract/stream_test.ts",
    "a stream whose worker dies rejects after the values that came",
  ],
  "a stream that is left": [
    "contract/stream_test.ts",
    "leaving a stream ends its generator before its place is free",
  ],
  "an abort or a `timeout` of a stream": [
    "contract/stream_test.ts",
    "a signal and a timeout end a stream, after the values that came",
  ],
  "shutdown() while a stream gives values": [
    "contract/stream_test.ts",
    "shutdown() lets streams end; terminate() ends them",
  ],
  "terminate() while a stream gives values": [
    "contract/stream_test.ts",
    "shutdown() lets streams end; terminate() ends them",
  ],
  "a generator that is submitted": [
    "contract/stream_test.ts",
    "submit() of a generator says to use stream()",
  ],
  "a worker that dies while tasks of its keys wait": [
    "contract/affinity_test.ts",
    "affinity: a worker that dies gives its keys to others",
  ],
  "a task that hangs before others of its key": [
    "contract/affinity_test.ts",
    "affinity: what was aborted has ended before the next of its key begins",
  ],
  "shutdown() or terminate() while tasks wait for others of their key": [
    "contract/affinity_test.ts",
    "affinity: shutdown(), cancelFutures and terminate()",
  ],
  "a death that breaks the executor while tasks wait for others of their key": [
    "contract/affinity_test.ts",
    "affinity: a broken executor fails what waits in its key",
  ],
  "a finalizer that hangs": [
    "contract/worker_lives_test.ts",
    "finalizer that hangs is stopped after finalizerTimeout, or by terminate()",
  ],
  "terminate() while a finalizer hangs": [
    "contract/worker_lives_test.ts",
    "finalizer that hangs is stopped after finalizerTimeout, or by terminate()",
  ],
  "a worker with more memory than `maxWorkerMemory`": [
    "contract/worker_lives_test.ts",
    "maxWorkerMemory: what was sent ahead runs elsewhere, once",
  ],
  "a task that waits for one that it submitted, which fails": [
    "contract/nested_test.ts",
    "this.submit(): results and errors of plain functions",
  ],
  "a child with an argument or a result that cannot be cloned": [
    "contract/nested_test.ts",
    "this.submit(): what cannot be sent fails its child alone",
  ],
  "a crash of a task that has submitted others": [
    "contract/nested_test.ts",
    "this.submit(): a crash of the parent takes its children along",
  ],
  "a crash of a task that another waits for": [
    "contract/nested_test.ts",
    "this.submit(): a crash of the parent takes its children along",
  ],
  "an abort of a task that has submitted others": [
    "contract/nested_test.ts",
    "this.submit(): children end with their parent",
  ],
  "a task that ends before those that it submitted": [
    "contract/nested_test.ts",
    "this.submit(): children end with their parent",
  ],
  "shutdown() while a task waits for others": [
    "contract/nested_test.ts",
    "this.submit(): shutdown() waits for children; terminate() ends them",
  ],
  "terminate() while a task waits for others": [
    "contract/nested_test.ts",
    "this.submit(): shutdown() waits for children; terminate() ends them",
  ],
  "a death that breaks the executor while a stream gives values": [
    "contract/stream_test.ts",
    "a death that breaks the executor ends its streams",
  ],
  "a death that breaks the executor while a task waits for others": [
    "contract/nested_test.ts",
    "this.submit(): a death that breaks the executor ends parents and children",
  ],
};

/** The cells of each row of the table. */
function readRows(): string[][] {
  return read("../../docs/faults.md").split("\n")
    .filter((line) => /^\| [^*-]/.test(line))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
    .slice(1); // the head
}

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");

test("docs/faults.md has every fault that is tested, and no other", () => {
  const rows = readRows().map(([name]) => name);
  const tested = [...FAULTS, ...CALLS, ...PROCESS_CALLS].map(({ name }) => name);
  assertEquals(rows.toSorted(), [...tested, ...Object.keys(ELSEWHERE)].sort());
});

test("docs/faults.md has a dash where a fault is not caused", () => {
  const columns = [
    ["ThreadPoolExecutor", IN_PAGE ? 2 : 1],
    ["ProcessPoolExecutor", 3],
    ["InlineExecutor", 4],
  ];
  const rows = new Map(readRows().map((row) => [row[0], row]));
  for (const { name, skip, onlyProcesses } of [...FAULTS, ...CALLS, ...PROCESS_CALLS]) {
    for (const [executor, column] of columns) {
      const kind = ALL_EXECUTORS.find((kind) => kind.name === executor);
      if (kind === undefined) continue; // a page has no processes
      const isCaused = !(onlyProcesses && !isProcesses(kind)) && skip?.(kind) === undefined;
      const cell = rows.get(name)?.[column as number];
      // What one runtime of several cannot do, the others may; there is one kind of browser.
      if (isCaused || column === 2 || (onlyProcesses && !isProcesses(kind))) {
        assertEquals(cell === "—", !isCaused, `${name} [${executor}]`);
      }
    }
  }
});

test("what docs/faults.md has from elsewhere is tested there", () => {
  for (const [file, ...tests] of Object.values(ELSEWHERE)) {
    const text = read(`../${file}`);
    for (const name of tests) assert(text.includes(name), `${file}: ${name}`);
  }
});
