// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { assemble, type BoardDescription, board, defaultConstraints, InputError } from "../../src/index.ts";
import { toyArch } from "../../src/testing.ts";

const fine: BoardDescription = {
  model: "fine",
  memory: [{ base: 0, size: "64MiB" }],
  devices: { usb0: { class: "usb", coherent: false } },
};
const usb = (rest: object): BoardDescription => ({
  ...fine,
  devices: { usb0: { class: "usb", coherent: false, ...rest } },
});

test("a board is the description itself", () => {
  expect(board(fine)).toBe(fine);
  expect(board(usb({ limit: "4GiB", offset: -4096, bandwidth: 1, port: "snoop" }))).toBeDefined();
});

const gpuAnd = (display: object): BoardDescription => ({
  ...fine,
  devices: {
    gpu: { class: "gpu", coherent: true, limit: 2 ** 30, function: "0000:00:02.0", port: "snoop" },
    display: {
      ...{ class: "display", coherent: true, limit: "1GiB", function: "0000:00:02.0", port: "direct" },
      ...display,
    },
  },
});

test("parts of one device may differ in how they reach memory, not in what Linux knows of it", () => {
  expect(board(gpuAnd({}))).toBeDefined();
  expect(board(gpuAnd({ coherent: false, function: "0000:00:03.0" }))).toBeDefined();
  const system = assemble(gpuAnd({}), [toyArch()]).boot();
  expect(["gpu", "display"].map((name) => system.device(name).function)).toEqual([
    "0000:00:02.0",
    "0000:00:02.0",
  ]);
  expect(assemble(fine, [toyArch()]).boot().device("usb0").function).toBeNull();
});

test("an IOMMU has a domain for each device, which its parts share", () => {
  const described = gpuAnd({ iommu: "lazy" });
  const { gpu, display } = described.devices;
  const usb0 = { class: "usb", coherent: false, iommu: "strict" } as const;
  const devices = { gpu: { ...gpu, iommu: "lazy" }, display, usb0 } as BoardDescription["devices"];
  const { device } = assemble({ ...described, devices }, [toyArch()]).boot();
  expect(device("gpu").iommu?.domain).toBe(device("display").iommu?.domain);
  expect(device("usb0").iommu?.domain).not.toBe(device("gpu").iommu?.domain);
  expect([device("usb0"), device("gpu")].map(({ iommu }) => iommu?.domain.isLazy)).toEqual([false, true]);
  expect(assemble(fine, [toyArch()]).boot().device("usb0").iommu).toBeNull();
  device("usb0").masks.set(20);
  expect(device("usb0").masks.streaming, "behind an IOMMU every mask will do (D-13)").toBe(2 ** 20 - 1);
});

test("a device carries what it can take of memory; what it does not say is no matter", () => {
  const description = board(
    usb({
      maxSegmentSize: "1MiB",
      segmentBoundaryMask: 0xffff_ffff_ffff,
      maxSegmentCount: 16,
      needsPages: true,
      trustId: "tee",
      preferredSegmentSize: "64KiB",
    }),
  );
  const constraints = (each: BoardDescription) =>
    assemble(each, [toyArch()]).boot().device("usb0").constraints;
  expect(constraints(description)).toEqual({
    maxSegmentSize: 2 ** 20,
    segmentBoundaryMask: 0xffff_ffff_ffff,
    maxSegmentCount: 16,
    contiguous: false,
    needsPages: true,
    trustIds: ["tee"],
    preferredSegmentSize: 65536,
  });
  expect(constraints(fine)).toEqual(defaultConstraints);
  expect(constraints(usb({ contiguous: true }))).toEqual({ ...defaultConstraints, contiguous: true });
});

describe("a board that is none is refused with the field and the reason", () => {
  test.each<[BoardDescription, RegExp]>([
    [{ ...fine, memory: [] }, /^board "fine": memory: a board needs at least one range of RAM$/],
    [{ ...fine, memory: [{ base: 0, size: 0 }] }, /: memory\[0\]\.size: a range of RAM cannot be empty$/],
    [{ ...fine, memory: [{ base: -1, size: 1 }] }, /: memory\[0\]\.base: -1 is not an address$/],
    [{ ...fine, memory: [{ base: 0.5, size: 1 }] }, /: memory\[0\]\.base: 0\.5 is not an address$/],
    [{ ...fine, memory: [{ base: 0, size: "1QiB" }] }, /^board "fine": memory\[0\]\.size: /],
    [{ ...fine, pools: [{ kind: "cma", size: "lots" }] }, /^board "fine": pools\[0\]\.size: /],
    [{ ...fine, devices: {} }, /: devices: a board needs at least one device$/],
    [
      { ...fine, devices: { "0": { class: "x", coherent: true } } },
      /: devices: "0" is not a name; begin with a letter$/,
    ],
    [{ ...fine, devices: { "a b": { class: "x", coherent: true } } }, /"a b" is not a name/],
    [
      { ...fine, devices: { cpu: { class: "x", coherent: true } } },
      /"cpu" is the CPU itself; write cpu: true in a stage$/,
    ],
    [usb({ limit: "4GB or so" }), /^board "fine": devices\.usb0\.limit: /],
    [usb({ bandwidth: 0 }), /: devices\.usb0\.bandwidth: what moves nothing cannot transfer$/],
    [usb({ offset: Number.NaN }), /: devices\.usb0\.offset: NaN is not a whole number$/],
    [
      usb({ iommu: "eager" as never }),
      /^board "fine": devices\.usb0\.iommu: "eager" is neither strict nor lazy$/,
    ],
    [
      usb({ iommu: null as never }),
      /: devices\.usb0\.iommu: null is neither strict nor lazy nor \{ unit, ids \}$/,
    ],
    [
      usb({ iommu: true as never }),
      /: devices\.usb0\.iommu: true is neither strict nor lazy nor \{ unit, ids \}$/,
    ],
    [usb({ iommu: { ids: [1] } as never }), /: devices\.usb0\.iommu\.unit: an IOMMU needs a name$/],
    [
      usb({ iommu: { unit: "mmu" } as never }),
      /: devices\.usb0\.iommu\.ids: a list of ids is needed: \[0x10\]$/,
    ],
    [
      usb({ iommu: { unit: "mmu", ids: 3 } as never }),
      /: devices\.usb0\.iommu\.ids: a list of ids is needed/,
    ],
    [usb({ iommu: { unit: "mmu", ids: [-1] } }), /: devices\.usb0\.iommu\.ids\[0\]: -1 is not an id$/],
    [
      { ...usb({ iommu: { unit: "smmu", ids: [1] } }), iommus: { smuu: { enabled: false } } },
      /^board "fine": iommus\.smuu: no device is behind it; did you mean "smmu"\?$/,
    ],
    [
      { ...usb({ iommu: { unit: "smmu", ids: [1] } }), iommus: { smmu: { enabled: "no" as never } } },
      /: iommus\.smmu\.enabled: "no" is neither true nor false$/,
    ],
    [
      {
        ...usb({ iommu: { unit: "smmu", ids: [1] }, untrusted: true }),
        iommus: { smmu: { enabled: false } },
      },
      /: devices\.usb0\.untrusted: nothing but an IOMMU can keep a device out, and smmu is switched off$/,
    ],
    [
      { ...fine, iovaPolicy: "best" as never },
      /^board "fine": iovaPolicy: "best" is neither linux nor first-fit$/,
    ],
    [usb({ function: "" }), /^board "fine": devices\.usb0\.function: "" is not a name$/],
    [
      gpuAnd({ coherent: false }),
      /: devices\.display\.coherent: differs from that of gpu, which is the same device, 0000:00:02\.0$/,
    ],
    [gpuAnd({ limit: "2GiB" }), /: devices\.display\.limit: differs from that of gpu/],
    [gpuAnd({ iommu: "lazy" }), /: devices\.display\.iommu: differs from that of gpu/],
    [gpuAnd({ offset: 64 }), /: devices\.display\.offset: differs from that of gpu/],
    [
      usb({ maxSegmentSize: 0 }),
      /^board "fine": devices\.usb0\.maxSegmentSize: segments of 0 bytes hold nothing$/,
    ],
    [usb({ maxSegmentSize: "much" }), /^board "fine": devices\.usb0\.maxSegmentSize: "much" is not a size/],
    [
      usb({ preferredSegmentSize: 0 }),
      /: devices\.usb0\.preferredSegmentSize: segments of 0 bytes hold nothing$/,
    ],
    [
      usb({ segmentBoundaryMask: 0x1_0000 }),
      /: devices\.usb0\.segmentBoundaryMask: 65536 is not a power of two less 1, as 0xffffffff is$/,
    ],
    [usb({ segmentBoundaryMask: 0 }), /segmentBoundaryMask: 0 is not/],
    [usb({ maxSegmentCount: 0 }), /: devices\.usb0\.maxSegmentCount: 0 is not a whole number from 1 on$/],
    [usb({ maxSegmentCount: 1.5 }), /maxSegmentCount: 1\.5 is not/],
    [usb({ trustId: "" }), /: devices\.usb0\.trustId: a trust id needs a name$/],
    [{ ...fine, cpuBandwidth: 0 }, /^board "fine": cpuBandwidth: what moves nothing cannot transfer$/],
  ])("%o", (description, says) => {
    for (const act of [() => board(description), () => assemble(description, [toyArch()])]) {
      expect(act).toThrow(InputError);
      expect(act).toThrow(says);
    }
  });
});
