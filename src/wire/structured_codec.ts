/**
 * Values as bytes, for what `postMessage` does not reach: the same between all runtimes.
 * The format is told in `structured_format.ts`.
 *
 * @module
 */

export { checkStructured, encodeStructured } from "./structured_encoder.ts";
export { decodeStructured } from "./structured_decoder.ts";
