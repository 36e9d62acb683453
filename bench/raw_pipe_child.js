// The far side of raw_pipe.ts: a line with arguments comes, one with results goes.

import process from "node:process";
import * as tasks from "./tasks.js";

const task = tasks[process.argv[2]];
let rest = "";
process.stdin.setEncoding("utf8").on("data", (text) => {
  const lines = (rest + text).split("\n");
  rest = lines.pop();
  for (const line of lines) {
    const results = JSON.parse(line);
    for (let i = 0; i < results.length; i++) results[i] = task(results[i]);
    process.stdout.write(`${JSON.stringify(results)}\n`);
  }
});
