// SPDX-License-Identifier: MIT

/** What a timer needs from the scheduler. */
export interface TimerScheduler {
  readonly now: number;
  schedule(timer: Timer, time: number): void;
  unschedule(timer: Timer): boolean;
}

/** A one-shot timer whose callback runs in atomic context: a plain function that cannot sleep. @see struct hrtimer */
export class Timer {
  /** Id of the timeline its callback runs on. */
  readonly timeline: number;
  /** What runs when it expires. */
  readonly callback: () => void;
  /** The slot it is pending in, or -1; the scheduler's. */
  slot = -1;
  /** The event that armed it; the scheduler's. */
  trigger = -1;
  readonly #scheduler: TimerScheduler;

  constructor(scheduler: TimerScheduler, callback: () => void, timeline: number) {
    this.#scheduler = scheduler;
    this.callback = callback;
    this.timeline = timeline;
  }

  /** Whether it will expire. */
  get armed(): boolean {
    return this.slot >= 0;
  }

  /** Expires in `delay` ns, and no more at the time it was armed for before; never for `Infinity`. */
  arm(delay: number): void {
    this.#scheduler.unschedule(this);
    this.#scheduler.schedule(this, this.#scheduler.now + delay);
  }

  /** Takes it back; false when it was not armed. */
  cancel(): boolean {
    return this.#scheduler.unschedule(this);
  }
}
