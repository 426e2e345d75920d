// SPDX-License-Identifier: MIT
import { assemble, type DmaBuf, Extents, KernelError, type Process, type System } from "@dmabuf/core";
import type { DmaFence } from "@dmabuf/core/sync";
import { NotingExporter, toyArch, toyBoard } from "@dmabuf/core/testing";
import { Iio, type IioOptions, iio } from "../src/index.ts";

/** A system with a converter on the device `direct`, which is not coherent. */
export class IioBench {
  readonly system: System;
  readonly converter: Iio;

  constructor(options: IioOptions = {}) {
    this.system = assemble(toyBoard, [toyArch(), iio("direct", options)]).boot();
    const importer = this.system.importer("direct");
    if (!(importer instanceof Iio)) throw new TypeError("direct has no converter");
    this.converter = importer;
  }

  /** A buffer with one reference, the test's. */
  export(size = 4096): { buffer: DmaBuf; exporter: NotingExporter } {
    const exporter = new NotingExporter(this.system.dma, Extents.of([0x10_0000, 0x10_0000 + size]));
    return { exporter, buffer: this.system.dmaBuf.export({ exporterName: "test", ops: exporter, size }) };
  }

  run<T>(process: Process<T>): T {
    return this.system.simulation.complete("test", process);
  }

  get now(): number {
    return this.system.simulation.now;
  }

  /** What the device did to memory so far. */
  get accesses(): string[] {
    const { log } = this.system.analysis;
    return Array.from({ length: log.length }, (_, step) => log.operation(step).kind);
  }
}

/** The errno that a process answers with, or null when it answers none. */
export function* errnoOf(process: Process<unknown>): Process<string | null> {
  try {
    yield* process;
    return null;
  } catch (error) {
    if (error instanceof KernelError) return error.errno;
    throw error;
  }
}

/** Waits for a fence and gives it back; the status that it ended with. */
export function* ended(fence: DmaFence): Process<string> {
  yield* fence.wait();
  const { status } = fence;
  fence.put();
  return status;
}
