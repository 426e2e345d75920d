// SPDX-License-Identifier: MIT
import { KernelError, type KernelProfile, linux612, proposed } from "@dmabuf/core";
import { toyBoard } from "@dmabuf/core/testing";
import { describe, expect, test } from "vitest";
import { boot, run } from "./board.ts";

const KiB = 2 ** 10;
const { direct } = toyBoard.devices;
const devices = {
  ...(direct && {
    lax: direct,
    short: { ...direct, maxSegmentSize: "4KiB" },
    few: { ...direct, maxSegmentCount: 2 },
    bounded: { ...direct, segmentBoundaryMask: 0xffff },
  }),
};

/** Bytes of the segments with which each device has the same buffer mapped at once. */
function segments(heap: string, kernel: KernelProfile, size: number, names: readonly string[]): number[][] {
  const system = boot({ kernel }, { devices });
  return run(system, function* () {
    using buffer = yield* system.exporter(heap).allocate(size);
    const shared = [];
    for (const name of names) {
      const attachment = yield* buffer.attach(system.device(name));
      shared.push({ attachment, mapping: yield* attachment.mapUnlocked("bidirectional") });
    }
    const lengths = shared.map(({ mapping }) => [...mapping.dmaLengths]);
    yield* buffer.beginCpuAccess("from-device");
    yield* buffer.endCpuAccess("from-device");
    for (const { attachment, mapping } of shared) {
      expect(mapping.extents.bytes).toBe(size);
      yield* attachment.unmapUnlocked(mapping);
      yield* attachment.detach();
    }
    return lengths;
  });
}

describe.each(["system", "cma"])("a list for each importer (D14): %s", (heap) => {
  test("is cut for whom it is too long, and for nobody else", () => {
    const got = segments(heap, proposed, 128 * KiB, ["few", "short", "lax", "bounded"]);
    expect(got).toEqual([
      heap === "cma" ? [128 * KiB] : [64 * KiB, 64 * KiB],
      Array<number>(32).fill(4 * KiB),
      heap === "cma" ? [128 * KiB] : [64 * KiB, 64 * KiB],
      [64 * KiB, 64 * KiB],
    ]);
  });

  test("is as the memory lies where the kernel does not ask", () => {
    const [short] = segments(heap, linux612, 64 * KiB, ["short"]);
    expect(short).toEqual([64 * KiB]);
  });
});

test("who takes fewer pieces than there are is refused all the same", () => {
  expect(() => segments("system", proposed, 3 * 64 * KiB, ["lax", "few"])).toThrow(KernelError);
});
