// SPDX-License-Identifier: MIT
import type { Process } from "../sim/process.ts";
import type { Simulation } from "../sim/simulation.ts";
import { WaitQueue } from "../sim/wait-queue.ts";
import { LockMap } from "../sync/lock-map.ts";

/** A lock that sleeps and has no order of its own; the lock checker sees it by its class. @see struct mutex */
export class Mutex {
  readonly #map: LockMap;
  readonly #waiters: WaitQueue;
  #held = false;

  /** @param name its class, as in the kernel: `"prime.lock"` */
  constructor(simulation: Simulation, name: string) {
    this.#map = new LockMap(simulation, name);
    this.#waiters = new WaitQueue(simulation, name);
  }

  /** Runs `body` with the lock held. Taking it again inside waits for itself. */
  *with<T>(body: () => Process<T>): Process<T> {
    this.#map.might();
    yield* this.#waiters.waitUntil(() => !this.#held);
    this.#held = true;
    const taken = this.#map.acquire();
    try {
      return yield* body();
    } finally {
      taken[Symbol.dispose]();
      this.#held = false;
      this.#waiters.wakeOne();
    }
  }
}
