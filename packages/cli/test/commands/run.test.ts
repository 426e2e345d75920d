// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { jsonSchema } from "../../src/json-schema.ts";
import { run } from "../run.ts";

const examples = new URL("../../../../examples/pipelines/", import.meta.url);
const example = (name: string): string => readFileSync(new URL(name, examples), "utf8");

const yaml = (replaced: Readonly<Record<string, string>> = {}): string => {
  const lines = {
    pipeline: "pipeline: usb-to-dac",
    board: "board: zynqmp",
    buffers: "buffers: { samples: { size: 64KiB, count: 2 } }",
    stages: "stages:\n  - { device: usb0, writes: samples }\n  - { device: dac-dmac, reads: samples }",
    exporter: "exporter: system",
    ...replaced,
  };
  return `${Object.values(lines)
    .filter((line) => line !== "")
    .join("\n")}\n`;
};
const judge = (text: string, ...rest: string[]) =>
  run(["run", "p.yaml", ...rest], { files: { "p.yaml": text } });

describe("examples/pipelines", () => {
  const expected: Readonly<Record<string, [verdict: string, ...codes: string[]]>> = {
    "zynq-usb-to-dac.yaml": ["incoherent", "stale-read"],
    "zynq-usb-to-dac-udmabuf.yaml": ["incoherent", "lost-write", "stale-read"],
    "zynq-adc-to-usb.yaml": ["coherent"],
    "zynq-adc-to-display.yaml": ["coherent"],
    "zynq-adc-to-display-system.yaml": ["impossible", "constraint-conflict"],
    "zynq-smmu-adc-to-display-system.yaml": ["coherent"],
    "zynq-smmu-adc-to-usb-udmabuf.yaml": ["coherent", "dma-api-misuse"],
    "zynq-adc-acp-to-usb.yaml": ["incoherent", "stale-read"],
    "zynq-adc-hp0-to-usb.yaml": ["coherent"],
    "zynq-adc-hp0-to-usb-udmabuf.yaml": ["incoherent", "lost-write", "stale-read"],
    "zynq-adc-hp0-to-cpu-brackets.yaml": ["coherent"],
    "zynq-adc-hp0-to-cpu-poll-in-bracket.yaml": ["incoherent", "race", "stale-read"],
    "zynq-explicit-sync.yaml": ["coherent"],
    "zynq-forgotten-fence.yaml": ["incoherent", "race"],
    "zynq-no-sync.yaml": ["incoherent", "race"],
    "zynq7000-adc-hp0-to-cpu.yaml": ["coherent"],
    "zynq7000-adc-hp0-partial.yaml": ["incoherent", "stale-read", "uninitialised-export"],
    "zynq7000-adc-acp-to-usb.yaml": ["incoherent", "stale-read"],
    "zynq7000-usb-to-dac-acp.yaml": ["incoherent", "stale-read"],
    "zynq7000-adc-acp-to-cpu-udmabuf.yaml": ["incoherent", "lost-write", "stale-read"],
    "zynq-adc-hp0-to-cpu-no-brackets.yaml": ["incoherent", "missing-bracket", "stale-read"],
    "i915-skylake-gpu-to-cpu.yaml": ["coherent"],
    "i915-skylake-cpu-to-display.yaml": ["coherent"],
    "i915-skylake-cpu-to-display-no-brackets.yaml": ["incoherent", "missing-bracket", "stale-read"],
    "i915-skylake-front-buffer.yaml": ["incoherent", "stale-read"],
    "i915-skylake-gpu-to-display.yaml": ["coherent"],
    "i915-skylake-forgotten-pin.yaml": ["incoherent", "stale-read"],
    "i915-skylake-undrained-write-combining.yaml": ["incoherent", "missing-bracket", "race"],
    "i915-skylake-two-memory-types.yaml": ["coherent", "memory-type-alias"],
    "i915-skylake-vtd-cpu-to-display-no-brackets.yaml": ["incoherent", "missing-bracket", "stale-read"],
    "i915-skylake-igfx-off-camera-to-display.yaml": ["coherent"],
    "i915-baytrail-cpu-to-gpu.yaml": ["coherent"],
    "i915-baytrail-cpu-to-gpu-no-brackets.yaml": ["incoherent", "missing-bracket", "stale-read"],
    "i915-baytrail-cpu-to-snooping-gpu.yaml": ["coherent", "missing-bracket"],
    "i915-baytrail-camera-to-gpu.yaml": ["coherent"],
    "i915-broxton-cpu-to-gpu-no-brackets.yaml": ["incoherent", "missing-bracket", "stale-read"],
    "i915-meteorlake-cpu-to-gpu-no-brackets.yaml": ["incoherent", "missing-bracket", "stale-read"],
    "i915-meteorlake-cpu-to-snooping-gpu.yaml": ["coherent", "missing-bracket"],
  };

  test("are all judged here, and name their schema", () => {
    const files = readdirSync(examples);
    expect(files.filter((file) => file.endsWith(".yaml")).sort()).toEqual(Object.keys(expected).sort());
    for (const file of Object.keys(expected)) {
      const schema = /^# yaml-language-server: \$schema=(.*)$/m.exec(example(file))?.[1];
      expect(existsSync(new URL(schema as string, new URL(file, examples)))).toBe(true);
    }
  });

  for (const [file, [verdict, ...codes]] of Object.entries(expected)) {
    test(`${file} is ${verdict}`, async () => {
      const { status, stdout } = await judge(example(file), "--format", "json");
      const report = z.fromJSONSchema(jsonSchema("run")).parse(JSON.parse(stdout)) as {
        verdict: string;
        findings: { code: string; severity: string }[];
      };
      expect(report.verdict).toBe(verdict);
      const found = report.findings.filter(({ severity }) => severity !== "note").map(({ code }) => code);
      expect(found.sort()).toEqual(codes);
      const failed = report.findings.some(({ severity }) => severity === "error");
      expect(status).toBe(verdict === "coherent" && !failed ? 0 : 1);
    });
  }
});

test("--coherency all compares the policies, one line each, and fails because some are not coherent", async () => {
  const { status, stdout } = await judge(yaml(), "--coherency", "all");
  expect(status).toBe(1);
  expect(
    stdout
      .split("\n")
      .slice(1, 6)
      .map((line) => line.split(/ {2,}/).slice(0, 2)),
  ).toEqual([
    ["kernel", "incoherent"],
    ["exporter-sync", "coherent"],
    ["begin-end-access", "coherent"],
    ["device-to-device", "coherent"],
    ["reject-at-attach", "impossible"],
  ]);
});

test("a story is told: what happened, the witness, what mends it, and where to read on", async () => {
  const { stdout } = await judge(yaml());
  expect(stdout).toContain("usb-to-dac on ZynqMP ZCU102 Rev1.0, linux612, coherency kernel: incoherent");
  expect(stdout).toContain("can see what was there before usb0 wrote samples[0], frame 0");
  expect(stdout).toContain("1. cpu's cache fills the line from memory, speculatively");
  expect(stdout).toContain("invalidate the lines in cpu's cache before dac-dmac reads samples[0], frame 0");
  expect(stdout).toContain("dmabuf explain stale-read");
});

test("--kernel chooses whose behaviour", async () => {
  const udmabuf = yaml({ exporter: "exporter: udmabuf" });
  const codes = async (kernel: string): Promise<string> => (await judge(udmabuf, "--kernel", kernel)).stdout;
  expect(await codes("linux612")).toContain("lost-write");
  expect(await codes("proposed")).not.toContain("lost-write");
});

test("NV12 buffers have the size of their picture", async () => {
  const buffers = "buffers: { samples: { format: NV12, width: 64, height: 64 } }";
  const { stdout } = await judge(yaml({ buffers }), "--format", "json");
  expect(JSON.parse(stdout).findings[0].range).toEqual([0, 8192]);
  const padded = await judge(
    yaml({ buffers: buffers.replace("height", "stride: 128, height") }),
    "--format",
    "json",
  );
  expect(JSON.parse(padded.stdout).findings[0].range).toEqual([0, 12288]);
});

test("the same input gives the same bytes", async () => {
  const [first, second] = [await judge(yaml(), "--format", "json"), await judge(yaml(), "--format", "json")];
  expect(first.stdout).toBe(second.stdout);
});

describe("input that cannot be used is one line and status 2", () => {
  const cases: readonly (readonly [what: string, text: string, line: string, ...options: string[]])[] = [
    [
      "a misspelt device",
      yaml({ stages: "stages:\n  - { device: usb00, writes: samples }" }),
      `p.yaml:5:15: document 1: stages[0].device: the board has no device "usb00"; did you mean "usb0"?`,
    ],
    [
      "a misspelt buffer",
      yaml({ stages: "stages:\n  - { device: usb0, writes: sample }" }),
      `p.yaml:5:29: document 1: stages[0].writes: there is no buffer "sample"; did you mean "samples"?`,
    ],
    [
      "a misspelt exporter",
      yaml({ exporter: "exporter: sytem" }),
      `p.yaml:7:11: document 1: exporter: the platform has no exporter "sytem"; did you mean "system"?`,
    ],
    [
      "a misspelt key",
      yaml({ frames: "frame: 3" }),
      `p.yaml:8:1: document 1: frame: unknown key; did you mean "frames"?`,
    ],
    [
      "no exporter",
      yaml({ exporter: "" }),
      "p.yaml:1:1: document 1: exporter: is missing; leaving the choice to the planner is not supported yet",
    ],
    [
      "another format",
      yaml({ buffers: "buffers: { samples: { format: YUYV, width: 64, height: 64 } }" }),
      `p.yaml:3:31: document 1: buffers.samples.format: format "YUYV" is not supported yet`,
    ],
    [
      "a stride that is less than the width",
      yaml({ buffers: "buffers: { samples: { format: NV12, width: 64, stride: 32, height: 64 } }" }),
      "p.yaml:3:56: document 1: buffers.samples.stride: 32 is not an even number of bytes from the width, 64, to 1048576",
    ],
    [
      "a size that is none",
      yaml({ buffers: "buffers: { samples: { size: lots } }" }),
      `p.yaml:3:29: document 1: buffers.samples.size: "lots" is not a size; write bytes or a unit, as in 4096, "64KiB" or "1MiB"`,
    ],
    [
      "an absurd size",
      yaml({ buffers: "buffers: { samples: { size: 900TiB } }" }),
      "p.yaml:3:29: document 1: buffers.samples.size: 989560464998400 bytes; a buffer has 1 byte to 64 GiB",
    ],
    [
      "bytes outside",
      yaml({ stages: "stages:\n  - { device: usb0, writes: samples, bytes: [0, 70000] }" }),
      "p.yaml:5:45: document 1: stages[0].bytes: [0, 70000) is not a part of a buffer of 65536 bytes",
    ],
    [
      "a device twice",
      yaml({
        stages: "stages:\n  - { device: usb0, writes: samples }\n  - { device: usb0, reads: samples }",
      }),
      `p.yaml:6:5: document 1: stages[1]: there is a stage "usb0" already; give this one a name of its own`,
    ],
    ["no board", yaml({ board: "" }), "p.yaml:1:1: no board; write board: in the pipeline or pass --board"],
    [
      "an unknown board",
      yaml(),
      `dmabuf: no board "zinqmp"; did you mean "zynqmp"?; a .dtb file of a Zynq or a module does as well`,
      "--board",
      "zinqmp",
    ],
    [
      "an unknown policy",
      yaml(),
      `dmabuf: no coherency policy "kernal"; did you mean "kernel"?`,
      "--coherency",
      "kernal",
    ],
    [
      "an unknown kernel",
      yaml(),
      `dmabuf: no kernel "linux6.12"; did you mean "linux612"?`,
      "--kernel",
      "linux6.12",
    ],
    ["an overlay that is missing", yaml(), "no.yaml: no such file or directory", "--overlay", "no.yaml"],
    ["a module that is missing", yaml(), "no.mjs: no such file or directory", "--board", "no.mjs"],
    ["two documents", `${yaml()}---\n${yaml()}`, "p.yaml: a pipeline is one document; there are 2"],
  ];
  test.each(cases)("%s", async (_what, text, line, ...options) => {
    const { status, stdout, stderr } = await judge(text, ...options);
    expect(stderr).toBe(`${line}\n`);
    expect(stdout).toBe("");
    expect(status).toBe(2);
  });
});

describe("--overlay", () => {
  const overlay = (text: string, ...rest: string[]) =>
    run(["run", "p.yaml", "--overlay", "o.yaml", ...rest], { files: { "p.yaml": yaml(), "o.yaml": text } });

  test("changes facts: with a coherent USB controller the pipeline is coherent", async () => {
    const { status, stdout } = await overlay("devices: { usb0: { coherent: true, port: snoop } }");
    expect(stdout).toContain("coherency kernel: coherent");
    expect(status).toBe(0);
  });

  test("adds a master, which needs a class and its coherency", async () => {
    const { status, stderr } = await overlay("devices: { usb9: { class: usb } }");
    expect(stderr).toBe(
      `overlay: devices.usb9.coherent: is missing, and the board has no "usb9"; did you mean "usb0"?\n`,
    );
    expect(status).toBe(2);
  });

  test("an unknown key is refused with its place", async () => {
    const { stderr } = await overlay("devices: { usb0: { coherant: true } }");
    expect(stderr).toBe(
      `o.yaml:1:20: document 1: devices.usb0.coherant: unknown key; did you mean "coherent"?\n`,
    );
  });
});

test("a buffer that cannot be allocated is impossible, with the kernel's answer", async () => {
  const { status, stdout } = await judge(
    yaml({ buffers: "buffers: { samples: { size: 4095 } }", exporter: "exporter: udmabuf" }),
  );
  expect(status).toBe(1);
  expect(stdout).toContain("impossible");
  expect(stdout).toContain("constraint-conflict");
  expect(stdout).toContain("-EINVAL");
});

describe("a device that cannot reach the memory", () => {
  const stages = "stages:\n  - { device: usb0, writes: samples }\n  - { device: gpu, reads: samples }";

  test("works on a copy, which goes stale", async () => {
    const { stdout } = await judge(yaml({ stages }));
    expect(stdout).toContain("incoherent");
    expect(stdout).toContain(
      "bounced-share  gpu works on a copy of 65536 bytes of samples[0]: what its bus passes on ends at 0xffffffff, and the page at 0x800000000 lies",
    );
    expect(stdout).toContain("an old copy is still in gpu's bounce buffer");
  });

  test("is refused chunks that are too large to copy", async () => {
    const { stdout } = await judge(yaml({ stages, buffers: "buffers: { samples: { size: 1MiB } }" }));
    expect(stdout).toContain("unreachable");
    expect(stdout).toContain("gpu cannot reach");
    expect(stdout).toContain("1048576 bytes are too large for a bounce buffer, which has 262144 at most");
  });
});
