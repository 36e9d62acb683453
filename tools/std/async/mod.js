// One file each: the package's own mod.js imports a file that it does not carry.
export { deadline } from "deno-std/async/deadline.js";
export { delay } from "deno-std/async/delay.js";
