/**
 * What the entries of the package share, in few files. Left to itself a bundler makes one of each set of
 * modules that the same entries need, eighteen for `import "@concurrent/futures"`, and a runtime takes as
 * long to load these as to read what is in them.
 */

import { build, transformSync } from "esbuild";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { parseAst } from "rollup/parseAst";

/** The files, in the order in which one may import another, each with the entries all of whose modules it holds. */
const CHUNKS = {
  futures: ["src/futures/mod.ts"],
  core: ["mod.ts", "src/pool/mod.ts", "src/runtime/mod.ts"],
  remote: ["src/remote/mod.ts"],
};

/**
 * Entries that share nothing: task modules import `currentTask` in each worker, where nothing else of the
 * library is. Two copies of it understand each other, as that in a worker and its owner's do.
 */
const ALONE = ["src/worker/mod.ts"];

/**
 * Bundles entries, and what they share.
 *
 * @param {import("esbuild").BuildOptions & { absWorkingDir: string, outdir: string, entryPoints: string[] }} options
 * @returns {Promise<string[]>} The files of JavaScript that were written.
 */
export async function buildInChunks(options) {
  const { absWorkingDir: root } = options;
  const entryPoints = options.entryPoints.filter((entry) => !ALONE.includes(entry));
  const modules = await modulesOf(options, entryPoints);
  /** The chunk of each module that has one. */
  const homes = new Map();
  for (const [chunk, entries] of Object.entries(CHUNKS)) {
    for (const module of await modulesOf(options, entries)) {
      if (!homes.has(module) && !options.entryPoints.includes(module)) homes.set(module, chunk);
    }
  }
  const wanted = sharedNames(root, modules, homes);
  const { given, taken } = clauses(wanted);
  const written = [];
  const owners = new Map();
  for (const chunk of Object.keys(CHUNKS)) {
    const own = [...wanted.keys()].filter((module) => homes.get(module) === chunk);
    written.push(
      ...await write({
        ...options,
        entryPoints: undefined,
        stdin: {
          contents: own.map((module) => `${given(module)} from "./${module}";`).join("\n"),
          resolveDir: root,
          sourcefile: `${chunk}.js`,
        },
        outdir: undefined,
        outfile: join(options.outdir, "chunks", `${chunk}.js`),
        plugins: [fromChunks(options, chunk, homes, taken)],
      }),
    );
  }
  written.push(
    ...await write({ ...options, entryPoints: ALONE }),
    ...await write({
      ...options,
      entryPoints,
      plugins: [fromChunks(options, undefined, homes, taken)],
    }),
  );
  return written;

  /** @param {import("esbuild").BuildOptions} more */
  async function write(more) {
    const { metafile } = await build({ ...more, metafile: true });
    const files = Object.keys(metafile.outputs).filter((name) => name.endsWith(".js"));
    for (const file of files) {
      if (more.entryPoints !== ALONE) checkOwners(file, metafile.outputs[file].inputs);
      const path = join(root, file);
      const text = readFileSync(path, "utf8");
      const changed = text.replaceAll(/"dist:([^"]+)"/g, (_, target) => {
        const there = relative(dirname(path), join(options.outdir, target)).replaceAll(sep, "/");
        return JSON.stringify(there.startsWith(".") ? there : `./${there}`);
      });
      writeFileSync(path, changed);
      const map = JSON.parse(readFileSync(`${path}.map`, "utf8"));
      map.sources = map.sources.map((source, i) => {
        if (!source.startsWith("chunk:")) return source;
        const module = join(root, source.slice("chunk:".length)); // which this file imports from a chunk
        map.sourcesContent[i] = readFileSync(module, "utf8");
        return relative(dirname(path), module).replaceAll(sep, "/");
      });
      writeFileSync(`${path}.map`, JSON.stringify(map));
    }
    return files;
  }

  /** Twice in the package, a class would not know its own objects. */
  function checkOwners(file, inputs) {
    for (const [module, { bytesInOutput }] of Object.entries(inputs)) {
      if (bytesInOutput === 0 || module.startsWith("chunk:")) continue;
      if (owners.has(module)) {
        throw new Error(`${module} is in ${owners.get(module)} and in ${file}`);
      }
      owners.set(module, file);
    }
  }
}

/**
 * Writes each module that the entries lead to into a file of its own, below `modules/`.
 *
 * @param {import("esbuild").BuildOptions & { absWorkingDir: string, outdir: string, entryPoints: string[] }} options
 * @returns {Promise<string[]>} The files of JavaScript that were written.
 */
export async function buildModules(options) {
  const { metafile } = await build({
    ...options,
    entryPoints: await modulesOf(options, options.entryPoints),
    outdir: join(options.outdir, "modules"),
    bundle: false,
    external: undefined,
    metafile: true,
  });
  const files = Object.keys(metafile.outputs).filter((name) => name.endsWith(".js"));
  for (const file of files) {
    const path = join(options.absWorkingDir, file);
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replaceAll(/(\b(?:from|import)\(?"\.[^"\n]*\.)ts"/g, '$1js"'));
  }
  return files;
}

/** The modules that entries lead to. */
async function modulesOf(options, entryPoints) {
  const { metafile } = await build({
    ...options,
    entryPoints,
    outdir: options.outdir,
    write: false,
    metafile: true,
  });
  return Object.keys(metafile.inputs);
}

/** What modules of other chunks, and of none, import of each module that has one. */
function sharedNames(root, modules, homes) {
  const wanted = new Map();
  for (const importer of modules) {
    const { code } = transformSync(readFileSync(join(root, importer), "utf8"), { loader: "ts" });
    for (const node of parseAst(code).body) {
      if (node.source == null || !node.source.value.startsWith(".")) continue;
      const module = relative(root, join(root, dirname(importer), node.source.value))
        .replaceAll(sep, "/");
      const chunk = homes.get(module);
      if (chunk === undefined || chunk === homes.get(importer)) continue;
      const names = wanted.get(module) ?? new Set();
      wanted.set(module, names);
      for (const specifier of node.specifiers) {
        const name = specifier.imported ?? specifier.local;
        if (specifier.type !== "ImportSpecifier" && specifier.type !== "ExportSpecifier") {
          throw new Error(`${importer}: ${node.type} of ${module} by something else than names`);
        }
        names.add(name.name);
      }
    }
  }
  return wanted;
}

/** The exports of modules that chunks share, each by a name that no other has: its own, if that is so. */
function clauses(wanted) {
  const owners = new Map();
  for (const names of wanted.values()) {
    for (const name of names) owners.set(name, (owners.get(name) ?? 0) + 1);
  }
  /** @type {(module: string, name: string) => string} */
  const shared = (module, name) =>
    owners.get(name) === 1 ? name : `${name}_${module.replaceAll(/^src\/|\.ts$|\W/g, "_")}`;
  return {
    /** What a chunk exports of a module. */
    given: (module) => list(module, (name) => `${name} as ${shared(module, name)}`),
    /** What stands for a module where it is in a chunk. */
    taken: (module) => list(module, (name) => `${shared(module, name)} as ${name}`),
  };

  function list(module, clause) {
    return `export { ${[...wanted.get(module)].map(clause).join(", ")} }`;
  }
}

/** Takes modules from the chunks that have them, and entries that are imported when they are needed from their files. */
function fromChunks({ absWorkingDir: root, entryPoints }, current, homes, taken) {
  return {
    name: "chunks",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\./, namespace: "file" }, ({ path, resolveDir, kind }) => {
        const module = relative(root, join(resolveDir, path)).replaceAll(sep, "/");
        if (kind === "dynamic-import" && entryPoints.includes(module)) {
          return { path: `dist:${module.replace(/\.ts$/, ".js")}`, external: true };
        }
        const chunk = homes.get(module);
        if (kind === "entry-point" || chunk === undefined || chunk === current) return undefined;
        return { path: module, namespace: "chunk", pluginData: chunk, sideEffects: false };
      });
      onLoad({ filter: /./, namespace: "chunk" }, ({ path, pluginData }) => ({
        contents: `${taken(path)} from "dist:chunks/${pluginData}.js";`,
      }));
      onResolve({ filter: /^dist:/ }, ({ path }) => ({ path, external: true, sideEffects: false }));
    },
  };
}
