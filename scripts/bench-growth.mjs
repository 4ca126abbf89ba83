// What a module that nobody uses costs every start of the local platform: two builds of this source, one with twenty more
// modules that have a table, an index, operations, routes and 20 kB of code behind them, started in turns on new folders. Prints
// by how much each of the twenty adds to the processor time and the time until the first answered request, and to the memory
// then, in percent of a start without them: the median over the rounds.
//
// Usage: npm run bench:growth -- [--rounds=15]

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, option, root } from './bench-support.mjs';

const rounds = Number(option('rounds') ?? 15);
const count = 20;
const folder = mkdtempSync(join(tmpdir(), 'chainctl-bench-growth-'));

const moduleSource = (name) => `import type { Module } from '../core/module.ts';

export const ${name}Module: Module = {
  name: '${name}',
  tables: ['${name}_rows'],
  migrations: [
    {
      name: '${name}-01-rows',
      sql: \`
        CREATE TABLE ${name}_rows (id TEXT PRIMARY KEY, parent TEXT NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
        CREATE INDEX ${name}_rows_parent ON ${name}_rows(parent, id);
      \`,
    },
  ],
  operations: [{ prefix: '${name}.v1.', load: () => import('./handlers.ts') }],
  open: () => ({
    face: undefined,
    routes: [{ prefix: '/local/${name}', load: async () => (await import('./handlers.ts')).createRoutes() }],
  }),
};
`;

/** 20 kB that must stay where it is. */
const handlersSource = (name) =>
  `${Array.from({ length: 200 }, (_, at) => `export const ${name}${at} = (value: number) => [value, '${name} ${at} ${'text '.repeat(8)}'];\n`).join('')}
export const handlers = {};
export const createRoutes = () => ({ handle: async () => ${name}0(1).length === 0 });
`;

/** Builds a copy of this source, with so many more modules; returns its folder. */
function build(called, extra) {
  const to = join(folder, called);
  mkdirSync(to);
  for (const part of ['bin', 'scripts', 'src', 'package.json', 'tsconfig.json'])
    cpSync(join(root, part), join(to, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'));
  const names = Array.from({ length: extra }, (_, at) => `extra${at}`);
  for (const name of names) {
    mkdirSync(join(to, 'src', 'local', name));
    writeFileSync(join(to, 'src', 'local', name, 'module.ts'), moduleSource(name));
    writeFileSync(join(to, 'src', 'local', name, 'handlers.ts'), handlersSource(name));
  }
  const list = join(to, 'src', 'local', 'modules.ts');
  const imports = names.map((name) => `import { ${name}Module } from './${name}/module.ts';\n`).join('');
  const before = readFileSync(list, 'utf8');
  const after = before.replace(
    /^ {2}consoleModule,\n/m,
    (line) => line + names.map((name) => `  ${name}Module,\n`).join(''),
  );
  if (extra > 0 && after === before) throw new Error('modules.ts has no line for consoleModule to put others behind');
  writeFileSync(list, imports + after);
  for (const script of ['build.mjs', 'code-cache.mjs']) {
    const { status, stderr } = spawnSync(process.execPath, [join(to, 'scripts', script)], {
      cwd: to,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${script} ended with ${status}: ${stderr}`);
  }
  return to;
}

/** Milliseconds that the threads of a process have had a processor. */
const cpuOf = (pid) =>
  readdirSync(`/proc/${pid}/task`)
    .map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]))
    .reduce((sum, time) => sum + time, 0) / 1e6;

async function start(at, dataDir) {
  const began = performance.now();
  const words = ['local', 'start', '--seed=empty', `--data-dir=${dataDir}`, '--output=json'];
  const env = { PATH: process.env.PATH, HOME: folder };
  const stdio = ['ignore', 'pipe', 'ignore'];
  const child = spawn(process.execPath, [join(at, 'bin', 'chainctl.js'), ...words], { env, stdio });
  const ended = once(child, 'exit');
  let out = '';
  for await (const chunk of child.stdout) {
    out += chunk;
    if (out.endsWith('}\n')) break;
  }
  const answer = await fetch(`${JSON.parse(out).api}/.well-known/openid-configuration`, {
    headers: { connection: 'close' },
  });
  await answer.text();
  const time = performance.now() - began;
  const memory = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
  const taken = { cpu: cpuOf(child.pid), time, memory };
  child.kill('SIGINT');
  await ended;
  rmSync(dataDir, { recursive: true, force: true });
  return taken;
}

try {
  const builds = { bare: build('bare', 0), grown: build('grown', count) };
  const ratios = { cpu: [], time: [], memory: [] };
  // The first round warms up.
  for (let round = -1; round < rounds; round += 1) {
    const taken = {};
    const order = round % 2 === 0 ? ['bare', 'grown'] : ['grown', 'bare'];
    for (const name of order) taken[name] = await start(builds[name], join(folder, `data-${name}`));
    if (round < 0) continue;
    for (const [what, list] of Object.entries(ratios)) list.push(taken.grown[what] / taken.bare[what]);
  }
  console.log(
    `What each of ${count} unused modules adds to a start, ${rounds} rounds, load ${loadavg()[0]?.toFixed(1)}:`,
  );
  for (const [what, list] of Object.entries(ratios)) {
    const each = ((median(list) - 1) / count) * 100;
    const name = { cpu: 'processor time to the first answer', time: 'time to the first answer', memory: 'memory then' }[
      what
    ];
    console.log(name.padEnd(44), `${each.toFixed(2).padStart(6)} % (aim: below 1)`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
