// SPDX-License-Identifier: MIT
import { arm64 } from "@dmabuf/arch-arm";
import {
  assemble,
  bufinfo,
  getPfns,
  getScatterlist,
  kernelProfiles,
  type Platform,
  proposed,
} from "@dmabuf/core";
import { heaps } from "@dmabuf/exporter-heaps";
import { udmabuf } from "@dmabuf/exporter-udmabuf";
import { describe, expect, test } from "vitest";
import { noncoherentBoard } from "../src/index.ts";

// Real exporters' memory, and devices that ask for something.

const { a, ...rest } = noncoherentBoard.devices;
const strict = (): Platform =>
  assemble(
    {
      ...noncoherentBoard,
      devices: {
        ...rest,
        ...(a && { lax: a, display: { ...a, contiguous: true }, few: { ...a, maxSegmentCount: 4 } }),
        short: { class: "dma", coherent: false, maxSegmentSize: "4KiB" },
      },
    },
    [arm64(), udmabuf(), heaps()],
  );

const share = (exporter: string, devices: string[], kernel: string, size = "4MiB") => {
  const [first = "", second = ""] = devices;
  return strict().run(
    {
      buffers: { frames: { size, count: 1 } },
      stages: [
        { device: first, writes: "frames" },
        { device: second, reads: "frames" },
      ],
      exporter,
    },
    { kernel: kernelProfiles[kernel] ?? proposed },
  );
};

describe("a pipeline over devices that ask for something", () => {
  test("two that no memory suits are a conflict with both names (D12)", () => {
    for (const pair of [
      ["few", "short"],
      ["short", "few"],
    ]) {
      const { verdict, findings } = share("deferred", pair, "proposed");
      expect(verdict).toBe("impossible");
      expect(findings[0]?.code).toBe("constraint-conflict");
      expect(findings[0]?.message).toBe(
        "dma_buf_attach: -EINVAL: few takes 4 segments, short at most 4096 bytes in each: " +
          "together 16384 bytes, and the buffer has 4194304",
      );
    }
  });

  test("with a list for each they share what they cannot have one list of (D14)", () => {
    for (const exporter of ["system", "cma"]) {
      for (const pair of [
        ["few", "short"],
        ["short", "few"],
      ]) {
        expect(share(exporter, pair, "proposed").verdict).not.toBe("impossible");
      }
    }
  });

  test("memory that is chosen late suits all, in whatever order they come (D13)", () => {
    for (const pair of [
      ["display", "lax"],
      ["lax", "display"],
    ]) {
      expect(share("deferred", pair, "proposed").verdict).toBe(share("cma", pair, "proposed").verdict);
      expect(share("system", pair, "proposed").verdict).toBe("impossible");
    }
  });

  test("contiguous memory for a display comes from CMA and not from the system heap", () => {
    const { findings } = share("system", ["display", "lax"], "proposed");
    expect(findings[0]?.message).toMatch(
      /^dma_buf_attach: -EINVAL: display cannot use the memory that system has allocated: the memory is \d+ ranges, more than 1 segment of at most \d+ bytes$/,
    );
    expect(share("cma", ["display", "lax"], "proposed").verdict).not.toBe("impossible");
  });

  test("no kernel looks", () => {
    for (const kernel of ["linux612", "linux72"]) {
      for (const exporter of strict().exporterNames) {
        expect(share(exporter, ["few", "short"], kernel).verdict).not.toBe("impossible");
      }
    }
  });
});

test.each(["system", "cma", "udmabuf"])("%s says where its memory is", (exporter) => {
  strict().simulate(
    function* (system) {
      using buffer = yield* system.exporter(exporter).allocate(2 ** 16);
      yield* buffer.resv.lock();
      const sg = getScatterlist(buffer);
      const frames = getPfns(buffer);
      buffer.resv.unlock();
      expect(sg.bytes).toBe(2 ** 16);
      expect([...sg.pages()].map(({ page }) => page / 4096)).toEqual([...frames]);
      expect(yield* bufinfo(system.dmaBuf)).toContain("\tConstraints: anything\n");
    },
    { kernel: proposed },
  );
});
