// SPDX-License-Identifier: MIT
// The fields that every package shares, kept in one place: `node scripts/package-fields.mjs` writes them into each
// package (package.json, tsconfig, tsup and vitest configuration, LICENSE) and into the root's project lists;
// with --check it changes nothing and fails when a file differs.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const check = process.argv.includes("--check");
const repository = "https://github.com/dmabuf/dmabuf";
/** Entry points besides src/index.ts, by package directory. */
const extraEntries = { core: ["coherency", "sync", "sim", "drm", "iommu", "testing", "vitest"] };
const nodePackages = new Set(["cli"]);
const differing = [];

const write = (path, text) => {
  const file = join(root, path);
  if (existsSync(file) && readFileSync(file, "utf8") === text) return;
  if (check) differing.push(path);
  else writeFileSync(file, text);
};
/** Writes JSON unless the file says the same already; how it is laid out is the formatter's business. */
const writeJson = (path, value) => {
  const file = join(root, path);
  if (existsSync(file) && JSON.stringify(readJson(path)) === JSON.stringify(value)) return;
  write(path, `${JSON.stringify(value, null, 2)}\n`);
};
/** A property that is a list of strings, as the formatter lays it out at two spaces, within 110 columns. */
const list = (key, words) => {
  const line = `  ${key}: [${words.map((word) => `"${word}"`).join(", ")}],`;
  return line.length <= 110 ? line : `  ${key}: [\n${words.map((word) => `    "${word}",\n`).join("")}  ],`;
};
const readJson = (path) => JSON.parse(readFileSync(join(root, path), "utf8"));

const directories = readdirSync(join(root, "packages")).filter((name) =>
  existsSync(join(root, "packages", name, "package.json")),
);

for (const directory of directories) {
  const own = readJson(`packages/${directory}/package.json`);
  const entries = ["index", ...(extraEntries[directory] ?? [])];
  const main = own.bin ? ["main"] : [];
  const exported = (source) =>
    Object.fromEntries([
      ...entries.map((name) => [
        name === "index" ? "." : `./${name}`,
        {
          ...(source ? { "@dmabuf/source": `./src/${name}.ts` } : {}),
          types: `./dist/${name}.d.ts`,
          default: `./dist/${name}.js`,
        },
      ]),
      ...(directory === "cli" ? [["./schemas/*", "./schemas/*"]] : []),
      ["./package.json", "./package.json"],
    ]);
  const { dependencies, devDependencies, peerDependencies, peerDependenciesMeta } = own;
  writeJson(`packages/${directory}/package.json`, {
    name: `@dmabuf/${directory}`,
    version: own.version ?? "0.0.0",
    description: own.description,
    keywords: [...new Set(["dma-buf", "linux", "dma", "cache-coherency", ...(own.keywords ?? [])])],
    license: "MIT",
    author: "the @dmabuf authors",
    repository: { type: "git", url: `git+${repository}.git`, directory: `packages/${directory}` },
    homepage: `${repository}/tree/main/packages/${directory}#readme`,
    bugs: `${repository}/issues`,
    type: "module",
    sideEffects: directory === "core" ? ["./dist/*.js", "./src/di.ts"] : false,
    ...(own.bin ? { bin: own.bin } : {}),
    exports: exported(true),
    publishConfig: { access: "public", provenance: true, exports: exported(false) },
    files: [
      "dist",
      "!dist/**/*.tsbuildinfo",
      "src",
      ...(directory === "cli" ? ["schemas", "reference", "examples"] : []),
    ],
    engines: { node: ">=20.19" },
    scripts: { "build:js": "tsup" },
    ...(dependencies ? { dependencies } : {}),
    ...(peerDependencies ? { peerDependencies, peerDependenciesMeta } : {}),
    ...(devDependencies ? { devDependencies } : {}),
  });
  const ours = Object.keys({ ...dependencies }).filter((name) => name.startsWith("@dmabuf/"));
  writeJson(`packages/${directory}/tsconfig.json`, {
    extends: "../../tsconfig.base.json",
    compilerOptions: {
      rootDir: "src",
      outDir: "dist",
      tsBuildInfoFile: "dist/.tsbuildinfo",
      ...(nodePackages.has(directory) ? { types: ["node"] } : {}),
    },
    include: ["src"],
    references: ours.map((name) => ({ path: `../${name.slice("@dmabuf/".length)}` })),
  });
  write(
    `packages/${directory}/tsup.config.ts`,
    `// SPDX-License-Identifier: MIT
import { defineConfig } from "tsup";

export default defineConfig({
${list(
  "entry",
  [...entries, ...main].map((name) => `src/${name}.ts`),
)}
  format: ["esm"],
  target: "node20",
  platform: "${nodePackages.has(directory) ? "node" : "neutral"}",
  sourcemap: true,
  // Declarations come from \`tsc -b\`; do not clean them away.
  dts: false,
  clean: false,
});
`,
  );
  write(
    `packages/${directory}/vitest.config.ts`,
    `// SPDX-License-Identifier: MIT
import { defineProject } from "vitest/config";

const conditions = ["@dmabuf/source"];

export default defineProject({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: { name: "${directory}", include: ["test/**/*.test.ts"], testTimeout: 60_000 },
});
`,
  );
  write(`packages/${directory}/LICENSE`, readFileSync(join(root, "LICENSE"), "utf8"));
}

writeJson("tsconfig.json", {
  extends: "./tsconfig.base.json",
  files: [],
  references: directories.map((name) => ({ path: `packages/${name}` })),
});

if (differing.length > 0) {
  console.error(`run \`node scripts/package-fields.mjs\`: these differ from it: ${differing.join(", ")}`);
  process.exit(1);
}
