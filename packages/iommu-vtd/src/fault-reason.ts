// SPDX-License-Identifier: MIT

/**
 * Fault reasons by their code in a fault recording register (FR; VT-d chapter 7), in our words. Codes from 0x30 on
 * are those of scalable mode. Of 0x79, 0x7b and 0x83 we are not sure in which case exactly hardware uses which: the model uses
 * 0x79 for an entry that is not present, 0x7b for a pointer that leads to no table, 0x83 for an address that is too wide.
 */
export const faultReasons = {
  1: "root entry not present",
  2: "context entry not present",
  3: "invalid programming of the context entry",
  4: "address beyond the guest address width",
  5: "no write permission in the paging entry",
  6: "no read permission in the paging entry",
  7: "next paging entry not accessible",
  8: "root entry not accessible",
  9: "context entry not accessible",
  10: "reserved field set in the root entry",
  11: "reserved field set in the context entry",
  12: "reserved field set in the paging entry",
  13: "context entry blocks translation requests",
  14: "output address in the interrupt range",
  48: "SM: root entry table not accessible",
  49: "SM: request with PASID in legacy mode",
  56: "SM: root entry not accessible",
  57: "SM: root entry not present",
  58: "SM: reserved field set in the root entry",
  64: "SM: context entry not accessible",
  65: "SM: context entry not present",
  67: "SM: invalid programming of the context entry",
  69: "SM: PASIDs are not enabled in the context entry",
  70: "SM: PASID beyond the directory of the context entry",
  80: "SM: PASID directory entry not accessible",
  81: "SM: PASID directory entry not present",
  88: "SM: PASID table entry not accessible",
  89: "SM: PASID table entry not present",
  91: "SM: invalid programming of the PASID table entry",
  113: "SM: first-level paging entry not present",
  114: "SM: reserved field set in the first-level paging entry",
  115: "SM: root of the first-level tables not accessible",
  121: "SM: no permission in the second-level paging entry",
  122: "SM: reserved field set in the second-level paging entry",
  123: "SM: root of the second-level tables not accessible",
  128: "SM: address not canonical",
  129: "SM: a user's access to a supervisor's page",
  131: "SM: address beyond the guest address width",
  133: "SM: no write permission",
  134: "SM: no read permission",
  135: "SM: output address in the interrupt range",
} as const;

/** A code of {@link faultReasons}. */
export type FaultCode = keyof typeof faultReasons;

/** As messages have it. @param level of the paging entry, where it is one's fault */
export function faultText(code: FaultCode, level: number | null = null): string {
  const number = `0x${code.toString(16).padStart(2, "0")}`;
  return `fault reason ${number}: ${faultReasons[code]}${level === null ? "" : `, level ${level}`}`;
}

/** The code of the same fault in either mode. */
export const byMode = (scalable: boolean, legacy: FaultCode, inScalable: FaultCode): FaultCode =>
  scalable ? inScalable : legacy;
