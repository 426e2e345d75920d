// SPDX-License-Identifier: MIT
import { parseSize } from "../address.ts";
import type { DmaWindow } from "../dma/dma-window.ts";
import type { DeviceDescription } from "./board.ts";

/** The windows of a device of a board: those that it tells, or the one that `limit` and `offset` come to. */
export function windowsOf({ windows, limit, offset = 0 }: DeviceDescription): readonly DmaWindow[] {
  if (windows !== undefined) return windows.map((window) => ({ ...window, size: parseSize(window.size) }));
  const [cpu, bus] = offset >= 0 ? [offset, 0] : [0, -offset];
  return [{ cpu, bus, size: limit === undefined ? Number.POSITIVE_INFINITY : parseSize(limit) - bus }];
}
