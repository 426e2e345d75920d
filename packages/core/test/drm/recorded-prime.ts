// SPDX-License-Identifier: MIT
import type { DrmFile } from "../../src/drm.ts";
import type { DmaBuf, Process, System } from "../../src/index.ts";
import { bootToy, errnoOf, foreign, ToyCard, type ToyCardOptions, type ToyGem } from "./toy-card.ts";

/** What the model answers to a recorded call: an errno, "0", or why it has no answer. */
export type Answer = string | { readonly notModelled: string };

/** The recorded drivers, as far as their answers depend on them. */
const drivers: Readonly<Record<string, ToyCardOptions>> = {
  vgem: {},
  vkms: {},
  virtio_gpu: { imports: "ENODEV" },
  "bochs-drm": { imports: false, shows: false },
};

const notModelled: readonly (readonly [RegExp, string])[] = [
  [/^VERSION|^GET_CAP/, "capabilities"],
  [/^MAP_DUMB/, "fake offsets"],
  [/render node CREATE_DUMB/, "render nodes"],
];

/** A process that makes the calls of one recorded case on one device or two. */
export class RecordedPrime {
  readonly #system: System = bootToy();
  readonly #cards = new Map<string, ToyCard>();
  readonly #files = new Map<string, DrmFile<ToyGem>>();
  readonly #driver: string;
  #handle = 0;
  #second = 0;
  #fd = -1;
  /** Which files the two closes that succeed are for: first the second one's handle, then the first one's, then both. */
  #closes = 0;
  /** What was observed. */
  readonly observed: Record<string, unknown> = {};

  /** @param name of the case: `prime/vgem/self_import`, `prime/cross/vkms_to_vgem` */
  constructor(name: string) {
    this.#driver = /^prime\/(?:cross\/)?([\w-]+?)(?:_to_\w+)?(?:\/|$)/.exec(name)?.[1] ?? "";
  }

  answer(call: string): Answer {
    for (const [pattern, reason] of notModelled) if (pattern.test(call)) return { notModelled: reason };
    return this.#system.simulation.complete("recorded", errnoOf(this.#answer(call)));
  }

  #file(driver: string, which: string): DrmFile<ToyGem> {
    let card = this.#cards.get(driver);
    if (card === undefined) {
      card = new ToyCard(this.#system, this.#cards.size === 0 ? "direct" : "display", drivers[driver]);
      this.#cards.set(driver, card);
    }
    const key = `${driver} ${which}`;
    const file = this.#files.get(key) ?? card.drm.open();
    this.#files.set(key, file);
    return file;
  }

  get #own(): DrmFile<ToyGem> {
    return this.#file(this.#driver, "first");
  }

  get #other(): DrmFile<ToyGem> {
    return this.#file(this.#driver, "second");
  }

  #buffer(fd: number): DmaBuf {
    const buffer = this.#system.dmaBuf.fds.get(fd);
    buffer.put();
    return buffer;
  }

  *#answer(call: string): Process {
    const size = /size=(\d+)/.exec(call)?.[1];
    if (call.startsWith("MODE_CREATE_DUMB")) {
      const object =
        this.#cards.get(this.#driver)?.create(Number(size)) ?? (yield* this.#first(Number(size)));
      this.#handle = yield* this.#own.createHandle(object);
      yield* object.put();
    } else if (call.startsWith("udmabuf(")) {
      this.#fd = this.#system.dmaBuf.fds.install(foreign(this.#system, Number(size)));
    } else if (call.startsWith("PRIME_HANDLE_TO_FD")) {
      yield* this.#export(Number(/flags=(\w+)/.exec(call)?.[1]));
    } else if (call.startsWith("GEM_CLOSE")) yield* this.#close(call);
    else yield* this.#import(call);
  }

  *#first(size: number): Process<ToyGem> {
    this.#file(this.#driver, "first");
    return (this.#cards.get(this.#driver) as ToyCard).create(size);
  }

  *#export(flags: number): Process {
    const file = this.#second === 0 ? this.#own : this.#other;
    const fd = yield* file.handleToFd(this.#second === 0 ? this.#handle : this.#second, flags);
    if (this.#fd < 0) this.#fd = fd;
    else {
      const same = this.#buffer(fd) === this.#buffer(this.#fd) ? 1 : 0;
      this.observed[this.#second === 0 ? "same_dmabuf_ino" : "reexport_same_ino"] = same;
    }
  }

  *#close(call: string): Process {
    if (call.endsWith("again")) return yield* this.#other.closeHandle(this.#second);
    const last = this.#closes++;
    if (last === 0) yield* this.#other.closeHandle(this.#second);
    else yield* this.#own.closeHandle(this.#handle);
  }

  *#import(call: string): Process {
    const driver = /^(?:import into |re-export from )?([\w-]+)/.exec(call)?.[1] as string;
    if (call.startsWith("re-export")) {
      const buffer = yield* this.#file(driver, "importer").handleToBuffer(this.#second);
      this.observed["same_ino"] = buffer === this.#buffer(this.#fd) ? 1 : 0;
      buffer.put();
    } else if (call.startsWith("import into")) {
      this.#second = yield* this.#file(driver, "importer").fdToHandle(this.#fd);
    } else if (call.includes("2nd drm file")) this.#second = yield* this.#other.fdToHandle(this.#fd);
    else if (call.includes("(again)") || call.includes("after close)")) {
      const handle = yield* this.#other.fdToHandle(this.#fd);
      const key = call.includes("again") ? "second_import_same_handle" : "new_handle_same_number";
      this.observed[key] = handle === this.#second ? 1 : 0;
    } else {
      const handle = yield* this.#file(driver, "first").fdToHandle(this.#fd);
      if (call.includes("own fd")) this.observed["same_handle"] = handle === this.#handle ? 1 : 0;
      this.#handle = handle;
    }
  }
}
