// SPDX-License-Identifier: MIT
import { type DmaDirection, dmaDirections } from "../dma/direction.ts";
import type { DmaConstraints } from "../dma/dma-constraints.ts";
import type { DmaDevice } from "../dma/dma-device.ts";
import { KernelError } from "../error.ts";
import type { Extents } from "../memory/extents.ts";
import type { Process } from "../sim/process.ts";
import { DmaResv } from "../sync/dma-resv.ts";
import type { PollEvent, PollOptions } from "../sync/poll-queue.ts";
import { mightReclaim } from "../sync/signalling.ts";
import { usageRw } from "../sync/usage.ts";
import { Attachment } from "./attachment.ts";
import { BufferConstraints } from "./buffer-constraints.ts";
import {
  dmaBufBeginCpuAccess,
  dmaBufCpuAccessSynced,
  dmaBufDynamicAttach,
  dmaBufEndCpuAccess,
  dmaBufMmap,
  dmaBufPut,
  memoryTypeFields,
} from "./buffer-trace.ts";
import type { Picture } from "./constraint/picture-check.ts";
import { worstSegmentCount } from "./constraint/picture-segments.ts";
import { CpuMapping } from "./cpu-mapping.ts";
import type { DmaBufCore } from "./dma-buf-core.ts";
import type { DmaBufOps, ExportInfo } from "./dma-buf-ops.ts";
import { DmaBufPoll } from "./dma-buf-poll.ts";
import type { KernelMapping } from "./kernel-mapping.ts";
import { exportSyncFile, importSyncFile } from "./sync-file-ioctl.ts";
import { parseSyncFlags } from "./sync-flag.ts";
import { Vmap } from "./vmap.ts";

/**
 * A shared buffer. Locking follows 1.15: everything here must be called without the buffer's reservation held.
 * @see struct dma_buf
 */
export class DmaBuf {
  readonly core: DmaBufCore;
  /** Inode number, never reused: the buffer's identity (B-5). */
  readonly ino: number;
  /** Bytes. */
  readonly size: number;
  readonly exporterName: string;
  readonly ops: DmaBufOps;
  readonly resv: DmaResv;
  readonly #ownsResv: boolean;
  readonly #attachments: Attachment[] = [];
  readonly #constraints: BufferConstraints | null;
  #poll: DmaBufPoll | undefined;
  #name: string | null = null;
  #picture: Picture | null = null;
  readonly #vmap = new Vmap(this);
  #references = 1;

  /** For `DmaBufCore.export`. */
  constructor(core: DmaBufCore, { exporterName, ops, size, resv }: ExportInfo, ino: number) {
    this.core = core;
    this.ino = ino;
    this.size = size;
    this.exporterName = exporterName;
    this.ops = ops;
    this.#ownsResv = resv === undefined;
    this.resv = resv ?? new DmaResv(core.resvs, `dma-buf ${ino}`);
    this.#constraints = core.kernel.constrainsAttach ? new BufferConstraints(this) : null;
  }

  /** The devices that share it, in the order in which they came. */
  get attachments(): readonly Attachment[] {
    return this.#attachments;
  }

  /** What the devices that share it can take together; null for kernels that do not ask (PR-10). */
  get constraints(): DmaConstraints | null {
    return this.#constraints?.current ?? null;
  }

  /** As `constraints`, computed again from the devices that are attached (PR-11). */
  recalculateConstraints(): DmaConstraints | null {
    return this.#constraints?.recalculate() ?? null;
  }

  /** References to the file: descriptors, mappings, importers (B-17). */
  get references(): number {
    return this.#references;
  }

  /** The name that user space gave it, or null. */
  get name(): string | null {
    return this.#name;
  }

  /** Names it. Throws `KernelError` EINVAL for more than 31 bytes (B-72). @see DMA_BUF_SET_NAME */
  setName(name: string): void {
    const bytes = [...name].reduce((sum, letter) => sum + utf8Length(letter), 0);
    if (bytes > 31) throw new KernelError("EINVAL", "dma_buf_set_name", `"${name}" is longer than 31 bytes`);
    this.#name = name;
  }

  /** The picture that user space keeps in it, or null when it has not said. */
  get picture(): Picture | null {
    return this.#picture;
  }

  /**
   * Says what picture is kept in it, before devices attach: where the kernel looks at constraints, those with few segments are
   * asked whether they suffice for it (D17). Throws `TypeError` for lines that are none.
   */
  describePicture(picture: Picture): void {
    worstSegmentCount(picture);
    this.#picture = picture;
  }

  /** Takes another reference (B-14). */
  get(): this {
    this.#references++;
    return this;
  }

  /** Gives a reference back; with the last one the exporter releases the memory (B-13, B-15, B-16). */
  put(): void {
    const { simulation } = this.core;
    if (this.#references === 0)
      simulation.diagnostics.bug("B-13", "dma_buf_put", "the last reference is gone already");
    const { trace } = simulation;
    trace.emit(dmaBufPut, trace.intern(this.exporterName), this.size, this.ino);
    this.putFile();
  }

  /** As `put`, of a reference to the file that only core has (B-66). @see fput */
  putFile(): void {
    const { simulation } = this.core;
    if (--this.#references > 0) return;
    this.core.forget(this);
    this.ops.release(this);
    if (this.#ownsResv) this.resv.fini();
    if (this.#attachments.length > 0) {
      const names = this.#attachments.map(({ device }) => device.name).join(", ");
      simulation.diagnostics.warn("B-16", "dma_buf_release", `released while still attached: ${names}`);
    }
  }

  [Symbol.dispose](): void {
    this.put();
  }

  /**
   * Attaches a device as a static importer (B-20 to B-24). The importer must hold a reference for as long (B-17).
   * Throws what the exporter or the coherency policy answers, and where the kernel looks at constraints `KernelError`
   * EINVAL or EBUSY for a device that does not go with the others (PR-11). @see dma_buf_attach
   */
  attach(device: DmaDevice): Process<Attachment> {
    return this.core.simulation.process("dma_buf_attach", this.#attach(device));
  }

  *#attach(device: DmaDevice): Process<Attachment> {
    const { policy, simulation } = this.core;
    this.resv.assertNotHeld("B-21", "dma_buf_attach");
    policy.attach(this, device);
    mightReclaim(simulation);
    const attachment = new Attachment(this, device, this.core.nextAttachment());
    if (this.ops.attach !== undefined) yield* this.ops.attach(this, attachment);
    yield* this.resv.lock();
    try {
      this.#constraints?.admit(device);
    } catch (error) {
      this.resv.unlock();
      this.ops.detach?.(this, attachment);
      throw error;
    }
    this.#attachments.push(attachment);
    this.resv.unlock();
    const { trace } = simulation;
    trace.emit(
      dmaBufDynamicAttach,
      trace.intern(device.name),
      trace.intern(this.exporterName),
      this.size,
      this.ino,
      attachment.id,
      0,
    );
    return attachment;
  }

  /** Takes an attachment off the list; for `Attachment.detach`, with the reservation held. */
  remove(attachment: Attachment): void {
    const at = this.#attachments.indexOf(attachment);
    if (at >= 0) this.#attachments.splice(at, 1);
    this.#constraints?.recalculate();
  }

  /**
   * Ordinary memory as a list for one device, whose pieces are no longer than it can take and cross no boundary of its, for
   * exporters that make a `listPerImporter`; where the kernel does not ask, as it lies (D14). Throws `KernelError` EINVAL when
   * that makes more pieces than the device takes.
   */
  listFor(device: DmaDevice, extents: Extents): Extents {
    return this.#constraints?.listFor(device, extents) ?? extents;
  }

  /** Has the exporter allocate memory that suits all devices, where that is put off until the first map (D13). */
  *allocate(): Process {
    if (this.#constraints !== null) yield* this.#constraints.allocate();
  }

  /**
   * Opens a CPU bracket: the exporter's maintenance, then the wait for fences (B-50), in that order on kernels that have
   * it so (B-51). Reading waits for writers, writing for everybody. Brackets neither nest nor exclude (B-53).
   * @see dma_buf_begin_cpu_access
   */
  beginCpuAccess(direction: DmaDirection): Process {
    return this.core.simulation.process("dma_buf_begin_cpu_access", this.#beginCpuAccess(direction));
  }

  *#beginCpuAccess(direction: DmaDirection): Process {
    const { kernel, simulation, cpu } = this.core;
    this.resv.assertNotHeld("B-50", "dma_buf_begin_cpu_access");
    const usage = usageRw(direction !== "from-device");
    simulation.trace.emit(dmaBufBeginCpuAccess, this.ino, dmaDirections.indexOf(direction));
    if (!kernel.maintainsBeforeWaiting) yield* this.resv.wait(usage, { interruptible: true });
    if (this.ops.beginCpuAccess !== undefined) yield* this.ops.beginCpuAccess(this, direction);
    simulation.trace.emit(dmaBufCpuAccessSynced, this.ino);
    yield* cpu.settle();
    if (kernel.maintainsBeforeWaiting) yield* this.resv.wait(usage, { interruptible: true });
  }

  /** Closes a CPU bracket: the exporter's maintenance, no fences (B-52). @see dma_buf_end_cpu_access */
  endCpuAccess(direction: DmaDirection): Process {
    return this.core.simulation.process("dma_buf_end_cpu_access", this.#endCpuAccess(direction));
  }

  *#endCpuAccess(direction: DmaDirection): Process {
    const { simulation, cpu } = this.core;
    this.resv.assertNotHeld("B-52", "dma_buf_end_cpu_access");
    simulation.trace.emit(dmaBufEndCpuAccess, this.ino, dmaDirections.indexOf(direction));
    if (this.ops.endCpuAccess !== undefined) yield* this.ops.endCpuAccess(this, direction);
    simulation.trace.emit(dmaBufCpuAccessSynced, this.ino);
    yield* cpu.settle();
  }

  /**
   * What the sync ioctl does: opens a bracket, or closes one with the flag for it. `flags` are those of `SyncFlag`. Throws
   * `KernelError` EINVAL for other bits and for neither read nor write (B-71), EINTR when a signal ends the wait.
   * @see DMA_BUF_IOCTL_SYNC
   */
  sync(flags: number): Process {
    return this.core.simulation.process("dma_buf_ioctl", this.#sync(flags));
  }

  *#sync(flags: number): Process {
    const { direction, end } = parseSyncFlags(flags);
    yield* end ? this.endCpuAccess(direction) : this.beginCpuAccess(direction);
  }

  /** Takes the buffer's fences out as a sync file, whose descriptor it returns; see `exportSyncFile` (B-73). */
  exportSyncFile(flags: number): Process<number> {
    return this.core.simulation.process("dma_buf_export_sync_file", exportSyncFile(this, flags));
  }

  /** Puts the fences of a sync file into the buffer; see `importSyncFile` (B-74). */
  importSyncFile(flags: number, fd: number): Process {
    return this.core.simulation.process("dma_buf_import_sync_file", importSyncFile(this, flags, fd));
  }

  /**
   * Waits until the buffer can be read or written as far as its fences go, and says which; nothing when the time is over
   * before (B-63 to B-67). Throws `KernelError` EINTR for a signal. @see dma_buf_poll
   */
  poll(interest: readonly PollEvent[], options: PollOptions = {}): Process<readonly PollEvent[]> {
    this.#poll ??= new DmaBufPoll(this);
    return this.core.simulation.process("dma_buf_poll", this.#poll.poll(interest, options));
  }

  /**
   * Maps the buffer into user space; the mapping holds a reference until it is disposed of. Throws `KernelError` EINVAL
   * when the exporter has no mmap (B-59), or not of that type. @param type one of the exporter's `mmapTypes`
   * @see dma_buf_mmap
   */
  mmap(type?: string): CpuMapping {
    const { exporterName, ops, ino, size } = this;
    this.resv.assertNotHeld("B-59", "dma_buf_mmap");
    const refuse = (reason: string): never => {
      throw new KernelError("EINVAL", "dma_buf_mmap", reason);
    };
    if (ops.mmap === undefined) return refuse(`${exporterName} buffers cannot be mapped`);
    const { mmapTypes = [] } = ops;
    if (type !== undefined && !mmapTypes.includes(type)) {
      const ways = mmapTypes.length === 0 ? "in one way" : `as ${mmapTypes.join(", ")}`;
      return refuse(`${exporterName} buffers can be mapped ${ways}, not as "${type}"`);
    }
    const pages = ops.mmap(this, type);
    const mapping = new CpuMapping(this.get(), pages, this.core.nextMapping(size));
    const { trace } = this.core.simulation;
    const name = trace.intern(exporterName);
    trace.emit(dmaBufMmap, name, size, ino, mapping.address, ...memoryTypeFields(pages));
    return mapping;
  }

  /**
   * Maps the buffer into the kernel, or counts one more user of the mapping that there is; the reservation must be held.
   * Throws `KernelError` EINVAL when the exporter has no vmap (B-55), and what the exporter answers, of which the kernel
   * warns. @see dma_buf_vmap
   */
  vmap(): Process<KernelMapping> {
    return this.core.simulation.process("dma_buf_vmap", this.#vmap.map());
  }

  /** Ends one use of the kernel's mapping, and with the last one the mapping; the reservation must be held (B-56). */
  vunmap(mapping: KernelMapping): void {
    this.#vmap.unmap(mapping);
  }

  /** The kernel's mapping of the buffer, or null when nobody has one. */
  get kernelMapping(): KernelMapping | null {
    return this.#vmap.mapping;
  }

  /** Takes the reservation, maps into the kernel, and lets it go (B-58). */
  vmapUnlocked(): Process<KernelMapping> {
    return this.core.simulation.process("dma_buf_vmap_unlocked", this.#vmap.mapUnlocked());
  }

  /** Takes the reservation, ends one use of the kernel's mapping, and lets it go (B-58). */
  vunmapUnlocked(mapping: KernelMapping): Process {
    return this.core.simulation.process("dma_buf_vunmap_unlocked", this.#vmap.unmapUnlocked(mapping));
  }
}

const utf8Length = (letter: string): number => {
  const point = letter.codePointAt(0) as number;
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x1_0000 ? 3 : 4;
};
