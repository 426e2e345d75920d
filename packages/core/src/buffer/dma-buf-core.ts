// SPDX-License-Identifier: MIT
import { alignUp, type CpuAddr, cpuAddr, PAGE_SIZE } from "../address.ts";
import type { MemoryMachine } from "../coherency/memory-machine.ts";
import { inject, injectable } from "../di.ts";
import { CPU, type Cpu } from "../dma/cpu.ts";
import { KernelError } from "../error.ts";
import { MEMORY_MACHINE, RESV_POOL, SIMULATION } from "../service.ts";
import type { Simulation } from "../sim/simulation.ts";
import type { FencePool } from "../sync/fence-pool.ts";
import type { ResvPool } from "../sync/resv-pool.ts";
import { mightReclaim } from "../sync/signalling.ts";
import { token } from "../token.ts";
import { dmaBufExport } from "./buffer-trace.ts";
import { COHERENCY_POLICY, type CoherencyPolicy } from "./coherency-policy.ts";
import { DeviceTransfers } from "./device-transfers.ts";
import { DmaBuf } from "./dma-buf.ts";
import type { ExportInfo } from "./dma-buf-ops.ts";
import { FdTable } from "./fd-table.ts";
import { KERNEL_PROFILE, type KernelProfile } from "./kernel-profile.ts";

/** dma-buf of the running system. */
export const DMA_BUF_CORE = token<DmaBufCore>("core", "DmaBufCore");

/** Where mappings begin in virtual memory; beyond any physical address of a machine with 32 bits, so nobody mixes them up. */
const FIRST_MAPPING = 0x7f00_0000_0000;

/** dma-buf itself: makes buffers, numbers them, and lists those that live. @see drivers/dma-buf/dma-buf.c */
@injectable()
export class DmaBufCore {
  readonly simulation: Simulation;
  readonly machine: MemoryMachine;
  readonly cpu: Cpu;
  readonly resvs: ResvPool;
  readonly kernel: KernelProfile;
  readonly policy: CoherencyPolicy;
  /** What devices do with the buffers' memory. */
  readonly transfers: DeviceTransfers;
  /** The descriptors of the one process that is modelled. */
  readonly fds: FdTable;
  readonly #buffers = new Map<number, DmaBuf>();
  #nextInode = 1;
  #nextAttachment = 1;
  #nextMapping = FIRST_MAPPING;

  constructor(
    @inject(SIMULATION) simulation: Simulation,
    @inject(MEMORY_MACHINE) machine: MemoryMachine,
    @inject(CPU) cpu: Cpu,
    @inject(RESV_POOL) resvs: ResvPool,
    @inject(KERNEL_PROFILE) kernel: KernelProfile,
    @inject(COHERENCY_POLICY) policy: CoherencyPolicy,
  ) {
    this.simulation = simulation;
    this.machine = machine;
    this.cpu = cpu;
    this.resvs = resvs;
    this.kernel = kernel;
    this.policy = policy;
    this.transfers = new DeviceTransfers({ simulation, machine, cpu, policy });
    this.fds = new FdTable(this);
  }

  /** The pool of all fences. */
  get fences(): FencePool {
    return this.resvs.fences;
  }

  /** Buffers whose last reference is not gone, in order of export. */
  get buffers(): readonly DmaBuf[] {
    return [...this.#buffers.values()];
  }

  /**
   * Makes a buffer with one reference, the caller's (B-10). Throws `KernelError` EINVAL when a mandatory operation is
   * missing (B-1). @see dma_buf_export
   */
  export(info: ExportInfo): DmaBuf {
    const { ops, exporterName, size } = info;
    for (const operation of ["map", "unmap", "release"] as const) {
      if (typeof ops[operation] === "function") continue;
      const reason = `the operations of ${exporterName} lack ${operation}`;
      this.simulation.diagnostics.warn("B-1", "dma_buf_export", reason);
      throw new KernelError("EINVAL", "dma_buf_export", reason);
    }
    mightReclaim(this.simulation);
    const buffer = new DmaBuf(this, info, this.#nextInode++);
    this.#buffers.set(buffer.ino, buffer);
    const { trace } = this.simulation;
    trace.emit(dmaBufExport, trace.intern(exporterName), size, buffer.ino);
    return buffer;
  }

  /** The living buffer with that inode number, or undefined. */
  find(ino: number): DmaBuf | undefined {
    return this.#buffers.get(ino);
  }

  /** Takes a released buffer off the list; for `DmaBuf`. */
  forget(buffer: DmaBuf): void {
    this.#buffers.delete(buffer.ino);
  }

  /** A virtual address for a mapping of `size` bytes, one page after the last one; for `DmaBuf`. */
  nextMapping(size: number): CpuAddr {
    const address = this.#nextMapping;
    this.#nextMapping += alignUp(size, PAGE_SIZE) + PAGE_SIZE;
    return cpuAddr(address);
  }

  /** A number for an attachment, never reused; for `DmaBuf`. */
  nextAttachment(): number {
    return this.#nextAttachment++;
  }
}
