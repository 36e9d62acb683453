export default {
  build: {
    rolldownOptions: {
      input: ["index.html", "tasks.js"],
      preserveEntrySignatures: "exports-only", // keeps the exports of tasks.js
      output: { entryFileNames: "assets/[name].js" },
    },
  },
  // Only the worker imports it: without this line the first page of the dev server reloads.
  optimizeDeps: { include: ["@concurrent/futures/worker"] },
};
