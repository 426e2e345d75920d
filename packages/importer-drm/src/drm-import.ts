// SPDX-License-Identifier: MIT
import {
  type DmaBuf,
  type DmaDevice,
  type DmaDirection,
  FencedTransfers,
  type ImportedBuffer,
  type PinChoice,
  type Process,
  type TransferOptions,
} from "@dmabuf/core";
import type { AccessKind } from "@dmabuf/core/coherency";
import type { DrmFile } from "@dmabuf/core/drm";
import type { DmaFence } from "@dmabuf/core/sync";
import type { CardGem } from "./card-driver.ts";

/**
 * A buffer as a program uses it that has opened the card and imported it: jobs that render, or frames that are scanned
 * out. A flip waits for the buffer's writers, and pins; a front buffer that stays is waited for once.
 */
export class DrmImport implements ImportedBuffer {
  readonly #file: DrmFile<CardGem>;
  readonly #transfers: FencedTransfers;
  readonly #pin: PinChoice;
  #pinned = false;

  /** For `DrmCard.attach`; takes over the file. */
  constructor(
    file: DrmFile<CardGem>,
    device: DmaDevice,
    buffer: DmaBuf,
    object: CardGem,
    direction: DmaDirection,
    pin: PinChoice,
  ) {
    this.#file = file;
    this.#pin = pin;
    this.#transfers = new FencedTransfers({
      ...{ buffer, device, direction },
      start: (kind, offset, length, complete) => object.start(kind, offset, length, complete),
    });
  }

  /** Throws `KernelError` as `FencedTransfers.transfer`. */
  transfer(kind: AccessKind, options: TransferOptions = {}): Process<DmaFence> {
    const { waits = true } = options;
    const flips = this.#pin === "flip" || (this.#pin === "once" && !this.#pinned);
    this.#pinned = true;
    return this.#transfers.transfer(kind, { ...options, waits: waits && flips });
  }

  detach(): Process {
    return this.#file.device.core.simulation.process("drm detach", this.#detach());
  }

  *#detach(): Process {
    yield* this.#transfers.end();
    yield* this.#file.close();
  }
}
