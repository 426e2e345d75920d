// SPDX-License-Identifier: MIT
import {
  assemble,
  type BoardDescription,
  type BootOptions,
  type DeviceDescription,
  type DmaBuf,
  Extents,
  type Finding,
  type ImportedBuffer,
  type Platform,
  type Plugin,
  type Process,
  type System,
} from "@dmabuf/core";
import type { AccessKind } from "@dmabuf/core/coherency";
import { NotingExporter, toyArch } from "@dmabuf/core/testing";
import { type Gpu, gpu, type MmuFactory } from "../src/index.ts";

/** A board with a GPU that has such an MMU. */
export const gpuPlatform = (
  mmu: MmuFactory,
  device: Partial<DeviceDescription> = {},
  board: Partial<BoardDescription> = {},
  plugins: readonly Plugin[] = [],
): Platform =>
  assemble(
    {
      model: "a GPU",
      memory: [{ base: 0, size: "64MiB" }],
      devices: { gpu: { class: "gpu", coherent: false, ...device } },
      ...board,
    },
    [toyArch(), gpu("gpu", { mmu }), ...plugins],
  );

/** What is to be seen of a play. */
export interface Played<T> {
  readonly result: T | null;
  /** The errors among what was found. */
  readonly findings: readonly Finding[];
}

/** Plays something with the GPU of a platform. */
export function play<T>(
  platform: Platform,
  process: (system: System, gpu: Gpu) => Process<T>,
  options: BootOptions = {},
): Played<T> {
  const { result, findings } = platform.inspect(
    (system) => process(system, system.importer("gpu") as Gpu),
    options,
  );
  return { result, findings: findings.filter(({ severity }) => severity === "error") };
}

/** A buffer at those physical ranges, mapped for each device as the DMA API does. */
export function bufferAt(
  system: System,
  ...ranges: readonly (readonly [start: number, end: number])[]
): DmaBuf {
  const extents = Extents.each(
    ranges.map(([start]) => start),
    ranges.map(([, end]) => end),
  );
  const ops = new NotingExporter(system.dma, extents);
  return system.dmaBuf.export({ exporterName: "ranges", ops, size: extents.bytes });
}

/** One transfer, to its end. */
export function* transferred(imported: ImportedBuffer, kind: AccessKind, offset = 0): Process {
  const fence = yield* imported.transfer(kind, { offset });
  yield* fence.wait();
  fence.put();
}

/** The physical ranges that the last access to memory touched. */
export const lastAccess = ({ analysis }: System): number[] => [
  ...analysis.log.extents(analysis.log.length - 1).pairs,
];
