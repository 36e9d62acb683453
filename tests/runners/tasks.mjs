// A module of tasks, which workers import.
import { basename } from "node:path";

export function nameOf(path) {
  return basename(path);
}
