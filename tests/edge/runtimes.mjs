// @ts-self-types="./runtimes.d.mts"
/**
 * Starts edge runtimes: Cloudflare's workerd through Miniflare, and Vercel's edge-runtime.
 *
 * @module
 */

import { EdgeRuntime } from "edge-runtime";
import { Miniflare } from "miniflare";
import { bundle } from "./bundle.mjs";

/** With it workerd is as Workers that are made today. */
export const COMPATIBILITY_DATE = "2026-04-01";

/**
 * A Worker in workerd.
 *
 * @param {string} source Source text of a module with a default export.
 * @param {object} options Of Miniflare.
 */
export async function startWorkerd(source, options = {}) {
  const miniflare = new Miniflare({
    // In this way Miniflare does not parse it, which it cannot always.
    modules: [{ type: "ESModule", path: "worker.js", contents: await bundle(source) }],
    compatibilityDate: COMPATIBILITY_DATE,
    ...options,
  });
  await miniflare.ready;
  return miniflare;
}

/**
 * A context of Vercel's edge-runtime, in which a script has run.
 *
 * @param {string} source Source text of a module; what it exports is the global `exported`.
 */
export async function startVercel(source) {
  const runtime = new EdgeRuntime({ initialCode: await bundle(source, "iife") });
  return Object.assign(runtime, { dispose: async () => {} });
}
