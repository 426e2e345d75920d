// SPDX-License-Identifier: MIT
import { IommuProt } from "@dmabuf/core/iommu";
import type { ArmSmmuCmdq } from "./arm-smmu-cmdq.ts";
import type { ArmSmmuMaster } from "./arm-smmu-master.ts";
import { PriResponse, ResumeResponse } from "./command.ts";
import { EVENT } from "./event.ts";
import { IopfQueue, type PageFault, type PageResponse } from "./iopf.ts";
import { PAGE_REQUEST } from "./pri.ts";
import type { SMMUv3 } from "./smmu-v3.ts";
import type { SmmuV3Options } from "./smmu-v3-options.ts";

const { READ, WRITE, PRIV } = IommuProt;

/** The driver's interrupts of the event queue and of the PRI queue. @see arm_smmu_evtq_thread, arm_smmu_priq_thread */
export class ArmSmmuEvtq {
  readonly #hardware: SMMUv3;
  readonly #cmdq: ArmSmmuCmdq;
  readonly #streams = new Map<number, { readonly master: ArmSmmuMaster; readonly iopf: IopfQueue }>();
  readonly #handler: SmmuV3Options["onPageFault"] | null;

  /** @param handler who repairs faults; null for nobody */
  constructor(hardware: SMMUv3, cmdq: ArmSmmuCmdq, handler: SmmuV3Options["onPageFault"] | null) {
    this.#handler = handler;
    this.#hardware = hardware;
    this.#cmdq = cmdq;
    hardware.events.onRecord = () => this.#events();
    hardware.pageRequests.onRecord = () => this.#pageRequests();
  }

  /** Faults of a master's streams go to the handler of their domain from now on. */
  add(master: ArmSmmuMaster): void {
    for (const StreamID of master.streamIds) {
      const respond = (STAG: number, response: PageResponse): void => {
        const Resp = response === "success" ? ResumeResponse.RETRY : ResumeResponse.ABORT;
        this.#cmdq.send({ op: "CMD_RESUME", StreamID, STAG, Resp });
      };
      this.#streams.set(StreamID, { master, iopf: new IopfQueue(respond) });
    }
  }

  #events(): void {
    const { events } = this.#hardware;
    for (let words = events.consume(); words !== null; words = events.consume())
      if (EVENT.get(words, "Stall") === 1) this.#stalled(words);
    if (events.hasOverflown) events.acknowledge();
  }

  /** A transaction waits: somebody repairs it, or it is aborted. Faults of stage 2 nobody can (M-54). @see arm_smmu_handle_event */
  #stalled(words: Uint32Array): void {
    const { StreamID, SSV, SubstreamID, STAG, InputAddr, RnW, PnU, S2 } = EVENT.decode(words);
    const stream = this.#streams.get(StreamID);
    if (stream === undefined) return;
    const { master, iopf } = stream;
    const domain = SSV === 1 ? master.substreams.get(SubstreamID) : master.domain;
    const repair = this.#handler;
    const isRepairable = repair && typeof domain === "object" && S2 === 0;
    const handler = isRepairable ? (faults: readonly PageFault[]) => repair(faults, domain) : null;
    const access = (RnW === 1 ? READ : WRITE) | (PnU === 1 ? PRIV : 0);
    const substream = SSV === 1 ? SubstreamID : undefined;
    iopf.report({ address: InputAddr, access, substream, group: STAG }, true, handler);
  }

  /** Nobody expects page requests: the last one of a group is denied (M-55). @see arm_smmu_handle_ppr */
  #pageRequests(): void {
    const { pageRequests } = this.#hardware;
    for (let words = pageRequests.consume(); words !== null; words = pageRequests.consume()) {
      const { StreamID, SSV, SubstreamID, PRGIndex, L } = PAGE_REQUEST.decode(words);
      if (L === 1)
        this.#cmdq.send({ op: "CMD_PRI_RESP", StreamID, SSV, SubstreamID, PRGIndex, Resp: PriResponse.DENY });
    }
    if (pageRequests.hasOverflown) pageRequests.acknowledge();
  }
}
