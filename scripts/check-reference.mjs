// SPDX-License-Identifier: MIT
// Every public export has a doc comment: typedoc's own validation, in one program over all entry points (typedoc.json).
// The fields of a zod schema are exempt: their documentation is their `.describe()`.
import { Application, Logger, LogLevel, TSConfigReader, TypeDocReader } from "typedoc";

const schemaField = /Schema\.__type\b.* does not have any documentation$/;

/** Keeps what typedoc complains about. */
class Complaints extends Logger {
  /** @type {string[]} */
  lines = [];

  /** @param {string} text @param {LogLevel} level */
  log(text, level) {
    if (level >= LogLevel.Warn && !schemaField.test(text)) this.lines.push(text);
  }
}

const app = await Application.bootstrap({}, [new TypeDocReader(), new TSConfigReader()]);
const complaints = new Complaints();
app.logger = complaints;
const project = await app.convert();
if (project === undefined) complaints.lines.push("typedoc could not read the packages");
else app.validate(project);
for (const line of complaints.lines) console.error(line);
if (complaints.lines.length > 0) process.exit(1);
console.log("every public export is documented");
