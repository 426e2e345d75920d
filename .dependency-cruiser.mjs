// SPDX-License-Identifier: MIT
// The rules of the house (CONTRIBUTING.md, "Rooms"): which package may know which. tests/architecture.test.ts plants a
// violation of each of them. An import that only takes types counts like any other.

/** Packages that may put plugins together. */
const compositionRoots = "platform-|cli/";
/** Packages that may use Node's own modules. */
const nodePackages = "cli/|linux/";
/** The files that a package's `exports` field names, relative to its src folder. */
const entryPoints = "index\\.ts$|main\\.ts$";
const coreEntryPoints = "(index|coherency|sync|sim|drm|iommu|testing|vitest)\\.ts$";
/** A package of ours, as a path or, where package.json does not list it, as the bare name. */
const ours = "^(?:packages|@dmabuf)/";

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    {
      name: "core-imports-no-package",
      comment: "core has the mechanisms and must not know who uses them",
      severity: "error",
      from: { path: "^packages/core/" },
      to: { path: `${ours}(?!core(?:/|$))` },
    },
    {
      name: "plugins-import-only-core",
      comment: "only platform-*, cli, examples and tests put plugins together",
      severity: "error",
      from: { path: `^packages/(?!core/|${compositionRoots})([^/]+)/src/` },
      to: { path: `${ours}(?!core(?:/|$))`, pathNot: `${ours}$1(?:/|$)` },
    },
    {
      name: "nothing-imports-the-command",
      comment: "cli is the outermost room",
      severity: "error",
      from: { path: "^packages/(?!cli/)" },
      to: { path: `${ours}cli(?:/|$)` },
    },
    {
      name: "only-entry-points",
      comment: "another package is what its exports field names, nothing behind it",
      severity: "error",
      from: { path: "^(?:packages/([^/]+)|examples|bench|tests)/" },
      to: {
        path: "^packages/[^/]+/",
        pathNot: [
          "^packages/$1/",
          `^packages/(?!core/)[^/]+/src/(${entryPoints})`,
          `^packages/core/src/${coreEntryPoints}`,
        ],
      },
    },
    {
      name: "packages-by-name",
      comment: "another package is imported by its name, so that its exports field has a say",
      severity: "error",
      from: { path: "^(?:packages/([^/]+)|examples|bench|tests)/" },
      to: { path: "^packages/[^/]+/", pathNot: "^packages/$1/", dependencyTypes: ["local"] },
    },
    {
      name: "nothing-from-node",
      comment: "everything but cli, linux and tests runs in a browser too",
      severity: "error",
      from: { path: `^(?:packages/(?!${nodePackages})[^/]+/src|examples)/`, pathNot: "\\.test\\.ts$" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "container-only-in-di",
      comment:
        "reflect-metadata must be evaluated before tsyringe: core/src/di.ts imports both, in that order",
      severity: "error",
      from: { pathNot: "^packages/core/src/di\\.ts$" },
      to: { path: "(^|node_modules/)(tsyringe|reflect-metadata)(/|$)" },
    },
    {
      name: "no-cycles-between-folders",
      comment: "a folder is a subsystem: what it needs does not need it, not even for a type",
      severity: "error",
      from: { path: "^packages/([^/]+)/src/([^/]+)/" },
      to: { circular: true, pathNot: "^packages/$1/src/$2/" },
    },
    {
      name: "no-cycles",
      comment:
        "a file that needs its own reader wants to be two files; types may name each other, as in a header",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|coverage|templates)/" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["@dmabuf/source", "import", "types", "default"],
    },
  },
};
