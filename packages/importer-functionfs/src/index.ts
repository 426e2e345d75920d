// SPDX-License-Identifier: MIT
// USB FunctionFS: gadget endpoints that send and receive dma-bufs.
export type { AttachedBuffer } from "./attached-buffer.ts";
export type { Endpoint, EndpointDirection } from "./endpoint.ts";
export type { EndpointFile } from "./endpoint-file.ts";
export { FunctionFs, type FunctionFsOptions, functionfs } from "./functionfs.ts";
