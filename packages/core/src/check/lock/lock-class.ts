// SPDX-License-Identifier: MIT

/** The classes that the checker knows by name; drivers add their own. */
export const LockClass = {
  mmap: "mmap_lock",
  acquire: "reservation_ww_class_acquire",
  resv: "reservation_ww_class_mutex",
  reclaim: "fs_reclaim",
  mapping: "i_mmap_rwsem",
  notifier: "mmu_notifier_invalidate_range_start",
  fence: "dma_fence_map",
  fenceLock: "fence->lock",
} as const;

/**
 * The order that Linux teaches its lock checker before any driver runs, from the outermost to the innermost: so one run of
 * one driver is enough to see that it goes the wrong way. @see dma_resv_lockdep
 */
export const primedOrder: readonly string[] = [
  LockClass.mmap,
  LockClass.acquire,
  LockClass.resv,
  LockClass.reclaim,
  LockClass.mapping,
  LockClass.notifier,
  LockClass.fence,
];

/** Locks that a task spins for: with one held nothing may sleep (F-12). */
export const isSpinlock = (name: string): boolean => name === LockClass.fenceLock;

/** A lock, or what counts as one, as it is told of. */
export interface Taking {
  readonly name: string;
  /** Its own name, or empty. */
  readonly object: string;
  /** Shared: of fences, that one is being signalled and not waited for. */
  readonly read: boolean;
}

interface Words {
  readonly takes: string;
  readonly having: string;
  readonly short: string;
}

const words: Readonly<Record<string, Words>> = {
  [LockClass.acquire]: {
    takes: "begins an acquire context",
    having: "it is in an acquire context",
    short: "acquire context",
  },
  [LockClass.reclaim]: {
    takes: "allocates memory in a way that may reclaim",
    having: "it reclaims memory",
    short: "reclaim",
  },
  [LockClass.notifier]: {
    takes: "allocates memory in a way that may call an MMU notifier",
    having: "it is in an MMU notifier",
    short: "MMU notifier",
  },
  [LockClass.fenceLock]: {
    takes: "runs the callbacks of a fence",
    having: "it runs the callbacks of a fence",
    short: "fence lock",
  },
};

/** What a task does when it takes it. */
export function takes({ name, object, read }: Taking): string {
  if (name === LockClass.resv) return `takes the reservation lock of ${object === "" ? "a buffer" : object}`;
  if (name !== LockClass.fence) return words[name]?.takes ?? `takes ${name}`;
  if (read) return "begins to signal a published fence";
  return object === "" ? "waits for a fence" : `waits for the fences of ${object}`;
}

/** What a task is in while it has it. */
export function having({ name, object }: Taking): string {
  if (name === LockClass.resv)
    return `it holds the reservation lock of ${object === "" ? "a buffer" : object}`;
  if (name === LockClass.fence) return "a published fence waits for its signal";
  return words[name]?.having ?? `it holds ${name}`;
}

/** A class in a list of classes. */
export function shortName(name: string): string {
  if (name === LockClass.resv) return "reservation lock";
  if (name === LockClass.fence) return "fence wait";
  return words[name]?.short ?? name;
}

/** The rule that forbids taking one class with the other held. */
export function ruleOf(held: string, taken: string): string {
  if (held === LockClass.fence) {
    if (taken === LockClass.fence) return "L-5";
    if (taken === LockClass.reclaim) return "L-6";
    if (taken === LockClass.notifier) return "L-16";
    return taken === LockClass.resv ? "F-31" : "L-4";
  }
  if (held === LockClass.resv && taken === LockClass.mmap) return "L-1";
  if (held === LockClass.reclaim && taken === LockClass.resv) return "L-2";
  if (held === LockClass.notifier && taken === LockClass.resv) return "L-3";
  return "L-12";
}
