// SPDX-License-Identifier: MIT
import {
  assemble,
  type BootOptions,
  type DmaBuf,
  Extents,
  KernelError,
  type Process,
  type System,
} from "@dmabuf/core";
import type { DmaFence } from "@dmabuf/core/sync";
import { NotingExporter, toyArch, toyBoard } from "@dmabuf/core/testing";
import { FunctionFs, type FunctionFsOptions, functionfs } from "../src/index.ts";

/** A system with a gadget on the device `direct`, which is not coherent. */
export class GadgetBench {
  readonly system: System;
  readonly gadget: FunctionFs;

  constructor(options: FunctionFsOptions = {}, boot: BootOptions = {}) {
    this.system = assemble(toyBoard, [toyArch(), functionfs("direct", options)]).boot(boot);
    const importer = this.system.importer("direct");
    if (!(importer instanceof FunctionFs)) throw new TypeError("direct has no gadget");
    this.gadget = importer;
  }

  /** A buffer with a descriptor, which has the only reference. */
  open(
    size: number,
    exporter = this.exporter(size),
  ): { buffer: DmaBuf; fd: number; exporter: NotingExporter } {
    const buffer = this.system.dmaBuf.export({ exporterName: "udmabuf", ops: exporter, size });
    return { buffer, exporter, fd: this.system.dmaBuf.fds.install(buffer) };
  }

  /** Operations for a buffer in two pieces. */
  exporter(size: number): NotingExporter {
    const half = size / 2;
    return new NotingExporter(
      this.system.dma,
      Extents.of([0x10_0000, 0x10_0000 + half], [0x20_0000, 0x20_0000 + half]),
    );
  }

  /** Keeps the device busy with something else: the host does not ask for data. What it returns lets it ask. */
  holdHost(): () => void {
    const { timeline } = this.gadget.device;
    const job = timeline.submit({ duration: Number.POSITIVE_INFINITY, complete: () => {} });
    return () => void timeline.cancel(job);
  }

  /** The newest fence that readers (`write`) or writers (`read`) wait for. */
  pending(buffer: DmaBuf, usage: "write" | "read"): DmaFence | null {
    return buffer.resv.firstPending(usage);
  }

  run<T>(process: Process<T>): T {
    return this.system.simulation.complete("test", process);
  }

  /** Runs another task beside. */
  beside(process: Process, name = "other"): void {
    this.system.simulation.spawn(name, process);
  }

  get now(): number {
    return this.system.simulation.now;
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
