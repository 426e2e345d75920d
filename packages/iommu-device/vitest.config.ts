// SPDX-License-Identifier: MIT
import { defineProject } from "vitest/config";

const conditions = ["@dmabuf/source"];

export default defineProject({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: { name: "iommu-device", include: ["test/**/*.test.ts"], testTimeout: 60_000 },
});
