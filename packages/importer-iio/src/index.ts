// SPDX-License-Identifier: MIT
// Industrial I/O: buffers of converters that capture into dma-bufs and play from them.
export type { BlockState } from "./block-queue.ts";
export { Iio, type IioOptions, iio } from "./iio.ts";
export {
  type EnqueueOptions,
  IIO_BUFFER_DMABUF_CYCLIC,
  type IioBuffer,
  type IioDirection,
} from "./iio-buffer.ts";
