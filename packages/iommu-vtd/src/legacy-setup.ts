// SPDX-License-Identifier: MIT
import { forDevice, ofDomain } from "./cache-tags.ts";
import { TranslationType } from "./context-entry.ts";
import type { DeviceDomain, DeviceSetup, SetupHands } from "./device-setup.ts";

const { MULTI_LEVEL, DEV_IOTLB, PASS_THROUGH } = TranslationType;

/** Legacy mode: what a device goes through is in its context entry. */
export class LegacySetup implements DeviceSetup {
  readonly #hands: SetupHands;

  constructor(hands: SetupHands) {
    this.#hands = hands;
  }

  /** @see domain_context_mapping_one, context_setup_pass_through */
  set({ source, domain, id, deviceTlb }: DeviceDomain): void {
    const { entries, settings, submit } = this.#hands;
    const through = domain === "identity";
    entries.setContext(source, {
      faultsDisabled: false,
      type: through ? PASS_THROUGH : deviceTlb ? DEV_IOTLB : MULTI_LEVEL,
      pageTable: through ? 0 : domain.table.rootAddress,
      width: through ? settings.addressWidth : domain.shape.width,
      domainId: id,
    });
    if (!settings.cachingMode) return;
    // Hardware may have kept that there was no entry, under domain 0.
    submit([{ kind: "cc_inv_dsc", granularity: "selective", domain: 0, source }]);
    submit([ofDomain(id, null)]);
  }

  /** @see domain_context_clear_one, intel_context_flush_no_pasid */
  clear(source: number, _pasid: number | undefined, deviceTlb: boolean): void {
    const { entries, submit } = this.#hands;
    const domain = entries.context(source)?.domainId ?? 0;
    entries.setContext(source, null);
    submit([{ kind: "cc_inv_dsc", granularity: "selective", domain, source }]);
    submit([ofDomain(domain, null)]);
    if (deviceTlb) submit([forDevice({ source, pasid: undefined }, null)]);
  }
}
