// SPDX-License-Identifier: MIT
import { z } from "zod";

const text = z.string();
const count = z.int().min(0);
const ram = z.strictObject({ base: count, size: count });

/** The JSON of `dmabuf board`; absent is null, never missing. */
export const boardFactsSchema = z
  .strictObject({
    schema: z.literal(1),
    model: text.nullable(),
    compatible: z.array(text),
    masters: z.array(
      z.strictObject({
        path: text,
        class: z.enum([
          "gpu",
          "npu",
          "dsp",
          "display",
          "codec",
          "camera",
          "2d",
          "pcie",
          "usb",
          "net",
          "wifi",
          "storage",
          "dma",
          "crypto",
          "audio",
        ]),
        coherent: z.boolean(),
        coherentFrom: text.nullable().describe("The node that says so; null: the architecture's default."),
        iommus: z.array(z.strictObject({ path: text, ids: z.array(count) })),
        limit: count.nullable().describe("Highest reachable address + 1; null when nothing limits it."),
        offset: z.int().describe("CPU address - bus address."),
        memoryRegions: z.array(text),
      }),
    ),
    iommus: z.array(z.strictObject({ path: text, kind: text, enabled: z.boolean() })),
    pools: z.array(
      z.strictObject({
        path: text,
        kind: z.enum(["cma", "coherent-pool", "carve-out", "restricted"]),
        base: count.nullable().describe("Null when Linux places it at boot."),
        size: count,
      }),
    ),
    ram: z.array(ram),
    sharing: z.array(
      z.strictObject({
        from: text,
        to: text,
        verdict: z.enum(["direct", "maintenance", "bounce", "impossible", "unknown"]),
        why: z.array(text),
      }),
    ),
    assumed: z.array(text),
  })
  .describe("A board: what dmabuf board --format json prints.");
