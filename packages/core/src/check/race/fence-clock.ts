// SPDX-License-Identifier: MIT
import { joined, knows, type VectorClock } from "./vector-clock.ts";

/** A fence as far as order goes: what its signaller knew, once it has signaled. */
export class FenceClock {
  /** Null while it is pending. */
  signaled: VectorClock | null = null;
  /** What it consists of, for an array or a chain. */
  readonly parts: FenceClock[] = [];
}

/** Every fence of a run by context and sequence number. */
export class FenceClocks {
  readonly #contexts = new Map<number, Map<number, FenceClock>>();

  /** The fence; a new one when it was never heard of. */
  get(context: number, seqno: number): FenceClock {
    let fences = this.#contexts.get(context);
    if (fences === undefined) {
      fences = new Map();
      this.#contexts.set(context, fences);
    }
    let fence = fences.get(seqno);
    if (fence === undefined) {
      fence = new FenceClock();
      fences.set(seqno, fence);
    }
    return fence;
  }

  /** Forgets a fence that nobody can wait for any more. */
  forget(context: number, seqno: number): void {
    const fences = this.#contexts.get(context);
    fences?.delete(seqno);
    if (fences?.size === 0) this.#contexts.delete(context);
  }
}

/** A fence in a reservation object. */
interface Publication {
  readonly context: number;
  readonly usage: number;
  readonly fence: FenceClock;
  /** The event that published it. */
  readonly timeline: number;
  readonly seq: number;
}

/** What a reservation object tells those who look into it. */
export class ResvClock {
  #published: Publication[] = [];

  /** A fence was added; it takes the place of older ones of its context and usage that have signaled (F-20). */
  publish(publication: Publication): void {
    const { context, usage } = publication;
    const stays = (each: Publication): boolean =>
      each.context !== context || each.usage !== usage || each.fence.signaled === null;
    this.#published = [...this.#published.filter(stays), publication];
  }

  /**
   * What somebody learns who found everything of this usage and the stronger ones signaled: of each fence what its
   * signaller knew, provided that its publication comes before the look. A fence that could have been published too late
   * orders nothing.
   */
  settled(clock: VectorClock, timeline: number, usage: number): VectorClock {
    let learnt = clock;
    for (const { fence, usage: of, timeline: by, seq } of this.#published) {
      if (of > usage || fence.signaled === null) continue;
      if (by === timeline || knows(clock, by, seq)) learnt = joined(learnt, fence.signaled);
    }
    return learnt;
  }
}
