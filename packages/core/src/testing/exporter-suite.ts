// SPDX-License-Identifier: MIT
import type { Plugin } from "../platform/plugin.ts";
import { exporterAccess } from "./exporter-access.ts";
import { exporterAllocation } from "./exporter-allocation.ts";
import type { ExporterSuiteOptions } from "./exporter-fixture.ts";
import { exporterMapping } from "./exporter-mapping.ts";
import type { SuiteTest } from "./suite-test.ts";

/**
 * What every exporter owes dma-buf and its importers, as tests for any runner, on a toy board. `make` is called for every
 * system.
 */
export const exporterSuite = (make: () => Plugin, options: ExporterSuiteOptions = {}): SuiteTest[] => [
  ...exporterAllocation(make, options),
  ...exporterMapping(make, options),
  ...exporterAccess(make, options),
];
