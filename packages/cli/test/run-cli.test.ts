// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { programText, run } from "./run.ts";

const program = { files: { "a.yaml": programText() } };

describe("every command", () => {
  test.each(["litmus", "explain"])(
    "%s has help with an example, a version and both formats",
    async (command) => {
      const help = await run([command, "--help"]);
      expect(help).toMatchObject({ status: 0, stderr: "" });
      expect(help.stdout).toContain(`Usage: dmabuf ${command}`);
      expect(help.stdout).toContain(`$ dmabuf ${command}`);
      expect(help.stdout).toContain("--format <format>");
      expect(await run([command, "--version"])).toEqual({
        status: 0,
        stdout: `${packageJson.version}\n`,
        stderr: "",
      });
    },
  );

  test("is listed by the program's help", async () => {
    const { status, stdout } = await run(["--help"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/litmus .*\n(.*\n)*.*explain /);
    expect((await run(["help", "litmus"])).stdout).toContain("Usage: dmabuf litmus");
    expect((await run(["--version"])).stdout).toBe(`${packageJson.version}\n`);
  });
});

describe("a wrong command line is one line and status 2", () => {
  test.each([
    [["litmsu"], "dmabuf: unknown command 'litmsu'; did you mean \"litmus\"?"],
    [["nonsense"], "dmabuf: unknown command 'nonsense'; see dmabuf --help"],
    [["litmus", "--fromat", "json"], "dmabuf: unknown option '--fromat'; did you mean \"--format\"?"],
    [["litmus"], "dmabuf: missing required argument 'file'; see dmabuf --help"],
    [
      ["litmus", "--format", "xml", "a"],
      "dmabuf: option '--format <format>' argument 'xml' is invalid. Allowed choices are text, json; see dmabuf --help",
    ],
    [["litmus", "absent.yaml"], "absent.yaml: no such file or directory"],
    [["explain", "stale-raed"], 'dmabuf: no finding has the code "stale-raed"; did you mean "stale-read"?'],
  ])("%j", async (argv, line) => {
    expect(await run(argv, { files: {} })).toEqual({ status: 2, stdout: "", stderr: `${line}\n` });
  });

  test("no command at all prints the help on standard error", async () => {
    const { status, stdout, stderr } = await run([]);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("Usage: dmabuf");
  });
});

describe("colour", () => {
  const sequence = "\u001b[";
  const stdout = async (terminal: boolean, env: Record<string, string>): Promise<string> =>
    (await run(["litmus", "a.yaml"], { ...program, terminal, env })).stdout;

  test("appears on a terminal only, and never with NO_COLOR or on a dumb terminal", async () => {
    expect(await stdout(true, {})).toContain(sequence);
    expect(await stdout(false, {})).not.toContain(sequence);
    expect(await stdout(false, { FORCE_COLOR: "1" })).not.toContain(sequence);
    expect(await stdout(true, { NO_COLOR: "1" })).not.toContain(sequence);
    expect(await stdout(true, { TERM: "dumb" })).not.toContain(sequence);
  });

  test("changes nothing but the colour", async () => {
    const coloured = (await stdout(true, {})).split(/\p{Cc}\[\d+m/u).join("");
    expect(coloured).toBe(await stdout(false, {}));
  });

  test("also in a reference page", async () => {
    const page = (await run(["explain", "leak"], { terminal: true })).stdout;
    expect(page).toContain(sequence);
    expect(page).not.toContain("## ");
  });
});

test("a fault of the command itself is one line and status 70, with the place on request", async () => {
  const broken = {
    listDirectory: async () => null,
    readFile: async () => {
      throw new RangeError("out of\ncheese");
    },
  };
  const line = "dmabuf: internal error: RangeError: out of\\ncheese (DMABUF_DEBUG=1 prints where)\n";
  expect(await run(["litmus", "x"], broken)).toEqual({ status: 70, stdout: "", stderr: line });
  const traced = await run(["litmus", "x"], { ...broken, env: { DMABUF_DEBUG: "1" } });
  expect(traced.stderr).toContain("run-cli.test.ts");
});

test("the same input gives the same bytes", async () => {
  const argv = ["litmus", "a.yaml"];
  expect(await run(argv, program)).toEqual(await run(argv, program));
});
