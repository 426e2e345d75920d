// SPDX-License-Identifier: MIT

import { IommuProt, refused, type Translation, untranslated } from "@dmabuf/core/iommu";
import type { Trace } from "@dmabuf/core/sim";
import type { Atc, AtsTranslation } from "./ats.ts";
import { CommandProcessor } from "./command-processor.ts";
import { CommandQueue } from "./command-queue.ts";
import { ConfigurationCache } from "./configuration-cache.ts";
import { EVENT_WORDS } from "./event.ts";
import { EventQueue } from "./event-queue.ts";
import { type Fault, faultText, isTranslationFault } from "./fault.ts";
import { FaultRecorder } from "./fault-recorder.ts";
import { PendingInvalidations } from "./pending-invalidations.ts";
import { PAGE_REQUEST, PAGE_REQUEST_WORDS } from "./pri.ts";
import type { SmmuFeatures } from "./smmu-features.ts";
import { pageRequested } from "./smmu-trace.ts";
import { isSame, missingCommands } from "./staleness.ts";
import { StalledTransactions } from "./stalled-transactions.ts";
import { Config, EATS, STE } from "./ste.ts";
import type { StreamTable } from "./stream-table.ts";
import type { StructureMemory } from "./structure-memory.ts";
import type { Transaction } from "./transaction.ts";
import { TranslationCaches } from "./translation-caches.ts";
import { type Outcome, type Remembered, Translator } from "./translator.ts";

const { READ, WRITE } = IommuProt;

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

/** What becomes of a device's request for a translation: one, or why there is none. */
export type AtsAnswer = AtsTranslation | { readonly refused: string };

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
  /** SMMU_STRTAB_BASE. */
  streamTable: StreamTable = { address: 0, log2Size: 0, split: null };
  /** SMMU_CMDQ_BASE; null for a queue that can always be read. */
  commandQueueBase: number | null = null;
  /** CR0.SMMUEN. */
  enabled = false;
  /** GBPA.ABORT: what becomes of transactions as long as it is not enabled. */
  abortsWhenDisabled = false;
  readonly #options: SmmuV3HardwareOptions;
  readonly #translator: Translator;
  readonly #remembered: Remembered = {
    configuration: new ConfigurationCache(),
    translations: new TranslationCaches(),
  };
  readonly #pending = new PendingInvalidations();
  readonly #stalled = new StalledTransactions();
  readonly #atcs = new Map<number, Atc>();
  readonly #recorder: FaultRecorder;

  constructor(options: SmmuV3HardwareOptions) {
    const { name, memory, features, commandQueue = 256, eventQueue = 128, priQueue = 64, trace } = options;
    this.#options = options;
    this.features = features;
    this.#translator = new Translator(memory, features);
    const processor = new CommandProcessor({
      name,
      features,
      trace,
      remembered: this.#remembered,
      pending: this.#pending,
      stalled: this.#stalled,
      atcs: this.#atcs,
    });
    this.commands = new CommandQueue(
      commandQueue,
      (words) => processor.execute(words),
      () => this.commandQueueBase === null || memory.read(this.commandQueueBase, 4) !== null,
    );
    this.events = new EventQueue(eventQueue, EVENT_WORDS);
    this.pageRequests = new EventQueue(priQueue, PAGE_REQUEST_WORDS, true);
    const { events } = this;
    this.#recorder = new FaultRecorder({
      name,
      events,
      stalled: this.#stalled,
      stall: features.stall,
      trace,
    });
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
    if (!this.enabled) return this.#disabled(transaction.address);
    for (let tries = 0; ; tries++) {
      const outcome = this.#run(transaction);
      const missing = this.#missing(transaction, outcome);
      const { fault, address, end, snooping } = outcome;
      if (fault === null) return { fault, address, end, snooping, missing };
      const response = this.#recorder.report(fault, transaction, outcome);
      if (response === "retry" && tries < RETRIES) continue;
      return refused(
        `${faultText(fault)}${response === "" ? "" : `, ${response}`}`,
        transaction.address,
        missing,
      );
    }
  }

  /** What memory says about a transaction now, whatever is remembered; nothing is recorded. */
  peek(transaction: Transaction): Translation {
    if (!this.enabled) return this.#disabled(transaction.address);
    const { fault, address, end, snooping } = this.#translator.run(this.streamTable, transaction, null);
    if (fault !== null) return refused(faultText(fault), transaction.address);
    return { fault, address, end, snooping, missing: null };
  }

  /** An ATS translation request: refused with F_BAD_ATS_TREQ where the stream may not ask. @see Arm IHI 0070, 3.9 */
  requestTranslation(transaction: Transaction): AtsAnswer {
    const outcome = this.#run({ ...transaction, access: transaction.access & ~WRITE });
    const { ste } = outcome;
    if (ste !== null && (STE.get(ste, "EATS") === EATS.ABORT || STE.get(ste, "Config") === Config.BYPASS))
      return this.#refuseRequest({ name: "F_BAD_ATS_TREQ" }, transaction);
    const write = this.#run({ ...transaction, access: (transaction.access & ~READ) | WRITE });
    const given = outcome.fault === null ? outcome : write;
    if (given.fault !== null)
      return isTranslationFault(given.fault)
        ? { refused: faultText(given.fault) }
        : this.#refuseRequest(given.fault, transaction);
    const access = (outcome.fault === null ? READ : 0) | (write.fault === null ? WRITE : 0);
    return { address: given.address, access, snooping: given.snooping };
  }

  /** A translated transaction: null when it gets through as it is. @see Arm IHI 0070, 7.3 */
  checkTranslated(transaction: Transaction): string | null {
    const ste = this.#translator.entry(this.streamTable, transaction.streamId, this.#remembered);
    const isEntry = ste instanceof Uint32Array;
    if (isEntry && STE.get(ste, "V") === 1 && STE.get(ste, "EATS") !== EATS.ABORT) return null;
    const why: Fault = isEntry ? { name: "F_TRANSL_FORBIDDEN" } : ste;
    this.#recorder.record(why, transaction);
    return faultText(why);
  }

  /** Which commands an answer out of a device's ATC lacks, given that memory says something else now. */
  missingForAtc(transaction: Transaction): string {
    const { streamId, address } = transaction;
    const own = this.#missing(transaction, this.#run(transaction));
    const page = `0x${(address - (address % 4096)).toString(16)}`;
    const atc = `CMD_ATC_INV of ${page} for StreamID 0x${streamId.toString(16)}`;
    const isSent = this.#pending.coversAtc(streamId, address);
    return [...(own === null ? [] : [own]), ...(isSent && own === null ? [] : [atc]), "CMD_SYNC"].join(", ");
  }

  /** A PRI page request. False when it is lost: the device takes it for refused. @see Arm IHI 0070, 8.1 */
  requestPage(transaction: Transaction, group: number, isLast: boolean): boolean {
    const { streamId, substream, address, access } = transaction;
    const words = PAGE_REQUEST.encode({
      StreamID: streamId,
      SSV: substream === undefined ? 0 : 1,
      SubstreamID: substream ?? 0,
      R: (access & READ) === 0 ? 0 : 1,
      W: (access & WRITE) === 0 ? 0 : 1,
      U: (access & IommuProt.PRIV) === 0 ? 0 : 1,
      L: isLast ? 1 : 0,
      PRGIndex: group,
      Address: address - (address % 4096),
    });
    const { trace, name } = this.#options;
    const isRecorded = this.pageRequests.enabled && !this.pageRequests.isStopped;
    trace?.emit(
      pageRequested,
      trace.intern(name),
      streamId,
      address,
      group,
      isLast ? 1 : 0,
      isRecorded ? 0 : 1,
    );
    return this.pageRequests.record(words);
  }

  #run(transaction: Transaction): Outcome {
    return this.#translator.run(this.streamTable, transaction, this.#remembered);
  }

  #disabled(address: number): Translation {
    return this.abortsWhenDisabled ? refused("SMMU_GBPA.ABORT", address) : untranslated(address);
  }

  #missing(transaction: Transaction, given: Outcome): string | null {
    const now = this.#translator.run(this.streamTable, transaction, null);
    return isSame(given, now)
      ? null
      : missingCommands(transaction, given, now, this.#remembered, this.#pending);
  }

  #refuseRequest(fault: Fault, transaction: Transaction): AtsAnswer {
    this.#recorder.record(fault, transaction);
    return { refused: faultText(fault) };
  }
}
