// SPDX-License-Identifier: MIT

/** An object: whose device's, and the buffer that it came from. */
interface Gem {
  readonly device: number;
  readonly origin: number | null;
  /** The buffer that it is while it has handles. */
  known: number | null;
}

interface OpenFile {
  readonly device: number;
  readonly handles: Map<number, Gem>;
  readonly buffers: Map<number, number>;
}

/**
 * PRIME without counters: handles, descriptors and buffers as sets, and whoever can be reached from an open handle or
 * descriptor is alive. Answers are errnos, "0" for none.
 */
export class ModelPrime {
  readonly #files: readonly OpenFile[];
  readonly #fds = new Map<number, number>();
  readonly #gems: Gem[] = [];
  /** The object that each buffer shows, by the buffer's number, from 1. */
  readonly #exported: Gem[] = [];

  /** @param devices the device of each file */
  constructor(devices: readonly number[]) {
    this.#files = devices.map((device) => ({ device, handles: new Map(), buffers: new Map() }));
  }

  get handles(): number[][] {
    return this.#files.map(({ handles }) => [...handles.keys()].sort((a, b) => a - b));
  }

  get fds(): number[] {
    return [...this.#fds.keys()].sort((a, b) => a - b);
  }

  get livingBuffers(): number[] {
    return this.#exported.map((_, i) => i + 1).filter((buffer) => this.#isAlive(buffer));
  }

  get livingImports(): number {
    return this.#gems.filter((gem) => gem.origin !== null && this.#isNamed(gem)).length;
  }

  get livingOwn(): number {
    const shown = (gem: Gem): boolean => this.livingBuffers.some((one) => this.#exported[one - 1] === gem);
    return this.#gems.filter((gem) => gem.origin === null && (this.#isNamed(gem) || shown(gem))).length;
  }

  create(at: number): string {
    const gem: Gem = { device: this.#file(at).device, origin: null, known: null };
    this.#gems.push(gem);
    this.#name(at, gem);
    return "0";
  }

  close(at: number, handle: number): string {
    const { handles, buffers } = this.#file(at);
    const gem = handles.get(handle);
    if (gem === undefined) return "EINVAL";
    handles.delete(handle);
    buffers.delete(handle);
    if (!this.#isNamed(gem)) gem.known = null;
    return "0";
  }

  export(at: number, handle: number): string {
    const { handles, buffers } = this.#file(at);
    const gem = handles.get(handle);
    if (gem === undefined) return "ENOENT";
    if (gem.origin === null && gem.known === null) gem.known = this.#exported.push(gem);
    const buffer = buffers.get(handle) ?? gem.origin ?? (gem.known as number);
    buffers.set(handle, buffer);
    this.#fds.set(lowest(this.#fds, 3), buffer);
    return "0";
  }

  import(at: number, fd: number): string {
    const buffer = this.#fds.get(fd);
    if (buffer === undefined) return "EBADF";
    const { device, buffers } = this.#file(at);
    if ([...buffers.values()].includes(buffer)) return "0";
    let gem = this.#exported[buffer - 1] as Gem;
    if (gem.device !== device) {
      gem = { device, origin: buffer, known: null };
      this.#gems.push(gem);
    }
    gem.known = buffer;
    buffers.set(this.#name(at, gem), buffer);
    return "0";
  }

  dup(fd: number): string {
    const buffer = this.#fds.get(fd);
    if (buffer === undefined) return "EBADF";
    this.#fds.set(lowest(this.#fds, 3), buffer);
    return "0";
  }

  closeFd(fd: number): string {
    return this.#fds.delete(fd) ? "0" : "EBADF";
  }

  #file(at: number): OpenFile {
    return this.#files[at] as OpenFile;
  }

  #name(at: number, gem: Gem): number {
    const { handles } = this.#file(at);
    const handle = lowest(handles, 1);
    handles.set(handle, gem);
    return handle;
  }

  #isNamed(gem: Gem): boolean {
    return this.#files.some(({ handles }) => [...handles.values()].includes(gem));
  }

  #isAlive(buffer: number): boolean {
    if ([...this.#fds.values()].includes(buffer)) return true;
    return this.#gems.some((gem) => this.#isNamed(gem) && (gem.known === buffer || gem.origin === buffer));
  }
}

function lowest(taken: ReadonlyMap<number, unknown>, from: number): number {
  let number = from;
  while (taken.has(number)) number++;
  return number;
}
