// SPDX-License-Identifier: MIT
import type { FindingCode } from "../../src/index.ts";
import type { Fault } from "./fault.ts";

/** A small fault in the reference driver or program, and the finding that names it. */
export interface Mutant {
  /** What is wrong, as the published table has it. */
  readonly name: string;
  readonly fault: Fault;
  /** `race` is the code of the race checker. */
  readonly code: FindingCode | "race";
}

const mutant = (fault: Fault, code: Mutant["code"], name: string): Mutant => ({ name, fault, code });

/** Every fault, in the order of a buffer's life. */
export const mutants: readonly Mutant[] = [
  mutant("attach with lock", "dma-api-misuse", "attaches with the reservation held"),
  mutant("map without lock", "dma-api-misuse", "maps without the reservation held"),
  mutant("map twice locked", "lock-order", "maps with the function that locks, the reservation held already"),
  mutant("map to-device", "stale-read", "maps a buffer that the device writes in the wrong direction"),
  mutant("no reference", "attachment-outlives-buffer", "takes no reference for its attachment"),

  mutant("locks without context", "lock-order", "locks two reservations without an acquire context"),
  mutant("context inside lock", "lock-order", "begins an acquire context with a reservation held"),
  mutant("fault under lock", "lock-order", "copies from user space with reservations held"),
  mutant(
    "driver lock inside",
    "lock-order",
    "takes its own lock inside the reservation, and elsewhere outside",
  ),
  mutant("lock in shrinker", "lock-order", "sleeps on a reservation in its shrinker"),
  mutant("lock in notifier", "lock-order", "sleeps on a reservation in its MMU notifier"),
  mutant("put under lock", "lock-order", "puts a buffer with its reservation held"),
  mutant("lock kept", "deadlock", "keeps a reservation locked"),
  mutant("unlock twice", "dma-api-misuse", "unlocks a reservation twice"),

  mutant("no wait", "race", "submits without waiting for the fences of others"),
  mutant("wait as reader", "race", "waits as a reader before it writes"),
  mutant("wait for own fence", "deadlock", "waits for the fence that it has just published"),
  mutant("negative timeout", "dma-api-misuse", "waits with a negative timeout"),

  mutant("no reserve", "dma-api-misuse", "publishes without having reserved a slot"),
  mutant("reserve nothing", "dma-api-misuse", "reserves no slots"),
  mutant("reserve, then relock", "dma-api-misuse", "reserves slots, unlocks, and locks again"),
  mutant("publish without lock", "dma-api-misuse", "publishes late, when the lock is gone"),
  mutant("publish as reader", "race", "publishes its write as a read"),
  mutant("publish as bookkeep", "race", "publishes its write as bookkeeping"),
  mutant("publish nothing", "race", "forgets to publish its fence"),
  mutant("publish after submit", "race", "publishes after it has submitted"),

  mutant("submit nothing", "fence-never-signals", "publishes, and then the job is not submitted"),
  mutant("cancel without signal", "fence-never-signals", "takes a job back and does not signal its fence"),
  mutant(
    "trylock in completion",
    "lock-in-fence-critical-section",
    "tries a reservation in its completion handler",
  ),
  mutant(
    "trylock in callback",
    "lock-in-fence-critical-section",
    "tries a reservation in a fence's callback",
  ),

  mutant("no end access", "stale-read", "does not take the memory back before it signals"),
  mutant("end access to-device", "stale-read", "takes the memory back in the wrong direction"),
  mutant("end access after signal", "stale-read", "takes the memory back after it has signaled"),
  mutant("unmap before signal", "lock-in-fence-critical-section", "unmaps before it signals"),
  mutant("detach before signal", "lock-in-fence-critical-section", "detaches before it signals"),
  mutant("allocate before signal", "lock-in-fence-critical-section", "allocates before it signals"),
  mutant(
    "allocate nofs before signal",
    "lock-in-fence-critical-section",
    "allocates with GFP_NOFS before it signals",
  ),
  mutant("export before signal", "lock-in-fence-critical-section", "calls what allocates before it signals"),
  mutant("wait before signal", "lock-in-fence-critical-section", "waits for another fence before it signals"),
  mutant("fault before signal", "lock-in-fence-critical-section", "touches user memory before it signals"),
  mutant(
    "driver lock before signal",
    "lock-in-fence-critical-section",
    "takes, before it signals, the lock that it holds while it submits",
  ),
  mutant("section without end", "leak", "does not end its signalling section"),

  mutant("signal never", "fence-never-signals", "does not signal"),
  mutant("put instead of signal", "fence-never-signals", "puts its fence instead of signaling it"),
  mutant("signal the one before", "fence-never-signals", "signals the fence of the job before"),
  mutant("signal at submit", "race", "signals when it submits"),
  mutant("signal twice", "dma-api-misuse", "signals twice"),
  mutant("put twice", "dma-api-misuse", "puts its fence too often"),
  mutant("error after signal", "dma-api-misuse", "sets the error after it has signaled"),

  mutant("unmap without lock", "dma-api-misuse", "unmaps without the reservation held"),
  mutant("detach with lock", "dma-api-misuse", "detaches with the reservation held"),
  mutant("no unmap", "leak", "detaches without unmapping"),
  mutant("no detach", "attachment-outlives-buffer", "does not detach"),
  mutant("no put", "leak", "does not put the buffer"),
  mutant("put too often", "attachment-outlives-buffer", "puts the buffer once too often"),

  mutant("mmap with lock", "dma-api-misuse", "maps the buffer for the CPU with the reservation held"),
  mutant("no munmap", "leak", "does not unmap the buffer for the CPU"),
  mutant("fill without bracket", "missing-bracket", "writes with the CPU outside a bracket"),
  mutant("no bracket", "missing-bracket", "reads with the CPU outside a bracket"),
  mutant("no poll", "race", "leaves it to the bracket to wait"),
  mutant("no poll, no bracket", "race", "reads with the CPU without waiting at all"),
  mutant("no begin", "bracket-imbalance", "ends a bracket that it did not begin"),
  mutant("no end", "bracket-imbalance", "does not end its bracket"),
  mutant("end twice", "bracket-imbalance", "ends its bracket twice"),
  mutant("begin to-device", "bracket-imbalance", "begins to write and ends reading"),
  mutant("begin with lock", "dma-api-misuse", "begins a bracket with the reservation held"),
  mutant("end with lock", "dma-api-misuse", "ends a bracket with the reservation held"),
];
