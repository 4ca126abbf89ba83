// Copies two facts of the reference's commands: their paths into `spec/cli.json`, for what this program answers to one it
// does not have, and their examples into `spec/cli-examples.json`, for the tests that run them.
// Guarantees: the output depends on nothing but the input file, one path or example per line in its order.
//
//   node scripts/vendor-cli.mjs ../shared/spec/cli.json

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = process.argv[2];
if (source === undefined) {
  console.error('usage: node scripts/vendor-cli.mjs PATH_TO_CLI_JSON');
  process.exit(2);
}
const { _meta: meta, commands } = JSON.parse(readFileSync(source, 'utf8'));
const head = JSON.stringify({ repository: meta.source, commit: meta.commit });
const write = (name, key, items) => {
  const rows = items.map((item) => `  ${JSON.stringify(item)}`).join(',\n');
  const target = fileURLToPath(new URL(`../spec/${name}`, import.meta.url));
  writeFileSync(target, `{\n"source": ${head},\n"${key}": [\n${rows}\n]\n}\n`);
};
write(
  'cli.json',
  'commands',
  commands.map(({ path }) => path).filter((path) => path !== ''),
);
write(
  'cli-examples.json',
  'examples',
  commands.flatMap(({ path, examples }) => examples.map((line) => ({ path, line }))),
);
