// SPDX-License-Identifier: MIT
import type { DmaBuf } from "../buffer/dma-buf.ts";
import { MappedAttachment } from "../buffer/mapped-attachment.ts";
import type { DmaDevice } from "../dma/dma-device.ts";
import { KernelError } from "../error.ts";
import type { Process } from "../sim/process.ts";
import type { GemDriver, GemObject } from "./gem-object.ts";
import { exportedGem } from "./prime-buffer.ts";

/**
 * What a driver's `importBuffer` usually does. A buffer that `exportGem` made of one of the driver's objects is that
 * object, with another reference and no attachment (G-3). Any other is attached to `device` and mapped both ways, and
 * `importSgTable` makes an object of it, which keeps both until it is freed (G-4). Throws `KernelError` EINVAL when the
 * driver has no `importSgTable`, what attach and map answer, and what it throws, with everything given back.
 * @param importSgTable takes over the attachment unless it throws; `ImportedGem` does what most need
 * @see drm_gem_prime_import_dev
 */
export function importGem<O extends GemObject>(
  driver: GemDriver<O>,
  device: DmaDevice,
  buffer: DmaBuf,
  importSgTable?: (mapped: MappedAttachment) => O,
): Process<O> {
  const process = imported(driver, device, buffer, importSgTable);
  return buffer.core.simulation.process("drm_gem_prime_import", process);
}

function* imported<O extends GemObject>(
  driver: GemDriver<O>,
  device: DmaDevice,
  buffer: DmaBuf,
  importSgTable: ((mapped: MappedAttachment) => O) | undefined,
): Process<O> {
  const own = exportedGem(driver, buffer);
  if (own !== null) return own.get();
  if (importSgTable === undefined) {
    const reason = `${driver.name} can make no object of another device's memory`;
    throw new KernelError("EINVAL", "drm_gem_prime_import", reason);
  }
  let object: O | null = null;
  yield* MappedAttachment.attach(buffer, device, "bidirectional", (mapped) => {
    object = importSgTable(mapped);
  });
  return object as unknown as O;
}
