// SPDX-License-Identifier: MIT
import { type BecauseEvent, type Finding, finding } from "../finding.ts";
import { becauseOf, type HeldLock } from "./held-lock.ts";
import { having, LockClass, ruleOf, shortName, takes } from "./lock-class.ts";
import type { LockEdge, LockGraph } from "./lock-graph.ts";

/** Something that the checker saw; told at the end of the run, when the other side may have been seen too. */
export interface LockReport {
  /** A circle, a sleeping lock where nothing may sleep, or a buffer put under its own reservation. */
  readonly kind: "order" | "atomic" | "put";
  /** What was held that should not have been; null in a completion handler. */
  readonly held: HeldLock | null;
  readonly lock: HeldLock;
  /** What was held, oldest first, from `held` on. */
  readonly stack: readonly HeldLock[];
  count: number;
}

/** A report as a finding; `because` has this task's stack and then, where it was seen, that of the other side. */
export function lockFinding(report: LockReport, graph: LockGraph): Finding {
  const { kind, held, lock, stack, count } = report;
  const known = { stage: lock.timeline, time: lock.time, count };
  const own = [...stack.map(becauseOf), becauseOf(lock)];
  if (kind === "atomic") {
    const where = held === null ? "in a completion handler, which cannot sleep" : `while ${having(held)}`;
    const rule = held === null ? "R-10" : "L-10";
    return finding("lock-in-fence-critical-section", `${takes(lock)} ${where} (${rule})`, {
      ...known,
      because: own,
      fix: ["leave it to a worker that runs after the fence has signaled"],
    });
  }
  if (kind === "put" || held === null) {
    const message = `puts ${lock.object} with its own reservation held: the last reference ends it (L-11)`;
    const put = { ...becauseOf(lock), text: `puts ${lock.object}` };
    return finding("lock-order", message, { ...known, because: [...stack.map(becauseOf), put] });
  }
  if (held.name === lock.name && lock.name !== LockClass.fence) return nesting(held, lock, known, own);
  const back = held.name === lock.name ? [] : (graph.path(lock.name, held.name) ?? []);
  const inSection = held.name === LockClass.fence || back.some((edge) => edge.held === LockClass.fence);
  const order = [lock.name, ...back.map(({ taken }) => taken)].map(shortName).join(", then ");
  const elsewhere = back.length === 0 ? "" : `; elsewhere the order is ${order}`;
  const rule = ruleOf(held.name, lock.name);
  return finding(
    inSection ? "lock-in-fence-critical-section" : "lock-order",
    `${takes(lock)} while ${having(held)}${elsewhere} (${rule})`,
    { ...known, because: [...own, ...back.flatMap(stackOf)], fix: fixOf(held, lock) },
  );
}

/** Two locks of one class with nothing that orders them (L-7). */
function nesting(held: HeldLock, lock: HeldLock, known: Partial<Finding>, because: readonly BecauseEvent[]) {
  const same = held.address === lock.address;
  const text = same
    ? `${takes(lock)}, which it holds already (R-5)`
    : `${takes(lock)} while ${having(held)}, without an acquire context: another task can take them in the other order (L-7)`;
  const fix = same
    ? ["call what expects the lock to be held"]
    : ["lock them all in one acquire context, and back off when it answers EDEADLK"];
  return finding("lock-order", text, { ...known, because, fix });
}

const taught = ({ held, taken }: LockEdge): BecauseEvent => ({
  time: 0,
  timeline: "",
  event: "",
  text: `${shortName(held)}, then ${shortName(taken)}: the order that Linux prescribes (dma_resv_lockdep)`,
});

const stackOf = (edge: LockEdge): readonly BecauseEvent[] =>
  edge.stack.length === 0 ? [taught(edge)] : edge.stack.map(becauseOf);

function fixOf(held: HeldLock, lock: HeldLock): string[] {
  if (held.name !== LockClass.fence) return ["take them in the order that everybody else takes them"];
  if (lock.name === LockClass.reclaim || lock.name === LockClass.notifier)
    return ["allocate before the fence is published"];
  if (lock.name === LockClass.fence) return ["wait before the fence is published, or let the hardware wait"];
  return ["take it before the fence is published, or in a worker after the signal"];
}
