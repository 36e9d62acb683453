/** The names of all globals when this module is loaded. */
export const globalsBefore: ReadonlySet<string | symbol> = new Set(Reflect.ownKeys(globalThis));
