// Copies the examples of the reference's commands into `spec/cli-examples.json`, for the tests that run them.
// Promise: the output depends on nothing but the input file, one example per line in its order.
//
//   node scripts/vendor-examples.mjs ../shared/spec/cli.json

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = process.argv[2];
if (source === undefined) {
  console.error('usage: node scripts/vendor-examples.mjs PATH_TO_CLI_JSON');
  process.exit(2);
}
const { _meta: meta, commands } = JSON.parse(readFileSync(source, 'utf8'));
const examples = commands.flatMap(({ path, examples: lines }) => lines.map((line) => ({ path, line })));
const rows = examples.map((example) => `  ${JSON.stringify(example)}`).join(',\n');
const head = JSON.stringify({ repository: meta.source, commit: meta.commit });
const target = fileURLToPath(new URL('../spec/cli-examples.json', import.meta.url));
writeFileSync(target, `{\n"source": ${head},\n"examples": [\n${rows}\n]\n}\n`);
