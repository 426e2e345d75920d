// SPDX-License-Identifier: MIT
import {
  type DmaBuf,
  KernelError,
  mergeSyncFiles,
  SyncFlag,
  setSyncFileDeadline,
  syncFileInfo,
} from "../../src/index.ts";
import type { Process, Timer } from "../../src/sim.ts";
import { DmaFence, type FenceStatus, type PollEvent, usageRw } from "../../src/sync.ts";
import { BufferBench } from "./buffer-bench.ts";

const SECOND = 1_000_000_000;
const MILLISECOND = 1_000_000;
/** vgem signals by itself what nobody signaled for so long. */
const EXPIRY = 10 * SECOND;
const vgemFences = { driverName: "vgem", timelineName: "unbound" };

/** What the model answers to a recorded call: a value, an errno, or why it has no answer. */
export type Answer = number | string | { readonly notModelled: string };

const notModelled: readonly (readonly [RegExp, string])[] = [
  [/^epoll|^MOD IN/, "epoll"],
  [/NULL/, "pointers that fault"],
  [/^unknown ioctl/, "ioctl numbers"],
  [/^(read|lseek|mmap)\(sync_file/, "a sync file as a file"],
];

/** A process that makes the calls of one recorded case: fences of vgem, polls, sync files. */
export class RecordedFences {
  readonly #bench = new BufferBench();
  readonly #pending: { readonly fence: DmaFence; readonly timer: Timer }[] = [];
  #vgem: DmaBuf | undefined;
  #other: DmaBuf | undefined;
  /** The last sync file, and the stub that imports are tried with. */
  #sync = -1;
  #first = -1;
  #stub = -1;
  /** Polls go to the sync file that was made last, or to the buffer. */
  readonly #pollsFile: boolean;
  /** The recorded case tries two handles that do not exist before it has one. */
  #badHandles: number;
  /** What was observed, by the label of the call. */
  readonly observed: Record<string, unknown> = {};

  constructor(name: string) {
    this.#badHandles = name === "fence/errors" ? 2 : 0;
    this.#pollsFile = /two_readers|close_device|export_sync_file|merge_info/.test(name);
  }

  answer(call: string): Answer {
    for (const [pattern, reason] of notModelled) if (pattern.test(call)) return { notModelled: reason };
    try {
      return this.#answer(call);
    } catch (error) {
      if (error instanceof KernelError) return error.errno;
      throw error;
    }
  }

  get #simulation() {
    return this.#bench.system.simulation;
  }

  get #core() {
    return this.#bench.system.dmaBuf;
  }

  #run<T>(process: Process<T>): T {
    // No further than the process itself: what expires later is not due yet.
    const task = this.#simulation.spawn("recorded", process);
    while (!task.done) this.#simulation.run({ until: this.#simulation.now + MILLISECOND });
    return task.result;
  }

  #export(name: string): DmaBuf {
    return this.#core.export({ exporterName: name, ops: this.#bench.exporter, size: 4096 });
  }

  #answer(call: string): Answer {
    const number = (pattern: RegExp): number => Number(pattern.exec(call)?.[1]);
    if (call.startsWith("vgem CREATE_DUMB")) {
      this.#vgem = this.#export("vgem");
      return 0;
    }
    if (call.startsWith("PRIME_HANDLE_TO_FD")) return 0;
    if (call.startsWith("udmabuf(size")) {
      this.#other = this.#export("udmabuf");
      return "fd";
    }
    if (call.startsWith("VGEM_FENCE_ATTACH")) return this.#attach(call, number(/flags=(\d+)/));
    if (call === "ATTACH pad=1") throw new KernelError("EINVAL", "vgem_fence_attach_ioctl", "padding");
    if (call.startsWith("VGEM_FENCE_SIGNAL"))
      return this.#signal(number(/fence=(\d+)/), number(/flags=(\d+)/));
    // The call's answer once more, as the recording's own summary.
    if (call === "signal returns") return this.#signal(1, 0);
    if (call.startsWith("close(vgem")) return this.#closeDevice();
    if (call.startsWith("EXPORT_SYNC_FILE")) return this.#exportFile(number(/\((?:flags=)?(\w+)\)/));
    if (call.startsWith("IMPORT_SYNC_FILE")) return this.#import(number(/\((?:flags=)?(\w+)/));
    if (call.startsWith("poll(")) return this.#poll(call);
    if (call.startsWith("udmabuf SYNC START|READ")) return this.#bracket();
    return this.#syncFile(call);
  }

  #attach(call: string, flags: number): number {
    if (this.#badHandles-- > 0) throw new KernelError("ENOENT", "vgem_fence_attach_ioctl", "no such handle");
    if (flags > 1) throw new KernelError("EINVAL", "vgem_fence_attach_ioctl", `flags ${flags}`);
    const { fences } = this.#core;
    const { resv } = this.#vgem as DmaBuf;
    const write = flags === 1;
    if (!resv.testSignaled(usageRw(write))) throw new KernelError("EBUSY", "vgem_fence_attach_ioctl", "busy");
    const fence = DmaFence.init(fences, vgemFences, fences.contextAlloc(), 1);
    this.#run(
      (function* () {
        yield* resv.lock();
        resv.reserveFences(1);
        resv.addFence(fence, write ? "write" : "read");
        resv.unlock();
      })(),
    );
    const timer = this.#simulation.timer(() => void fence.signal());
    timer.arm(EXPIRY);
    const out = this.#pending.push({ fence, timer });
    // A handle that was told is part of the answer.
    return Number(/out_fence=(\d+)/.exec(call)?.[1]) === out ? 0 : -1;
  }

  #signal(id: number, flags: number): number {
    const operation = "vgem_fence_signal_ioctl";
    if (flags !== 0) throw new KernelError("EINVAL", operation, `flags ${flags}`);
    const entry = this.#pending[id - 1];
    if (entry === undefined || !entry.timer.armed) {
      // One that expired is still known, one that was signaled is not.
      if (entry !== undefined && entry.fence.timestamp >= EXPIRY)
        throw new KernelError("ETIMEDOUT", operation, "signaled by itself");
      throw new KernelError("ENOENT", operation, `no fence ${id}`);
    }
    entry.timer.cancel();
    entry.fence.signal();
    return 0;
  }

  #closeDevice(): number {
    for (const { fence, timer } of this.#pending) {
      timer.cancel();
      fence.signal();
    }
    return 0;
  }

  /** The buffer that the case looks at last: the importing one if there is one. */
  get #buffer(): DmaBuf {
    return (this.#other ?? this.#vgem) as DmaBuf;
  }

  #exportFile(flags: number): number {
    this.#sync = this.#run(this.#buffer.exportSyncFile(flags));
    if (this.#first < 0) this.#first = this.#sync;
    return 0;
  }

  #import(flags: number): number {
    if (this.#sync < 0) this.#stub = this.#run(this.#buffer.exportSyncFile(SyncFlag.read));
    this.#run(this.#buffer.importSyncFile(flags, this.#sync < 0 ? this.#stub : this.#sync));
    return 0;
  }

  #poll(call: string): Answer {
    const events = Number(/events=(0x\w+)/.exec(call)?.[1]);
    const timeout = Number(/timeout=(\d+)/.exec(call)?.[1]) * MILLISECOND;
    const interest: PollEvent[] = [];
    if ((events & 1) !== 0) interest.push("in");
    if ((events & 4) !== 0) interest.push("out");
    const { fds } = this.#core;
    const fd = this.#pollsFile ? this.#sync : fds.install(this.#buffer.get());
    const start = this.#simulation.now;
    const ready = this.#run(fds.poll(fd, interest, { timeout }));
    if (!this.#pollsFile) fds.close(fd);
    if (timeout > 0) this.observed["timeout_ms_approx"] = (this.#simulation.now - start) / MILLISECOND;
    const found = ready.reduce((bits, event) => bits + (event === "in" ? 1 : 4), 0);
    // What was ready is part of the call's text.
    const recorded = Number(/revents=(0x\w+)/.exec(call)?.[1]);
    return found === recorded ? Math.sign(found) : `revents ${found}`;
  }

  /** A bracket that waits for a fence, which another thread signals after a while. */
  #bracket(): number {
    const { simulation } = this.#bench.system;
    const start = simulation.now;
    simulation.timer(() => void this.#closeDevice()).arm(50 * MILLISECOND);
    this.#run(this.#buffer.sync(SyncFlag.read));
    this.observed["blocked"] = simulation.now - start >= 50 * MILLISECOND ? 1 : 0;
    return 0;
  }

  #syncFile(call: string): Answer {
    const core = this.#core;
    const label = /^FILE_INFO\((\w+)\) => status=(\d) num_fences=(\d)$/.exec(call);
    if (label !== null) {
      // "both" is asked of the file that was exported first, when both were pending.
      const fd = label[1] === "both" ? this.#first : this.#sync;
      const { fences, status, numFences } = syncFileInfo(core, fd, { numFences: 8 });
      this.observed[label[1] as string] = fences.map((fence) => ({
        drv: fence.driverName,
        obj: fence.timelineName,
        status: code(fence.status),
        // The recording notes whether the time is 0; a case that begins at 0 ns has no other.
        ts0: fence.status === "active" ? 1 : 0,
      }));
      const same = code(status) === Number(label[2]) && numFences === Number(label[3]);
      return same ? 0 : `status ${status}, ${numFences} fences`;
    }
    if (call.startsWith("FILE_INFO(num=0)") || call.startsWith("FILE_INFO(num=4)")) {
      const info = syncFileInfo(core, this.#sync, { numFences: call.includes("num=4") ? 4 : 0 });
      const [fence] = info.fences;
      Object.assign(this.observed, { num_fences: info.numFences, status: code(info.status) });
      if (fence !== undefined) {
        const { driverName: drv, timelineName: obj } = fence;
        Object.assign(this.observed, { drv, obj, n2: info.numFences, fstatus: code(fence.status) });
      }
      const named = /name='(.*)'/.exec(call)?.[1];
      return named === undefined || named === info.name ? 0 : info.name;
    }
    return this.#mergeCase(call);
  }

  #mergeCase(call: string): Answer {
    const core = this.#core;
    const stub = (): number => this.#run(this.#buffer.exportSyncFile(SyncFlag.read));
    if (this.#stub < 0) this.#stub = stub();
    const merge = (arg: { name?: string; fd2?: number; flags?: number; pad?: number }): number => {
      return mergeSyncFiles(core, this.#stub, { name: "mergedname", fd2: this.#stub, ...arg });
    };
    const answers: Readonly<Record<string, () => void>> = {
      "SYNC_IOC_MERGE(stub,stub)": () => {
        this.#sync = merge({ fd2: stub() });
      },
      "FILE_INFO(merged)": () => {
        const { name, status, numFences } = syncFileInfo(core, this.#sync, { numFences: 4 });
        Object.assign(this.observed, { num_fences: numFences, status: code(status), name });
      },
      "MERGE fd2=-1": () => merge({ fd2: -1 }),
      "MERGE fd2=dmabuf": () => merge({ fd2: core.fds.install(this.#buffer.get()) }),
      "MERGE flags=1": () => merge({ flags: 1 }),
      "MERGE pad=1": () => merge({ pad: 1 }),
      "MERGE self": () => merge({}),
      "MERGE name 32 unterminated": () => {
        const { name } = syncFileInfo(core, merge({ name: "x".repeat(32) }));
        this.observed["name_len_from_32"] = name.length;
      },
      "FILE_INFO flags=1": () => syncFileInfo(core, this.#sync, { flags: 1 }),
      "FILE_INFO pad=1": () => syncFileInfo(core, this.#sync, { pad: 1 }),
      SET_DEADLINE: () => setSyncFileDeadline(core, this.#sync, 1000),
      "SET_DEADLINE pad=1": () => setSyncFileDeadline(core, this.#sync, 1000, 1),
    };
    const answer = answers[call];
    if (answer === undefined) throw new TypeError(`the replay does not know the call ${call}`);
    answer();
    return 0;
  }
}

/** As the kernel numbers them, without errors: none was recorded. */
const code = (status: FenceStatus): number | string =>
  status === "active" ? 0 : status === "signaled" ? 1 : status;
