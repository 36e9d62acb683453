/**
 * Puts the distributed executor into the contract's tests; what differs is listed here, by name and reason.
 *
 * @module
 */

import { override } from "../contract/override.ts";
import { selection } from "../harness.ts";
import { DISTRIBUTED } from "./contract_kind.ts";

const NO_BROADCAST = "workers come and go: nothing can run once on each of them";
const BY_NAME =
  "code travels by name only; this suite's own worker runs texts, and says it in its own words";
const SIZE = "its size is for one machine; bench/ has the rates";

const DIFFERS: Readonly<Record<string, string>> = {
  "submit() settles 20,000 tasks, each with its own result": SIZE,
  "map() yields thousands in input order": SIZE,
  "cancel() at random: what was cancelled never ran, all else ran once": SIZE,
  "futures as arguments: a diamond of 10,000 tasks, in order of dependency": SIZE,
  "futures as arguments: a failure runs down a chain of 10,000 tasks": SIZE,
  "a module is loaded once for each worker": NO_BROADCAST,
  "a missing module rejects that future, and the worker lives": BY_NAME,
  "a missing export, and one that is no function, reject with a clear error": BY_NAME,
  "a closure rejects with a ReferenceError that names the variable and says what to do": BY_NAME,
  "an argument that cannot be cloned fails its own future, and names itself": BY_NAME,
  "transfer() moves arguments and results": "nothing moves to another machine: it is copied",
};

const MARK = `[${DISTRIBUTED.name}]`;
override.kinds = [DISTRIBUTED];
selection.includes = (name) => name.includes(MARK);
selection.skips = (name) => DIFFERS[name.replace(MARK, "").trim()];
