// SPDX-License-Identifier: MIT
import { PageTable } from "@dmabuf/core/iommu";
import { lpaeFormat } from "../../src/lpae/lpae-format.ts";
import { Config } from "../../src/v3/ste.ts";
import { BareMetal, configOf } from "./bare-metal.ts";

/** What a guest takes for memory lies so much higher. */
const OFFSET = 0x8_0000_0000;

/** A guest: its CD and tables are at intermediate addresses, which stage 2 maps page by page. */
export class Guest extends BareMetal {
  readonly second = this.table(2);
  readonly first: PageTable;
  readonly cd: number;

  constructor() {
    super();
    let next = 0x10_0000;
    const inGuest = {
      allocate: (bytes: number) => {
        const ipa = Math.ceil(next / bytes) * bytes;
        next = ipa + bytes;
        this.map(this.second, ipa, ipa + OFFSET, Math.max(1, bytes / 4096));
        return ipa as never;
      },
      free() {},
      wrote() {},
      sync() {},
      fetched() {},
    };
    this.first = new PageTable(lpaeFormat(configOf(1)), { memory: inGuest });
    this.memory.place(this.first, this.first.rootAddress + OFFSET);
    this.cd = this.cds(this.cdOf(this.first));
    this.map(this.second, 0xf_0000, this.cd);
    this.ste(1, { Config: Config.NESTED, ...this.stage2Of(this.second), S1ContextPtr: 0xf_0000 });
  }
}
