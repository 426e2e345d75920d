// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { programText, run } from "../run.ts";

const json = { name: "forgotten-clean", stale: [1], lost: null };

describe("dmabuf litmus", () => {
  test("prints a line of JSON a program, in order, over all files and documents", async () => {
    const files = {
      "a.yaml": `${programText()}---\n${programText({ name: "name: second", read: "", expect: "" })}`,
      "b.json": JSON.stringify({
        name: "third",
        domains: {},
        agents: { dma: { route: "direct" } },
        buffer: { size: 1 },
        steps: [],
      }),
    };
    const { status, stdout, stderr } = await run(["litmus", "--format", "json", "b.json", "a.yaml"], {
      files,
    });
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toBe(
      '{"name":"third","stale":[],"lost":null}\n{"name":"forgotten-clean","stale":[1],"lost":null}\n' +
        '{"name":"second","stale":[],"lost":null}\n',
    );
  });

  test("tells the story of a hazard", async () => {
    const { status, stdout } = await run(["litmus", "a.yaml"], { files: { "a.yaml": programText() } });
    expect(status).toBe(0);
    expect(stdout).toBe(`ok    forgotten-clean  stale read at step 1

      stale-read at step 1, dma reads [0, 4096): byte 0 can be an old value
           byte 0                 memory  cpu
           at the start           new     -
        0  cpu writes [0, 4096)   old     new, dirty
        1  dma reads [0, 4096)    old     new, dirty
           the read takes the old value from memory

new: the newest value of the byte; old: an earlier one; -: no line; by itself: hardware may, at any time
what it means on a board, and what to do: dmabuf explain stale-read
1 program: all as expected
`);
  });

  test("tells of a race what is missing, and answers with it in JSON", async () => {
    const text = programText({
      buffer: "buffer: { size: 4096 }\ntimelines: [cam, app]",
      write: "  - { on: cam, agent: dma, op: write, range: [0, 64] }\n  - { on: cam, signal: f }",
      read: "  - { on: app, agent: dma, op: read, range: [32, 96] }\n  - { on: app, wait: f }",
      expect: "expect: { stale: [], races: [[0, 2]] }",
    });
    const { status, stdout } = await run(["litmus", "a.yaml"], { files: { "a.yaml": text } });
    expect(status).toBe(0);
    expect(stdout).toBe(`ok    forgotten-clean  race of steps 0-2

      race of step 0, dma writes [0, 64) on cam, and step 2, dma reads [32, 96) on app
        both touch the same bytes, and one of them writes; nothing orders them
        missing: a fence that cam signals after step 0 and app waits for before step 2

what it means on a board, and what to do: dmabuf explain race
1 program: all as expected
`);
    const answer = await run(["litmus", "--format", "json", "-"], { stdin: text });
    expect(answer.stdout).toBe('{"name":"forgotten-clean","stale":[],"lost":null,"races":[[0,2]]}\n');
    const other = await run(["litmus", "--brief", "-"], { stdin: text.replace("[[0, 2]]", "[[0, 3]]") });
    expect(other.status).toBe(1);
    expect(other.stdout).toContain("      races: expected 0-3, found 0-2 (stdin:11:1)\n");
  });

  test("is silent about a coherent program, and with --brief about all", async () => {
    const clean = "  - { op: clean, domain: cpu, range: [0, 4096] }";
    const files = { "a.yaml": programText(), "b.yaml": programText({ write: `${clean}`, expect: "" }) };
    const coherent = await run(["litmus", "b.yaml"], { files });
    expect(coherent.stdout).toBe("ok    forgotten-clean  coherent\n1 program: all as expected\n");
    const brief = await run(["litmus", "--brief", "a.yaml"], { files });
    expect(brief.stdout).toBe("ok    forgotten-clean  stale read at step 1\n1 program: all as expected\n");
  });

  test.each([
    ["{ stale: [] }", "stale reads: expected none, found step 1"],
    ["{ stale: [0, 1] }", "stale reads: expected steps 0, 1, found step 1"],
    ["{ lost: 0 }", "lost write: expected step 0, found none"],
    ["{ races: [[0, 1]] }", "races: expected 0-1, found none"],
  ])("an expectation %s that fails is status 1, with the place", async (expected, difference) => {
    const files = { "a.yaml": programText({ expect: `expect: ${expected}` }) };
    const text = await run(["litmus", "--brief", "a.yaml"], { files });
    expect(text.status).toBe(1);
    expect(text.stdout).toBe(
      `FAIL  forgotten-clean  stale read at step 1\n      ${difference} (a.yaml:8:1)\n1 program: 1 not as expected\n`,
    );
    const machine = await run(["litmus", "--format", "json", "a.yaml"], { files });
    expect(machine).toEqual({
      status: 1,
      stdout: `${JSON.stringify(json)}\n`,
      stderr: `a.yaml:8:1: forgotten-clean: ${difference}\n`,
    });
  });

  test.each(["", "expect: {}", "expect: { stale: [1] }", "expect: { lost: null, races: [] }"])(
    "expectations may be left out, each of them: %j",
    async (line) => {
      const files = { "a.yaml": programText({ expect: line }) };
      expect((await run(["litmus", "a.yaml"], { files })).status).toBe(0);
    },
  );

  test("runs nothing when one input of several cannot be used", async () => {
    const files = { "a.yaml": programText(), "b.yaml": programText({ buffer: "buffer: { size: 64 }" }) };
    expect(await run(["litmus", "a.yaml", "b.yaml"], { files })).toEqual({
      status: 2,
      stdout: "",
      stderr: "b.yaml:6:41: document 1: steps[0].range[1]: 4096 is past the end of the buffer of 64 bytes\n",
    });
  });

  test("reads standard input for -, once", async () => {
    const fromStdin = await run(["litmus", "--format", "json", "-"], { stdin: programText() });
    expect(fromStdin).toEqual({ status: 0, stdout: `${JSON.stringify(json)}\n`, stderr: "" });
    const line = JSON.stringify({
      ...json,
      stale: undefined,
      lost: undefined,
      domains: {},
      agents: {},
      buffer: { size: 1 },
      steps: [],
    });
    const lines = await run(["litmus", "--format", "json", "-"], { stdin: `${line}\n\n${line}\n` });
    expect(lines.stdout).toBe('{"name":"forgotten-clean","stale":[],"lost":null}\n'.repeat(2));
    expect(await run(["litmus", "-", "-"], { stdin: programText() })).toEqual({
      status: 2,
      stdout: "",
      stderr: "stdin: standard input can be read only once\n",
    });
    expect((await run(["litmus", "-"], { stdin: programText({ agents: "agents: {}" }) })).stderr).toBe(
      'stdin:6:14: document 1: steps[0].agent: no agent "cpu"\n',
    );
  });

  test("takes a folder for its programs, in order", async () => {
    const files = {
      "tour/02.yaml": programText({ name: "name: two" }),
      "tour/01.yml": programText({ name: "name: one" }),
      "tour/README.md": "not a program",
      "empty/README.md": "",
    };
    const { stdout } = await run(["litmus", "--brief", "tour"], { files });
    expect(stdout).toMatch(/^ok {4}one .*\nok {4}two .*\n2 programs: all as expected\n$/);
    expect(await run(["litmus", "empty"], { files })).toEqual({
      status: 2,
      stdout: "",
      stderr: "empty: this folder has no file in .yaml, .yml, .json, .jsonl, .ndjson\n",
    });
  });

  test("prints no control character of its input", async () => {
    const files = {
      "a.yaml": programText({ name: 'name: "\\e[31mred\\nline"', expect: "expect: { stale: [] }" }),
    };
    const { stdout } = await run(["litmus", "--brief", "a.yaml"], { files });
    expect(stdout.split("\n")[0]).toBe("FAIL  \\u{1b}[31mred\\nline  stale read at step 1");
  });

  test("shows progress on standard error when it takes longer than a second", async () => {
    const files = { "a.yaml": Array.from({ length: 9 }, () => programText()).join("---\n") };
    let clock = 0;
    const now = (): number => (clock += 400);
    const quick = await run(["litmus", "--brief", "a.yaml"], { files, now: () => 0 });
    expect(quick.stderr).toBe("");
    const piped = await run(["litmus", "--brief", "a.yaml"], { files, now });
    expect(piped.stderr).toBe("2 of 9 programs\n");
    const terminal = await run(["litmus", "--brief", "a.yaml"], { files, now, terminal: true });
    expect(terminal.stderr.replaceAll("\u001b[K", "<clear>")).toMatch(
      /^(\r\d of 9 programs<clear>\r<clear>)+$/,
    );
  });
});
