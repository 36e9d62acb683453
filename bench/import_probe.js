// Prints the milliseconds that an import takes in a fresh program: `import_probe.js <specifier>`.

import process from "node:process";

const specifier = process.argv[2];
const startedAt = performance.now();
await import(specifier);
const took = performance.now() - startedAt;
process.stdout.write(`${took}\n`, () => process.exit());
