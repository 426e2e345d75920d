// SPDX-License-Identifier: MIT
import { nearestName } from "../nearest-name.ts";
import type { TimedLitmusProgram } from "./litmus-program.ts";

/** Why the steps of a program have no order, and the field that says so. */
export interface OrderProblem {
  readonly path: readonly (string | number)[];
  readonly reason: string;
}

/**
 * The first thing that keeps the timelines of a program from making sense, or null: a timeline that is not declared or
 * declared twice, a step without one among steps that name one, a fence that is signalled twice, a wait whose signal
 * does not stand before it (it would never end, or the file's order would be no order of the program).
 */
export function orderProblem({ timelines, steps }: TimedLitmusProgram): OrderProblem | null {
  const names = timelines ?? [];
  const known = new Set<string>();
  for (const [index, name] of names.entries()) {
    if (known.has(name)) return { path: ["timelines", index], reason: `"${name}" is named twice` };
    known.add(name);
  }
  const timed = steps.some((step) => step.on !== undefined);
  const signals = new Map<string, number>();
  steps.forEach((step, index) => {
    if ("signal" in step && !signals.has(step.signal)) signals.set(step.signal, index);
  });
  for (const [index, step] of steps.entries()) {
    const at = (field: string, reason: string): OrderProblem => ({ path: ["steps", index, field], reason });
    if (step.on === undefined) {
      if (timed) return at("on", "is missing; all steps name their timeline, or none does");
    } else if (!known.has(step.on)) {
      return at("on", `no timeline "${step.on}"${nearestName(step.on, names)}`);
    }
    if ("signal" in step && signals.get(step.signal) !== index) {
      return at("signal", `fence "${step.signal}" is signalled at step ${signals.get(step.signal)} already`);
    }
    if ("wait" in step) {
      const signal = signals.get(step.wait);
      if (signal === undefined) {
        const nearest = nearestName(step.wait, [...signals.keys()]);
        return at("wait", `it never ends: no step signals fence "${step.wait}"${nearest}`);
      }
      if (signal > index)
        return at("wait", `it stands before the signal of fence "${step.wait}", which is step ${signal}`);
    }
  }
  return null;
}

/**
 * Visits the pairs of steps, of different timelines, that nothing orders: neither their timelines nor a chain of fences
 * from one to the other. Happens-before by vector clocks (Lamport 1978, Mattern 1989): a timeline's clock says how many
 * steps of each other timeline come before its next step; a signal leaves a copy that its waits take over. The first
 * step of a pair is the earlier one in the file.
 */
export function forEachUnordered(
  program: TimedLitmusProgram,
  visit: (first: number, second: number) => void,
): void {
  const names = [...new Set(program.steps.flatMap((step) => (step.on === undefined ? [] : [step.on])))];
  const indices = new Map(names.map((name, index) => [name, index]));
  const clocks = names.map(() => new Int32Array(names.length));
  const stepsOf: number[][] = names.map(() => []);
  const signalled = new Map<string, Int32Array>();
  for (const [index, step] of program.steps.entries()) {
    if (step.on === undefined) continue;
    const own = indices.get(step.on) as number;
    const clock = clocks[own] as Int32Array;
    if ("wait" in step) {
      const since = signalled.get(step.wait) as Int32Array;
      for (let i = 0; i < clock.length; i++) clock[i] = Math.max(clock[i] as number, since[i] as number);
    }
    for (let other = 0; other < names.length; other++) {
      if (other === own) continue;
      const steps = stepsOf[other] as number[];
      for (let i = clock[other] as number; i < steps.length; i++) visit(steps[i] as number, index);
    }
    clock[own] = (stepsOf[own] as number[]).push(index);
    if ("signal" in step) signalled.set(step.signal, clock.slice());
  }
}
