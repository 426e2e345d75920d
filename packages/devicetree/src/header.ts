// SPDX-License-Identifier: MIT
import { cellAt } from "./cell.ts";
import { fault } from "./fault.ts";

const MAGIC = 0xd00dfeed;
/** The format this reader was written for, and the oldest one that it is compatible with. */
const NEWEST = 17;
const OLDEST = 16;
/** Linux maps at most 2 MiB on arm64; what is this large is an image that borrows the format, as FIT does. */
const MAX_SIZE = 16 * 2 ** 20;

/** Where the parts of a blob are, in bytes from its start; every range is half-open and inside `totalSize`. */
export interface Header {
  readonly totalSize: number;
  readonly version: number;
  readonly lastCompatibleVersion: number;
  readonly bootCpu: number;
  readonly reserveMap: number;
  readonly struct: readonly [start: number, end: number];
  readonly strings: readonly [start: number, end: number];
}

function refuseOtherMagic(bytes: Uint8Array, file: string): void {
  const magic = bytes.length < 4 ? 0 : cellAt(bytes, 0);
  if (magic === MAGIC) return;
  const text = String.fromCharCode(...bytes.subarray(0, 9));
  const hint = text.startsWith("/dts-v1/") ? "; this is source, compile it with dtc first" : "";
  const found =
    bytes.length < 4
      ? `only ${bytes.length} bytes`
      : `it begins with 0x${magic.toString(16).padStart(8, "0")}`;
  throw fault(file, 0, `not a flattened device tree: ${found}, not with 0xd00dfeed${hint}`);
}

/**
 * Reads and checks the header. Versions 17 and 16 are read, and newer ones that say they are compatible with 17; a
 * file may be longer than `totalsize` (padding, or something appended), never shorter.
 * @see Devicetree Specification 0.4, 5.2
 */
export function readHeader(bytes: Uint8Array, file: string): Header {
  refuseOtherMagic(bytes, file);
  const field = (at: number, what: string): number => {
    if (at + 4 > bytes.length) throw fault(file, bytes.length, `the header ends before its field ${what}`);
    return cellAt(bytes, at);
  };
  const totalSize = field(4, "totalsize");
  if (totalSize > bytes.length)
    throw fault(file, 4, `truncated: totalsize says ${totalSize} bytes, there are ${bytes.length}`);
  if (totalSize > MAX_SIZE)
    throw fault(file, 4, `totalsize ${totalSize} is above ${MAX_SIZE}: no device tree is`);
  const version = field(20, "version");
  const lastCompatibleVersion = field(24, "last_comp_version");
  if (version < OLDEST)
    throw fault(file, 20, `version ${version} is older than ${OLDEST}, the oldest one read`);
  if (lastCompatibleVersion > NEWEST)
    throw fault(
      file,
      24,
      `readers up to version ${NEWEST} cannot read it: last_comp_version is ${lastCompatibleVersion}`,
    );
  if (lastCompatibleVersion > version)
    throw fault(file, 24, `last_comp_version ${lastCompatibleVersion} is above version ${version}`);

  const headerSize = version >= NEWEST ? 40 : 36;
  if (totalSize < headerSize)
    throw fault(file, 4, `totalsize ${totalSize} is less than the header's ${headerSize}`);
  const block = (at: number, size: number, what: string, alignment: number): [number, number] => {
    const start = field(at, `off_${what}`);
    if (start < headerSize || start > totalSize)
      throw fault(
        file,
        at,
        `off_${what} ${start} is outside of the blob's ${totalSize} bytes after the header`,
      );
    if (start % alignment !== 0)
      throw fault(file, at, `off_${what} ${start} is not a multiple of ${alignment}`);
    if (start + size > totalSize)
      throw fault(file, at, `${what} of ${size} bytes at ${start} ends behind totalsize ${totalSize}`);
    return [start, start + size];
  };
  const strings = block(12, field(32, "size_dt_strings"), "dt_strings", 1);
  const reserveMap = block(16, 16, "mem_rsvmap", 8)[0];
  // Version 16 does not say how long the structure is; it runs up to the strings or to the end.
  const from = field(8, "off_dt_struct");
  const unsized = (strings[0] > from ? strings[0] : totalSize) - from;
  const size = version >= NEWEST ? field(36, "size_dt_struct") : Math.max(unsized, 0);
  const struct = block(8, size, "dt_struct", 4);
  return {
    totalSize,
    version,
    lastCompatibleVersion,
    bootCpu: field(28, "boot_cpuid_phys"),
    reserveMap,
    struct,
    strings,
  };
}
