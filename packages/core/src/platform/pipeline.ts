// SPDX-License-Identifier: MIT
import { alignUp, PAGE_SIZE, parseSize, type Size } from "../address.ts";
import type { Picture } from "../buffer/constraint/picture-check.ts";
import type { PinChoice } from "../buffer/importer.ts";
import { InputError } from "../error.ts";
import { nearestName } from "../nearest-name.ts";
import type { CoherencyChoice } from "./coherency-choice.ts";

/** A pool of equal buffers: their size in bytes, or the picture that they hold. */
export type BufferDescription = BufferOptions & ({ readonly size: Size } | PictureDescription);

/** A picture in linear memory. */
export interface PictureDescription {
  readonly format: "NV12";
  /** Pixels of a line. */
  readonly width: number;
  readonly height: number;
  /** Bytes from the beginning of a line to that of the next; default the width, which leaves no padding. */
  readonly stride?: number;
}

interface BufferOptions {
  /** How many of them; default 1. */
  readonly count?: number;
  /** How the exporter's device may cache them: one of the exporter's cache levels; default its own choice. */
  readonly cache?: string;
}

interface StageCommon {
  /** Default: the device, or `cpu`. */
  readonly name?: string;
  /** Buffer that the stage reads. */
  readonly reads?: string;
  /** Buffer that the stage writes. */
  readonly writes?: string;
  /** The part that it touches, half-open; default all of it. */
  readonly bytes?: readonly [start: number, end: number];
  /** False forgets to wait for the fences of others; default true. */
  readonly waits?: boolean;
}

/** A device's transfer. */
export interface DeviceStage extends StageCommon {
  readonly device: string;
  /**
   * For a display: true pins the buffer at each flip, as a correct driver does; `once` is a front buffer that stays pinned;
   * false is a driver that forgets. Default true.
   */
  readonly pin?: boolean | "once";
}

/** CPU access through a user mapping. */
export interface CpuStage extends StageCommon {
  readonly cpu: true;
  /** Whether it opens and closes the bracket around its access; default true. */
  readonly brackets?: boolean;
  /** How it waits for fences: `poll` before the bracket, or leaving it to the bracket's `ioctl`; default `poll`. */
  readonly wait?: "poll" | "ioctl";
  /** How it maps the buffer: one of the exporter's mmap types; default the exporter's first. */
  readonly mmap?: string;
  /** False forgets to drain the write-combining buffers after writing; default true. */
  readonly drains?: boolean;
}

/** How the stages of a pipeline wait for each other. */
export type SyncChoice = "implicit" | "explicit" | "none";

/** One step of a pipeline. */
export type Stage = DeviceStage | CpuStage;

/** A pipeline: stages which pass buffers on, frame by frame. Frame n uses buffer n modulo count. */
export interface Pipeline {
  readonly pipeline?: string;
  readonly buffers: Readonly<Record<string, BufferDescription>>;
  readonly stages: readonly Stage[];
  readonly exporter: string;
  /**
   * How stages wait for each other: by the fences in the buffers' reservations, by fences that the program passes on from
   * stage to stage, or not at all. Default implicit.
   */
  readonly sync?: SyncChoice;
  readonly coherency?: CoherencyChoice;
  /** Default 1. */
  readonly frames?: number;
}

/** A stage with its defaults, as the runner uses it. */
export interface PlannedStage {
  readonly name: string;
  /** Null for the CPU. */
  readonly device: string | null;
  readonly reads: string | null;
  readonly writes: string | null;
  readonly bytes: readonly [start: number, end: number] | null;
  readonly waits: boolean;
  readonly brackets: boolean;
  readonly polls: boolean;
  /** When a display pins; null where the pipeline does not say. */
  readonly pin: PinChoice | null;
  /** Null for the exporter's first way of mapping. */
  readonly mmap: string | null;
  readonly drains: boolean;
}

/** A pool of buffers with its defaults. */
export interface PlannedBuffer {
  /** Bytes of each. */
  readonly size: number;
  /** Null where the pipeline gives bytes. */
  readonly picture: Picture | null;
  readonly count: number;
  /** Null for the exporter's choice. */
  readonly cache: string | null;
}

/** A pipeline that was checked against a platform. */
export interface PlannedPipeline {
  readonly name: string;
  readonly buffers: ReadonlyMap<string, PlannedBuffer>;
  readonly stages: readonly PlannedStage[];
  readonly exporter: string;
  readonly sync: SyncChoice;
  readonly frames: number;
}

const pins = new Map<unknown, PinChoice>([
  [true, "flip"],
  ["once", "once"],
  [false, "never"],
]);
const syncs: readonly SyncChoice[] = ["implicit", "explicit", "none"];
const MOST_FRAMES = 1_000_000;
const MOST_BUFFERS = 1024;
const MOST_BYTES = 2 ** 36;
const MOST_STRIDE = 2 ** 20;

/**
 * Checks a pipeline against the names of a platform. Throws `InputError` with the field, the reason and the nearest valid
 * name. @param place what stands in front of the field, such as a file name
 */
export function planPipeline(
  pipeline: Pipeline,
  names: { readonly devices: readonly string[]; readonly exporters: readonly string[] },
  place = "",
): PlannedPipeline {
  const fail = (field: string, reason: string): never => {
    throw new InputError(place === "" ? field : `${place}: ${field}`, reason);
  };
  const whole = (field: string, value: number, most: number): number =>
    Number.isSafeInteger(value) && value >= 1 && value <= most
      ? value
      : fail(field, `${value} is not a whole number from 1 to ${most}`);
  const buffers = new Map<string, PlannedBuffer>();
  for (const [name, description] of Object.entries(pipeline.buffers)) {
    const size = sizeOf(description, (field, reason) => fail(`buffers.${name}.${field}`, reason));
    if (size < 1 || size > MOST_BYTES)
      fail(`buffers.${name}.size`, `${size} bytes; a buffer has 1 byte to 64 GiB`);
    const { count = 1, cache = null } = description;
    const picture = "size" in description ? null : pictureOf(description);
    buffers.set(name, { size, picture, count: whole(`buffers.${name}.count`, count, MOST_BUFFERS), cache });
  }
  if (buffers.size === 0) fail("buffers", "a pipeline needs a buffer");
  if (pipeline.stages.length === 0) fail("stages", "a pipeline needs a stage");
  const taken = new Set<string>();
  const stages = pipeline.stages.map((stage, i): PlannedStage => {
    const field = `stages[${i}]`;
    const device = "device" in stage ? stage.device : null;
    const name = stage.name ?? device ?? "cpu";
    if (taken.has(name)) fail(field, `there is a stage "${name}" already; give this one a name of its own`);
    taken.add(name);
    if (device !== null && !names.devices.includes(device)) {
      fail(`${field}.device`, `the board has no device "${device}"${nearestName(device, names.devices)}`);
    }
    const used = [stage.reads, stage.writes].filter((buffer) => buffer !== undefined);
    if (used.length === 0) fail(field, `stage "${name}" neither reads nor writes a buffer`);
    for (const [key, buffer] of Object.entries({ reads: stage.reads, writes: stage.writes })) {
      if (buffer === undefined || buffers.has(buffer)) continue;
      fail(`${field}.${key}`, `there is no buffer "${buffer}"${nearestName(buffer, [...buffers.keys()])}`);
    }
    if (stage.bytes !== undefined) {
      const [start, end] = stage.bytes;
      const smallest = Math.min(...used.map((buffer) => buffers.get(buffer)?.size ?? 0));
      if (
        !(
          Number.isSafeInteger(start) &&
          Number.isSafeInteger(end) &&
          start >= 0 &&
          end > start &&
          end <= smallest
        )
      ) {
        fail(`${field}.bytes`, `[${start}, ${end}) is not a part of a buffer of ${smallest} bytes`);
      }
    }
    return {
      name,
      device,
      reads: stage.reads ?? null,
      writes: stage.writes ?? null,
      bytes: stage.bytes ?? null,
      waits: stage.waits ?? true,
      brackets: "cpu" in stage ? (stage.brackets ?? true) : false,
      polls: "cpu" in stage ? (stage.wait ?? "poll") === "poll" : false,
      pin: "device" in stage && stage.pin !== undefined ? pinOf(stage.pin, `${field}.pin`, fail) : null,
      mmap: "cpu" in stage ? (stage.mmap ?? null) : null,
      drains: "cpu" in stage ? (stage.drains ?? true) : true,
    };
  });
  const { exporter } = pipeline;
  if (exporter === undefined) {
    fail(
      "exporter",
      `is missing, and choosing one is not supported yet; write one of: ${names.exporters.join(", ")}`,
    );
  }
  if (!names.exporters.includes(exporter)) {
    fail("exporter", `the platform has no exporter "${exporter}"${nearestName(exporter, names.exporters)}`);
  }
  const { sync = "implicit" } = pipeline;
  if (!syncs.includes(sync)) fail("sync", `"${sync}" is none of ${syncs.join(", ")}`);
  const frames = whole("frames", pipeline.frames ?? 1, MOST_FRAMES);
  return { name: pipeline.pipeline ?? "pipeline", buffers, stages, exporter, sync, frames };
}

type Fail = (field: string, reason: string) => never;

function pinOf(pin: unknown, field: string, fail: Fail): PinChoice {
  return pins.get(pin) ?? fail(field, `${JSON.stringify(pin)} is none of true, "once" and false`);
}

function sizeOf(description: BufferDescription, fail: Fail): number {
  if ("size" in description) {
    try {
      return parseSize(description.size);
    } catch (error) {
      return fail("size", (error as Error).message);
    }
  }
  const { format, width, height, stride = width } = description;
  if (format !== "NV12") fail("format", `"${format}" is not supported yet; write NV12, or a size`);
  for (const [field, value] of Object.entries({ width, height })) {
    if (!Number.isSafeInteger(value) || value < 2 || value > 65536 || value % 2 !== 0) {
      fail(field, `${value} is not an even number from 2 to 65536, as NV12 needs`);
    }
  }
  if (!Number.isSafeInteger(stride) || stride < width || stride > MOST_STRIDE || stride % 2 !== 0) {
    fail("stride", `${stride} is not an even number of bytes from the width, ${width}, to ${MOST_STRIDE}`);
  }
  return alignUp(stride * height * 1.5, PAGE_SIZE);
}

/** The lines of luma, and half as many of chroma, which are as long. */
const pictureOf = ({ width, height, stride = width }: PictureDescription): Picture => ({
  height: height * 1.5,
  bytesPerLine: stride,
  padded: stride > width,
});
