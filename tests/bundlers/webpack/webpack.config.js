import { resolve } from "node:path";

const tasks = { import: "./tasks.js", library: { type: "module" } }; // keeps its exports

export default [
  {
    target: ["web", "es2022"],
    entry: { main: "./main.js", tasks },
    experiments: { outputModule: true },
    output: { module: true, path: resolve("dist"), filename: "[name].js" },
  },
  {
    target: ["node20", "es2022"],
    entry: { main_node: "./main_node.js", tasks },
    experiments: { outputModule: true },
    output: { module: true, path: resolve("dist_node"), filename: "[name].js" },
  },
];
