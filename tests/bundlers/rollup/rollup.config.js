import resolve from "@rollup/plugin-node-resolve";

export default [
  {
    input: ["main.js", "tasks.js", "worker.js"],
    plugins: [resolve({ browser: true })],
    output: { dir: "dist" },
  },
  {
    input: ["main_node.js", "tasks.js", "worker.js"],
    external: /^node:/,
    plugins: [resolve()],
    output: { dir: "dist_node" },
  },
];
