// Tries all faults of some files in one vitest: Stryker's instrumenter puts them in, each behind a switch, and the test file
// registers its tests once for each of them. Most faults are noticed within milliseconds. Tests that start programs or wait for
// the clock are for Stryker itself, which gives each fault a process.

import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

// The packages of Stryker bring these.
const ofCore = createRequire(createRequire(import.meta.url).resolve('@stryker-mutator/core'));
const ofInstrumenter = createRequire(ofCore.resolve('@stryker-mutator/instrumenter'));
const { createInstrumenter } = await import(pathToFileURL(ofCore.resolve('@stryker-mutator/instrumenter')));
const { createInjector } = await import(pathToFileURL(ofInstrumenter.resolve('typed-inject')));
const { parse, traverse } = ofInstrumenter('@babel/core');

const silentMs = 90_000;
const withoutProgressMs = 300_000;

function parsed(text, path) {
  const plugins = ['typescript', 'topLevelAwait', 'importMeta', ...(path.endsWith('x') ? ['jsx'] : [])];
  const parserOpts = { plugins, sourceType: 'module' };
  return parse(text, { filename: resolve(path), configFile: false, babelrc: false, parserOpts });
}

/** Makes each statement that is a call or an assignment one that may be left out, which Stryker has no fault for. */
function withOptionalCalls(text, path) {
  const starts = [];
  traverse(parsed(text, path), {
    ExpressionStatement({ node: { expression, start }, parent }) {
      if (!['BlockStatement', 'Program', 'SwitchCase'].includes(parent.type)) return;
      if (expression.type === 'CallExpression' && expression.callee.type === 'Super') return;
      if (['CallExpression', 'AwaitExpression', 'AssignmentExpression'].includes(expression.type)) starts.push(start);
    },
  });
  return starts.sort((a, b) => b - a).reduce((out, at) => `${out.slice(0, at)}if(1)${out.slice(at)}`, text);
}

async function instrumented(targets, excludedMutations) {
  const none = () => {};
  const no = () => false;
  const logger = {
    trace: none,
    debug: none,
    info: none,
    warn: console.warn,
    error: console.error,
    fatal: console.error,
  };
  const levels = { isTraceEnabled: no, isDebugEnabled: no, isInfoEnabled: no };
  const instrumenter = createInjector()
    .provideValue('logger', { ...logger, ...levels })
    .injectFunction(createInstrumenter);
  const files = targets.map((target) => {
    const [, path, from, to] = /^(.*?)(?::(\d+)-(\d+))?$/.exec(target);
    const start = { line: Number(from) - 1, column: 0 };
    const mutate = from === undefined ? true : [{ start, end: { line: Number(to), column: 0 } }];
    return { name: path, mutate, content: withOptionalCalls(readFileSync(path, 'utf8'), path) };
  });
  const { files: changed, mutants } = await instrumenter.instrument(files, {
    excludedMutations,
    ignorers: [],
    plugins: null,
  });
  const lines = new Map(files.map(({ name, content }) => [name, content.split('\n')]));
  const seen = new Set();
  const tried = mutants.filter(({ status, fileName, replacement, location: { start, end } }) => {
    const was = start.line === end.line ? lines.get(fileName)[start.line].slice(start.column, end.column) : '';
    if (status === 'Ignored' || (was === '1' && replacement === 'true')) return false;
    // One of those that come to the same.
    const key = JSON.stringify([fileName, start, end, replacement]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
  return { changed, tried, lines };
}

/** The test file with its tests once for each fault, in place of the file itself. */
function repeated(path) {
  const text = readFileSync(path, 'utf8');
  const imports = parsed(text, path).program.body.filter(({ type }) => type === 'ImportDeclaration');
  let body = '';
  let at = 0;
  for (const { start, end } of imports) {
    body += text.slice(at, start);
    at = end;
  }
  body += text.slice(at);
  return `${imports.map(({ start, end }) => text.slice(start, end)).join('\n')}
import * as zz from 'vitest';
import * as zzFiles from 'node:fs';
const zzPlan = JSON.parse(zzFiles.readFileSync(process.env.MUTATION_PLAN, 'utf8'));
const zzSwitch = (globalThis.__stryker__ ??= {});
zzSwitch.mutantCoverage ??= { static: {}, perTest: {} };
const zzTell = (told) => zzFiles.appendFileSync(process.env.MUTATION_TOLD, JSON.stringify(told) + '\\n');
const zzName = (task, top) => {
  const names = [];
  for (let one = task; one && one.name !== top; one = one.suite) names.unshift(one.name);
  return names.join(' > ');
};
const zzFailed = (task) => task.result?.state === 'fail' || (task.tasks ?? []).some(zzFailed);
for (const { id, tests, limit } of zzPlan) {
  zz.describe(id, async () => {
    let isNoticed = false;
    zz.beforeAll(() => {
      zzTell({ started: id });
      if (id === 'none') zzTell({ loaded: Object.keys(zzSwitch.mutantCoverage.static) });
      if (id === 'none') zzSwitch.mutantCoverage.static = {};
      Object.assign(zzSwitch, { activeMutant: id === 'none' ? undefined : id, hitCount: 0, hitLimit: limit });
    });
    zz.beforeEach(({ task, skip }) => {
      const name = zzName(task, id);
      if (isNoticed || (tests && !tests.includes(name))) skip();
      zzSwitch.currentTestId = id === 'none' ? name : undefined;
    });
    zz.afterEach(({ task }) => {
      zzSwitch.currentTestId = undefined;
      isNoticed ||= task.result?.state === 'fail';
    });
    zz.afterAll(({}, suite) => {
      zzTell({ ended: id, isNoticed: isNoticed || zzFailed(suite) });
      if (id === 'none') zzTell({ covered: zzSwitch.mutantCoverage });
      zzSwitch.activeMutant = undefined;
    });
    await (async () => {
${body}
    })();
  });
}
`;
}

/**
 * Returns what Stryker's report says of the same: for each file its source and its mutants, with their status. Throws when
 * the tests do not pass without a fault.
 */
export async function tryQuickly(tests, targets, excludedMutations) {
  const { changed, tried, lines } = await instrumented(targets, excludedMutations);
  const work = mkdtempSync(join(tmpdir(), 'chainctl-mutation-'));
  const status = new Map(tried.map(({ id }) => [id, 'NoCoverage']));
  try {
    for (const name of readdirSync('.')) {
      if (['.git', 'reports', 'release', 'findings'].includes(name)) continue;
      if (['src', 'test', 'scripts'].includes(name)) cpSync(name, join(work, name), { recursive: true });
      else if (name === 'tsconfig.json') cpSync(name, join(work, name));
      else symlinkSync(resolve(name), join(work, name));
    }
    for (const { name, content } of changed) writeFileSync(join(work, name), content);
    writeFileSync(
      join(work, 'vitest.quick.mts'),
      `import base from './vitest.config.mts';
const limits = { testTimeout: 10_000, hookTimeout: 20_000, retry: 0, maxWorkers: 1 };
const quiet = { reporters: [{}], onConsoleLog: () => false, dangerouslyIgnoreUnhandledErrors: true };
export default { test: { ...base.test, include: ['test/**/zz-quick.test.ts'], ...limits, ...quiet } };
`,
    );
    for (const path of tests) await askFile(work, path, status);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const files = Object.fromEntries(
    [...lines].map(([name, found]) => [name, { source: found.join('\n'), mutants: [] }]),
  );
  const oneBased = ({ line, column }) => ({ line: line + 1, column: column + 1 });
  for (const { id, fileName, replacement, location } of tried) {
    const at = { start: oneBased(location.start), end: oneBased(location.end) };
    const line = lines.get(fileName)[location.start.line];
    const isCall = line.slice(location.start.column - 3, location.start.column + 2) === 'if(1)';
    if (isCall) at.end.column = line.length + 1;
    files[fileName].mutants.push({
      status: status.get(id),
      location: at,
      replacement: isCall ? 'left out' : replacement,
    });
  }
  return { files };
}

/** Asks the tests of one file about all faults that nothing has noticed so far. */
async function askFile(work, path, status) {
  const file = join(work, dirname(path), 'zz-quick.test.ts');
  writeFileSync(file, repeated(path));
  const first = await vitest(work, file, [{ id: 'none' }]);
  const { static: outside, perTest } = first.find(({ covered }) => covered)?.covered ?? {};
  if (perTest === undefined || first.some(({ isNoticed }) => isNoticed)) {
    throw new Error(`${path} does not pass without a fault`);
  }
  const loaded = new Set(first.flatMap(({ loaded = [] }) => loaded));
  const open = [...status].filter(([, state]) => state !== 'Killed').map(([id]) => id);
  let plan = [];
  const reached = [];
  for (const id of open) {
    const names = Object.keys(perTest).filter((name) => perTest[name][id]);
    const hits = names.reduce((sum, name) => sum + perTest[name][id], outside[id] ?? 0);
    if (loaded.has(id) || hits > 0) reached.push(id);
    if (hits > 0) plan.push({ id, limit: hits * 100 + 1_000, ...(outside[id] ? {} : { tests: names }) });
  }
  for (const { id } of plan) status.set(id, 'Survived');
  while (plan.length > 0) {
    const told = await vitest(work, file, [...plan, { id: 'none' }]);
    const ended = new Map(told.filter(({ ended }) => ended).map(({ ended, isNoticed }) => [ended, isNoticed]));
    for (const [id, isNoticed] of ended) if (isNoticed && id !== 'none') status.set(id, 'Killed');
    if (ended.get('none')) console.log(`${path}: a fault left something behind, so this is not certain`);
    // One that never ended was killed, or killed the process.
    const stuck = told.find(({ started }) => started && !ended.has(started))?.started;
    if (ended.has('none') || stuck === undefined || stuck === 'none') break;
    status.set(stuck, 'Killed');
    plan = plan.filter(({ id }) => id !== stuck && !ended.has(id));
  }
  // What runs while a file loads, and what a module remembers, has to be put in before anything else.
  for (const id of reached.filter((id) => status.get(id) !== 'Killed')) {
    const told = await vitest(work, file, [{ id, limit: 1e6 }], id);
    status.set(id, told.find(({ ended }) => ended === id)?.isNoticed === false ? 'Survived' : 'Killed');
  }
  rmSync(file);
}

/** `active`: put in before anything is loaded. Returns what the run told, also where it had to be killed. */
function vitest(work, file, plan, active) {
  const told = join(work, 'told');
  writeFileSync(join(work, 'plan'), JSON.stringify(plan));
  writeFileSync(told, '');
  const env = { ...process.env, MUTATION_PLAN: join(work, 'plan'), MUTATION_TOLD: told };
  if (active !== undefined) env['__STRYKER_ACTIVE_MUTANT__'] = active;
  const words = ['run', '--config', 'vitest.quick.mts', file];
  const child = spawn('node_modules/.bin/vitest', words, { cwd: work, detached: true, stdio: 'ignore', env });
  const stop = () => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  };
  const interrupted = () => process.exit(1);
  process.once('exit', stop).once('SIGINT', interrupted).once('SIGTERM', interrupted);
  let size = 0;
  let since = Date.now();
  const watch = setInterval(() => {
    const now = existsSync(told) ? statSync(told).size : size;
    if (now !== size) [size, since] = [now, Date.now()];
    else if (Date.now() - since > (size === 0 ? withoutProgressMs : silentMs)) stop();
  }, 1_000);
  return new Promise((done) => {
    child.on('close', () => {
      clearInterval(watch);
      process.off('exit', stop).off('SIGINT', interrupted).off('SIGTERM', interrupted);
      done(
        readFileSync(told, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line)),
      );
    });
  });
}
