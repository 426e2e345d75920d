// SPDX-License-Identifier: MIT
// The udmabuf exporter: `@dmabuf/exporter-udmabuf`.
export { Memfd, type MemfdOptions } from "./memfd.ts";
export { type Seal, seals } from "./seal.ts";
export { udmabuf } from "./udmabuf.ts";
export { UdmabufDevice, type UdmabufItem, type UdmabufOptions } from "./udmabuf-device.ts";
