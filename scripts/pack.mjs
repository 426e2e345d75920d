// SPDX-License-Identifier: MIT
// The tarballs as they would be published: `node scripts/pack.mjs FOLDER` writes one a package into FOLDER.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { argv } from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { pnpm } from "./pnpm.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * The public packages of the workspace.
 * @returns {{ name: string, version: string, directory: string, manifest: Record<string, unknown> }[]}
 */
export function publicPackages() {
  return readdirSync(join(root, "packages"))
    .filter((name) => existsSync(join(root, "packages", name, "package.json")))
    .map((name) => {
      const directory = join(root, "packages", name);
      const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
      return { name: manifest.name, version: manifest.version, directory, manifest };
    })
    .filter(({ manifest }) => manifest.private !== true);
}

/**
 * Packs every public package; `dist` must have been built.
 * @param {string} folder where the tarballs go; emptied first
 * @returns {Map<string, string>} the tarball's path by package name
 */
export function packAll(folder) {
  const target = resolve(folder);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  pnpm(["--recursive", "pack", "--pack-destination", target]);
  return new Map(
    publicPackages().map(({ name, version }) => {
      const tarball = join(target, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
      if (!existsSync(tarball)) throw new Error(`${name} was not packed: ${tarball} is missing`);
      return [name, tarball];
    }),
  );
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  if (argv[2] === undefined) throw new TypeError("usage: node scripts/pack.mjs FOLDER");
  for (const tarball of packAll(argv[2]).values()) console.log(tarball);
}
