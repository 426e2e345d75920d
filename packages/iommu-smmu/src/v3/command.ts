// SPDX-License-Identifier: MIT
import { address, bits, Layout } from "./layout.ts";

const streamId = bits(63, 32);
const substreamId = bits(31, 12);
const SSV = bits(11);
const Leaf = bits(64);
const VMID = bits(47, 32);
const ASID = bits(63, 48);
/** Of a range: how many, how large, at which level, of which granule (M-48). */
const range = { NUM: bits(16, 12), SCALE: bits(24, 20), TTL: bits(73, 72), TG: bits(75, 74) };
const virtualAddress = address(127, 76, 12);

const formats = {
  CMD_PREFETCH_CONFIG: [0x01, { SSV, SubstreamID: substreamId, StreamID: streamId }],
  CMD_PREFETCH_ADDR: [0x02, { SSV, SubstreamID: substreamId, StreamID: streamId, Address: virtualAddress }],
  CMD_CFGI_STE: [0x03, { StreamID: streamId, Leaf }],
  CMD_CFGI_STE_RANGE: [0x04, { StreamID: streamId, Range: bits(68, 64) }],
  CMD_CFGI_CD: [0x05, { SubstreamID: substreamId, StreamID: streamId, Leaf }],
  CMD_CFGI_CD_ALL: [0x06, { StreamID: streamId }],
  CMD_TLBI_NH_ALL: [0x10, { VMID }],
  CMD_TLBI_NH_ASID: [0x11, { VMID, ASID }],
  CMD_TLBI_NH_VA: [0x12, { ...range, VMID, ASID, Leaf, Address: virtualAddress }],
  CMD_TLBI_NH_VAA: [0x13, { ...range, VMID, Leaf, Address: virtualAddress }],
  CMD_TLBI_EL2_ALL: [0x20, {}],
  CMD_TLBI_EL2_ASID: [0x21, { ASID }],
  CMD_TLBI_EL2_VA: [0x22, { ...range, ASID, Leaf, Address: virtualAddress }],
  CMD_TLBI_EL2_VAA: [0x23, { ...range, Leaf, Address: virtualAddress }],
  CMD_TLBI_S12_VMALL: [0x28, { VMID }],
  CMD_TLBI_S2_IPA: [0x2a, { ...range, VMID, Leaf, Address: address(115, 76, 12) }],
  CMD_TLBI_NSNH_ALL: [0x30, {}],
  CMD_ATC_INV: [
    0x40,
    {
      Global: bits(9),
      SSV,
      SubstreamID: substreamId,
      StreamID: streamId,
      Size: bits(69, 64),
      Address: virtualAddress,
    },
  ],
  CMD_PRI_RESP: [
    0x41,
    { SSV, SubstreamID: substreamId, StreamID: streamId, PRGIndex: bits(72, 64), Resp: bits(77, 76) },
  ],
  CMD_RESUME: [0x44, { Resp: bits(13, 12), StreamID: streamId, STAG: bits(79, 64) }],
  CMD_STALL_TERM: [0x45, { StreamID: streamId }],
  CMD_SYNC: [
    0x46,
    {
      CS: bits(13, 12),
      MSH: bits(23, 22),
      MSIAttr: bits(27, 24),
      MSIData: bits(63, 32),
      MSIAddress: address(115, 66, 2),
    },
  ],
} as const;

/** A command's name. @see Arm IHI 0070, 4.1.1 */
export type CommandName = keyof typeof formats;

type FieldName =
  | "SSV"
  | "SubstreamID"
  | "StreamID"
  | "Leaf"
  | "Range"
  | "VMID"
  | "ASID"
  | "NUM"
  | "SCALE"
  | "TTL"
  | "TG"
  | "Address"
  | "Global"
  | "Size"
  | "PRGIndex"
  | "Resp"
  | "STAG"
  | "CS"
  | "MSH"
  | "MSIAttr"
  | "MSIData"
  | "MSIAddress";

/** A command: its name and the fields that it has; one that is left out is 0. */
export type Command = { readonly op: CommandName } & { readonly [F in FieldName]?: number };

const opcode = bits(7, 0);
const layouts = new Map<string, Layout<string>>();
const names = new Map<number, CommandName>();
for (const [name, [code, fields]] of Object.entries(formats)) {
  layouts.set(name, new Layout<string>(name, 4, { opcode, ...fields }));
  names.set(code, name as CommandName);
}

/** All commands. */
export const commandNames: readonly string[] = Object.keys(formats);

/** Words of a command. */
export const COMMAND_WORDS = 4;

/** CMD_CFGI_STE_RANGE with this range is CMD_CFGI_ALL. */
export const CFGI_ALL_RANGE = 31;

/** CMD_RESUME.Resp: Ac and Ab; the terminated transaction is answered as CD.A says. */
export const ResumeResponse = { TERMINATE: 0, RETRY: 1, ABORT: 2 } as const;

/** CMD_PRI_RESP.Resp. */
export const PriResponse = { DENY: 0, FAIL: 1, SUCCESS: 2 } as const;

/** The 16 bytes of a command. Throws `TypeError` for a field that it does not have, and a value that does not fit. */
export function encodeCommand({ op, ...fields }: Command): Uint32Array {
  return (layouts.get(op) as Layout<string>).encode({ opcode: formats[op][0], ...fields });
}

/** The command in 16 bytes, all its fields; null for an opcode that is not one. */
export function decodeCommand(words: Uint32Array): Command | null {
  const op = names.get((words[0] as number) & 0xff);
  if (op === undefined) return null;
  const { opcode: _, ...fields } = (layouts.get(op) as Layout<string>).decode(words);
  return { op, ...fields };
}
