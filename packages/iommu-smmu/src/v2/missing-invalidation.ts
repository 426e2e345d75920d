// SPDX-License-Identifier: MIT
import type { ContextBank, ContextTables } from "./context-bank.ts";
import { GLOBAL, type SmmuTlb } from "./smmu-tlb.ts";

/**
 * The register that software did not write before an address was used that the tables do not give any more: the sync where the
 * invalidation was written; the one for the context where the entry is of tables before; the one that also forgets tables
 * where the way to the page is gone; else the one of a page (G.9, M-63).
 * @param ofOtherTables whether the entry was made before the context bank had these tables
 */
export function missingInvalidation(
  tlb: SmmuTlb,
  bank: ContextBank,
  { table, format, tag }: ContextTables,
  address: number,
  ofOtherTables: boolean,
): string {
  const { stage } = format.config;
  const known = tlb.walks.find(tag, table, address);
  const ofOthers = ofOtherTables || (known !== null && known.pages !== table);
  const ofTable = known !== null && !ofOthers && table.tableAt(address, known.depth) !== known.table;
  const unsynced = tlb.unsynced(tag, address, ofTable || ofOthers);
  if (unsynced === GLOBAL) return "sTLBGSYNC";
  if (unsynced !== null) return `TLBSYNC of context bank ${unsynced}`;
  const space = stage === 1 ? `ASID ${bank.registers.ttbr0[1] >>> 16}` : `VMID ${bank.registers.cbar & 0xff}`;
  if (ofOthers) return stage === 1 ? `TLBIASID of ${space}, TLBSYNC` : `TLBIVMID of ${space}, sTLBGSYNC`;
  const byAddress = stage === 1 ? "TLBIVA" : "TLBIIPAS2";
  const page = `0x${(address - (address % table.granule)).toString(16)}`;
  return `${byAddress}${ofTable ? "" : "L"} of ${page} for ${space}, TLBSYNC`;
}
