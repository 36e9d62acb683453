let tasks;

exports.run = (name, arg) => {
  if (tasks !== undefined) return tasks[name](arg);
  return import("../tasks.js").then((loaded) => {
    tasks = loaded;
    return tasks[name](arg);
  });
};
