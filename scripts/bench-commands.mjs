// What 1,000 more commands cost at start-up, in time and in CPU time, as ratios to the same build without them, interleaved
// in one run: ten groups of ten nouns with ten verbs each, generated into a copy of the project. `--rounds=30 --enforce`.

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const rounds = Number(process.argv.find((word) => word.startsWith('--rounds='))?.split('=')[1] ?? 30);
const aim = 1.03;
const ten = Array.from({ length: 10 }, (_, at) => at);

const group = (path) => `import { defineGroup } from '${'../'.repeat(path.length + 1)}cli/define.ts';
export default defineGroup({ path: ${JSON.stringify(path)}, summary: 'Generated things of one kind.' });
`;

const command = (path) => `import { defineCommand } from '${'../'.repeat(path.length)}cli/define.ts';
import { duration, named } from '${'../'.repeat(path.length)}cli/inputs/values.ts';
export default defineCommand({
  path: ${JSON.stringify(path)},
  summary: 'Do what a generated command does.',
  description: 'It has what commands have: a place, flags that take values, examples and formats.',
  inputs: {
    name: { kind: named('NAME'), positional: 'NAME', help: 'What it is called.' },
    parent: { kind: named('LOCATION'), help: 'The organization or folder that it is in.' },
    ttl: { kind: duration(), default: '720h', help: 'How long it lives.' },
  },
  examples: [{ text: 'The simplest', args: 'my-thing' }],
  run: async () => undefined,
});
`;

function generate(commands) {
  for (const one of ten) {
    const top = `generated-${one}`;
    mkdirSync(join(commands, top));
    writeFileSync(join(commands, top, '_group.ts'), group([top]));
    for (const two of ten) {
      const noun = `things-${two}`;
      mkdirSync(join(commands, top, noun));
      writeFileSync(join(commands, top, noun, '_group.ts'), group([top, noun]));
      for (const three of ten) {
        const verb = `verb-${three}`;
        writeFileSync(join(commands, top, noun, `${verb}.ts`), command([top, noun, verb]));
      }
    }
  }
}

const folder = mkdtempSync(join(tmpdir(), 'chainctl-bench-commands-'));
try {
  for (const name of ['src', 'scripts', 'spec', 'bin', 'docs', 'package.json', 'tsconfig.json']) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  generate(join(folder, 'src', 'commands'));
  const run = (program, args) => execFileSync(program, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  run(join(root, 'node_modules', '.bin', 'tsx'), ['scripts/gen.ts']);
  for (const build of [root, folder]) {
    // Both as they are shipped.
    for (const script of ['build', 'code-cache']) run(process.execPath, [join(build, 'scripts', `${script}.mjs`)]);
  }
  // A busy machine disturbs time far more than CPU time.
  const tell = join(folder, 'tell-cpu.cjs');
  writeFileSync(
    tell,
    `process.on('exit', () => { const { user, system } = process.cpuUsage(); require('node:fs').writeSync(3, String(user + system)); });`,
  );
  run(process.execPath, ['bin/chainctl.js', 'generated-3', 'things-4', 'verb-5', 'x']);

  const env = { PATH: process.env.PATH, HOME: folder };
  const cases = [['version'], ['--help'], ['iam', 'identities', 'create', '--help'], ['config', 'view']];
  const samples = new Map();
  const builds = [root, folder];
  for (let round = -3; round < rounds; round += 1) {
    for (const words of cases) {
      for (const build of round % 2 === 0 ? builds : builds.toReversed()) {
        const before = process.hrtime.bigint();
        const { status, stderr, output } = spawnSync(
          process.execPath,
          ['--require', tell, join(build, 'bin', 'chainctl.js'), ...words],
          { env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] },
        );
        const ms = Number(process.hrtime.bigint() - before) / 1e6;
        if (status !== 0) throw new Error(`${words.join(' ')} ended with ${status}: ${stderr}`);
        const key = `${words.join(' ')} ${build}`;
        if (round >= 0) samples.set(key, [...(samples.get(key) ?? []), { ms, cpu: Number(output[3]) / 1000 }]);
      }
    }
  }
  const median = (words, build, unit) => {
    const sorted = samples
      .get(`${words.join(' ')} ${build}`)
      .map((one) => one[unit])
      .sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  };
  console.log(`Node ${process.version}, ${rounds} rounds, medians; with 1,000 more commands to without, aim ${aim}`);
  for (const words of cases) {
    const told = ['ms', 'cpu'].map((unit) => {
      const [without, more] = builds.map((build) => median(words, build, unit));
      return {
        ratio: more / without,
        text: `${(more / without).toFixed(3)}  ${more.toFixed(1)} to ${without.toFixed(1)} ms`,
      };
    });
    const [, cpu] = told;
    const isOver = cpu.ratio > aim;
    console.log(`${words.join(' ').padEnd(32)} ${told[0].text}, CPU ${cpu.text}${isOver ? '  over its aim' : ''}`);
    if (isOver && process.argv.includes('--enforce')) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
