// SPDX-License-Identifier: MIT
import { z } from "zod";

/** Timelines that a program may have: each signal keeps a clock with an entry for each of them. */
const MOST_TIMELINES = 256;

const powersOfTwo = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096] as const;

const offset = z.int().min(0);
const stepIndex = z.int().min(0);
const name = z.string().min(1).max(200);

const range = z
  .tuple([
    offset.describe("First byte, counted from the start of the buffer."),
    offset.describe("The byte after the last one."),
  ])
  .describe("Bytes of the buffer, half-open: [0, 64] is the first 64 bytes.");

const domain = z
  .strictObject({
    line: z.literal([...powersOfTwo]).describe("Bytes in a cache line: a power of two from 1 to 4096."),
    speculates: z
      .boolean()
      .exactOptional()
      .describe(
        "Whether absent lines may be filled from memory at any time. Default true, which suits CPUs.",
      ),
    evicts: z
      .boolean()
      .exactOptional()
      .describe(
        "Whether lines may be written back and dropped at any time. Default true; false is a bounce slot, whose fill and clean are the copies.",
      ),
    behind: name
      .exactOptional()
      .describe(
        "Name of the domain that lies behind this one, with lines of the same size: fills come from there, write-backs go there. Default memory.",
      ),
    exclusive: z
      .boolean()
      .exactOptional()
      .describe("Whether it also takes the clean lines that a domain in front of it drops. Default false."),
  })
  .describe("A set of hardware-coherent caches, seen as one cache.");

const domainName = name.describe("Name of one of the domains.");

const route = z
  .discriminatedUnion("route", [
    z.strictObject({
      route: z.literal("cached").describe("Accesses allocate lines in the domain."),
      domain: domainName,
    }),
    z.strictObject({
      route: z
        .literal("snoop")
        .describe(
          "Reads see the domain's lines; writes take them out and go to memory (ACE-Lite, ZynqMP's HPC).",
        ),
      domain: domainName,
      writes: z
        .literal("allocate")
        .exactOptional()
        .describe("A write may also stay in the domain as a dirty line (ACP, DDIO)."),
    }),
    z.strictObject({
      route: z.literal("direct").describe("Memory only: a non-coherent master, an uncached mapping."),
    }),
  ])
  .describe("How the agent's accesses reach memory.");

const on = name
  .exactOptional()
  .describe("The timeline that the step runs on; all steps name one, or none does.");

const action = z.discriminatedUnion("op", [
  z
    .strictObject({
      on,
      agent: name.describe("Name of one of the agents."),
      op: z.enum(["read", "write"]),
      range,
    })
    .describe("An access."),
  z
    .strictObject({
      on,
      op: z.enum(["clean", "invalidate", "flush"]),
      domain: domainName,
      range,
    })
    .describe("Raw maintenance: it acts on every whole line that the range touches."),
]);

const fenceOn = name.describe("The timeline that the step runs on.");

const step = z.union([
  z
    .strictObject({ on: fenceOn, signal: name.describe("Name of the fence; a fence is signalled once.") })
    .describe("The timeline signals a fence: everything before it happened."),
  z
    .strictObject({ on: fenceOn, wait: name.describe("Name of a fence that an earlier step signals.") })
    .describe("The timeline waits for a fence: nothing after it happens before the signal."),
  action,
]);

const expectation = z
  .strictObject({
    stale: z.array(stepIndex).exactOptional().describe("The steps whose read can be stale, counted from 0."),
    lost: stepIndex
      .nullable()
      .exactOptional()
      .describe("The first step at which the newest value of some byte can be lost, or null for none."),
    races: z
      .array(z.tuple([stepIndex, stepIndex]))
      .exactOptional()
      .describe(
        "Pairs of unordered steps that conflict; the steps of a program without timelines have none.",
      ),
  })
  .describe("What must come out; a difference is a failure. Each key may be left out.");

/** A litmus program as it is written: the form of COHERENCY's "Litmus programs". */
export const litmusProgramSchema = z
  .strictObject({
    name: name.describe("What the program shows."),
    domains: z.record(name, domain).describe("The coherency domains by name; {} when every agent is direct."),
    agents: z.record(name, route).describe("Whoever touches memory, by name."),
    buffer: z.strictObject({
      size: z
        .union([z.int().min(1), z.string()])
        .describe(
          'Bytes, or a count with a unit as in "64KiB"; bytes past it in its last line are neighbours.',
        ),
    }),
    timelines: z
      .array(name)
      .max(MOST_TIMELINES)
      .exactOptional()
      .describe(
        "What runs side by side: CPU threads, engines. Only fences order steps of different timelines.",
      ),
    steps: z
      .array(step)
      .describe("What happens, in this order; with timelines, in any order that they leave."),
    expect: expectation.exactOptional(),
  })
  .describe("A dmabuf litmus program: one buffer, its agents and caches, and what they do to it.");

/** What a litmus file says, before its names are resolved. */
export type LitmusText = z.output<typeof litmusProgramSchema>;

/** One line of `dmabuf litmus --format json`. */
export const litmusOutputSchema = z
  .strictObject({
    name,
    stale: z.array(stepIndex).describe("The steps whose read can be stale for bytes in range, ascending."),
    lost: stepIndex
      .nullable()
      .describe("The first step at which the newest value of some byte can be lost, or null."),
    races: z
      .array(z.tuple([stepIndex, stepIndex]))
      .exactOptional()
      .describe("Pairs of unordered steps that conflict, ascending; only for a program with timelines."),
  })
  .describe("The verdict of one litmus program: one line of dmabuf litmus --format json.");
