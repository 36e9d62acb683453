/**
 * What `docs/distributed.md` gives to deploy with: the files are what their readers take, and say what the command
 * line knows. And `npm run fleet`, which shows all of it on one machine.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { main } from "../../src/cli/cli.ts";
import { runExample } from "../examples/programs.ts";
import { test } from "../harness.ts";
import { noRedis } from "./redis_server.ts";

const FOLDER = fileURLToPath(new URL("../../examples/fleet/", import.meta.url));
const PACKAGE = fileURLToPath(new URL("../../package.json", import.meta.url));
const read = (name: string): string => readFileSync(join(FOLDER, name), "utf8");

/** Whether the program takes these options: it prints its help instead of running. */
async function takes(args: readonly string[]): Promise<void> {
  const { log } = console;
  console.log = () => {};
  try {
    assertEquals(await main([...args, "--help"]), 0, args.join(" "));
  } finally {
    console.log = log;
  }
}

test("the systemd unit runs the worker with options that it has", async () => {
  const unit = read("concurrent-futures.service");
  const [, command = ""] = /^ExecStart=.* concurrent-futures (.*)$/m.exec(unit) ?? [];
  assertMatch(command, /^worker /);
  await takes(command.split(" "));
  // It is told at first, and killed only after the worker's own 25 s.
  assert(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]) > 25);
});

const noSystemd = spawnSync("systemd-analyze", ["--version"], { stdio: "ignore" }).status === 0
  ? undefined
  : "there is no systemd here";

test("the systemd unit is one that systemd reads", () => {
  const folder = mkdtempSync(join(tmpdir(), "unit-"));
  try {
    const path = join(folder, "concurrent-futures.service");
    // The program where it is on this machine: systemd looks whether it is there.
    const unit = read("concurrent-futures.service").replace("/usr/bin/npx", process.execPath);
    writeFileSync(path, unit);
    const said = execFileSync("systemd-analyze", ["verify", "--man=no", path], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    assertEquals(said, "");
    writeFileSync(path, unit.replace("KillMode", "KilMode"));
    const { stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", path], {
      encoding: "utf8",
    });
    assertStringIncludes(stderr, "KilMode"); // it does look
  } finally {
    rmSync(folder, { recursive: true });
  }
}, { skip: noSystemd });

test("the container file starts the program of the package, without a shell", async () => {
  const lines = read("Containerfile").split("\n").filter((line) => !/^(#|$)/.test(line));
  const known = ["FROM", "WORKDIR", "COPY", "RUN", "USER", "ENTRYPOINT", "CMD"];
  for (const line of lines) assert(known.includes(line.split(" ", 1)[0]!), line);
  const argsOf = (name: string): string[] =>
    JSON.parse(lines.find((line) => line.startsWith(`${name} `))!.slice(name.length + 1));
  const [runtime, path, command] = argsOf("ENTRYPOINT");
  const { bin } = JSON.parse(readFileSync(PACKAGE, "utf8"));
  assertEquals([runtime, command], ["node", "worker"]);
  assertEquals(path, join("node_modules/@concurrent/futures", bin["concurrent-futures"]));
  await takes(["worker", ...argsOf("CMD")]);
});

/** Bun has a parser, and the others need none of their own for this. */
const { YAML } = (globalThis as { Bun?: { YAML?: { parse(text: string): unknown } } }).Bun ?? {};

test("the Kubernetes manifest is a deployment of it", async () => {
  const manifest = YAML!.parse(read("kubernetes.yaml")) as {
    apiVersion: string;
    kind: string;
    spec: {
      selector: { matchLabels: unknown };
      template: {
        metadata: { labels: unknown };
        spec: {
          terminationGracePeriodSeconds: number;
          containers: {
            args: string[];
            env: { name: string; valueFrom: { secretKeyRef: unknown } }[];
            readinessProbe: { httpGet: { path: string; port: number } };
          }[];
        };
      };
    };
  };
  const { apiVersion, kind, spec: { selector, template } } = manifest;
  assertEquals([apiVersion, kind], ["apps/v1", "Deployment"]);
  assertEquals(selector.matchLabels, template.metadata.labels);
  const [container] = template.spec.containers;
  const { args, env, readinessProbe } = container!;
  await takes(["worker", ...args]);
  const valueOf = (name: string): number =>
    Number(args.find((arg) => arg.startsWith(`--${name}=`))!.split("=")[1]);
  assertEquals(readinessProbe.httpGet.port, valueOf("health-port"));
  assert(template.spec.terminationGracePeriodSeconds * 1000 > valueOf("grace"));
  assertEquals(env[0]!.name, "CONCURRENT_FUTURES_URL");
}, { skip: YAML === undefined ? "only Bun has a parser for it" : undefined });

const onNode = !("Deno" in globalThis || "Bun" in globalThis);

test("npm run fleet: a worker is killed half way, and the digest is the same", async () => {
  const folder = mkdtempSync(join(tmpdir(), "files-"));
  try {
    for (let i = 0; i < 8; i++) {
      mkdirSync(join(folder, String(i)));
      for (let j = 0; j < 60; j++) {
        writeFileSync(join(folder, String(i), `${j}.txt`), `${i} ${j}\n`);
      }
    }
    const { code, stdout, stderr } = await runExample("fleet/fleet", [folder]);
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    for (const runtime of ["node", "bun", "deno"]) {
      assertMatch(stdout, new RegExp(`: ${runtime} \\d`));
    }
    assertStringIncludes(stdout, "SIGKILL to the worker on Deno");
    assertMatch(stdout, /480 of 480 files/);
    const digests = [...stdout.matchAll(/digest ([\da-f]{64})/g)].map(([, digest]) => digest);
    assertEquals([digests.length, new Set(digests).size], [2, 1]);
    assertStringIncludes(stdout, "The digest is the same");
  } finally {
    rmSync(folder, { recursive: true });
  }
}, {
  skip: noRedis ?? (onNode ? undefined : "runs on Node: it starts all three runtimes by itself"),
  deadline: 120_000,
});
