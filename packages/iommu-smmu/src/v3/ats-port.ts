// SPDX-License-Identifier: MIT
import { IommuProt } from "@dmabuf/core/iommu";
import type { Trace } from "@dmabuf/core/sim";
import type { AtsTranslation } from "./ats.ts";
import type { EventQueue } from "./event-queue.ts";
import { type Fault, faultText, isTranslationFault } from "./fault.ts";
import type { FaultRecorder } from "./fault-recorder.ts";
import type { Lookups } from "./lookups.ts";
import { pageOf } from "./missing-tlbis.ts";
import { PAGE_REQUEST } from "./pri.ts";
import type { SmmuFeatures } from "./smmu-features.ts";
import { pageRequested } from "./smmu-trace.ts";
import { Config, EATS, STE } from "./ste.ts";
import { isSteIllegal } from "./ste-check.ts";
import type { Transaction } from "./transaction.ts";

const { READ, WRITE, PRIV } = IommuProt;

/** What becomes of a device's request for a translation: one, or why there is none. */
export type AtsAnswer = AtsTranslation | { readonly refused: string };

/** What requests are answered with. */
interface Hands {
  readonly name: string;
  readonly features: SmmuFeatures;
  readonly lookups: Lookups;
  readonly recorder: FaultRecorder;
  readonly pageRequests: EventQueue;
  readonly trace: Trace | undefined;
}

/** The SMMU's side of ATS and PRI: what devices with ATCs ask of it. @see Arm IHI 0070, 3.9 */
export class AtsPort {
  readonly #hands: Hands;

  constructor(hands: Hands) {
    this.#hands = hands;
  }

  /**
   * A translation request. Faults of the translation are no events: the device hears of them. Those of the configuration are, and
   * F_BAD_ATS_TREQ is one where the stream may not ask (M-53).
   */
  request(transaction: Transaction): AtsAnswer {
    const { lookups } = this.#hands;
    const bad = this.#checkStream(transaction, "F_BAD_ATS_TREQ");
    if (bad !== null) return { refused: bad };
    const read = lookups.run({ ...transaction, access: (transaction.access & PRIV) | READ });
    const write = lookups.run({ ...transaction, access: (transaction.access & PRIV) | WRITE });
    const given = read.fault === null ? read : write;
    if (given.fault !== null) {
      if (!isTranslationFault(given.fault)) this.#hands.recorder.record(given.fault, transaction);
      return { refused: faultText(given.fault) };
    }
    const access = (read.fault === null ? READ : 0) | (write.fault === null ? WRITE : 0);
    return { address: given.address, access, snooping: given.snooping };
  }

  /** A translated transaction: null when it gets through as it is, else why not. */
  checkTranslated(transaction: Transaction): string | null {
    return this.#checkStream(transaction, "F_TRANSL_FORBIDDEN");
  }

  /** Which commands an answer out of a device's ATC lacks; null for one that memory still gives. */
  missing(transaction: Transaction, given: number): string | null {
    const { lookups } = this.#hands;
    const now = lookups.peek(transaction);
    if (now.fault === null && now.address === given) return null;
    const { streamId, address } = transaction;
    const own = lookups.missing(transaction, lookups.run(transaction));
    const atc = `CMD_ATC_INV of ${pageOf(address)} for StreamID 0x${streamId.toString(16)}`;
    if (own !== null) return `${own}, ${atc}, CMD_SYNC`;
    return lookups.pending.coversAtc(streamId, address) ? "CMD_SYNC" : `${atc}, CMD_SYNC`;
  }

  /**
   * A page request of PRI. False when it is lost, which a device takes for refused.
   * @param isLast whether its group is complete
   * @see Arm IHI 0070, 8
   */
  requestPage(transaction: Transaction, group: number, isLast: boolean): boolean {
    const { streamId, substream, address, access } = transaction;
    const words = PAGE_REQUEST.encode({
      StreamID: streamId,
      SSV: substream === undefined ? 0 : 1,
      SubstreamID: substream ?? 0,
      R: (access & READ) === 0 ? 0 : 1,
      W: (access & WRITE) === 0 ? 0 : 1,
      U: (access & PRIV) === 0 ? 0 : 1,
      L: isLast ? 1 : 0,
      PRGIndex: group,
      Address: address - (address % 4096),
    });
    const { trace, name, pageRequests } = this.#hands;
    const isLost = !pageRequests.enabled || pageRequests.isStopped;
    trace?.emit(pageRequested, trace.intern(name), streamId, address, group, isLast ? 1 : 0, isLost ? 1 : 0);
    return pageRequests.record(words);
  }

  /** Whether a stream uses ATS at all; records why it may not, where that is an event. */
  #checkStream(transaction: Transaction, name: "F_BAD_ATS_TREQ" | "F_TRANSL_FORBIDDEN"): string | null {
    const { lookups, features, recorder } = this.#hands;
    const ste = lookups.entry(transaction.streamId);
    const fault = ste instanceof Uint32Array ? faultOf(ste, features, name) : ste;
    if (fault === null) return null;
    recorder.record(fault, transaction);
    return faultText(fault);
  }
}

function faultOf(
  ste: Uint32Array,
  features: SmmuFeatures,
  name: "F_BAD_ATS_TREQ" | "F_TRANSL_FORBIDDEN",
): Fault | null {
  if (STE.get(ste, "V") === 0 || isSteIllegal(ste, features)) return { name: "C_BAD_STE" };
  const config = STE.get(ste, "Config");
  if (config < Config.BYPASS) return { name: "abort" };
  return config === Config.BYPASS || STE.get(ste, "EATS") === EATS.ABORT ? { name } : null;
}
