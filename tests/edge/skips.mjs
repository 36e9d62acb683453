/**
 * Tests that cannot run inside of edge runtimes, and why. Kinds of executors that need workers are left
 * out by `tests/contract/executors.ts`. Every line must be of use, or the run fails.
 *
 * @module
 */

const NO_WORKERS = "there are no workers";
const NO_MODULES = "no module can be loaded at run time";
const NO_CODE = "no code may be made of text";
const OTHER_REALM = "structuredClone() gives objects of another realm, unequal to assertEquals()";

/** The beginnings of the tests' names, by reason; `vercel` and `workerd`: only there. */
export const SKIPS = {
  both: {
    [NO_WORKERS]: [
      "ThreadPoolExecutor takes a number",
      "ThreadPoolExecutor refuses options",
      "ThreadPoolExecutor numbers its default",
      "ProcessPoolExecutor takes a number",
      "ProcessPoolExecutor refuses options",
      "ProcessPoolExecutor refuses a cwd",
      "ProcessPoolExecutor numbers its default",
      "createExecutor() makes threads where",
      "submit() after shutdown() says what is wrong",
      "wait() and asCompleted() take futures of different executors",
      "executors refuse options that do not exist",
      "ThreadPool refuses options",
      "Pool refuses options",
      "pools: futures as arguments",
      "options of the lives of workers are checked",
      "a callback that rejects is reported",
      "a signal without removeEventListener is refused",
      "a signal whose aborted is no boolean",
    ],
    [NO_MODULES]: [
      "a module's task runs, sync or async",
      "a module is loaded once for each worker",
      "a missing export, and one that is no function",
      "an error keeps class, name, message, properties, cause",
      "currentTask() gives arrow functions",
      "currentTask() is known after an await",
      "the code of an error arrives",
      "submit() of a generator says to use stream()",
      "this.submit(): functions of modules, references and the task itself",
    ],
    [NO_CODE]: [
      "this.submit(): a parent that waits is running, and stats() count it as waiting",
      "this.submit(): children end with their parent",
      "this.submit(): shutdown() waits for children",
    ],
  },
  workerd: {
    [NO_CODE]: [
      "this.submit(): what cannot be sent fails its child alone",
    ],
    "a request may have 10,000 timers": ["Thousands of callbacks and waits cost linear time"],
    "its ReadableStream.from() gives what a generator returned as a value, too": [
      "values of a stream may be moved, and go into a ReadableStream",
    ],
  },
  vercel: {
    [OTHER_REALM]: [
      "this.submit(): results and errors of plain functions",
      "this.submit(): what cannot be sent fails its child alone",
      "A task has its context as this",
      "InlineExecutor clones by default",
      "`this` of a task has its signal",
      "any thrown value is a failure",
      "map() of a map runs without iteration",
      "onProgress gets each report in order",
      "submit() passes arguments and results by structured clone",
      "values of a stream may be moved",
      "stream() takes generators and whatever",
    ],
  },
};

/** The reasons that count on a runtime, by the beginnings of names. */
export function skipsOf(runtime) {
  return Object.fromEntries(
    [SKIPS.both, SKIPS[runtime]].flatMap((reasons) =>
      Object.entries(reasons).flatMap(([reason, names]) => names.map((name) => [name, reason]))
    ),
  );
}
