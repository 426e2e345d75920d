// SPDX-License-Identifier: MIT
// The device IOMMU: `@dmabuf/iommu-device`.
export { device } from "./device.ts";
