// SPDX-License-Identifier: MIT
import { address, bits, Layout } from "./layout.ts";

/** What is recorded in the event queue, and under which number (M-53). @see Arm IHI 0070, 7.3 */
export const EventCode = {
  F_UUT: 0x01,
  C_BAD_STREAMID: 0x02,
  F_STE_FETCH: 0x03,
  C_BAD_STE: 0x04,
  F_BAD_ATS_TREQ: 0x05,
  F_STREAM_DISABLED: 0x06,
  F_TRANSL_FORBIDDEN: 0x07,
  C_BAD_SUBSTREAMID: 0x08,
  F_CD_FETCH: 0x09,
  C_BAD_CD: 0x0a,
  F_WALK_EABT: 0x0b,
  F_TRANSLATION: 0x10,
  F_ADDR_SIZE: 0x11,
  F_ACCESS: 0x12,
  F_PERMISSION: 0x13,
  F_TLB_CONFLICT: 0x20,
  F_CFG_CONFLICT: 0x21,
  E_PAGE_REQUEST: 0x24,
} as const;

/** An event's name. */
export type EventName = keyof typeof EventCode;

/** CLASS: what was read when it happened: a context descriptor, a translation table, or the input address itself. */
export const FaultClass = { CD: 0, TT: 1, IN: 2 } as const;

/** An event record: 32 bytes. FetchAddr takes the place of IPA in the events that have it. @see Arm IHI 0070, 7.3 */
export const EVENT = new Layout("event", 8, {
  Type: bits(7, 0),
  SSV: bits(11),
  SubstreamID: bits(31, 12),
  StreamID: bits(63, 32),
  STAG: bits(79, 64),
  Stall: bits(95),
  PnU: bits(97),
  InD: bits(98),
  RnW: bits(99),
  S2: bits(103),
  CLASS: bits(105, 104),
  InputAddr: bits(191, 128),
  IPA: address(243, 204, 12),
});

const fetchAddress = new Layout("event", 8, { FetchAddr: address(243, 195, 3) });

/** Writes FetchAddr of F_STE_FETCH, F_CD_FETCH and F_WALK_EABT. */
export const setFetchAddr = (words: Uint32Array, value: number): void =>
  fetchAddress.set(words, "FetchAddr", value);

/** FetchAddr of F_STE_FETCH, F_CD_FETCH and F_WALK_EABT. */
export const fetchAddrOf = (words: Uint32Array): number => fetchAddress.get(words, "FetchAddr");

/** Words of an event record. */
export const EVENT_WORDS = 8;

const names = new Map<number, EventName>(
  (Object.entries(EventCode) as [EventName, number][]).map(([name, code]) => [code, name]),
);

/** The name of an event record's type, or null for one that there is not. */
export const eventName = (words: Uint32Array): EventName | null =>
  names.get(EVENT.get(words, "Type")) ?? null;
