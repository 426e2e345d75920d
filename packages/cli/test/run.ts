// SPDX-License-Identifier: MIT
import type { CliContext } from "../src/cli-context.ts";
import { runCli } from "../src/run-cli.ts";

/** What a command answered. */
export interface Answer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What surrounds a command in a test: files by path, standard input, and whatever else differs. */
export interface Surroundings extends Partial<Omit<CliContext, "stdin" | "stdout" | "stderr">> {
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly stdin?: string | Uint8Array;
  readonly terminal?: boolean;
}

/** Runs the command in this process, with the given files and nothing else of the real world but the package itself. */
export async function run(argv: readonly string[], surroundings: Surroundings = {}): Promise<Answer> {
  const { files, stdin = "", terminal = false, ...rest } = surroundings;
  const written = { stdout: "", stderr: "" };
  const output = (name: "stdout" | "stderr") => ({
    isTTY: terminal,
    columns: 100,
    write: (text: string) => {
      written[name] += text;
    },
  });
  const virtual: Partial<CliContext> = {
    readFile: async (path) => {
      const content = files?.[path];
      if (content === undefined) throw Object.assign(new Error(path), { code: "ENOENT" });
      return typeof content === "string" ? new TextEncoder().encode(content) : content;
    },
    listDirectory: async (path) => {
      const inside = Object.keys(files ?? {}).filter((name) => name.startsWith(`${path}/`));
      return inside.length === 0 ? null : inside.map((name) => name.slice(path.length + 1));
    },
  };
  const status = await runCli(argv, {
    env: {},
    // Time stands still unless a test lets it go on: how fast the machine is must not show on stderr.
    now: () => 0,
    ...(files === undefined ? {} : virtual),
    ...rest,
    stdin: (async function* () {
      yield stdin;
    })(),
    stdout: output("stdout"),
    stderr: output("stderr"),
  });
  return { status, ...written };
}

/** A litmus program in YAML with some lines replaced; without replacements it is right and expects what comes out. */
export function programText(replaced: Readonly<Record<string, string>> = {}): string {
  const lines = {
    name: "name: forgotten-clean",
    domains: "domains: { cpu: { line: 64 } }",
    agents: "agents: { cpu: { route: cached, domain: cpu }, dma: { route: direct } }",
    buffer: "buffer: { size: 4096 }",
    steps: "steps:",
    write: "  - { agent: cpu, op: write, range: [0, 4096] }",
    read: "  - { agent: dma, op: read, range: [0, 4096] }",
    expect: "expect: { stale: [1], lost: null }",
    ...replaced,
  };
  return `${Object.values(lines)
    .filter((line) => line !== "")
    .join("\n")}\n`;
}
