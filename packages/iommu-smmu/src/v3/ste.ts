// SPDX-License-Identifier: MIT
import { address, bits, Layout } from "./layout.ts";

/** A stream table entry: 64 bytes. @see Arm IHI 0070, 5.2 */
export const STE = new Layout("STE", 16, {
  V: bits(0),
  Config: bits(3, 1),
  S1Fmt: bits(5, 4),
  S1ContextPtr: address(51, 6, 6),
  S1CDMax: bits(63, 59),
  S1DSS: bits(65, 64),
  S1CIR: bits(67, 66),
  S1COR: bits(69, 68),
  S1CSH: bits(71, 70),
  MEV: bits(83),
  S2FWB: bits(89),
  S1STALLD: bits(91),
  EATS: bits(93, 92),
  STRW: bits(95, 94),
  MemAttr: bits(99, 96),
  MTCFG: bits(100),
  SHCFG: bits(109, 108),
  S2VMID: bits(143, 128),
  S2T0SZ: bits(165, 160),
  S2SL0: bits(167, 166),
  S2IR0: bits(169, 168),
  S2OR0: bits(171, 170),
  S2SH0: bits(173, 172),
  S2TG: bits(175, 174),
  S2PS: bits(178, 176),
  S2AA64: bits(179),
  S2ENDI: bits(180),
  S2AFFD: bits(181),
  S2PTW: bits(182),
  S2S: bits(185),
  S2R: bits(186),
  S2TTB: address(243, 196, 4),
});

/** STE.Config: bit 2 lets transactions on, bit 1 translates in stage 2, bit 0 in stage 1 (M-41). */
export const Config = { ABORT: 0, BYPASS: 4, S1_TRANS: 5, S2_TRANS: 6, NESTED: 7 } as const;

/** STE.S1DSS: what becomes of a transaction without a SubstreamID where substreams are in use. */
export const S1DSS = { TERMINATE: 0, BYPASS: 1, SSID0: 2 } as const;

/** STE.S1Fmt: how the context descriptors are laid out. */
export const S1Fmt = { LINEAR: 0, L2_4K: 1, L2_64K: 2 } as const;

/** STE.EATS: whether the stream may ask for translations and use them. */
export const EATS = { ABORT: 0, TRANS: 1, S1CHK: 2 } as const;

/** STE.STRW: whose translations a stream uses. */
export const STRW = { NSEL1: 0, EL2: 2 } as const;

/** Shareability as attributes of an STE or CD say it. STE.SHCFG has `INCOMING` besides. */
export const SH = { NSH: 0, INCOMING: 1, OSH: 2, ISH: 3 } as const;

/** A level 1 stream table descriptor: 8 bytes. Span 0 is invalid, else the table behind it has 2^(Span - 1) entries. @see Arm IHI 0070, 5.1 */
export const L1STD = new Layout("L1STD", 2, { Span: bits(4, 0), L2Ptr: address(51, 6, 6) });

/** Bytes of an STE. */
export const STE_BYTES = 64;
