// SPDX-License-Identifier: MIT
import {
  type Attachment,
  type CoreServices,
  type DmaBuf,
  type DmaDevice,
  type DmaDirection,
  definePlugin,
  type ImportedBuffer,
  type Importer,
  KernelError,
  PAGE_SIZE,
  type Plugin,
  type Process,
  type SgMapping,
  type TransferOptions,
} from "../../src/index.ts";
import { DmaFence, usageRw } from "../../src/sync.ts";

/** What a driver can get wrong, each a line in the importer below, and what the suite says about it. */
export const faults = {
  "attaches without a reference": "takes no reference",
  "never puts its reference": "did not give its reference to the buffer back",
  "puts a reference too many": "the last reference is gone already (B-13)",
  "attaches twice": "attaches its device, once",
  "maps without the reservation": "map or unmap without the reservation",
  "maps for both directions": "a device that reads maps bidirectional",
  "does not unmap": "still has the buffer mapped (B-28)",
  "does not detach": "still attached",
  "leaks when map fails": "gives everything back when the exporter refuses: the buffer is still attached",
  "publishes reads as writes": "a fence of the wrong usage says that the device reads",
  "publishes writes as reads": "a fence of the wrong usage says that the device writes",
  "publishes as bookkeep": "and no fence says so",
  "publishes after the start": "and no fence says so",
  "signals at the start": "the fence has signaled before the device could start",
  "signals only with the reservation": "does not signal while somebody holds the reservation",
  "waits for nobody": "a reader does not wait for a write fence",
  "waits like a reader": "a writer does not wait for a read fence",
  "waits for everybody": "a reader waits for another reader",
  "waits although it must not": "nonblock: it was accepted",
  "transfers although it is refused": "a transfer that was refused was done all the same",
  "moves everything": "asked for [0, 1), the device touched other bytes",
  "moves the beginning": "asked for [32, 96), the device touched other bytes",
  "takes an entry for a page": "entry 0 is of 2 pages: an entry is not a page",
  "walks the entries by nents": "entry 1 is the first past nents: the CPU's walk goes to orig_nents, 3",
  "moves twice": "one transfer, and the device reads 2 times",
  "reads what it should write": "asked to write, the device did a read",
  "goes past the engine": "6 transfers were 12 accesses",
  "goes past the policy": "the policy was asked: never",
  "counts from 1 each time": "fence 1 follows 1 in one context",
  "does not check the part": "part [0, 0) outside 12288 bytes",
  "checks the end only": "part [0, 0) outside 12288 bytes",
  "answers EIO for a bad part": "answers EIO",
  "answers in two lines": "the error is not one line",
  "does not check the kind": "a device that is to read writes: it was accepted",
  "forgets the fence at detach": "the fence of a detached buffer does not signal",
  "unmaps before the device is done": "the device used the buffer while it was not mapped",
  "transfers after detach": "a transfer after detach: it was accepted",
  "keeps a reference to the fence": "fences were not given back",
} as const;

export type Fault = keyof typeof faults;

/** A plain importer with one fault, or with none. */
export const faulty =
  (fault: Fault | null) =>
  (device: string): Plugin =>
    definePlugin({
      name: fault ?? "no fault",
      provides: {
        importers: { [device]: (services, master) => new FaultyImporter(services, master, fault) },
      },
    });

class FaultyImporter implements Importer {
  readonly services: CoreServices;
  readonly device: DmaDevice;
  readonly #fault: Fault | null;

  constructor(services: CoreServices, device: DmaDevice, fault: Fault | null) {
    this.services = services;
    this.device = device;
    this.#fault = fault;
  }

  has(fault: Fault): boolean {
    return this.#fault === fault;
  }

  attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer> {
    return this.services.simulation.process("attach", this.#attach(buffer, direction));
  }

  *#attach(buffer: DmaBuf, direction: DmaDirection): Process<ImportedBuffer> {
    if (!this.has("attaches without a reference")) buffer.get();
    if (this.has("attaches twice")) yield* buffer.attach(this.device);
    try {
      const attachment = yield* buffer.attach(this.device);
      const mapped = this.has("maps for both directions") ? "bidirectional" : direction;
      try {
        const mapping = yield* this.has("maps without the reservation")
          ? attachment.map(mapped)
          : attachment.mapUnlocked(mapped);
        return new FaultyImport(this, attachment, mapping, direction);
      } catch (error) {
        if (!this.has("leaks when map fails")) yield* attachment.detach();
        throw error;
      }
    } catch (error) {
      buffer.put();
      throw error;
    }
  }
}

class FaultyImport implements ImportedBuffer {
  readonly #importer: FaultyImporter;
  readonly #attachment: Attachment;
  readonly #mapping: SgMapping;
  readonly #direction: DmaDirection;
  readonly #context: number;
  #seqno = 0;
  #attached = true;

  constructor(importer: FaultyImporter, attachment: Attachment, mapping: SgMapping, direction: DmaDirection) {
    this.#importer = importer;
    this.#attachment = attachment;
    this.#mapping = mapping;
    this.#direction = direction;
    this.#context = importer.services.dmaBuf.fences.contextAlloc();
  }

  transfer(kind: "read" | "write", options: TransferOptions = {}): Process<DmaFence> {
    return this.#importer.services.simulation.process("transfer", this.#transfer(kind, options));
  }

  *#transfer(kind: "read" | "write", options: TransferOptions): Process<DmaFence> {
    const has = (fault: Fault): boolean => this.#importer.has(fault);
    const { buffer } = this.#attachment;
    const { dmaBuf, simulation } = this.#importer.services;
    const { offset = 0, nonblock = false } = options;
    const { length = buffer.size - offset } = options;
    this.#check(kind, offset, length);
    const writes = kind === "write";
    yield* buffer.resv.lock();
    const seqno = has("counts from 1 each time") ? 1 : ++this.#seqno;
    const ops = { driverName: "faulty", timelineName: "faulty" };
    const fence = DmaFence.init(dmaBuf.fences, ops, this.#context, seqno);
    const usage = has("publishes as bookkeep")
      ? "bookkeep"
      : writes
        ? has("publishes writes as reads")
          ? "read"
          : "write"
        : has("publishes reads as writes")
          ? "write"
          : "read";
    try {
      const timeout = nonblock && !has("waits although it must not") ? { timeout: 0 } : {};
      const wanted = has("waits for everybody") ? "bookkeep" : usageRw(writes && !has("waits like a reader"));
      const left = has("waits for nobody") ? 1 : yield* buffer.resv.wait(wanted, timeout);
      if (left === 0) {
        if (has("transfers although it is refused")) this.#submit(kind, offset, length, null);
        throw new KernelError("EBUSY", "transfer", "fences are pending");
      }
      if (has("publishes after the start")) {
        this.#submit(kind, offset, length, fence.get());
        yield 100;
      }
      buffer.resv.reserveFences(1);
      buffer.resv.addFence(fence, usage);
    } catch (error) {
      fence.put();
      throw error;
    } finally {
      buffer.resv.unlock();
    }
    if (has("publishes after the start")) return fence;
    if (has("signals at the start")) fence.signal();
    if (has("keeps a reference to the fence")) fence.get();
    if (has("moves twice")) this.#submit(kind, offset, length, null);
    if (has("signals only with the reservation")) {
      const done = fence.get();
      this.#submit(kind, offset, length, null);
      simulation.spawn("worker", this.#signalLater(done));
    } else this.#submit(kind, offset, length, fence.get());
    return fence;
  }

  *#signalLater(fence: DmaFence): Process {
    yield 50_000;
    const { resv } = this.#attachment.buffer;
    yield* resv.lock();
    fence.signal();
    fence.put();
    resv.unlock();
  }

  #check(kind: "read" | "write", offset: number, length: number): void {
    const has = (fault: Fault): boolean => this.#importer.has(fault);
    const { size } = this.#attachment.buffer;
    const fail = (errno: "EINVAL" | "EIO" | "EPERM", reason: string): never => {
      throw new KernelError(errno, "transfer", has("answers in two lines") ? `no\n${reason}` : reason);
    };
    if (!this.#attached && !has("transfers after detach")) fail("EPERM", "detached");
    const wrong = kind === "read" ? "from-device" : "to-device";
    if (this.#direction === wrong && !has("does not check the kind")) fail("EINVAL", "wrong kind");
    const starts = offset >= 0 && length > 0;
    const ends = offset + length <= size;
    if (has("does not check the part")) return;
    if (!(ends && (starts || has("checks the end only")))) {
      fail(has("answers EIO for a bad part") ? "EIO" : "EINVAL", "not a part");
    }
  }

  /** Gives the engine the transfer; the fence's reference goes with its end. */
  #submit(kind: "read" | "write", offset: number, length: number, fence: DmaFence | null): void {
    const has = (fault: Fault): boolean => this.#importer.has(fault);
    const { buffer, device } = this.#attachment;
    const done = (): void => {
      if (fence === null) return;
      if (!(has("forgets the fence at detach") && !this.#attached)) fence.signal();
      fence.put();
    };
    const { machine } = buffer.core;
    const from = has("moves everything") || has("moves the beginning") ? 0 : offset;
    const bytes = has("moves everything") ? buffer.size : length;
    const does = has("reads what it should write") ? "read" : kind;
    const walked = this.#walked(bytes);
    if (walked !== null) {
      const last = walked.length - 1;
      walked.forEach(([at, count], i) => {
        this.#attachment.transfer(this.#mapping, does, at, count, i === last ? done : () => {});
      });
      return;
    }
    if (has("goes past the policy")) {
      machine.access(device.route, does, this.#mapping.extents.slice(from, bytes));
      buffer.core.simulation.timer(done).arm(100_000);
    } else {
      this.#attachment.transfer(this.#mapping, does, from, bytes, done);
      if (has("goes past the engine")) machine.access(device.route, "write", this.#mapping.extents);
    }
  }

  /** The parts that a driver reaches which misreads the scatterlist, when it is to reach everything; else null. */
  #walked(bytes: number): (readonly [offset: number, length: number])[] | null {
    const { extents, nents } = this.#mapping;
    if (bytes !== extents.bytes) return null;
    const entries = [...extents.offsets].map((offset, i): [number, number] => [
      offset,
      (extents.ends[i] as number) - (extents.starts[i] as number),
    ]);
    if (this.#importer.has("walks the entries by nents")) return entries.slice(0, nents);
    if (this.#importer.has("takes an entry for a page"))
      return entries.map(([offset]) => [offset, PAGE_SIZE]);
    return null;
  }

  detach(): Process {
    return this.#importer.services.simulation.process("detach", this.#detach());
  }

  *#detach(): Process {
    const has = (fault: Fault): boolean => this.#importer.has(fault);
    const { buffer } = this.#attachment;
    this.#attached = false;
    const early = has("unmaps before the device is done") || has("forgets the fence at detach");
    if (!early) yield* buffer.resv.wait("bookkeep");
    if (!has("does not unmap")) yield* this.#attachment.unmapUnlocked(this.#mapping);
    if (!has("does not detach")) yield* this.#attachment.detach();
    if (!has("never puts its reference") && !has("attaches without a reference")) buffer.put();
    if (has("puts a reference too many")) buffer.put();
  }
}
