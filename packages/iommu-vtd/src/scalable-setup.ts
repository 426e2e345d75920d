// SPDX-License-Identifier: MIT
import { forDevice, ofDomain, ofPasid } from "./cache-tags.ts";
import type { DeviceDomain, DeviceSetup, SetupHands } from "./device-setup.ts";
import { Pgtt } from "./pasid-entry.ts";

const { FIRST_LEVEL, SECOND_LEVEL, PASS_THROUGH } = Pgtt;

/** Scalable mode: what a device goes through is in the entries of its PASIDs, 0 for requests that carry none. */
export class ScalableSetup implements DeviceSetup {
  readonly #hands: SetupHands;

  constructor(hands: SetupHands) {
    this.#hands = hands;
  }

  /** @see intel_pasid_setup_first_level, intel_pasid_setup_second_level, intel_pasid_setup_pass_through */
  set({ source, pasid = 0, domain, id, deviceTlb }: DeviceDomain): void {
    const { entries, settings, submit } = this.#hands;
    const { cachingMode } = settings;
    if (entries.addDirectory(source, deviceTlb) && cachingMode) {
      // Hardware may have kept that there was no context entry, under domain 0.
      submit([{ kind: "cc_inv_dsc", granularity: "selective", domain: 0, source }]);
      submit([ofDomain(0, null)]);
    }
    const through = domain === "identity";
    const first = !through && domain.shape.stage === "first-level";
    entries.setPasid(source, pasid, {
      faultsDisabled: false,
      type: through ? PASS_THROUGH : first ? FIRST_LEVEL : SECOND_LEVEL,
      domainId: id,
      width: through ? settings.addressWidth : domain.shape.width,
      pageTable: through ? 0 : domain.table.rootAddress,
      walkSnoop: settings.coherentWalk,
      pageSnoop: first && domain.needsSnoopControl,
    });
    if (!cachingMode) return;
    submit([{ kind: "pc_inv_dsc", granularity: "selective", domain: id, pasid }]);
    submit([ofPasid(id, pasid, null)]);
  }

  /** @see intel_pasid_tear_down_entry */
  clear(source: number, carried: number | undefined, deviceTlb: boolean): void {
    const { entries, submit } = this.#hands;
    const pasid = carried ?? 0;
    const { domainId: domain = 0, type = 0 } = entries.pasid(source, pasid) ?? {};
    entries.setPasid(source, pasid, null);
    submit([{ kind: "pc_inv_dsc", granularity: "selective", domain, pasid }]);
    submit([type === SECOND_LEVEL ? ofDomain(domain, null) : ofPasid(domain, pasid, null)]);
    if (deviceTlb) submit([forDevice({ source, pasid: carried }, null)]);
  }

  /** Makes accesses by an entry snoop. @see intel_pasid_setup_page_snoop_control */
  enforcePageSnoop(source: number, carried: number | undefined, deviceTlb: boolean): void {
    const { entries, submit } = this.#hands;
    const pasid = carried ?? 0;
    const entry = entries.pasid(source, pasid);
    if (entry === null) return;
    entries.setPasid(source, pasid, { ...entry, pageSnoop: true });
    const { domainId: domain } = entry;
    submit([{ kind: "pc_inv_dsc", granularity: "selective", domain, pasid }]);
    submit([ofPasid(domain, pasid, null)]);
    if (deviceTlb) submit([forDevice({ source, pasid: carried }, null)]);
  }
}
