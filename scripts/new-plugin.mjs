// SPDX-License-Identifier: MIT
// `npm run new ROLE NAME` (or `pnpm new`): makes packages/ROLE-NAME from scripts/templates/ROLE, a plugin that builds,
// lints, is documented and passes its tests. With --no-install it is left to you to link it with `pnpm install`.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { pnpm } from "./pnpm.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const templates = fileURLToPath(new URL("./templates/", import.meta.url));

/** What a role's package.json has that the files of its template do not say. */
const roles = {
  arch: { description: (name) => `The ${name} architecture: its caches and their maintenance` },
  iommu: { description: (name) => `The ${name} IOMMU` },
  exporter: { description: (name) => `The ${name} exporter of dma-buf buffers` },
  importer: { description: (name) => `The ${name} driver, an importer of dma-buf buffers` },
  platform: {
    description: (name) => `Composition root: the ${name} board`,
    dependencies: ["arch-arm", "exporter-heaps"],
  },
};

function refuse(reason) {
  console.error(`pnpm new ROLE NAME: ${reason}`);
  process.exit(2);
}

/** Runs a tool; what it prints is shown only when it fails. */
function run(command, options) {
  const { status, stdout, stderr } = spawnSync(command, options, { cwd: root, encoding: "utf8" });
  if (status === 0) return;
  console.error(`${command} ${options.join(" ")} failed:\n${stdout}${stderr}`);
  process.exit(1);
}

const words = process.argv.slice(2).filter((word) => word !== "--no-install");
const installs = words.length === process.argv.length - 2;
const [role, name, ...rest] = words;
const known = Object.keys(roles).join(", ");
if (role === undefined || name === undefined || rest.length > 0)
  refuse(`a role (${known}) and a name are needed, as in: pnpm new exporter carve-out`);
if (!Object.hasOwn(roles, role)) refuse(`"${role}" is not a role; there are ${known}`);
if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name))
  refuse(`"${name}" is not a name: lower-case words and digits joined by "-", beginning with a letter`);
const directory = join(root, "packages", `${role}-${name}`);
if (existsSync(directory)) refuse(`packages/${role}-${name} is there already`);

const camel = name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
const pascal = camel.replace(/^./, (letter) => letter.toUpperCase());
const reserved =
  /^(await|case|catch|class|const|default|delete|do|else|enum|eval|export|extends|for|function|if|import|in|new|null|package|return|super|switch|this|throw|try|typeof|var|void|while|with|yield)$/;
if (reserved.test(camel)) refuse(`"${name}" is a word of the language; choose another`);
const files = readdirSync(join(templates, role), { withFileTypes: true, recursive: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));
const texts = new Map(
  files.map((file) => [relative(join(templates, role), file), readFileSync(file, "utf8")]),
);
const imported = [...texts.values()].flatMap((text) =>
  [...text.matchAll(/import (?:type )?\{([^}]*)\}/g)].flatMap(([, names = ""]) => names.match(/\w+/g) ?? []),
);
const taken = [camel, pascal].find((word) => imported.includes(word));
if (taken !== undefined) refuse(`"${name}" would hide ${taken}, which the plugin imports; choose another`);
const fill = (text) =>
  text
    .replaceAll("template-name", name)
    .replaceAll("templateName", camel)
    .replaceAll("TemplateName", pascal)
    .replaceAll("TEMPLATE_NAME", name.replaceAll("-", "_").toUpperCase());

const { description, dependencies = [] } = roles[role];
const workspace = (names) => Object.fromEntries(names.map((other) => [`@dmabuf/${other}`, "workspace:^"]));
const { version } = JSON.parse(readFileSync(join(root, "packages/core/package.json"), "utf8"));
for (const [path, text] of texts) {
  const target = join(directory, fill(path));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, fill(text));
}
writeFileSync(
  join(directory, "package.json"),
  JSON.stringify({
    version,
    description: description(name),
    keywords: [role, name],
    dependencies: workspace(["core", ...dependencies]),
  }),
);
run(process.execPath, [join(root, "scripts/package-fields.mjs")]);
if (installs) pnpm(["install", "--no-frozen-lockfile", "--prefer-offline", "--silent"]);
run(join(root, "node_modules/.bin/biome"), ["check", "--write", directory, "tsconfig.json"]);
console.log(`made packages/${role}-${name}; its tests: npx vitest run --project ${role}-${name}`);
