// SPDX-License-Identifier: MIT
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { overlaid, smmuOn, zcu102, zynqmp } from "@dmabuf/platform-zynqmp";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { jsonSchema } from "../../src/json-schema.ts";
import { run } from "../run.ts";

const { DMABUF_SAMPLES: samples } = process.env;
const blobs = samples === undefined ? undefined : join(samples, "dtb");

test("a built-in board: masters, memory, and a matrix that knows the ports", async () => {
  const { status, stdout } = await run(["board", "zynqmp"]);
  expect(status).toBe(0);
  expect(stdout).toContain("2 GiB at 0x0, 2 GiB at 0x800000000");
  expect(stdout).toMatch(/^5 +usb +no +everything +- +usb0$/m);
  const json = await run(["board", "zynqmp", "--format", "json"]);
  const facts = z.fromJSONSchema(jsonSchema("board")).parse(JSON.parse(json.stdout)) as {
    sharing: { from: string; to: string; verdict: string }[];
  };
  const verdict = (from: string, to: string): string | undefined =>
    facts.sharing.find((pair) => pair.from === from && pair.to === to)?.verdict;
  expect(verdict("adc-dmac", "usb0")).toBe("direct");
  expect(verdict("adc-acp", "usb0")).toBe("maintenance");
  expect(verdict("usb0", "dac-dmac")).toBe("maintenance");
  expect(verdict("usb0", "gpu")).toBe("bounce");
});

test("a board whose display bypasses the caches, although Linux holds it to be coherent", async () => {
  const { stdout } = await run(["board", "i915-skylake", "--format", "json"]);
  const facts = z.fromJSONSchema(jsonSchema("board")).parse(JSON.parse(stdout)) as {
    masters: { path: string; coherent: boolean }[];
    sharing: { from: string; to: string; verdict: string }[];
  };
  expect(facts.masters.find(({ path }) => path === "display")?.coherent).toBe(true);
  const verdicts = ["gpu", "usb0"].map(
    (writer) => facts.sharing.find(({ from, to }) => from === writer && to === "display")?.verdict,
  );
  expect(verdicts, "the GPU's writes may stay in the cache, those of USB do not").toEqual([
    "maintenance",
    "direct",
  ]);
});

test("a board whose IOMMU is switched on, and one whose IOMMU is off", async () => {
  const { stdout } = await run(["board", "zynqmp-smmu", "--format", "json"]);
  const facts = z.fromJSONSchema(jsonSchema("board")).parse(JSON.parse(stdout)) as {
    masters: { path: string; iommus: unknown }[];
    iommus: unknown;
    sharing: { from: string; to: string; verdict: string }[];
  };
  expect(facts.iommus).toEqual([{ path: "smmu", kind: "mmu-500", enabled: true }]);
  const behind = (name: string) => facts.masters.find(({ path }) => path === name)?.iommus;
  expect([behind("usb0"), behind("adc-acp")]).toEqual([[{ path: "smmu", ids: [0x860] }], []]);
  const text = (await run(["board", "zynqmp-smmu"])).stdout;
  expect(text).toMatch(/^IOMMU +mmu-500 +smmu$/m);
});

test("a platform of one's own, as a module", async () => {
  const importModule = async () => zynqmp(overlaid(smmuOn(zcu102), { iommus: { smmu: { enabled: false } } }));
  const { stdout, status } = await run(["board", "mine.mjs", "--format", "json"], {
    files: { "mine.mjs": "" },
    importModule,
  });
  expect(status).toBe(0);
  const facts = JSON.parse(stdout) as { iommus: unknown; masters: { iommus: unknown[] }[] };
  expect(facts.iommus).toEqual([{ path: "smmu", kind: "mmu-500", enabled: false }]);
  expect(facts.masters.flatMap(({ iommus }) => iommus)).toEqual([]);
});

test("a board with a cache behind the CPUs' own: what ACP writes may stay there", async () => {
  const { stdout } = await run(["board", "zc702", "--format", "json"]);
  const { sharing, ram } = JSON.parse(stdout) as {
    sharing: { from: string; to: string; verdict: string }[];
    ram: unknown;
  };
  const verdict = (from: string, to: string): string | undefined =>
    sharing.find((pair) => pair.from === from && pair.to === to)?.verdict;
  expect(ram).toEqual([{ base: 0, size: 2 ** 30 }]);
  expect(verdict("adc-acp", "usb0")).toBe("maintenance");
  expect(verdict("usb0", "dac-acp")).toBe("maintenance");
  expect(verdict("adc-hp0", "usb0")).toBe("direct");
  expect(verdict("adc-acp", "dac-acp")).toBe("direct");
});

test("what is no device tree is one line with the byte, and status 2", async () => {
  const { status, stderr } = await run(["board", "x.dtb"], { files: { "x.dtb": "not a blob at all" } });
  expect(status).toBe(2);
  expect(stderr).toMatch(/^x\.dtb: byte 0 .*\n$/);
});

test("a missing file is one line and status 2", async () => {
  const { status, stderr } = await run(["board", "no.dtb"], { files: {} });
  expect(stderr).toBe("no.dtb: no such file or directory\n");
  expect(status).toBe(2);
});

describe.skipIf(blobs === undefined)("real boards, skipped unless DMABUF_SAMPLES is set", () => {
  const files = blobs === undefined ? [] : readdirSync(blobs).filter((file) => file.endsWith(".dtb"));

  test.each(files)("%s", async (file) => {
    const path = join(blobs as string, file);
    const { status, stdout, stderr } = await run(["board", path, "--format", "json"]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    z.fromJSONSchema(jsonSchema("board")).parse(JSON.parse(stdout));
    expect((await run(["board", path])).stdout.length).toBeGreaterThan(100);
  });

  test("a ZynqMP blob runs with an overlay for its fabric", async () => {
    const answer = await run(
      ["run", "-", "--board", join(blobs as string, "zynqmp-zcu102-rev1.0.dtb"), "--overlay", "o.yaml"],
      {
        stdin:
          "buffers: { b: { size: 64KiB } }\nstages: [{ device: usb0, writes: b }, { device: dac, reads: b }]\nexporter: system\npipeline: mine\n",
        readFile: async (path, limit) =>
          path === "o.yaml"
            ? new TextEncoder().encode("devices: { dac: { class: dma, coherent: true, port: snoop } }")
            : (await import("../../src/node-context.ts")).nodeContext().readFile(path, limit),
      },
    );
    expect(answer.stderr).toBe("");
    expect(answer.stdout).toContain("stale-read");
    expect(answer.status).toBe(1);
  });

  test("a Zynq-7000 blob runs with an overlay for its fabric, through both of its caches", async () => {
    const { nodeContext } = await import("../../src/node-context.ts");
    const path = join(blobs as string, "zynq-zc702.dtb");
    const answer = await run(["run", "-", "--board", path, "--overlay", "o.yaml", "--format", "json"], {
      stdin:
        "buffers: { b: { size: 64KiB } }\nstages: [{ device: adc, writes: b }, { device: usb0, reads: b }]\nexporter: system\npipeline: mine\n",
      readFile: async (file, limit) =>
        file === "o.yaml"
          ? new TextEncoder().encode("devices: { adc: { class: dma, coherent: true, port: snoop } }")
          : nodeContext().readFile(file, limit),
    });
    expect(answer.stderr).toBe("");
    const report = JSON.parse(answer.stdout) as { board: string; findings: { message: string }[] };
    expect(report.board).toBe("Xilinx ZC702 board");
    expect(report.findings[0]?.message).toContain("the new data is still in l2's cache");
    expect(answer.status).toBe(1);
  });

  test("another machine's blob names the boards that run", async () => {
    const path = join(blobs as string, "rk3588-rock-5b.dtb");
    const { status, stderr } = await run(["run", "-", "--board", path], {
      stdin:
        "buffers: { b: { size: 64KiB } }\nstages: [{ device: a, writes: b }]\nexporter: system\npipeline: mine\n",
    });
    expect(status).toBe(2);
    expect(stderr).toBe(
      `${path}: is of rockchip,rk3588, for which there is no platform; boards that run are zynqmp, zcu102, zynqmp-smmu, zynq7000, zc702, coherent, noncoherent, i915-skylake, i915-skylake-vtd, i915-skylake-igfx-off, i915-baytrail, i915-broxton, i915-broxton-vtd, i915-broxton-igfx-off, i915-meteorlake, i915-meteorlake-vtd, i915-meteorlake-igfx-off and device trees of xlnx,zynqmp, xlnx,zynq-7000\n`,
    );
  });
});
