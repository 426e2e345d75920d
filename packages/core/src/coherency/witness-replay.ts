// SPDX-License-Identifier: MIT
import { alignDown } from "../address.ts";
import { DataMachine } from "./data-machine.ts";
import type { EvictionPolicy } from "./eviction-policy.ts";
import { isCopy } from "./operation.ts";
import type { OperationLog } from "./operation-log.ts";
import type { Choice } from "./passage.ts";
import type { Topology } from "./topology.ts";
import type { WitnessStep } from "./witness.ts";

/** What a witness showed when real bytes went through it. */
export interface Replay {
  /** Steps of the log whose read observed an older value of the byte. */
  readonly stale: readonly number[];
  /** Whether the byte's newest value is nowhere at the end. */
  readonly lost: boolean;
  /** The machine as the witness leaves it, to look at. */
  readonly machine: DataMachine;
}

/**
 * Performs a witness on a fresh data machine: its operations with the log's own ranges, its events on the byte's line,
 * where domains choose as it says. Throws `TypeError` when an event of it is impossible where it stands, or a domain is
 * asked that it does not know of.
 */
export function replayWitness(
  topology: Topology,
  log: OperationLog,
  witness: readonly WitnessStep[],
  address: number,
): Replay {
  const stale: number[] = [];
  let step = -1;
  let choices: Choice[] = [];
  const policy: EvictionPolicy = {
    allocates: ({ domain, address: low }) => {
      if (low !== alignDown(address, domain.line)) return false;
      // The line moves for the bytes of it that are in the bounce slot; this one is not, so nobody asks about it.
      if (domain.slot !== null && machine.inspect(address).copies[domain.slot.index] === null) return false;
      const choice = choices.shift();
      if (choice?.domain === domain.name) return choice.allocates;
      throw new TypeError(`${domain.name} has a choice here that the witness does not know`);
    },
    before: () => [],
  };
  const machine = new DataMachine(topology, {
    policy,
    report: ({ ranges }) => {
      for (let i = 0; i < ranges.length; i += 2) {
        if (address >= (ranges[i] as number) && address < (ranges[i + 1] as number)) stale.push(step);
      }
    },
  });
  for (const each of witness) {
    choices = [...each.choices];
    if (each.kind === "event") {
      if (machine.happen(each.event, topology.domain(each.domain), address)) continue;
      throw new TypeError(`${each.event} in ${each.domain} is impossible here`);
    }
    step = each.step;
    const operation = log.operation(step);
    const extents = log.extents(step);
    if (isCopy(operation)) machine.copy(operation.kind, operation.domain, extents);
    else if (operation.route === null) machine.maintain(operation.kind, operation.domain, extents);
    else machine.access(operation.route, operation.kind, extents);
  }
  const { memory, copies, newest } = machine.inspect(address);
  return { stale, lost: memory !== newest && copies.every((copy) => copy !== newest), machine };
}
