// Mutation testing: puts one small fault after another into files of src and asks whether a test notices (Stryker with its
// vitest runner). Outside of CI, because a folder takes from minutes to hours.
//   npm run mutation -- src/local/authorization        every file of a folder
//   npm run mutation -- src/api/http.ts:100-160        some lines of a file
//   npm run mutation -- --guards src/auth              only faults that turn conditions around
//   npm run mutation -- --quick src/local/issuer/sts.ts   guards and left-out calls, all in one vitest: seconds, not minutes
// Prints what survived and the scores, which reports/mutation/scores.json keeps.

import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

// Which tests are asked about which part of src: with all of them, one fault of the platform would take minutes. The longest
// beginning counts, and so does every test file whose path below test/ begins with one of the words.
const testsOf = {
  'src/api/': ['unit/api-http', 'unit/challenges', 'unit/item-splitter', 'unit/transport', 'unit/wire', 'unit/sts'],
  'src/api/oci-client': ['unit/oci-client', 'unit/stored-login'],
  'src/api/http': ['unit/api-http'],
  'src/attestations/': [
    'unit/attestation',
    'unit/json-scanner',
    'unit/platforms',
    'unit/verify',
    'platform/registry-sboms',
  ],
  'src/auth/': [
    'unit/login',
    'unit/token-cache',
    'unit/lock',
    'unit/aws-credentials',
    'unit/verify',
    'unit/credential-helper',
  ],
  'src/auth/aws': ['unit/aws-credentials', 'unit/login-ambient'],
  'src/lock': ['unit/lock'],
  'src/auth/token-cache': ['unit/token-cache'],
  'src/auth/verify': ['unit/verify'],
  'src/cli/output/': ['unit/output-formats', 'unit/table', 'unit/fit', 'unit/go-template'],
  'src/cli/io': ['unit/io', 'unit/output-formats'],
  'src/commands/console/serve': ['unit/chainctl-console'],
  'src/console/http': ['unit/console-requests'],
  'src/console/session': ['unit/console-session'],
  'src/docker/': [
    'unit/docker-config',
    'unit/stored-login',
    'unit/credential-helper',
    'commands/auth-configure-docker',
  ],
  'src/enforce/': ['unit/enforce'],
  'src/enforce/policy/globs': ['unit/enforce-globs'],
  'src/local/': ['platform/api'],
  'src/local/authorization/': ['unit/authorization'],
  'src/local/http/': ['unit/credentials', 'unit/loopback'],
  'src/trust/claim-match': ['unit/claim-match'],
  'src/trust/issuer-keys': ['unit/upstream'],
  'src/trust/jwt': ['unit/jwt', 'unit/upstream'],
  'src/local/events/': ['unit/sink-rules', 'unit/cloud-event', 'platform/events'],
  'src/local/events/cloud-event': ['unit/cloud-event', 'unit/event-dispatcher'],
  'src/local/events/dispatcher': ['unit/event-dispatcher'],
  'src/local/events/retention': ['unit/event-dispatcher'],
  'src/local/events/sink-rules': ['unit/sink-rules'],
  'src/local/iam/': ['platform/iam', 'platform/account'],
  'src/local/issuer/': ['platform/issuer', 'platform/sts', 'platform/sign-in'],
  'src/local/issuer/actor': ['unit/token-exchange'],
  'src/local/issuer/aws-verify': ['unit/aws-verify'],
  'src/local/issuer/browser-sessions': ['unit/browser-sessions'],
  'src/local/issuer/device-codes': ['unit/device-codes', 'unit/sign-in-gate'],
  'src/local/issuer/headless-sessions': ['unit/headless-sessions'],
  'src/local/issuer/proof': ['unit/token-exchange'],
  'src/local/issuer/sign-in/gate': ['unit/sign-in-gate'],
  ...Object.fromEntries(
    ['answers', 'destination', 'pending-logins'].map((name) => [
      `src/local/issuer/sign-in/${name}`,
      ['unit/sign-in-requests'],
    ]),
  ),
  'src/local/issuer/sts': ['unit/token-exchange'],
  'src/local/issuer/told-exchanges': ['unit/token-exchange'],
  'src/local/issuer/wrong-tries': ['unit/sign-in-gate'],
  'src/local/issuer/upstream': ['unit/upstream'],
  'src/local/sessions/': ['unit/refresh-tokens'],
  'src/local/keys/jwt': ['unit/jwt'],
  'src/local/issuer/narrowing': ['unit/narrowing', 'platform/sts'],
  'src/local/registry/distribution/authorization': ['unit/registry-authorization'],
  'src/local/registry/distribution/registry-token': ['unit/registry-authorization'],
  'src/local/registry/manifest': ['unit/manifest'],
  'src/local/registry/': [
    'unit/manifest',
    'unit/references',
    'unit/apk-version',
    'platform/registry',
    'platform/repos',
  ],
  'src/local/scim/': ['platform/scim'],
  'src/local/store/': ['unit/blob-store', 'unit/group-commit', 'platform/folder-lock'],
  'src/npm/': ['unit/npmrc', 'commands/auth-configure-npm'],
};

// What a person reads is for golden files; the rest of these make faults that no user could meet.
const always = ['StringLiteral'];
const allButGuards = [
  'ArrayDeclaration',
  'ArrowFunction',
  'BlockStatement',
  'ObjectLiteral',
  'OptionalChaining',
  'UpdateOperator',
];

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /(?<!\.gen|\.d)\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

function testsFor(file) {
  const [part] = Object.keys(testsOf)
    .filter((beginning) => file.startsWith(beginning))
    .sort((a, b) => b.length - a.length);
  return filesBelow('test').filter(
    (path) => path.endsWith('.test.ts') && (testsOf[part] ?? []).some((word) => path.startsWith(`test/${word}`)),
  );
}

const words = process.argv.slice(2);
const isQuick = words.includes('--quick');
const guardsOnly = isQuick || words.includes('--guards');
const wanted = words.filter((word) => word !== '--guards' && word !== '--quick');
const problem = wanted.find((word) => word.startsWith('-') || !existsSync(word.replace(/:\d+-\d+$/, '')));
if (wanted.length === 0 || problem !== undefined) {
  console.error(
    `${problem === undefined ? '' : `There is no ${problem}. `}Usage: npm run mutation -- [--guards|--quick] FOLDER|FILE[:FROM-TO]...`,
  );
  process.exit(2);
}

const targets = wanted.flatMap((word) =>
  existsSync(word) && statSync(word).isDirectory() ? filesBelow(word) : [word],
);
// One run for all files that the same tests ask about.
const runs = new Map();
for (const target of targets.sort()) {
  const tests = testsFor(target);
  if (tests.length === 0) {
    console.log(`${target}: this script knows no tests for it`);
    continue;
  }
  const key = tests.join();
  runs.set(key, { tests, files: [...(runs.get(key)?.files ?? []), target] });
}

const kept = 'reports/mutation/scores.json';
const work = mkdtempSync(join(tmpdir(), 'chainctl-mutation-'));
const tried = {};
let failed = false;

/** Prints what a report says of each file, and keeps the counts. */
function note({ files }) {
  for (const [file, { source, mutants }] of Object.entries(files)) {
    const count = (...states) => mutants.filter(({ status }) => states.includes(status)).length;
    const killed = count('Killed', 'Timeout');
    const survived = count('Survived');
    const missed = count('NoCoverage');
    const covered = killed + survived === 0 ? 100 : Math.round((100 * killed) / (killed + survived));
    tried[file] = { killed, survived, missed, guardsOnly };
    const lines = source.split('\n');
    for (const mutant of mutants.filter(({ status }) => status === 'Survived' || status === 'NoCoverage')) {
      const { start, end } = mutant.location;
      const was =
        start.line === end.line
          ? lines[start.line - 1].slice(start.column - 1, end.column - 1)
          : lines[start.line - 1].trim();
      const mark = mutant.status === 'Survived' ? 'survived' : 'no test ';
      console.log(
        `${mark} ${file}:${start.line}:${start.column} ${was.slice(0, 90)}  =>  ${(mutant.replacement ?? '').replace(/\s+/g, ' ').slice(0, 90)}`,
      );
    }
    console.log(
      `score    ${file}: ${covered} on covered code (${killed} killed, ${survived} survived, ${missed} without a test)`,
    );
  }
}

try {
  for (const { tests, files } of runs.values()) {
    if (isQuick) {
      const { tryQuickly } = await import('./mutation-quick.mjs');
      try {
        // A body that is gone is a guard that is gone.
        note(await tryQuickly(tests, files, [...always, ...allButGuards.filter((kind) => kind !== 'BlockStatement')]));
      } catch (error) {
        console.error(error.message);
        failed = true;
      }
      continue;
    }
    const report = join(work, 'report.json');
    const config = join(work, 'stryker.json');
    rmSync(report, { force: true });
    const settings = {
      testRunner: 'vitest',
      plugins: ['@stryker-mutator/vitest-runner'],
      reporters: ['json', 'progress-append-only'],
      jsonReporter: { fileName: report },
      coverageAnalysis: 'perTest',
      mutate: files,
      testFiles: tests,
      mutator: { excludedMutations: guardsOnly ? [...always, ...allButGuards] : always },
      // A fault in what runs only once, while files load, needs every test again.
      ignoreStatic: true,
      vitest: { configFile: 'vitest.config.mts', related: false },
      // Stryker would rewrite tsconfig.json with an interface that TypeScript 7 does not have; nothing here reads it.
      tsconfigFile: 'none',
      concurrency: Number(process.env.CONCURRENCY ?? 1),
      timeoutMS: 15_000,
      dryRunTimeoutMinutes: 30,
      tempDirName: join(work, 'sandbox'),
      ignorePatterns: ['/docs', '/findings', '/reports', '/release'],
      allowEmpty: true,
    };
    writeFileSync(config, JSON.stringify(settings));
    const { status } = spawnSync('node_modules/.bin/stryker', ['run', config], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0 || !existsSync(report)) {
      failed = true;
      continue;
    }
    note(JSON.parse(readFileSync(report, 'utf8')));
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
// Read only now: another run may have ended meanwhile.
const scores = { ...(existsSync(kept) ? JSON.parse(readFileSync(kept, 'utf8')) : {}), ...tried };
mkdirSync(dirname(kept), { recursive: true });
writeFileSync(kept, `${JSON.stringify(scores, null, 2)}\n`);

// By folder, over everything that was tried so far.
const sums = new Map();
for (const [file, { killed, survived }] of Object.entries(scores)) {
  const sum = sums.get(dirname(file)) ?? { killed: 0, survived: 0 };
  sums.set(dirname(file), { killed: sum.killed + killed, survived: sum.survived + survived });
}
console.log('\nFolder, score on covered code, faults tried');
for (const [folder, { killed, survived }] of [...sums].sort()) {
  console.log(
    `${folder}  ${killed + survived === 0 ? '-' : Math.round((100 * killed) / (killed + survived))}  ${killed + survived}`,
  );
}
if (failed) process.exitCode = 1;
