// SPDX-License-Identifier: MIT

/** A one-shot timer of virtual time; `Timer` of the simulation is one. */
export interface OneShot {
  /** Whether it will expire. */
  readonly armed: boolean;
  /** Expires in `delay` ns, and not at the time it was armed for before. */
  arm(delay: number): void;
  /** Takes it back; false when it was not armed. */
  cancel(): boolean;
}

/** Whoever makes timers; a `Simulation` does. */
export interface Timers {
  /** A timer that is not armed. */
  timer(expired: () => void): OneShot;
}
