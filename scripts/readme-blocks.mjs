// SPDX-License-Identifier: MIT
// Reads the fenced blocks of a Markdown page that a test can run (tests/readme.test.ts; CONTRIBUTING.md, "Examples").

/**
 * @typedef {object} Block
 * @property {string} language the first word after the fence: `ts`, `sh`, `text`, `yaml`
 * @property {string | null} file the second word, the name under which the block is written before others run
 * @property {string} text what is between the fences, with a newline at its end
 * @property {number} line where the opening fence stands, from 1
 */

/**
 * @typedef {object} Run
 * @property {Block} block a `ts` or `sh` block
 * @property {string | null} output what it prints, from the `text` block that follows it; null when none does
 */

/**
 * All fenced blocks of a page, in order; fences inside list items are found as well.
 * @param {string} markdown
 * @returns {Block[]}
 */
export function fencedBlocks(markdown) {
  const blocks = [];
  /** @type {{ indent: string, fence: string, block: Block } | null} */
  let open = null;
  for (const [index, line] of markdown.split("\n").entries()) {
    if (open === null) {
      const [, indent = "", fence, language = "", file] =
        /^(\s*)(`{3,})(\S*)(?: +(\S+))? *$/.exec(line) ?? [];
      if (fence !== undefined)
        open = { indent, fence, block: { language, file: file ?? null, text: "", line: index + 1 } };
    } else if (line.trim() === open.fence) {
      blocks.push(open.block);
      open = null;
    } else open.block.text += `${line.startsWith(open.indent) ? line.slice(open.indent.length) : line}\n`;
  }
  if (open !== null) throw new Error(`line ${open.block.line}: the fence is never closed`);
  return blocks;
}

const command =
  /^\s*(?:\$ )?(?:npx )?(?:@dmabuf\/cli|dmabuf)(?=\s|$)|\|\s*(?:npx )?dmabuf(?=\s|$)|^\s*npm start\b/;

/** @param {Block} block whether it is a program: TypeScript, or a shell block in which dmabuf is called */
const runs = ({ language, text }) =>
  language === "ts" || (language === "sh" && text.split("\n").some((line) => command.test(line)));

/**
 * The blocks to run, each with the output it promises.
 * @param {Block[]} blocks
 * @returns {Run[]}
 */
export function runsOf(blocks) {
  /** @type {Run[]} */
  const found = [];
  for (const [index, block] of blocks.entries()) {
    if (runs(block)) found.push({ block, output: null });
    if (block.language !== "text") continue;
    const last = found.at(-1);
    if (last === undefined || last.block !== blocks[index - 1])
      throw new Error(
        `line ${block.line}: a text block is the output of the ts or sh block before it, and none is there`,
      );
    last.output = block.text;
  }
  return found;
}

/**
 * The exit status that each call of dmabuf in a shell block should have: 0, or N where `# exit status N` stands on
 * its line or on a line after it.
 * @param {string} text
 * @returns {number[]}
 */
export function exitStatuses(text) {
  /** @type {number[]} */
  const statuses = [];
  for (const line of text.split("\n")) {
    if (command.test(line)) statuses.push(0);
    const status = /# exit status (\d+)/.exec(line)?.[1];
    if (status === undefined) continue;
    if (statuses.length === 0) throw new Error(`"# exit status ${status}" stands before any call of dmabuf`);
    statuses[statuses.length - 1] = Number(status);
  }
  return statuses;
}
