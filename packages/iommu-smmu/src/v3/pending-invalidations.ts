// SPDX-License-Identifier: MIT
import { type Atc, atcRange } from "./ats.ts";
import type { Command } from "./command.ts";
import { coversConfiguration } from "./configuration-cache.ts";
import { type InvalidationScope, includesTag, scopeOf } from "./invalidation-scope.ts";
import type { Remembered } from "./translator.ts";

/**
 * Invalidations that were consumed and that no CMD_SYNC has followed yet. They may take effect at any time; the worst case, which
 * is this, is that they do when the CMD_SYNC is consumed (M-47). @see Arm IHI 0070, 4.7.3
 */
export class PendingInvalidations {
  readonly #tlbis: InvalidationScope[] = [];
  /** CFGIs and ATC_INVs. */
  readonly #others: Command[] = [];

  /** Notes a TLBI, CFGI or ATC_INV. */
  add(command: Command): void {
    const scope = scopeOf(command);
    if (scope === null) this.#others.push(command);
    else this.#tlbis.push(scope);
  }

  /**
   * CMD_SYNC: all of them take effect. A device may ask again as soon as its translation is gone, and gets it back out of the TLB:
   * so a CMD_ATC_INV does nothing about addresses of a TLBI that is not complete itself (M-49).
   * @param atcOf the devices that answer to a StreamID
   * Returns false when a device does not answer.
   */
  complete(
    { configuration, translations }: Remembered,
    atcOf: (streamId: number) => Atc | undefined,
  ): boolean {
    const tlbis = this.#tlbis.splice(0);
    let isAnswered = true;
    for (const scope of tlbis) translations.apply(scope);
    for (const command of this.#others.splice(0)) {
      if (command.op !== "CMD_ATC_INV") {
        configuration.apply(command);
        continue;
      }
      const atc = atcOf(command.StreamID ?? 0);
      if (atc?.responds === false) isAnswered = false;
      else if (!tlbis.some((scope) => overlaps(scope, command))) atc?.invalidate(command);
    }
    return isAnswered;
  }

  /** Whether a TLBI waits that drops an entry of stage 1, or of both stages. */
  coversFirst(tag: number, address: number, withWalk: boolean): boolean {
    return this.#tlbis.some(
      (scope) => scope.first !== null && includesTag(scope.first, tag) && isIn(scope, address, withWalk),
    );
  }

  /** Whether a TLBI waits that drops an entry of stage 2. */
  coversSecond(vmid: number, ipa: number, withWalk: boolean): boolean {
    return this.#tlbis.some(
      (scope) => scope.second !== null && includesTag(scope.second, vmid) && isIn(scope, ipa, withWalk),
    );
  }

  /** Whether a CFGI waits that makes the SMMU read that STE again, or with a substream that CD. */
  coversConfiguration(streamId: number, substream: number | null): boolean {
    return this.#others.some((command) => coversConfiguration(command, streamId, substream));
  }

  /** Whether a CMD_ATC_INV waits for an address. */
  coversAtc(streamId: number, address: number): boolean {
    return this.#others.some((command) => {
      if (command.op !== "CMD_ATC_INV" || command.StreamID !== streamId) return false;
      const [start, end] = atcRange(command);
      return address >= start && address < end;
    });
  }
}

const isIn = ({ start, end, leaf }: InvalidationScope, address: number, withWalk: boolean): boolean =>
  address >= start && address < end && !(withWalk && leaf);

/** Whether a TLBI is about addresses of a CMD_ATC_INV; of an intermediate address nobody knows. */
function overlaps(tlbi: InvalidationScope, command: Command): boolean {
  if (tlbi.first === null) return true;
  const [start, end] = atcRange(command);
  return tlbi.start < end && tlbi.end > start;
}
