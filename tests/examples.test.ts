// SPDX-License-Identifier: MIT
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fencedBlocks } from "../scripts/readme-blocks.mjs";

// The platforms in examples/ run, and the guides show the examples as they are. That the examples type-check and pass
// their own tests against the published packages is in pack.test.ts.

const repository = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string) => readFileSync(join(repository, path), "utf8");
const tsx = [
  join(repository, "node_modules/tsx/dist/cli.mjs"),
  ...["--tsconfig", join(repository, "tsconfig.examples.json"), "--conditions=@dmabuf/source"],
];

/** Everything below a folder, as paths from the root. */
const filesBelow = (folder: string): string[] =>
  readdirSync(join(repository, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(repository.length));

/** A file without the lines that only a file needs. */
const shown = (text: string) => text.replace(/^(?:\/\/|#) (?:SPDX|yaml-language-server).*\n/gm, "");

describe("the guides show the examples as they are", () => {
  const examples = new Map(
    ["examples/plugins", "examples/platforms"].flatMap(filesBelow).map((path) => [basename(path), path]),
  );
  const blocks = filesBelow("docs/guide").flatMap((page) =>
    fencedBlocks(read(page)).flatMap(({ file, text }) => (file === null ? [] : [{ page, file, text }])),
  );
  const taken = blocks.filter(({ file }) => examples.has(file));
  test.each(taken)("$file in $page", ({ file, text }) => {
    expect(text).toBe(shown(read(examples.get(file) as string)));
  });
  test("every example plugin is in a guide", () => {
    const missing = filesBelow("examples/plugins").filter(
      (path) => path.endsWith(".ts") && !taken.some(({ file }) => file === basename(path)),
    );
    expect(missing).toEqual([]);
  });
});

describe("the example platforms", () => {
  const project = realpathSync(mkdtempSync(join(tmpdir(), "dmabuf-examples-")));
  beforeAll(() => {
    cpSync(join(repository, "examples"), join(project, "examples"), { recursive: true });
    writeFileSync(join(project, "package.json"), '{ "type": "module" }\n');
    mkdirSync(join(project, "node_modules/@dmabuf"), { recursive: true });
    for (const name of readdirSync(join(repository, "packages")))
      symlinkSync(join(repository, "packages", name), join(project, "node_modules/@dmabuf", name));
  });
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  /** Runs the command in the project; what it printed, as JSON. */
  const dmabuf = (...words: readonly string[]) => dmabufIn(project, ...words);

  function dmabufIn(
    cwd: string,
    ...words: readonly string[]
  ): { status: number | null; report: Record<string, unknown> } {
    const { NODE_OPTIONS: _, VITEST: __, ...env } = process.env;
    const main = join(repository, "packages/cli/src/main.ts");
    const { status, stdout, stderr } = spawnSync(process.execPath, [...tsx, main, ...words], {
      cwd,
      encoding: "utf8",
      env,
    });
    expect(stderr, words.join(" ")).toBe("");
    return { status, report: JSON.parse(stdout) };
  }

  test("acme-vision.mjs is a board; the guide runs the TypeScript", () => {
    const pipeline = "examples/platforms/usb-to-npu.yaml";
    const board = "examples/platforms/acme-vision.mjs";
    const { status, report } = dmabuf("run", pipeline, "--board", board, "--format", "json");
    expect(report).toMatchObject({ board: "ACME Vision", verdict: "coherent", cost: { frames: 30 } });
    expect(status).toBe(0);
  });

  describe("tablet.mjs is a board whose devices ask for something", () => {
    const judge = (pipeline: string, change: (text: string) => string = (text) => text) => {
      const path = `examples/platforms/${pipeline}.yaml`;
      writeFileSync(join(project, "changed.yaml"), change(read(path)));
      const board = "examples/platforms/tablet.mjs";
      const { report } = dmabuf("run", "changed.yaml", "--board", board, "--format", "json");
      return report as {
        verdict: string;
        findings: { code: string; message: string; device: string | null }[];
      };
    };
    /** The same with the two stages the other way round in attaching: the second device writes. */
    const swapped = (text: string): string => {
      const [, first = "", second = ""] = /device: (\S+),[\s\S]*device: (\S+),/.exec(text) ?? [];
      const swap = new Map([
        [first, second],
        [second, first],
      ]);
      return text.replace(/device: (\S+),/g, (_, name: string) => `device: ${swap.get(name)},`);
    };
    const exporter = (name: string) => (text: string) => text.replace(/^exporter: .*$/m, `exporter: ${name}`);

    test.each([(text: string) => text, swapped])("two devices that conflict are both named", (order) => {
      const { verdict, findings } = judge("camera-to-codec", order);
      expect(verdict).toBe("impossible");
      expect(findings).toMatchObject([{ code: "constraint-conflict" }]);
      expect(findings[0]?.message).toMatch(/codec takes 64 segments, camera at most 4096 bytes in each/);
      expect(judge("camera-to-codec", (text) => exporter("cma")(order(text))).verdict).toBe("coherent");
    });

    test.each([(text: string) => text, swapped])("late allocation suits both in either order", (order) => {
      expect(judge("gpu-to-display", order).verdict).toBe("coherent");
      const early = judge("gpu-to-display", (text) => exporter("system")(order(text)));
      expect(early.verdict).toBe("impossible");
      expect(early.findings[0]?.message).toContain("display");
    });

    test("padded lines are more than the codec's list has entries (D17)", () => {
      const padded = judge("gpu-to-display", (text) =>
        text.replace("height", "stride: 2048, height").replace("device: display", "device: codec"),
      );
      expect(padded.verdict).toBe("impossible");
      expect(padded.findings[0]?.message).toContain(
        "codec takes 64 segments, and a picture of 1620 padded lines of 2048 bytes can be in 1620",
      );
    });

    test("protected memory is for those who are trusted", () => {
      expect(judge("codec-to-display").verdict).toBe("coherent");
      for (const [stage, device] of [
        ["device: gpu", "gpu"],
        ["cpu: true", null],
      ]) {
        const { verdict, findings } = judge("codec-to-display", (text) =>
          text.replace("device: display", stage as string),
        );
        expect(verdict).toBe("impossible");
        expect(findings).toMatchObject([{ code: "untrusted-access", device }]);
      }
    });
  });

  describe("the figures are boards, which run where they are in the repository", () => {
    const boards: Readonly<Record<string, [pipeline: string, verdict: string, ...codes: string[]]>> = {
      "figure-1.mjs": ["figure-1.yaml", "coherent"],
      "figure-2.mjs": ["figure-2.yaml", "coherent"],
      "figure-2-without.mjs": ["figure-2.yaml", "impossible", "constraint-conflict"],
      "figure-3.mjs": ["figure-3.yaml", "coherent"],
      "only-mmu.mjs": ["only-mmu.yaml", "coherent"],
      "only-mmu-dma-api.mjs": ["only-mmu.yaml", "coherent"],
    };
    test.each(Object.entries(boards))("%s", (board, [pipeline, verdict, ...codes]) => {
      const words = [`examples/iommu/${pipeline}`, "--board", `examples/iommu/${board}`, "--format", "json"];
      const { status, report } = dmabufIn(repository, "run", ...words);
      const findings = report["findings"] as { code: string; severity: string }[];
      expect(report["verdict"]).toBe(verdict);
      expect(findings.filter(({ severity }) => severity !== "note").map(({ code }) => code)).toEqual(codes);
      expect(status).toBe(verdict === "coherent" ? 0 : 1);
    });

    test("and there are no others", () => {
      const files = readdirSync(join(repository, "examples/iommu")).filter((name) =>
        /\.(mjs|yaml)$/.test(name),
      );
      const pipelines = Object.values(boards).map(([pipeline]) => pipeline);
      expect(files.sort()).toEqual([...new Set([...Object.keys(boards), ...pipelines])].sort());
    });
  });

  test("the JavaScript is the TypeScript", () => {
    expect(read("examples/platforms/acme-vision.mjs")).toBe(read("examples/platforms/acme-vision.ts"));
  });

  test("the device tree's blob says what its source says", () => {
    const { report } = dmabuf("board", "examples/platforms/acme-zynqmp.dtb", "--format", "json");
    const source = read("examples/platforms/acme-zynqmp.dts");
    const { model, compatible, masters, ram } = report as {
      model: string;
      compatible: string[];
      masters: { path: string }[];
      ram: { base: number; size: number }[];
    };
    expect(source).toContain(`model = "${model}";`);
    expect(source).toContain(`compatible = ${compatible.map((name) => `"${name}"`).join(", ")};`);
    expect(masters).toHaveLength(3);
    for (const { path } of masters) expect(source).toContain(`${basename(path)} {`);
    expect(ram).toEqual([{ base: 0, size: 2 ** 31 }]);
  });
});
