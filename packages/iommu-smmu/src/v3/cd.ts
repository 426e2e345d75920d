// SPDX-License-Identifier: MIT
import { address, bits, Layout } from "./layout.ts";

/** A context descriptor: 64 bytes. MAIR0 and MAIR1 are the two words of MAIR. @see Arm IHI 0070, 5.4 */
export const CD = new Layout("CD", 16, {
  T0SZ: bits(5, 0),
  TG0: bits(7, 6),
  IR0: bits(9, 8),
  OR0: bits(11, 10),
  SH0: bits(13, 12),
  EPD0: bits(14),
  ENDI: bits(15),
  T1SZ: bits(21, 16),
  TG1: bits(23, 22),
  IR1: bits(25, 24),
  OR1: bits(27, 26),
  SH1: bits(29, 28),
  EPD1: bits(30),
  V: bits(31),
  IPS: bits(34, 32),
  AFFD: bits(35),
  WXN: bits(36),
  UWXN: bits(37),
  TBI0: bits(38),
  TBI1: bits(39),
  PAN: bits(40),
  AA64: bits(41),
  HD: bits(42),
  HA: bits(43),
  S: bits(44),
  R: bits(45),
  A: bits(46),
  ASET: bits(47),
  ASID: bits(63, 48),
  TTB0: address(115, 68, 4),
  TTB1: address(179, 132, 4),
  MAIR0: bits(223, 192),
  MAIR1: bits(255, 224),
});

/** A level 1 context descriptor: 8 bytes, the table behind it 4 or 64 KiB. @see Arm IHI 0070, 5.3 */
export const L1CD = new Layout("L1CD", 2, { V: bits(0), L2Ptr: address(51, 12, 12) });

/** Bytes of a CD. */
export const CD_BYTES = 64;
