// SPDX-License-Identifier: MIT
// What a browser downloads: each library package alone, minified and compressed, our other packages left out.
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Kilobytes for packages that may be larger than a plugin usually is. */
const limits = { core: 100, devicetree: 25, "iommu-smmu": 26, "iommu-vtd": 14 };
/** Packages for Node alone. */
const nodePackages = ["cli", "linux"];

const packages = new URL("./packages/", import.meta.url);
const manifests = readdirSync(packages)
  .map((name) => new URL(`${name}/package.json`, packages))
  .filter((path) => existsSync(path))
  .map((path) => JSON.parse(readFileSync(path, "utf8")));
const names = manifests.map(({ name }) => name.slice("@dmabuf/".length));

export default names
  .filter((name) => !nodePackages.includes(name))
  .map((name) => ({
    name,
    path: `packages/${name}/dist/index.js`,
    limit: `${limits[name] ?? 12} kB`,
    ignore: names.filter((other) => other !== name).map((other) => `@dmabuf/${other}`),
  }));
