// SPDX-License-Identifier: MIT
import { type DmaBuf, dmaAddr, Extents, type Process, type System } from "@dmabuf/core";
import { StackedTranslation } from "@dmabuf/core/iommu";
import { describe, expect, test } from "vitest";
import {
  etnavivV1,
  etnavivV2,
  type Gpu,
  type GpuMapping,
  gpuMmu,
  limaMmu,
  type MmuFactory,
  maliMmu,
  mmuCommand,
  rockchipIommu,
  v3dMmu,
} from "../src/index.ts";
import { bufferAt, gpuPlatform, lastAccess, play, transferred } from "./gpu-fixture.ts";

const SCATTERED = [
  [0x100_0000, 0x100_2000],
  [0x140_0000, 0x140_1000],
  [0x120_0000, 0x120_3000],
] as const;
const scattered = (system: System): DmaBuf => bufferAt(system, ...SCATTERED);

/** The CPU writes a buffer and makes it visible as a program does that brackets. */
function* drawn({ cpu }: System, buffer: DmaBuf, extents: Extents): Process {
  yield* buffer.beginCpuAccess("to-device");
  cpu.access("write", extents);
  yield* cpu.settle();
  yield* buffer.endCpuAccess("to-device");
}

const mmus: Record<string, MmuFactory> = {
  "etnaviv v1": etnavivV1(),
  "etnaviv v2": etnavivV2(),
  v3d: v3dMmu(),
  mali: maliMmu({ coherentWalk: true }),
  lima: limaMmu(),
  "large GPU": gpuMmu(),
};

/** The same block on boards that differ in what stands between it and memory (D27). */
const boards = {
  "no IOMMU": {},
  "a system IOMMU": { iommu: "strict" },
  "a window of the bus": { offset: -0x1000_0000 },
  "a system IOMMU behind a mask of 32 bits": { iommu: "strict", addressBits: 32 },
  "an IOMMU with tables of its own": { iommu: { unit: "iommu0", ids: [0] }, addressBits: 32 },
  "an IOMMU that lets it through": { iommu: { unit: "iommu0", ids: [0], domain: "identity" } },
} as const;

describe.each(Object.keys(mmus))("the driver of a GPU with an MMU like %s", (name) => {
  const mmu = mmus[name] as MmuFactory;

  test.each(Object.keys(boards) as (keyof typeof boards)[])("is the same with %s (D27)", (board) => {
    const outer = [rockchipIommu("iommu0", { version: 2 })];
    const { findings } = play(gpuPlatform(mmu, boards[board], {}, outer), function* (system, gpu) {
      const process = gpu.open();
      const buffer = scattered(system);
      const imported = yield* process.import(buffer, "bidirectional");
      yield* transferred(imported, "write");
      expect(lastAccess(system)).toEqual(SCATTERED.flat());
      yield* transferred(imported, "write", 0x2800);
      expect(lastAccess(system)).toEqual([0x140_0800, 0x140_1000, 0x120_0000, 0x120_3000]);
      yield* imported.detach();
      process.close();
      buffer.put();
    });
    expect(findings).toEqual([]);
  });

  test("reaches bounce buffers by its own addresses, too", () => {
    const forced = { swiotlb: { size: "4MiB", force: true } };
    const { findings } = play(gpuPlatform(mmu, { coherent: true }, forced), function* (system, gpu) {
      const process = gpu.open();
      const buffer = scattered(system);
      const imported = yield* process.import(buffer, "bidirectional");
      yield* transferred(imported, "write");
      expect(lastAccess(system)).toEqual(SCATTERED.flat());
      yield* imported.detach();
      buffer.put();
    });
    expect(findings).toEqual([]);
  });

  test("refuses what lies past the end of a buffer", () => {
    const { result, findings } = play(gpuPlatform(mmu), function* (system, gpu) {
      const process = gpu.open();
      const buffer = scattered(system);
      const imported = yield* process.import(buffer, "to-device");
      const reached = yield* process.access(imported.address, buffer.size + 4096, "read");
      yield* imported.detach();
      buffer.put();
      return reached;
    });
    expect(result).toBe(0x6000);
    expect(findings.map(({ code }) => code)).toEqual(["iommu-fault"]);
  });

  test("refuses a buffer again that was detached, whether it was in use before or not", () => {
    const { findings } = play(gpuPlatform(mmu), function* (system, gpu) {
      const process = gpu.open();
      const buffer = scattered(system);
      for (const used of [true, false]) {
        const imported = yield* process.import(buffer, "to-device");
        if (used) yield* transferred(imported, "read");
        yield* imported.detach();
        expect(yield* process.access(imported.address, 4096, "read")).toBe(0);
      }
      buffer.put();
    });
    expect(findings.map(({ code, count }) => [code, count])).toEqual([["iommu-fault", 2]]);
  });
});

describe("an address space a process (D24)", () => {
  const apart: Record<string, readonly [MmuFactory, RegExp]> = {
    "etnaviv v2": [etnavivV2(), /slave not present \(MMUv2_STATUS 0x1\)$/],
    mali: [maliMmu({ coherentWalk: true, slots: 1 }), /TRANSLATION_FAULT_0 \(AS_FAULTSTATUS 0x3c0\)$/],
    lima: [limaMmu(), /PAGE_FAULT \(INT_STATUS 0x1, STATUS.PAGE_FAULT_IS_WRITE\): DTE not valid$/],
    "large GPU": [gpuMmu({ vmids: 1 }), /PERMISSION_FAULTS=0x5, VMID=1$/],
  };

  test.each(Object.keys(apart))("of %s keeps one process out of the other's buffer", (name) => {
    const [mmu, message] = apart[name] as (typeof apart)[string];
    const { result, findings } = play(gpuPlatform(mmu), function* (system, gpu) {
      const [one, other] = [gpu.open(), gpu.open()];
      const buffer = scattered(system);
      const imported = yield* one.import(buffer, "bidirectional");
      yield* transferred(imported, "write");
      const reached = yield* other.access(imported.address, 4096, "write");
      yield* transferred(imported, "write");
      yield* imported.detach();
      buffer.put();
      return reached;
    });
    expect(result).toBe(0);
    expect(findings.map(({ code }) => code)).toEqual(["iommu-fault"]);
    expect(findings[0]?.message).toMatch(message);
  });

  test("there is none with V3D: whoever knows the address reaches the buffer", () => {
    const { result, findings } = play(gpuPlatform(v3dMmu()), function* (system, gpu) {
      const [one, other] = [gpu.open(), gpu.open()];
      const buffer = scattered(system);
      const imported = yield* one.import(buffer, "bidirectional");
      const reached = yield* other.access(imported.address, 4096, "write");
      yield* imported.detach();
      buffer.put();
      return reached;
    });
    expect([result, findings]).toEqual([4096, []]);
  });

  test("two processes can have two buffers at one address, which user space chose", () => {
    const { findings } = play(gpuPlatform(gpuMmu()), function* (system, gpu) {
      const at = { address: 0x7f12_3456_7000 };
      const buffers = [
        bufferAt(system, [0x100_0000, 0x100_1000]),
        bufferAt(system, [0x200_0000, 0x200_1000]),
      ];
      const imports = [];
      for (const buffer of buffers) imports.push(yield* gpu.open().import(buffer, "bidirectional", at));
      for (const [i, imported] of imports.entries()) {
        expect(imported.address).toBe(at.address);
        yield* transferred(imported, "write");
        expect(lastAccess(system)[0]).toBe(0x100_0000 * (i + 1));
      }
      for (const imported of imports) yield* imported.detach();
      for (const buffer of buffers) buffer.put();
    });
    expect(findings).toEqual([]);
  });

  test("an address that is taken is refused, and so is one that the MMU does not have", () => {
    play(gpuPlatform(maliMmu()), function* (system, gpu) {
      const process = gpu.open();
      const buffer = scattered(system);
      const imported = yield* process.import(buffer, "bidirectional", { address: 0x4000_0000 });
      for (const [address, why] of [
        [0x4000_5000, "is taken already"],
        [0x1000, "is not within [0x2000000, 0x100000000)"],
      ] as const) {
        let message = "";
        try {
          yield* process.import(buffer, "bidirectional", { address });
        } catch (error) {
          message = String(error);
        }
        expect(message).toContain(`-ENOSPC`);
        expect(message).toContain(why);
      }
      yield* imported.detach();
      expect(buffer.attachments).toEqual([]);
      buffer.put();
    });
  });
});

describe("what the driver forgets is named", () => {
  /** A buffer is used, detached, and used once more. */
  function* usedAfterDetach(system: System, gpu: Gpu): Process<number> {
    const process = gpu.open();
    const buffer = scattered(system);
    const imported = yield* process.import(buffer, "bidirectional");
    yield* transferred(imported, "read");
    yield* imported.detach();
    const reached = yield* process.access(imported.address, 4096, "write");
    buffer.put();
    return reached;
  }

  test.each<[string, MmuFactory, string]>([
    ["GL_FLUSH_MMU", etnavivV1({ omits: ["GL_FLUSH_MMU"] }), "GL_FLUSH_MMU in the command stream, since 0x"],
    [
      "FLUSH_PT",
      maliMmu({ coherentWalk: true, omits: ["AS_COMMAND_FLUSH_PT"] }),
      "AS_COMMAND_FLUSH_PT of 0x2000000 in AS0",
    ],
    [
      "MMUC and TLB",
      v3dMmu({ omits: ["MMUC_CONTROL_FLUSH"] }),
      "MMUC_CONTROL.FLUSH before MMU_CTL.TLB_CLEAR",
    ],
    [
      "VM_INVALIDATE",
      gpuMmu({ omits: ["VM_INVALIDATE_ENG_REQ"] }),
      "VM_INVALIDATE_ENG_REQ of VMID1 in the command stream",
    ],
  ])("%s, when a job gets at a buffer that is gone", (_, mmu, missing) => {
    const { result, findings } = play(gpuPlatform(mmu), usedAfterDetach);
    expect(result).toBe(4096);
    const stale = findings.find(({ code }) => code === "stale-translation");
    expect(stale?.message).toContain(missing);
    expect(stale?.fix[0]).toContain(missing);
    expect(stale?.device).toBe("gpu");
  });

  test("the clean of a descriptor, when the table walker reads what memory had before", () => {
    const forgetful = maliMmu({ omits: ["dma_sync_single_for_device"] });
    const { findings } = play(gpuPlatform(forgetful), usedAfterDetach);
    expect(findings.some(({ code }) => code === "stale-read")).toBe(true);
    expect(findings.map(({ message }) => message).join("\n")).toContain("table walker of gpu's MMU");
    expect(play(gpuPlatform(maliMmu()), usedAfterDetach).findings.map(({ code }) => code)).toEqual([
      "iommu-fault",
    ]);
  });

  test("FLUSH_MEM, when an address space is lent on: a process gets at what the last one had there", () => {
    const forgetful = maliMmu({ slots: 1, coherentWalk: true, omits: ["AS_COMMAND_FLUSH_MEM"] });
    const { result, findings } = play(gpuPlatform(forgetful), function* (system, gpu) {
      const [one, other] = [gpu.open(), gpu.open()];
      const buffer = scattered(system);
      const imported = yield* one.import(buffer, "bidirectional");
      yield* transferred(imported, "write");
      const reached = yield* other.access(imported.address, 4096, "write");
      yield* imported.detach();
      buffer.put();
      return reached;
    });
    expect(result).toBe(4096);
    expect(findings.map(({ code }) => code)).toContain("stale-translation");
    expect(findings.find(({ code }) => code === "stale-translation")?.message).toContain(
      "missing: AS_COMMAND_FLUSH_MEM of AS0",
    );
  });
});

test("map now, flush later: a job's command stream flushes once for all that was mapped since the last (D24)", () => {
  const commands: string[] = [];
  play(gpuPlatform(etnavivV2()), function* (system, gpu) {
    system.simulation.trace.subscribe(mmuCommand, (event) => commands.push(event.text("command")));
    const process = gpu.open();
    const buffer = scattered(system);
    const imports = [];
    for (let i = 0; i < 3; i++) imports.push(yield* process.import(buffer, "bidirectional"));
    expect(commands).toEqual([]);
    for (const imported of imports) yield* transferred(imported, "read");
    expect(commands).toHaveLength(1);
    for (const imported of imports) yield* imported.detach();
    expect(commands).toHaveLength(1);
    yield* process.access(0x1000, 4096, "read");
    buffer.put();
  });
  expect(commands).toHaveLength(2);
  expect(commands[0]).toMatch(/^MMUv2_CONFIGURATION=0x[0-9a-f]+\|MODE4_K\|FLUSH$/);
});

describe("map first, clean later (D24)", () => {
  /** The driver's own memory: mapped without maintenance, written by the CPU, used by a job. */
  const used = (cleans: boolean) =>
    play(gpuPlatform(etnavivV2()), function* ({ dma, cpu }, gpu) {
      const extents = Extents.of([0x100_0000, 0x100_4000]);
      const mapping = dma.mapSgtable(gpu.device, extents, "to-device", { skipCpuSync: true });
      const process = gpu.open();
      const address = process.map(mapping);
      cpu.access("write", extents);
      yield* cpu.settle();
      if (cleans) dma.syncSgtableForDevice(mapping);
      yield* cpu.settle();
      expect(yield* process.access(address, 0x4000, "read")).toBe(0x4000);
      process.unmap(address, 0x4000);
      dma.unmapSgtable(mapping, { skipCpuSync: true });
    }).findings.map(({ code }) => code);

  test("is right when it is done before the job", () => expect(used(true)).toEqual([]));
  test("and found when it is not done", () => expect(used(false)).toEqual(["stale-read"]));
});

describe("memory of the GPU's own", () => {
  const platform = gpuPlatform(gpuMmu({ localMemory: "16MiB" }), { iommu: "strict" });

  test("is reached without the bus, beside buffers that are behind it", () => {
    const { findings } = play(platform, function* (system, gpu) {
      const process = gpu.open();
      const buffer = scattered(system);
      const imported = yield* process.import(buffer, "bidirectional", { address: 0x10_0000 });
      expect(process.mapLocal(0, 0x1000, { address: 0xf_f000 })).toBe(0xf_f000);
      expect(yield* process.access(0xf_f000, 0x3000, "write")).toBe(0x2000);
      expect(lastAccess(system)).toEqual([0x100_0000, 0x100_2000]);
      yield* imported.detach();
      buffer.put();
    });
    expect(findings).toEqual([]);
  });

  test("is refused as any other page where it is not mapped, or not for that", () => {
    const { findings } = play(platform, function* (_, gpu) {
      const process = gpu.open();
      const at = process.mapLocal(0x20_0000, 0x20_0000, { readOnly: true });
      yield* process.access(at, 0x1000, "read");
      yield* process.access(at, 0x1000, "write");
      process.unmap(at, 0x20_0000);
      yield* process.access(at, 0x1000, "read");
    });
    expect(findings.map(({ message }) => message.replace(/^.* PERM/, "PERM"))).toEqual([
      "PERMISSION_FAULTS=0x4, VMID=1",
      "PERMISSION_FAULTS=0x3, VMID=1",
    ]);
  });

  test("ends where it ends, and most GPUs have none", () => {
    play(platform, function* (_, gpu) {
      expect(() => gpu.open().mapLocal(0xff_f000, 0x2000)).toThrow(
        "-EINVAL: gpu has 16777216 bytes of its own",
      );
      yield 0;
    });
    play(gpuPlatform(limaMmu()), function* (_, gpu) {
      expect(() => gpu.open().mapLocal(0, 0x1000)).toThrow("-EINVAL: gpu has 0 bytes of its own");
      yield 0;
    });
  });
});

test("entries that are not whole pages are refused, and everything is given back", () => {
  const { findings } = play(gpuPlatform(maliMmu({ coherentWalk: true })), function* (system, gpu) {
    const process = gpu.open();
    for (const ranges of [
      [[0x100_0000, 0x100_0800]],
      [
        [0x100_0000, 0x100_1000],
        [0x100_2010, 0x100_3010],
      ],
    ] as [number, number][][]) {
      const buffer = bufferAt(system, ...ranges);
      let message = "";
      try {
        yield* process.import(buffer, "to-device", { address: 0x4000_0000 });
      } catch (error) {
        message = String(error);
      }
      expect(message).toContain("-EINVAL");
      expect(buffer.attachments).toEqual([]);
      buffer.put();
    }
    expect(process.context.lookup(dmaAddr(0x4000_0000))).toBeNull();
    expect(yield* process.access(0x4000_0000, 4096, "read")).toBe(0);
  });
  // Core notes by itself that an entry is no whole page.
  const codes = findings.map(({ code }) => code);
  expect(codes.filter((code) => code !== "dma-api-misuse")).toEqual(["iommu-fault"]);
});

test.each(Object.keys(mmus))("closing gives the tables of %s back, unless they are everybody's", (name) => {
  play(gpuPlatform(mmus[name] as MmuFactory), function* (system, gpu) {
    const free = () => system.memory.pages.freePageCount();
    const before = free();
    const process = gpu.open();
    const buffer = scattered(system);
    const imported = yield* process.import(buffer, "bidirectional");
    yield* transferred(imported, "read");
    yield* imported.detach();
    process.close();
    buffer.put();
    expect(free()).toBe(before);
  });
});

describe("pages that say whether they are snooped (D22)", () => {
  /** The CPU's write is still in its cache when the GPU reads: the DMA API does not clean for a coherent device. */
  const read = (mapping: GpuMapping) =>
    play(gpuPlatform(gpuMmu(), { coherent: true }), function* (system, gpu) {
      const extents = Extents.of([0x100_0000, 0x100_1000]);
      const buffer = bufferAt(system, [0x100_0000, 0x100_1000]);
      const imported = yield* gpu.open().import(buffer, "to-device", mapping);
      yield* drawn(system, buffer, extents);
      yield* transferred(imported, "read");
      yield* imported.detach();
      buffer.put();
    }).findings.map(({ code }) => code);

  test("are read past the CPU's caches when they do not", () =>
    expect(read({ snooped: false })).toEqual(["stale-read"]));
  test("are read through them when they do, as of a coherent device", () => expect(read({})).toEqual([]));
});

test("the driver sets the DMA mask to what a descriptor holds, and not past what the board says", () => {
  const mask = (mmu: MmuFactory, device = {}) =>
    play(gpuPlatform(mmu, device), function* (_, { device: { masks } }) {
      yield 0;
      return [masks.streaming, masks.coherent];
    }).result;
  const all = (bits: number) => [2 ** bits - 1, 2 ** bits - 1];
  expect(mask(limaMmu())).toEqual(all(32));
  expect(mask(v3dMmu())).toEqual(all(36));
  expect(mask(maliMmu())).toEqual(all(40));
  expect(mask(gpuMmu())).toEqual(all(48));
  expect(mask(gpuMmu(), { addressBits: 34 })).toEqual(all(34));
});

test("a page that may only be read is not written", () => {
  const { findings } = play(gpuPlatform(maliMmu({ coherentWalk: true })), function* (system, gpu) {
    const buffer = scattered(system);
    const imported = yield* gpu.open().import(buffer, "bidirectional", { readOnly: true });
    yield* transferred(imported, "read");
    yield* transferred(imported, "write");
    yield* imported.detach();
    buffer.put();
  });
  expect(findings.map(({ message }) => message)).toEqual([
    "the IOMMU refuses gpu to write 0x2000000: PERM_FAULT_3 (AS_FAULTSTATUS 0x3cb)",
  ]);
});

test("the linear window of MMUv1 takes a buffer in one piece without the MMU; an IOMMU makes one of every buffer", () => {
  const addressOf = (device: object, ...ranges: [number, number][]): number =>
    play(gpuPlatform(etnavivV1(), device), function* (system, gpu) {
      const buffer = bufferAt(system, ...ranges);
      const imported = yield* gpu.open().import(buffer, "bidirectional");
      yield* transferred(imported, "write");
      expect(lastAccess(system)).toEqual(ranges.flat());
      yield* imported.detach();
      buffer.put();
      return imported.address;
    }).result as number;
  expect(addressOf({}, [0x100_0000, 0x104_0000])).toBe(0x100_0000);
  expect(addressOf({}, [0x100_0000, 0x102_0000], [0x104_0000, 0x106_0000])).toBe(0x8000_0000);
  const behind = addressOf(
    { iommu: "strict", addressBits: 30 },
    [0x100_0000, 0x102_0000],
    [0x104_0000, 0x106_0000],
  );
  expect(behind).toBeLessThan(0x8000_0000);
});

test("the private MMU stacks in front of what the bus has (D23, figure 1)", () => {
  play(gpuPlatform(limaMmu(), { iommu: "strict" }), function* (system, gpu) {
    const process = gpu.open();
    const buffer = scattered(system);
    const imported = yield* process.import(buffer, "bidirectional");
    gpu.mmu.switchTo(process.context);
    const stacked = new StackedTranslation(
      gpu.mmu.translation,
      gpu.device.translation ?? expect.fail("the board has an IOMMU"),
    );
    for (const offset of [0, 0x1fff, 0x2000, 0x5fff])
      expect(stacked.translate(imported.address + offset, 1).address).toBe(
        Extents.of(...SCATTERED).addressAt(offset),
      );
    expect(stacked.translate(imported.address + 0x6000, 1).fault).not.toBeNull();
    yield* imported.detach();
    buffer.put();
  });
});
