// SPDX-License-Identifier: MIT
import { coherencyChoices, kernelProfiles } from "@dmabuf/core";
import { z } from "zod";

const name = z.string().min(1).max(200);
const size = z.union([z.int().min(1), z.string()]).describe('Bytes, or a count with a unit as in "1MiB".');
const count = z
  .int()
  .min(1)
  .max(1024)
  .exactOptional()
  .describe("How many of them; frame n uses buffer n modulo count. Default 1.");
const cache = name
  .exactOptional()
  .describe(
    "How the exporter's device may cache them, for exporters with cache levels: none, llc, wt, snooped.",
  );

const buffer = z
  .union([
    z.strictObject({ size, count, cache }),
    z.strictObject({
      format: z.literal("NV12").describe("Pixel format, laid out linearly."),
      width: z.int().min(2).max(65536),
      height: z.int().min(2).max(65536),
      stride: z
        .int()
        .min(2)
        .max(2 ** 20)
        .exactOptional()
        .describe("Bytes from the beginning of a line to that of the next. Default the width."),
      count,
      cache,
    }),
  ])
  .describe("A pool of equal buffers.");

const touched = {
  name: name.exactOptional().describe("Default: the device, or cpu."),
  reads: name.exactOptional().describe("Buffer that the stage reads."),
  writes: name.exactOptional().describe("Buffer that the stage writes."),
  bytes: z
    .tuple([z.int().min(0), z.int().min(1)])
    .exactOptional()
    .describe("The part that it touches, half-open; default all of it."),
  waits: z
    .boolean()
    .exactOptional()
    .describe("False forgets to wait for the fences of others. Default true."),
};

const stage = z
  .union([
    z
      .strictObject({
        device: name.describe("A device of the board."),
        ...touched,
        pin: z
          .union([z.boolean(), z.literal("once")])
          .exactOptional()
          .describe(
            "For a display: pins at each flip, once for a front buffer that stays, or (false) forgets. Default true.",
          ),
      })
      .describe("A transfer."),
    z
      .strictObject({
        cpu: z.literal(true),
        ...touched,
        brackets: z
          .boolean()
          .exactOptional()
          .describe("Whether it opens and closes the CPU-access bracket. Default true."),
        wait: z
          .enum(["poll", "ioctl"])
          .exactOptional()
          .describe("Polls for fences before the bracket, or leaves the waiting to it. Default poll."),
        mmap: name
          .exactOptional()
          .describe(
            "How it maps the buffer, for exporters with several ways: wb, wc, gtt. Default the first.",
          ),
        drains: z
          .boolean()
          .exactOptional()
          .describe("False forgets to drain the write-combining buffers after writing. Default true."),
      })
      .describe("CPU access through a mapping."),
  ])
  .describe("One step: a device or the CPU, and what it reads or writes.");

/** A pipeline as it is written. */
export const pipelineSchema = z
  .strictObject({
    pipeline: name.describe("What it is called."),
    board: name.exactOptional().describe("A board's name, a .dtb file or a module; --board wins."),
    buffers: z.record(name, buffer).describe("The pools of buffers, by name."),
    stages: z.array(stage).min(1).describe("In the order in which a frame goes through them."),
    exporter: name.describe("Who allocates the buffers."),
    sync: z
      .enum(["implicit", "explicit", "none"])
      .exactOptional()
      .describe(
        "How stages wait for each other: by the fences in the buffers, by fences that the program passes on, or not at all. Default implicit.",
      ),
    coherency: z
      .enum(coherencyChoices)
      .exactOptional()
      .describe("Who keeps devices coherent with each other. Default kernel."),
    kernel: z
      .enum(Object.keys(kernelProfiles) as [string, ...string[]])
      .exactOptional()
      .describe("Whose behaviour; --kernel wins. Default linux612."),
    frames: z.int().min(1).max(1_000_000).exactOptional().describe("Default 1."),
  })
  .describe("A dmabuf pipeline: buffers, and the stages that pass them on.");

const device = z.strictObject({
  class: name
    .exactOptional()
    .describe('What kind of block it is, as in "usb" or "dma"; a new device needs it.'),
  coherent: z.boolean().exactOptional().describe("What Linux is told (dma-coherent); a new device needs it."),
  port: z
    .enum(["direct", "snoop", "snoop-allocate"])
    .exactOptional()
    .describe("What the hardware does. Default: direct, or snoop-allocate for a coherent device."),
  limit: z
    .union([z.int().min(1), z.string()])
    .exactOptional()
    .describe("Highest reachable bus address + 1."),
  offset: z.int().exactOptional().describe("CPU physical address - bus address."),
  noSnoop: z
    .boolean()
    .exactOptional()
    .describe("Whether its transactions ask not to be snooped, although its port could."),
  iommu: z
    .union([
      z.enum(["strict", "lazy"]),
      z.strictObject({
        unit: name.describe("Name of the IOMMU."),
        ids: z
          .array(z.int().min(0))
          .min(1)
          .describe("What its transactions carry: stream ids, requester ids."),
        domain: z.enum(["strict", "lazy", "identity"]).exactOptional().describe("Default strict."),
      }),
    ])
    .exactOptional()
    .describe(
      "The DMA API goes through an IOMMU, which flushes at unmap or later, of no make in particular or of the board's. Default: none.",
    ),
  untrusted: z
    .boolean()
    .exactOptional()
    .describe("Whether it can be plugged in from outside; behind its IOMMU, parts of pages are bounced."),
  addressBits: z
    .int()
    .min(1)
    .max(64)
    .exactOptional()
    .describe("Address bits that its driver asks for (its DMA mask)."),
  bandwidth: size.exactOptional().describe("Bytes a second."),
  maxSegmentSize: size.exactOptional().describe("Most bytes of one segment."),
  segmentBoundaryMask: z
    .int()
    .min(1)
    .exactOptional()
    .describe("No segment crosses a multiple of this plus 1; 2^n - 1."),
  maxSegmentCount: z.int().min(1).exactOptional().describe("Most segments of one list."),
  contiguous: z.boolean().exactOptional().describe("Whether it needs memory in one piece."),
  needsPages: z.boolean().exactOptional().describe("Whether its driver needs struct pages."),
  trustId: name.exactOptional().describe("The private memory that it is trusted with."),
  preferredSegmentSize: size.exactOptional().describe("Segments of fewer bytes work, but slowly."),
  restrictedPool: name.exactOptional().describe("The restricted pool that all its DMA is copied through."),
  minAlignMask: z
    .int()
    .min(0)
    .exactOptional()
    .describe("Bits of an address that a bounce buffer keeps; 2^n - 1."),
});

/** What is added to a board that a device tree describes, or changed in it. */
export const overlaySchema = z
  .strictObject({
    devices: z
      .record(name, device)
      .exactOptional()
      .describe("By name: a new name adds a master, a known one changes the facts that are given."),
    memory: z
      .array(z.strictObject({ base: z.int().min(0), size }))
      .min(1)
      .exactOptional()
      .describe("RAM, instead of the board's."),
    pools: z
      .array(
        z.union([
          z.strictObject({
            kind: z.literal("cma"),
            size,
            base: z.int().min(0).exactOptional(),
            name: name.exactOptional(),
          }),
          z.strictObject({
            kind: z.literal("carve-out"),
            size,
            base: z.int().min(0),
            name,
            driver: name.exactOptional().describe("The driver that has it to itself; then it is no heap."),
          }),
          z.strictObject({
            kind: z.literal("protected"),
            size,
            base: z.int().min(0),
            name,
            trustId: name.describe("What devices must be trusted with."),
          }),
          z.strictObject({ kind: z.literal("restricted"), size, base: z.int().min(0), name }),
        ]),
      )
      .exactOptional()
      .describe("CMA pools, carve-outs, protected memory and restricted pools, instead of the board's."),
    iommus: z
      .record(
        name,
        z.strictObject({
          kind: z.string().min(1).exactOptional().describe('What it is, as in "mmu-500".'),
          enabled: z.boolean().exactOptional().describe("Default: yes."),
        }),
      )
      .exactOptional()
      .describe("IOMMUs by name: a new one is added, a known one is changed."),
    swiotlb: z
      .union([
        z.literal(false),
        z.strictObject({ size: size.exactOptional(), force: z.boolean().exactOptional() }),
      ])
      .exactOptional()
      .describe("Bounce buffers: their size, and whether everything bounces; false for none."),
  })
  .describe("A dmabuf overlay: fabric masters to add to a board, and facts to change.");

/** An overlay, parsed. */
export type Overlay = z.output<typeof overlaySchema>;
