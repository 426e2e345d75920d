// SPDX-License-Identifier: MIT
// What `@dmabuf/cli` offers to programs: the command in-process, and its readers for untrusted YAML and JSON.
export type { CliContext, CliOutput } from "./cli-context.ts";
export type { FieldPath, InputDocument } from "./input/input-document.ts";
export { parseWith } from "./input/parse-with.ts";
export { readDocuments } from "./input/read-documents.ts";
export { jsonSchema } from "./json-schema.ts";
export { litmusOutputSchema, litmusProgramSchema } from "./litmus/litmus-schema.ts";
export { readLitmus } from "./litmus/read-litmus.ts";
export { type ReferencePage, referenceCodes, referencePage } from "./reference-page.ts";
export { runCli } from "./run-cli.ts";
