// SPDX-License-Identifier: MIT
import type { OneShot, Timers } from "../../../src/dma/iova/timers.ts";

/** Virtual time with nothing in it but one-shot timers. */
export class VirtualTime implements Timers {
  now = 0;
  readonly #expiries: { at: number; readonly expired: () => void }[] = [];

  timer(expired: () => void): OneShot {
    const expiry = { at: Number.POSITIVE_INFINITY, expired };
    const isArmed = () => expiry.at < Number.POSITIVE_INFINITY;
    const time = this;
    this.#expiries.push(expiry);
    return {
      get armed() {
        return isArmed();
      },
      arm(delay) {
        expiry.at = time.now + delay;
      },
      cancel() {
        const armed = isArmed();
        expiry.at = Number.POSITIVE_INFINITY;
        return armed;
      },
    };
  }

  /** Lets `duration` ns pass, and what expires in them. */
  pass(duration: number): void {
    const end = this.now + duration;
    for (;;) {
      const next = this.#expiries.reduce((a, b) => (b.at < a.at ? b : a), { at: end + 1, expired: () => {} });
      if (next.at > end) break;
      this.now = next.at;
      next.at = Number.POSITIVE_INFINITY;
      next.expired();
    }
    this.now = end;
  }
}
