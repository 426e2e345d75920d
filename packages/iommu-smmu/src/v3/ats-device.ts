// SPDX-License-Identifier: MIT
import { type DeviceTranslation, IommuProt, refused, type Translation } from "@dmabuf/core/iommu";
import { Atc, type CachedTranslation } from "./ats.ts";
import { PriResponse } from "./command.ts";
import type { SMMUv3 } from "./smmu-v3.ts";
import type { Transaction } from "./transaction.ts";

const { READ, WRITE } = IommuProt;

/** PRG indices have 9 bits. */
const GROUPS = 2 ** 9;

/** A device with an ATC: it asks for translations, and then accesses memory with what it was given (M-49). */
export class AtsDevice implements DeviceTranslation {
  readonly atc = new Atc();
  readonly #hardware: SMMUv3;
  readonly #streamId: number;
  #group = 0;

  constructor(hardware: SMMUv3, streamId: number) {
    this.#hardware = hardware;
    this.#streamId = streamId;
    hardware.connect(streamId, this.atc);
  }

  translate(address: number, access: number, substream?: number): Translation {
    const transaction: Transaction = { streamId: this.#streamId, substream, address, access };
    if (!this.atc.enabled) return this.#hardware.translate(transaction);
    const known = this.#find(transaction);
    if (typeof known === "string") return refused(`ATS: ${known}`, address);
    const forbidden = this.#hardware.ats.checkTranslated(transaction);
    if (forbidden !== null) return refused(forbidden, address);
    const { address: to, end, snooping } = known;
    return { fault: null, address: to, end, snooping, missing: this.#hardware.ats.missing(transaction, to) };
  }

  /** What the ATC has, or the SMMU gives, if need be after a page request; or why there is nothing. */
  #find(transaction: Transaction): CachedTranslation | string {
    const known = this.atc.find(transaction.address, transaction.substream);
    const wanted = transaction.access & (READ | WRITE);
    if (known !== null && (known.access & wanted) === wanted) return known;
    const asked = this.#ask(transaction);
    return typeof asked === "string" && this.#requestPage(transaction) ? this.#ask(transaction) : asked;
  }

  /** Asks the SMMU, and keeps what it answers. */
  #ask(transaction: Transaction): CachedTranslation | string {
    const { address, access, substream } = transaction;
    const answer = this.#hardware.ats.request(transaction);
    if ("refused" in answer) return answer.refused;
    const wanted = access & (READ | WRITE);
    if ((answer.access & wanted) !== wanted) return "no permission";
    this.atc.keep(address, substream, answer);
    return this.atc.find(address, substream) ?? "no translation";
  }

  /** Asks software for a page; whether it says that it is there now. */
  #requestPage(transaction: Transaction): boolean {
    const group = this.#group;
    this.#group = (group + 1) % GROUPS;
    let isThere = false;
    this.atc.onPageResponse = (answered, response) => {
      if (answered === group) isThere = response === PriResponse.SUCCESS;
    };
    return this.#hardware.ats.requestPage(transaction, group, true) && isThere;
  }
}
