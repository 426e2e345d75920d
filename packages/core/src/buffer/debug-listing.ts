// SPDX-License-Identifier: MIT
import type { Process } from "../sim/process.ts";
import { DmaFence } from "../sync/dma-fence.ts";
import { describeConstraints } from "./constraint/describe-constraints.ts";
import type { DmaBuf } from "./dma-buf.ts";
import type { DmaBufCore } from "./dma-buf-core.ts";

/** `O_RDWR`: every exporter of the model exports for reading and writing (B-6). */
const FILE_FLAGS = "00000002";

/** What a dma-buf's file may do, as `f_mode` has it: read, write, seek, and that it is open. */
const fileModes = { "6.12": "00080007", "7.2": "02080007" } as const;

/**
 * What `/proc/PID/fdinfo/FD` says about a dma-buf, without the four lines that every file has (B-70). A newline in the
 * name is printed as it is, as the kernel does. @see dma_buf_show_fdinfo
 */
export function fdinfo({ size, references, exporterName, name }: DmaBuf): string {
  const lines = [`size:\t${size}`, `count:\t${references}`, `exp_name:\t${exporterName}`];
  if (name !== null) lines.push(`name:\t${name}`);
  return lines.map((line) => `${line}\n`).join("");
}

/**
 * `/sys/kernel/debug/dma_buf/bufinfo` as the running kernel prints it: every live buffer, newest first, with its fences
 * but the bookkeeping ones, and its devices (B-76). Takes each reservation; throws `KernelError` EINTR when a signal
 * comes. A kernel that looks at constraints adds a line for them (D10). File flags and modes are those of a file open for reading and writing. @see dma_buf_debug_show
 */
export function bufinfo(core: DmaBufCore): Process<string> {
  return core.simulation.process("dma_buf_debug_show", listing(core));
}

function* listing(core: DmaBufCore): Process<string> {
  const buffers = [...core.buffers].reverse();
  let text = "\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n";
  let bytes = 0;
  for (const buffer of buffers) {
    yield* buffer.resv.lock({ interruptible: true });
    text += entry(core, buffer);
    bytes += buffer.size;
    buffer.resv.unlock();
  }
  return `${text}\nTotal ${buffers.length} objects, ${bytes} bytes\n`;
}

function entry(core: DmaBufCore, buffer: DmaBuf): string {
  const { size, references, exporterName, ino, name, attachments, resv, constraints } = buffer;
  const { bufinfo: format } = core.kernel;
  const padded = (value: number): string => String(value).padStart(8, "0");
  const columns = [
    padded(size),
    FILE_FLAGS,
    fileModes[format],
    padded(references),
    exporterName,
    padded(ino),
  ];
  const lines = [[...columns, name ?? "<none>"].join("\t")];
  resv.forEach("read", (fence, usage) => {
    lines.push(`\t${usage} fence:${fenceText(new DmaFence(core.fences, fence), format)}`);
  });
  lines.push("\tAttached Devices:", ...attachments.map(({ device }) => `\t${device.name}`));
  if (constraints !== null) lines.push(`\tConstraints: ${describeConstraints(constraints)}`);
  return `${lines.join("\n")}\nTotal ${attachments.length} devices attached\n\n`;
}

/** As `dma_fence_describe` prints it; since 6.17 the names go with the signal (F-26). */
function fenceText(fence: DmaFence, format: keyof typeof fileModes): string {
  const state = fence.isSignaled ? "signalled" : "unsignalled";
  const { driverName, timelineName, context, seqno } = fence;
  if (format === "6.12") return `${driverName} ${timelineName} seq ${seqno} ${state}`;
  const names = fence.isSignaled ? " " : `${timelineName} ${driverName}`;
  return `${context}:${seqno} ${names} ${state}`;
}
