// `iam access who-can` and `iam plan` of a large organization as a ratio to `iam role-bindings list -o json` of the same bindings,
// interleaved in one run: time, CPU time and peak memory. `--identities=10000 --folders=1000 --bindings=50000 --rounds=5 --enforce`; the first round
// warms up and is not counted, unless `--rounds=0` wants nothing but it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { measure, median, option, platformOf, program, requireGnuTime, signedIn } from './bench-support.mjs';

const size = {
  identities: option('identities') ?? '10000',
  folders: option('folders') ?? '1000',
  bindings: option('bindings') ?? '50000',
};
const rounds = Number(option('rounds') ?? 5);
const aims = { time: 3, memory: 1.5 };
/** Of a plan, which reads everything twice: from the platform and from the files. */
const planAims = { time: 5, memory: Number.POSITIVE_INFINITY };

/** A plan with changes ends with 3. */
const run = (args, env, memory) => measure(process.execPath, [program, ...args], env, { memory, codes: [0, 3] });

async function main() {
  requireGnuTime();
  const folder = mkdtempSync(join(tmpdir(), 'chainctl-bench-access-'));
  const platform = await platformOf('bench-access-platform.ts', folder, ...Object.values(size));
  try {
    const env = signedIn(folder, platform);
    const place = 'example.com';
    const file = join(folder, 'iam.yaml');
    const changed = join(folder, 'changed.yaml');
    const exported = await run(['iam', 'export', `--parent=${place}`, '--format=yaml'], env, join(folder, 'memory'));
    writeFileSync(file, exported.out);
    // A role that none of them has, for the first thousand viewers.
    const parts = exported.out.split('role: viewer\n');
    writeFileSync(
      changed,
      parts.map((part, at) => (at === 0 ? part : `role: ${at <= 1000 ? 'apk.pull' : 'viewer'}\n${part}`)).join(''),
    );
    const cases = {
      'role-bindings list': ['iam', 'role-bindings', 'list', `--parent=${place}`, '--recursive=false', '-o', 'json'],
      'who-can repo.create': ['iam', 'access', 'who-can', 'repo.create', `--on=${place}`, '-o', 'json'],
      'who-can groups.list': ['iam', 'access', 'who-can', 'groups.list', `--on=${place}`, '-o', 'json'],
      'who-can a command': ['iam', 'access', 'who-can', 'chainctl images repos list', `--on=${place}`, '-o', 'json'],
      'plan, no change': ['iam', 'plan', `--filename=${file}`, '--prune', '-o', 'json'],
      'plan, 1000 changes': ['iam', 'plan', `--filename=${changed}`, '--prune', '-o', 'json'],
    };
    const seen = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
    for (let round = 0; round <= rounds; round += 1) {
      for (const [name, args] of Object.entries(cases)) {
        const { out, ...one } = await run(args, env, join(folder, 'memory'));
        const { items, changes } = JSON.parse(out);
        one.items = (items ?? changes).length;
        if (round > 0 || rounds === 0) seen[name].push(one);
      }
    }
    const of = (name, what) => median(seen[name].map((one) => one[what]));
    const peer = 'role-bindings list';
    console.log(
      `Node ${process.version}, ${size.identities} identities, ${size.folders} folders, ${size.bindings} bindings, ` +
        `${rounds} rounds, medians; load ${loadavg()[0]?.toFixed(1)}`,
    );
    for (const name of Object.keys(cases)) {
      const [ms, cpu, mb, items] = ['ms', 'cpu', 'mb', 'items'].map((what) => of(name, what));
      const ratios = { time: ms / of(peer, 'ms'), cpu: cpu / of(peer, 'cpu'), memory: mb / of(peer, 'mb') };
      const aim = name.startsWith('plan') ? planAims : aims;
      const isOver = ratios.time > aim.time || ratios.memory > aim.memory;
      console.log(
        `${name.padEnd(20)} ${String(items).padStart(6)} items ${ms.toFixed(0).padStart(6)} ms  ${ratios.time.toFixed(2)} × list` +
          `  CPU ${cpu.toFixed(2)} s (${ratios.cpu.toFixed(2)} ×)  peak ${mb.toFixed(0)} MB (${ratios.memory.toFixed(2)} ×)` +
          `${isOver ? '  over its aim' : ''}`,
      );
      if (isOver && process.argv.includes('--enforce')) process.exitCode = 1;
    }
    console.log(
      `aims: time ${aims.time} × and memory ${aims.memory} × of the list; of a plan, time ${planAims.time} × of the list`,
    );
  } finally {
    await platform.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
