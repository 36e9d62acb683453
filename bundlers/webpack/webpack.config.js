import { resolve } from "node:path";

const common = {
  entry: {
    main: "./main.js",
    tasks: { import: "./tasks.js", library: { type: "module" } }, // keeps its exports
  },
  experiments: { outputModule: true },
};

export default [
  {
    ...common,
    target: ["web", "es2022"],
    output: { module: true, path: resolve("dist"), filename: "[name].js" },
  },
  {
    ...common,
    target: ["node20", "es2022"],
    output: { module: true, path: resolve("dist_node"), filename: "[name].js" },
  },
];
