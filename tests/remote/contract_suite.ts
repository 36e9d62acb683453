/**
 * The contract of all executors, on the distributed one: `contract_setup.ts`, which comes first, puts it in their
 * place and lists what differs.
 *
 * @module
 */

import "./contract_setup.ts";

import "../contract/submit_test.ts";
import "../contract/map_test.ts";
import "../contract/cancel_test.ts";
import "../contract/wait_test.ts";
import "../contract/shutdown_test.ts";
import "../contract/errors_test.ts";
import "../contract/error_graphs_test.ts";
import "../contract/values_test.ts";
import "../contract/future_arguments_test.ts";
import "../contract/task_group_test.ts";
import "../contract/observe_test.ts";
