// SPDX-License-Identifier: MIT
import { refused, type Translation, untranslated } from "@dmabuf/core/iommu";
import type { Trace } from "@dmabuf/core/sim";
import type { Atc } from "./ats.ts";
import { AtsPort } from "./ats-port.ts";
import { CommandProcessor } from "./command-processor.ts";
import { CommandQueue } from "./command-queue.ts";
import { EVENT_WORDS } from "./event.ts";
import { EventQueue } from "./event-queue.ts";
import { faultText } from "./fault.ts";
import { FaultRecorder } from "./fault-recorder.ts";
import { Lookups } from "./lookups.ts";
import { PAGE_REQUEST_WORDS } from "./pri.ts";
import type { SmmuFeatures } from "./smmu-features.ts";
import { StalledTransactions } from "./stalled-transactions.ts";
import type { StreamTable } from "./stream-table.ts";
import type { StructureMemory } from "./structure-memory.ts";
import type { Transaction } from "./transaction.ts";

/** How often a transaction is retried that software says it has repaired and that faults again. */
const RETRIES = 8;

/** What an SMMU is made of. */
export interface SmmuV3HardwareOptions {
  /** As traces name it. */
  readonly name: string;
  readonly memory: StructureMemory;
  readonly features: SmmuFeatures;
  /** Entries of the queues, powers of two; default 256, 128 and 64. */
  readonly commandQueue?: number;
  readonly eventQueue?: number;
  readonly priQueue?: number;
  /** Where commands, events and page requests are noted; default nowhere. */
  readonly trace?: Trace | undefined;
}

/**
 * The hardware of an SMMUv3: registers, queues, and what stands between devices and memory. Software writes tables into its memory and
 * commands into its queue, and reads what is recorded. It begins as after a reset: everything is off, and devices get through
 * untranslated. @see Arm IHI 0070
 */
export class SMMUv3 {
  readonly features: SmmuFeatures;
  readonly commands: CommandQueue;
  readonly events: EventQueue;
  readonly pageRequests: EventQueue;
  /** What devices with ATCs ask of it. */
  readonly ats: AtsPort;
  /** SMMU_CMDQ_BASE; null for a queue that can always be read. */
  commandQueueBase: number | null = null;
  /** CR0.SMMUEN. */
  enabled = false;
  /** GBPA.ABORT: what becomes of transactions as long as it is not enabled. */
  abortsWhenDisabled = false;
  readonly #lookups: Lookups;
  readonly #stalled = new StalledTransactions();
  readonly #atcs = new Map<number, Atc>();
  readonly #recorder: FaultRecorder;

  constructor(options: SmmuV3HardwareOptions) {
    const { name, memory, features, commandQueue = 256, eventQueue = 128, priQueue = 64, trace } = options;
    this.features = features;
    this.#lookups = new Lookups(memory, features);
    const lookups = this.#lookups;
    const stalled = this.#stalled;
    const processor = new CommandProcessor({ name, features, trace, lookups, stalled, atcs: this.#atcs });
    this.commands = new CommandQueue(
      commandQueue,
      (words) => processor.execute(words),
      () => this.commandQueueBase === null || memory.read(this.commandQueueBase, 4) !== null,
    );
    this.events = new EventQueue(eventQueue, EVENT_WORDS);
    this.pageRequests = new EventQueue(priQueue, PAGE_REQUEST_WORDS, true);
    const { events, pageRequests } = this;
    this.#recorder = new FaultRecorder({ name, events, stalled, stall: features.stall, trace });
    this.ats = new AtsPort({ name, features, lookups, recorder: this.#recorder, pageRequests, trace });
  }

  /** SMMU_STRTAB_BASE. */
  get streamTable(): StreamTable {
    return this.#lookups.table;
  }

  set streamTable(table: StreamTable) {
    this.#lookups.table = table;
  }

  /** Transactions that wait for a CMD_RESUME. */
  get stalledTransactions(): number {
    return this.#stalled.count;
  }

  /** Connects a device's ATC: CMD_ATC_INV and CMD_PRI_RESP for that stream go there. */
  connect(streamId: number, atc: Atc): void {
    this.#atcs.set(streamId, atc);
  }

  /**
   * An untranslated transaction. A fault is recorded as an event; one that stalls is retried when a CMD_RESUME, out of
   * `events.onRecord`, says so, and else is refused as one that still waits.
   */
  translate(transaction: Transaction): Translation {
    const { address: at } = transaction;
    if (!this.enabled) return this.abortsWhenDisabled ? refused("SMMU_GBPA.ABORT", at) : untranslated(at);
    for (let tries = 0; ; tries++) {
      const outcome = this.#lookups.run(transaction);
      const missing = this.#lookups.missing(transaction, outcome);
      const { fault, address, end, snooping } = outcome;
      if (fault === null) return { fault, address, end, snooping, missing };
      const response = this.#recorder.report(fault, transaction, outcome);
      if (response === "retry" && tries < RETRIES) continue;
      return refused(`${faultText(fault)}${response === "" ? "" : `, ${response}`}`, at, missing);
    }
  }
}
