// SPDX-License-Identifier: MIT
// A process called without `yield*` compiles and does nothing. This finds them with the TypeScript 6 API: a statement, a
// discarded operand or a callback whose result nobody takes, of type Process (or any other generator: one that is made
// and dropped is a mistake too). `node scripts/check-processes.mjs [FOLDER]`
import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { argv, exit } from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";

/** The folders that are looked at, below the root and below each package. */
const rootFolders = ["examples", "bench"];
const packageFolders = ["src"];

/** @param {string} folder @returns {string[]} */
const sourcesBelow = (folder) =>
  !existsSync(folder)
    ? []
    : readdirSync(folder, { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && !entry.name.endsWith(".d.ts"))
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((path) => !path.includes("node_modules"));

/** @param {string} root @returns {string[]} the sources of every package and of the example folders */
function sources(root) {
  const packages = join(root, "packages");
  const names = existsSync(packages) ? readdirSync(packages) : [];
  return [
    ...names.flatMap((name) =>
      packageFolders.flatMap((folder) => sourcesBelow(join(packages, name, folder))),
    ),
    ...rootFolders.flatMap((folder) => sourcesBelow(join(root, folder))),
  ];
}

/** @param {ts.Type} type */
const isGenerator = (type) =>
  type.isUnion()
    ? type.types.some(isGenerator)
    : type.aliasSymbol?.name === "Process" || type.getSymbol()?.name === "Generator";

/**
 * The expression whose value `expression` passes on: `a && f()` and `a ? f() : g()` hand on what f and g return.
 * @param {ts.Expression} expression
 * @returns {ts.Expression[]}
 */
function valuesOf(expression) {
  if (ts.isParenthesizedExpression(expression)) return valuesOf(expression.expression);
  if (ts.isConditionalExpression(expression))
    return [...valuesOf(expression.whenTrue), ...valuesOf(expression.whenFalse)];
  if (ts.isBinaryExpression(expression)) {
    const { kind } = expression.operatorToken;
    if (kind === ts.SyntaxKind.CommaToken)
      return [...valuesOf(expression.left), ...valuesOf(expression.right)];
    const shortCircuits = [
      ts.SyntaxKind.AmpersandAmpersandToken,
      ts.SyntaxKind.BarBarToken,
      ts.SyntaxKind.QuestionQuestionToken,
    ];
    return shortCircuits.includes(kind) ? valuesOf(expression.right) : [];
  }
  return [expression];
}

/**
 * Finds processes that are made and dropped.
 * @param {string} root the folder that holds packages/ and tsconfig.tests.json
 * @returns {{ files: number, dropped: string[] }} how many files were read, and `file:line:column: what` for each
 */
export function findDroppedProcesses(root) {
  const files = sources(root);
  const configuration = ts.getParsedCommandLineOfConfigFile(
    join(root, "tsconfig.tests.json"),
    { noEmit: true },
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
        throw new Error(ts.flattenDiagnosticMessageText(messageText, "\n"));
      },
    },
  );
  const program = ts.createProgram(files, configuration?.options ?? {});
  const checker = program.getTypeChecker();
  const dropped = [];
  for (const file of files) {
    const source = program.getSourceFile(file);
    if (source === undefined) continue;
    /** @param {ts.Expression} discarded */
    const judge = (discarded) => {
      for (const value of valuesOf(discarded)) {
        if (!ts.isCallExpression(value) || !isGenerator(checker.getTypeAtLocation(value))) continue;
        const { line, character } = source.getLineAndCharacterOfPosition(value.getStart());
        const name = value.expression.getText().split("\n", 1)[0];
        dropped.push(
          `${relative(root, file)}:${line + 1}:${character + 1}: ${name}() makes a process that nobody runs: call it with yield*`,
        );
      }
    };
    /** @param {ts.Node} node */
    const visit = (node) => {
      if (ts.isExpressionStatement(node)) judge(node.expression);
      if (ts.isForStatement(node) && node.incrementor !== undefined) judge(node.incrementor);
      if (ts.isArrowFunction(node) && !ts.isBlock(node.body)) {
        const expected = checker.getContextualType(node)?.getCallSignatures()[0]?.getReturnType();
        if (expected !== undefined && (expected.flags & ts.TypeFlags.Void) !== 0) judge(node.body);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return { files: files.length, dropped };
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  const { files, dropped } = findDroppedProcesses(argv[2] ?? fileURLToPath(new URL("..", import.meta.url)));
  for (const line of dropped) console.error(line);
  if (files === 0) console.error("no source was read");
  if (files === 0 || dropped.length > 0) exit(1);
  console.log(`${files} files drop no process`);
}
