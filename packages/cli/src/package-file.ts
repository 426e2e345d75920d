// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from "node:fs";

// The package's root is one level up both from src/ and from dist/, which is flat.
const root = new URL("../", import.meta.url);

/** The text of a file that ships with this package. */
export const packageFile = (path: string): string => readFileSync(new URL(path, root), "utf8");

/** The names in a folder that ships with this package, in order. */
export const packageFolder = (path: string): string[] => readdirSync(new URL(path, root)).sort();

/** This package's version. */
export function packageVersion(): string {
  const { version } = JSON.parse(packageFile("package.json")) as { version: string };
  return version;
}
