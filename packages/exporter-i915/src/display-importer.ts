// SPDX-License-Identifier: MIT
import {
  type AttachOptions,
  type DmaBuf,
  type DmaDevice,
  type DmaDirection,
  type ImportedBuffer,
  type Importer,
  KernelError,
  type PinChoice,
  type Process,
} from "@dmabuf/core";
import type { Binding } from "./binding.ts";
import { pinToDisplay, unpinFromDisplay } from "./display-pin.ts";
import type { I915Driver } from "./i915-driver.ts";
import { I915Import, type ImportInit, type PreparedJob } from "./i915-import.ts";
import type { I915Object } from "./i915-object.ts";

/** The display engine: each transfer is a page flip and the scan-out of one frame. @see intel_prepare_plane_fb */
export class DisplayImporter implements Importer {
  readonly scansOut = true;
  readonly #driver: I915Driver;
  readonly #device: DmaDevice;
  /** What is scanned now, pinned until the next flip. */
  #front: Binding | null = null;

  /** For the display of `driver`. */
  constructor(driver: I915Driver, device: DmaDevice) {
    this.#driver = driver;
    this.#device = device;
  }

  /**
   * Makes a framebuffer of a buffer. Throws `KernelError` EINVAL for a display that is to write, and what importing and
   * mapping answer (N-13).
   */
  attach(
    buffer: DmaBuf,
    direction: DmaDirection,
    { pin = "flip" }: AttachOptions = {},
  ): Process<ImportedBuffer> {
    return this.#driver.services.simulation.process("i915 addfb", this.#attach(buffer, direction, pin));
  }

  *#attach(buffer: DmaBuf, direction: DmaDirection, pin: PinChoice): Process<ImportedBuffer> {
    const device = this.#device;
    if (direction === "from-device") {
      throw new KernelError("EINVAL", "i915 addfb", `${device.name} scans buffers, it writes none`);
    }
    const object = yield* this.#driver.imports.bring(buffer, device);
    object.framebuffers++;
    return new DisplayImport({ buffer, object, device, direction: "to-device" }, this, pin);
  }

  /** The scan-out has moved on to another binding: the one before is let go. */
  show(binding: Binding): void {
    const before = this.#front;
    this.#front = binding;
    if (before !== null) unpinFromDisplay(before);
  }

  /** A framebuffer goes: if it is what is scanned, nothing is any more. */
  blank(object: I915Object): void {
    if (this.#front === null || this.#front.object !== object) return;
    unpinFromDisplay(this.#front);
    this.#front = null;
  }
}

class DisplayImport extends I915Import {
  readonly #importer: DisplayImporter;
  readonly #pin: PinChoice;
  /** What a front buffer that stays keeps pinned. */
  #kept: Binding | null = null;

  constructor(init: ImportInit, importer: DisplayImporter, pin: PinChoice) {
    super(init);
    this.#importer = importer;
    this.#pin = pin;
  }

  /** Pins as it was asked to, and waits for the flush that comes with it (N-8). The display never snoops. */
  protected *prepare(): Process<PreparedJob> {
    const { object } = this;
    const { machine, ggtt } = object.driver;
    const route = machine.direct;
    if (this.#pin === "never") yield* ggtt.bind(object);
    else if (this.#pin === "flip" || this.#kept === null) {
      const binding = yield* pinToDisplay(object);
      if (this.#pin === "once") this.#kept = binding;
      yield* object.resv.wait("kernel");
      if (this.#pin === "flip") return { route, done: () => this.#importer.show(binding) };
    }
    return { route };
  }

  protected begun(): void {}

  protected ended(): void {
    this.#importer.blank(this.object);
    if (this.#kept !== null) unpinFromDisplay(this.#kept);
    this.#kept = null;
    this.object.framebuffers--;
  }
}
