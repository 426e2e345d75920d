// SPDX-License-Identifier: MIT
// Conformance suites for plugins, for any test runner: `@dmabuf/core/testing`.
export { type ArchSuiteOptions, archSuite } from "./testing/arch-suite.ts";
export type { ExporterSuiteOptions } from "./testing/exporter-fixture.ts";
export { exporterSuite } from "./testing/exporter-suite.ts";
export { type ImporterSuiteOptions, importerSuite } from "./testing/importer-suite.ts";
export type { IommuSuiteOptions } from "./testing/iommu-fixture.ts";
export { iommuSuite } from "./testing/iommu-suite.ts";
export { type NotedMapping, NotingExporter } from "./testing/noting-exporter.ts";
export type { SuiteTest } from "./testing/suite-test.ts";
export { toyArch } from "./testing/toy-arch.ts";
export { toyBoard } from "./testing/toy-board.ts";
