/** What a task, or a library that it loads, may do to the world that it shares with its worker's program. */

/** Its name, and the body of a task that does it. */
export const SABOTAGES: readonly (readonly [name: string, body: string])[] = [
  ["Promise.prototype.then throws", "Promise.prototype.then = () => { throw 1 }"],
  ["no Promise.prototype.then", "delete Promise.prototype.then"],
  ["Promise.prototype.constructor", "Promise.prototype.constructor = 5"],
  ["Promise.resolve and others", "Promise.resolve = Promise.reject = Promise.withResolvers = null"],
  ["no Promise", "delete globalThis.Promise"],
  [
    "setters on Array.prototype",
    "for (let i = 0; i < 9; i++) Object.defineProperty(Array.prototype, i, { set() {}, configurable: true })",
  ],
  [
    "accessors that throw on Array.prototype",
    "for (let i = 0; i < 99; i++) Object.defineProperty(Array.prototype, i, " +
    "{ get() { throw 1 }, set() { throw 1 }, configurable: true })",
  ],
  [
    "read-only elements of Array.prototype",
    "for (let i = 0; i < 9; i++) Object.defineProperty(Array.prototype, i, { value: 1 })",
  ],
  [
    "setters on Object.prototype",
    "for (const k of ['at', 'left', 'next', 'call', 'current', 'value', 'kind', 'fn', 'get']) " +
    "Object.defineProperty(Object.prototype, k, { set() {}, get() {}, configurable: true })",
  ],
  ["Object.prototype.then", "Object.prototype.then = () => {}"],
  ["Object.prototype.fn", "Object.prototype.fn = Object.prototype.pause = () => 1"],
  ["Function.prototype.call", "Function.prototype.call = () => { throw 1 }"],
  ["Function.prototype.apply", "Function.prototype.apply = undefined"],
  ["Function.prototype.bind", "Function.prototype.bind = () => { throw 1 }"],
  ["Array.prototype.push", "Array.prototype.push = () => { throw 1 }"],
  ["Array.prototype.shift", "delete Array.prototype.shift"],
  ["Array.prototype.slice and splice", "Array.prototype.slice = Array.prototype.splice = null"],
  ["Array.prototype.map", "Array.prototype.map = () => NaN"],
  ["Array.prototype.concat", "Array.prototype.concat = () => NaN"],
  ["Array.prototype[Symbol.iterator]", "delete Array.prototype[Symbol.iterator]"],
  [
    "Array.prototype[Symbol.iterator] throws",
    "Array.prototype[Symbol.iterator] = () => { throw 1 }",
  ],
  ["Array.prototype.constructor", "Array.prototype.constructor = () => { throw 1 }"],
  ["Array.from and isArray", "Array.from = Array.isArray = () => false"],
  ["Map.prototype", "for (const k of Reflect.ownKeys(Map.prototype)) delete Map.prototype[k]"],
  ["Set.prototype", "for (const k of Reflect.ownKeys(Set.prototype)) delete Set.prototype[k]"],
  ["no Map, Set, WeakMap", "globalThis.Map = globalThis.Set = globalThis.WeakMap = undefined"],
  [
    "String.prototype",
    "for (const k of ['slice', 'charCodeAt', 'indexOf', 'startsWith', " +
    "'isWellFormed', 'replace']) String.prototype[k] = () => NaN",
  ],
  ["RegExp.prototype.exec", "RegExp.prototype.exec = RegExp.prototype.test = () => { throw 1 }"],
  ["Reflect", "for (const k of Reflect.ownKeys(Reflect)) Reflect[k] = () => { throw 1 }"],
  [
    "Object's functions",
    "for (const k of ['keys', 'hasOwn', 'defineProperty', 'getPrototypeOf', 'assign', " +
    "'getOwnPropertyDescriptor']) Object[k] = () => { throw 1 }",
  ],
  [
    "Math",
    "for (const k of Object.getOwnPropertyNames(Math)) try { Math[k] = () => NaN } catch {}",
  ],
  ["Atomics", "Atomics.compareExchange = Atomics.load = Atomics.store = () => 7"],
  ["structuredClone", "globalThis.structuredClone = () => { throw 1 }"],
  ["performance.now is NaN", "performance.now = () => NaN"],
  ["Performance.prototype.now", "Performance.prototype.now = () => NaN"],
  ["Date.now", "Date.now = () => NaN"],
  ["JSON", "JSON.stringify = JSON.parse = () => { throw 1 }"],
  [
    "timers",
    "globalThis.setTimeout = globalThis.setImmediate = globalThis.clearTimeout = () => {}",
  ],
  ["queueMicrotask", "globalThis.queueMicrotask = () => {}"],
  ["onmessage", "globalThis.onmessage = () => {}"],
  ["postMessage", "globalThis.postMessage = () => {}"],
  ["close", "globalThis.close = () => {}"],
  ["addEventListener", "globalThis.addEventListener = globalThis.removeEventListener = null"],
  [
    "EventTarget.prototype",
    "for (const k of ['addEventListener', 'dispatchEvent']) EventTarget.prototype[k] = () => {}",
  ],
  ["MessagePort.prototype.postMessage", "MessagePort.prototype.postMessage = () => {}"],
  [
    "MessageEvent.prototype.data",
    "Object.defineProperty(MessageEvent.prototype, 'data', { get: () => 1, configurable: true })",
  ],
  ["parentPort.removeAllListeners()", "port?.removeAllListeners?.()"],
  ["parentPort.removeAllListeners('message')", "port?.removeAllListeners?.('message')"],
  ["parentPort.postMessage", "if (port) port.postMessage = () => {}"],
  ["parentPort.on and off", "if (port) port.on = port.off = port.once = null"],
  ["parentPort.onmessage", "if (port) port.onmessage = () => {}"],
  ["process.removeAllListeners()", "process.removeAllListeners()"],
  ["process.on", "process.on = process.once = process.off = process.emit = null"],
  [
    "EventEmitter.prototype",
    "const E = process.getBuiltinModule('node:events').EventEmitter; " +
    "for (const k of ['emit', 'on', 'off', 'removeListener']) E.prototype[k] = () => {}",
  ],
  ["Buffer", "globalThis.Buffer = undefined"],
  [
    "typed arrays",
    "const T = Object.getPrototypeOf(Uint8Array.prototype); " +
    "for (const k of ['set', 'subarray', 'slice']) T[k] = () => { throw 1 }",
  ],
  ["errors", "globalThis.Error = globalThis.AggregateError = globalThis.DOMException = undefined"],
  ["AbortController", "AbortController.prototype.abort = () => { throw 1 }"],
  [
    "the context's class",
    "const C = Object.getPrototypeOf(this); for (const k of Reflect.ownKeys(C)) delete C[k]",
  ],
  ["the scope of tasks", "Object.freeze(globalThis[Symbol.for('@concurrent/futures.taskScope')])"],
  [
    "frozen intrinsics",
    "for (const C of [Object, Function, Array, Map, Set, Promise, Error, String, Number, RegExp]) " +
    "{ Object.freeze(C); Object.freeze(C.prototype) }",
  ],
  [
    "getters: of typed arrays",
    "const T = Object.getPrototypeOf(Uint8Array.prototype); for (const k of ['length', 'byteLength', " +
    "'buffer']) Object.defineProperty(T, k, { get() { throw 1 }, configurable: true })",
  ],
  ["globalThis", "globalThis.self = undefined; globalThis.globalThis = undefined"],
  [
    "AsyncLocalStorage.prototype",
    "const { AsyncLocalStorage: A } = process.getBuiltinModule('node:async_hooks'); " +
    "for (const k of ['run', 'exit', 'getStore', 'enterWith']) A.prototype[k] = () => { throw 1 }",
  ],
];
