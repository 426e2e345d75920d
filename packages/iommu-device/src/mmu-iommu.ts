// SPDX-License-Identifier: MIT
import { type CoreServices, definePlugin, demandOptions, KernelError, type Plugin } from "@dmabuf/core";
import type { DeviceTranslation, IommuMaster, IommuTable, IommuUnit } from "@dmabuf/core/iommu";
import { MmuContext } from "./mmu-context.ts";
import { demandFactory, type MmuFactory, type PrivateMmu } from "./private-mmu.ts";

/** What an IOMMU of the board is made from. */
export interface MmuIommuOptions {
  /** The MMU that the platform gives to the DMA API. */
  readonly mmu: MmuFactory;
}

/**
 * The MMU inside of a device as if it were an IOMMU of the board: the DMA API owns it. A domain is an address space,
 * and there is one at a time, for nobody but the GPU's command stream could switch (D23).
 */
class MmuIommu implements IommuUnit {
  readonly #mmu: PrivateMmu;
  readonly #contexts = new Set<MmuContext>();

  constructor(mmu: PrivateMmu) {
    this.#mmu = mmu;
  }

  get kind(): string {
    return this.#mmu.kind;
  }

  /** It does not tell devices apart: they are one group (M-2). */
  probe(_device: string, ids: readonly number[]): readonly number[] {
    return ids.map(() => 0);
  }

  allocateDomain(): IommuTable {
    const context = this.#mmu.createContext();
    this.#contexts.add(context);
    return context;
  }

  freeDomain(domain: IommuTable): void {
    if (domain instanceof MmuContext && this.#contexts.delete(domain)) this.#mmu.destroyContext(domain);
  }

  attach({ devices }: IommuMaster, domain: IommuTable | "identity" | "blocked", substream = 0): void {
    const who = `${devices[0]}: the ${this.kind}`;
    if (substream !== 0) throw refusal("EOPNOTSUPP", `${who} knows no PASIDs`);
    if (domain === "identity") throw refusal("EINVAL", `${who} lets nothing through untranslated`);
    if (domain === "blocked") this.#mmu.switchTo(null);
    else if (domain instanceof MmuContext && this.#contexts.has(domain)) this.#mmu.switchTo(domain);
    else throw refusal("EINVAL", `${who} did not make this domain, or it was given up`);
  }

  /** Nothing gets past this MMU, and what is unmapped is flushed at once. */
  defaultDomainType(): "strict" {
    return "strict";
  }

  translation(): DeviceTranslation {
    return this.#mmu.translation;
  }
}

const refusal = (errno: "EINVAL" | "EOPNOTSUPP", reason: string): KernelError =>
  new KernelError(errno, "attach_dev", reason);

/** Puts the DMA API on the MMU inside of a device, which is then an IOMMU of the board under that name (D23). */
export function mmuIommu(name: string, options: MmuIommuOptions): Plugin {
  demandOptions<MmuIommuOptions>(name, options, { mmu: "any" });
  const { mmu } = options;
  demandFactory(name, mmu);
  return definePlugin({
    name: `@dmabuf/iommu-device ${name}`,
    provides: { iommus: { [name]: (services: CoreServices) => new MmuIommu(mmu(services, name)) } },
  });
}
