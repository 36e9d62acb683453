export { delay } from "deno-std/async/delay.js";
