// SPDX-License-Identifier: MIT
import { figure2 } from "./figure-2.mjs";

/** The display of figure 2 on a chip without its IOMMU: what `dmabuf run PIPELINE --board figure-2-without.mjs` loads. */
export default () => figure2({ translated: false });
