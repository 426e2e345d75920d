// SPDX-License-Identifier: MIT
import { type DmaBuf, Extents, KernelError, PAGE_SIZE, type System } from "@dmabuf/core";
import { Memfd, seals, type UdmabufItem } from "../src/index.ts";
import { boot, deviceOf, run, sealed } from "./board.ts";

/** What the model answers to a recorded call: a value, an errno, or why it has no answer. */
export type Answer = number | string | { readonly notModelled: string };

/** Calls that have no counterpart, and why. */
const notModelled: readonly (readonly [RegExp, string])[] = [
  [/^UDMABUF_CREATE.*\((arg=1|NULL|count=1, items)|^SET_NAME_B\(NULL/, "pointers that fault"],
  [/F_GETFD|kcmp/, "what a descriptor is beside its buffer"],
  [/^(stat|open|read\(dev|write\(dev|lseek\(dev|mmap\(dev|poll\(fd)/, "the device file as a file"],
  [
    /^(mmap$|mmap\(|mmap 1 page|mremap|write 0x47|vmsplice|process_vm|write\(pipe|read\(pipe)/,
    "user mappings",
  ],
  [/^lseek/, "positions in a dma-buf other than its end"],
  [/^(fstat|mount)/, "the file system of dma-bufs"],
];

/** A process that makes the calls of one recorded case. */
export class RecordedProcess {
  readonly system: System = boot(
    { data: 1 },
    { board: { memory: [{ base: 0, size: "256MiB" }], pools: [] } },
  );
  #memfd = new Memfd(this.system);
  #buffers: DmaBuf[] = [];
  /** First byte of each page of the memfd before the buffer is made; the recording filled one. */
  readonly #filled: number | null;

  constructor(filled: number | null) {
    this.#filled = filled;
  }

  answer(call: string): Answer {
    try {
      const answer = this.#answer(call);
      if (answer !== undefined) return answer;
    } catch (error) {
      if (error instanceof KernelError) return error.errno;
      throw error;
    }
    for (const [pattern, reason] of notModelled) if (pattern.test(call)) return { notModelled: reason };
    throw new TypeError(`the replay does not know the call ${call}`);
  }

  #answer(call: string): Answer | undefined {
    return (
      this.#createOne(call) ??
      this.#createList(call) ??
      this.#memfdCall(call) ??
      this.#bufferCall(call) ??
      this.#contents(call)
    );
  }

  #createOne(call: string): Answer | undefined {
    const match = /UDMABUF_CREATE,\{memfd=(.*),flags=(\w+),offset=(\w+),size=(\w+)\}/.exec(call);
    if (match === null) return undefined;
    const [flags, offset, size] = match.slice(2).map(Number) as [number, number, number];
    const memfd = this.#named(match[1] as string);
    if (memfd === undefined) return undefined;
    this.#buffers.push(run(this.system, () => deviceOf(this.system).create({ memfd, flags, offset, size })));
    return "fd";
  }

  /** The file behind a name of the recording; null for what is no memfd, undefined for what is not modelled. */
  #named(name: string): Memfd | null | undefined {
    if (name === "memfd" || name === "unsealable") return this.#memfd;
    if (name.startsWith("hugetlb")) return undefined;
    const size = /^sealed\((\d+)\)$/.exec(name)?.[1];
    if (size !== undefined) return sealed(this.system, Number(size) / PAGE_SIZE);
    if (name === "empty memfd") return sealed(this.system, 0);
    if (name.startsWith("via ")) return sealed(this.system, 1);
    if (name.startsWith("tmpfs")) {
      const file = new Memfd(this.system, { allowSealing: false });
      file.truncate(PAGE_SIZE);
      return file;
    }
    return null;
  }

  #createList(call: string): Answer | undefined {
    const match = /UDMABUF_CREATE_LIST,\{flags=(\w+),count=(\d+),(.*)\}/.exec(call);
    if (match === null && !call.includes("count=0, items unmapped")) return undefined;
    const [flags, count] = (match ?? ["", 0, 0]).slice(1, 3).map(Number) as [number, number];
    const what = match?.[3] ?? "";
    const page = (change: Partial<UdmabufItem> = {}): UdmabufItem => ({
      memfd: sealed(this.system, 1),
      offset: 0,
      size: PAGE_SIZE,
      ...change,
    });
    const half = (): UdmabufItem => ({ memfd: sealed(this.system, 8192), offset: 0, size: 2 ** 25 });
    const one = page();
    const items: Readonly<Record<string, () => UdmabufItem[]>> = {
      "ok item": () => [one],
      "same page x3": () => [one, one, one],
      "second item size=0": () => [one, page({ size: 0 })],
      "first item size=0": () => [page({ size: 0 }), one],
      "first item size=0 memfd=-1": () => [page({ size: 0, memfd: null }), one],
      "only item size=0": () => [page({ size: 0 })],
      "2x32MiB = 64MiB": () => [half(), half()],
      "64MiB + 4096": () => [half(), half(), one],
    };
    const list =
      items[what]?.() ?? (count > 2 ** 20 ? new Array<UdmabufItem>(count) : Array(count).fill(one));
    if (list.length !== count) throw new TypeError(`${what} is not a list of ${count}`);
    this.#buffers.push(run(this.system, () => deviceOf(this.system).createList(list, flags)));
    return "fd";
  }

  #memfdCall(call: string): Answer | undefined {
    if (call === 'memfd_create("oracle",CLOEXEC|ALLOW_SEALING)') return "fd";
    if (call === "memfd_create(no ALLOW_SEALING)") {
      this.#memfd = new Memfd(this.system, { allowSealing: false });
      return "fd";
    }
    const size = /^ftruncate(?:\(memfd,| )(\d+)\)?$/.exec(call)?.[1];
    if (size !== undefined) {
      this.#memfd.truncate(Number(size));
      if (this.#filled !== null) this.#fill(this.#filled);
      return 0;
    }
    if (/F_GET_SEALS/.test(call))
      return this.#memfd.seals.reduce((bits, seal) => bits + 2 ** seals.indexOf(seal), 0);
    const bits = /F_ADD_SEALS,(0x\w+)/.exec(call)?.[1];
    const names = /F_ADD_SEALS\((\w+)\)/.exec(call)?.[1]?.toLowerCase().replace("_", "-");
    if (bits === undefined && names === undefined) {
      if (!call.startsWith("fallocate(memfd,PUNCH_HOLE")) return undefined;
      this.#memfd.punchHole(0, PAGE_SIZE);
      return 0;
    }
    const added = seals.filter((seal, i) => seal === names || (Number(bits ?? 0) & (1 << i)) !== 0);
    this.#memfd.addSeals(...added);
    return 0;
  }

  #bufferCall(call: string): Answer | undefined {
    const size = /^udmabuf\(size=(\d+),/.exec(call)?.[1];
    if (size !== undefined) {
      this.#buffers.push(run(this.system, () => deviceOf(this.system).allocate(Number(size))));
      return "fd";
    }
    if (/^lseek\((dmabuf,)?0,(SEEK_)?END( again)?\)$/.test(call)) return this.buffer.size;
    const word = /^DMA_BUF_IOCTL_SYNC\(flags=(0x\w+)\)$/.exec(call)?.[1];
    if (word !== undefined) {
      const { buffer } = this;
      run(this.system, () => buffer.sync(Number(word)));
      return 0;
    }
    const letters = /^SET_NAME(?:_[AB])?\((?:len=(\d+)|(aaa|bbb|ccc|empty|x\\ny|utf8 e-acute))\)$/.exec(call);
    if (letters === null) return undefined;
    const words: Readonly<Record<string, string>> = { empty: "", "x\\ny": "x\ny", "utf8 e-acute": "\u00e9" };
    const [, length, text = ""] = letters;
    this.buffer.setName(length === undefined ? (words[text] ?? text) : "n".repeat(Number(length)));
    return 0;
  }

  #contents(call: string): Answer | undefined {
    const create = /^create([12])/.exec(call)?.[1];
    if (create !== undefined) {
      const item = { memfd: this.#memfd, offset: 0, size: this.#memfd.size };
      this.#buffers.push(run(this.system, () => deviceOf(this.system).create(item)));
      return "fd";
    }
    if (/^(mmap dmabuf|mmap dmabuf RW|map[12])$/.test(call)) {
      this.buffer.mmap();
      return 0;
    }
    if (call === "close(dmabuf)") {
      this.buffer.mmap();
      this.buffer.put();
      return 0;
    }
    if (call === "munmap") {
      this.buffer.put();
      return 0;
    }
    const read = /^read (?:dmabuf )?(?:page(\d)|map(\d)?)/.exec(call);
    if (read !== null) return this.#byte(this.#bufferOf(read[2]), Number(read[1] ?? 0));
    const write = /^write (0x\w+) to (?:dmabuf|map)?\s?(?:page(\d)|(\d))?(?: after close)?$/.exec(call);
    if (write === null || write[1] === "0x47") return undefined;
    this.#store(this.#bufferOf(write[3]), Number(write[2] ?? 0), Number(write[1]));
    return 0;
  }

  /** The first buffer or the second one; without a number, the last that was made. */
  #bufferOf(number: string | undefined): DmaBuf {
    return number === undefined ? this.buffer : (this.#buffers[Number(number) - 1] as DmaBuf);
  }

  get buffer(): DmaBuf {
    const last = this.#buffers.at(-1);
    if (last === undefined) throw new TypeError("no buffer was made");
    return last;
  }

  /** The first byte of the memfd's first page, as `pread` returns it. */
  get memfdByte(): number {
    const page = this.#memfd.pageAt(0);
    return page === null ? 0 : this.#load(Extents.of([page, page + 1]));
  }

  #fill(value: number): void {
    run(this.system, () => this.#memfd.write(0, this.#memfd.size));
    for (let index = 0; index < this.#memfd.pageCount; index++) {
      const page = this.#memfd.pageAt(index) as number;
      this.#keep(Extents.of([page, page + PAGE_SIZE]), value);
    }
  }

  #byte(buffer: DmaBuf, page: number): number {
    return this.#load(this.#page(buffer, page).slice(0, 1));
  }

  #store(buffer: DmaBuf, page: number, value: number): void {
    this.#keep(this.#page(buffer, page), value);
  }

  #page(buffer: DmaBuf, page: number): Extents {
    const pages = buffer.ops.mmap?.(buffer);
    if (pages === undefined) throw new TypeError("it has no mmap");
    return pages.extents.slice(page * PAGE_SIZE, PAGE_SIZE);
  }

  #load(extents: Extents): number {
    const bytes = new Uint8Array(extents.bytes);
    this.system.data?.read(this.system.cpu.route, extents, bytes);
    return bytes[0] as number;
  }

  #keep(extents: Extents, value: number): void {
    this.system.data?.write(this.system.cpu.route, extents, new Uint8Array(extents.bytes).fill(value));
  }
}
