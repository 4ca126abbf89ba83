// The same policies over the same images, by this engine and by policy-controller's own `tester` (0.13), by hand:
//
//   node scripts/build.mjs && TESTER=… COSIGN=… COSIGN3=… CRANE=… node scripts/policy-differential.mjs [NUMBERS]
//
// NUMBERS such as 1-9 are of the policies to compare; all without them.
// cue and opa have to be on the PATH. Prints a table; ends with 1 where a verdict differs that enforce.md 3 does not decide otherwise.

import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCraneRegistry } from './kubernetes/crane-registry.mjs';

const { TESTER = 'tester', COSIGN = 'cosign', COSIGN3 = '', CRANE = 'crane' } = process.env;
const program = fileURLToPath(new URL('../bin/chainctl.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'policy-differential-'));
const { server, registry } = await startCraneRegistry(CRANE, join(folder, 'registry.log'));
const env = {
  PATH: process.env.PATH,
  HOME: folder,
  XDG_CONFIG_HOME: folder,
  XDG_CACHE_HOME: folder,
  COSIGN_PASSWORD: '',
};
const start = (name, args) => spawnSync(name, args, { cwd: folder, encoding: 'utf8', env, timeout: 60_000 });
const run = (name, ...args) => {
  const { status, stdout, stderr, error } = start(name, args);
  if (status !== 0) throw new Error(`${name} ${args.join(' ')}: ${error ?? stderr}`);
  return stdout.trim();
};

function makeImages() {
  run(COSIGN, 'generate-key-pair');
  run(COSIGN, 'generate-key-pair', '--output-key-prefix=other');
  writeFileSync(join(folder, 'predicate.json'), JSON.stringify({ spdxVersion: 'SPDX-2.3', name: 'busybox', count: 5 }));
  writeFileSync(
    join(folder, 'services.json'),
    JSON.stringify({ mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json' }),
  );
  writeFileSync(
    join(folder, 'scan.json'),
    JSON.stringify({
      invocation: { uri: '', event_id: '', 'builder.id': '' },
      scanner: { uri: 'scanner', version: '1', db: { uri: '', version: '' }, result: { found: 0 } },
      metadata: { scanStartedOn: '2026-01-01T00:00:00Z', scanFinishedOn: '2026-01-01T00:00:01Z' },
    }),
  );
  const key = ['--key=cosign.key', '--yes'];
  const old = [...key, '--tlog-upload=false'];
  const attest = ['--type=spdxjson', '--predicate=predicate.json'];
  const wanted = {
    unsigned: [],
    signed: [[COSIGN, 'sign', ...old]],
    attested: [[COSIGN, 'attest', ...old, ...attest]],
    custom: [[COSIGN, 'attest', ...old, '--type=custom', '--predicate=predicate.json']],
    both: [
      [COSIGN, 'sign', ...old],
      [COSIGN, 'attest', ...old, ...attest],
    ],
    prefixed: [[COSIGN, 'sign', ...old, '--attachment-tag-prefix=release-']],
    twice: [
      [COSIGN, 'sign', '--key=other.key', '--yes', '--tlog-upload=false'],
      [COSIGN, 'sign', ...old],
      [COSIGN, 'attest', ...old, ...attest],
      [COSIGN, 'attest', ...old, '--type=vuln', '--predicate=scan.json'],
    ],
    ...(COSIGN3 === '' ? {} : { signed3: [[COSIGN3, 'sign', ...key, '--signing-config=services.json']] }),
  };
  return Object.entries(wanted).map(([name, commands]) => {
    writeFileSync(join(folder, 'file'), name);
    run('tar', 'cf', 'image.tar', 'file');
    const place = `${registry}/test/${name}`;
    run(CRANE, 'append', '-f', 'image.tar', '-t', `${place}:latest`);
    const image = `${place}@${run(CRANE, 'digest', `${place}:latest`)}`;
    for (const [command, ...words] of commands) run(command, ...words, image);
    return { name, image };
  });
}

function makePolicies() {
  const key = { data: readFileSync(join(folder, 'cosign.pub'), 'utf8') };
  const other = { data: readFileSync(join(folder, 'other.pub'), 'utf8') };
  const sbom = (policy) => ({ name: 'sbom', predicateType: 'spdxjson', ...(policy && { policy }) });
  const cue = (data) => ({ type: 'cue', data });
  const rego = (rule) => ({ type: 'rego', data: `package sigstore\n\n${rule}\n` });
  const attested = (policy) => ({ authorities: [{ key, attestations: [sbom(policy)] }] });
  const pass = { static: { action: 'pass' } };
  return {
    key: { authorities: [{ key }] },
    'other key': { authorities: [{ key: other }] },
    'either key': { authorities: [{ key: other }, { key }] },
    'two keys in one PEM': { authorities: [{ key: { data: other.data + key.data } }] },
    'static pass': { authorities: [pass] },
    'static fail': { authorities: [{ static: { action: 'fail', message: 'no' } }] },
    'glob that ends early': { images: [{ glob: `${registry}/*` }], authorities: [pass] },
    'glob with a tag': { images: [{ glob: `${registry}/**:latest` }], authorities: [pass] },
    'glob without digest': { images: [{ glob: `${registry}/test/signed` }], authorities: [pass] },
    'glob with @sha256:*': { images: [{ glob: `${registry}/test/signed@sha256:*` }], authorities: [pass] },
    attestation: attested(),
    'custom attestation': { authorities: [{ key, attestations: [{ name: 'c', predicateType: 'custom' }] }] },
    'attestation of another type': { authorities: [{ key, attestations: [{ name: 'c', predicateType: 'vuln' }] }] },
    'attestation, CUE holds': attested(cue('predicate: name: "busybox"')),
    'attestation, CUE breaks': attested(cue('predicate: name: "other"')),
    'attestation, CUE leaves open': attested(cue('predicate: more: string')),
    'attestation, CUE requires': attested(cue('predicate: needed!: string')),
    'attestation, CUE with an error': attested(cue('predicate: {')),
    'attestation, Rego holds': attested(rego('isCompliant { input.predicate.name == "busybox" }')),
    'attestation, Rego breaks': attested(rego('isCompliant { input.predicate.name == "other" }')),
    'attestation, Rego with a warning': attested(rego('isCompliant[r] { r = {"result": true, "warning": "soon"} }')),
    'policy, CUE over a signature': {
      authorities: [{ name: 'a', key }],
      policy: cue('authorityMatches: a: signatures: [...]'),
    },
    'policy, CUE wants another': {
      authorities: [{ name: 'a', key }],
      policy: cue('authorityMatches: a: static: true'),
    },
    'policy, Rego counts authorities': {
      authorities: [
        { name: 'a', key },
        { name: 'b', key, attestations: [sbom()] },
      ],
      policy: rego('isCompliant { count(input.authorityMatches) == 2 }'),
    },
    'policy, Rego over the configuration': {
      authorities: [pass],
      policy: { ...rego('isCompliant { input.config["linux/amd64"] }'), fetchConfigFile: true },
    },
    // ---- keys ----
    'key in CRLF': { authorities: [{ key: { data: key.data.replaceAll('\n', '\r\n') } }] },
    'key behind a line of text': { authorities: [{ key: { data: `a key\n${key.data}` } }] },
    'private key': { authorities: [{ key: { data: plainPrivateKey() } }] },
    'certificate as key': { authorities: [{ key: { data: certificateOfAnother() } }] },
    'key with another hash': { authorities: [{ key: { ...key, hashAlgorithm: 'sha512' } }] },
    // ---- modes and several authorities ----
    'warn, nobody signed': { mode: 'warn', authorities: [{ key: other }] },
    'warn, static fail': { mode: 'warn', authorities: [{ static: { action: 'fail' } }] },
    'warn and signed': { mode: 'warn', authorities: [{ key }] },
    'a signature or else no': { authorities: [{ key: other }, { static: { action: 'fail' } }] },
    'a signature or anybody': { authorities: [{ key: other }, pass] },
    'two kinds of attestation': {
      authorities: [{ key, attestations: [sbom(), { name: 'scan', predicateType: 'vuln' }] }],
    },
    'one kind each': {
      authorities: [
        { name: 'a', key, attestations: [{ name: 'scan', predicateType: 'vuln' }] },
        { name: 'b', key, attestations: [sbom()] },
      ],
    },
    'type as a URL': {
      authorities: [{ key, attestations: [{ name: 'c', predicateType: 'https://spdx.dev/Document' }] }],
    },
    // ---- globs ----
    'glob of one star a part': { images: [{ glob: '*/*/signed@sha256:*' }], authorities: [pass] },
    'glob of two stars': { images: [{ glob: '**' }], authorities: [pass] },
    'glob of one star': { images: [{ glob: '*' }], authorities: [pass] },
    'glob of half a name': { images: [{ glob: `${registry}/test/sign*` }], authorities: [pass] },
    'two globs, one fits': { images: [{ glob: 'ghcr.io/**' }, { glob: `${registry}/test/**` }], authorities: [pass] },
    // ---- where signatures lie ----
    'source of the image itself': { authorities: [{ key, source: [{ oci: `${registry}/test/signed` }] }] },
    'source elsewhere': { authorities: [{ key, source: [{ oci: `${registry}/test/elsewhere` }] }] },
    'source with a prefix': { authorities: [{ key, source: [{ tagPrefix: 'release-' }] }] },
    'log without an entry': { authorities: [{ key, ctlog: { url: 'http://127.0.0.1:1' } }] },
    // ---- rules ----
    'CUE imports its own': attested(cue('import "strings"\npredicate: name: strings.MinRunes(3)')),
    'CUE, a number that breaks': attested(cue('predicate: count: >10')),
    'CUE, a number that holds': attested(cue('predicate: count: <10 & int')),
    'Rego says nothing': attested(rego('isCompliant { false }')),
    'Rego with a default': attested(rego('default isCompliant = false\nisCompliant { input.predicate.count < 10 }')),
    'Rego with an error': attested(rego('isCompliant {')),
    'Rego with another name': attested(rego('allow { true }')),
    'Rego with an error message': attested(rego('isCompliant[r] { r = {"result": false, "error": "never"} }')),
    'policy, CUE over attestations': {
      authorities: [{ name: 'a', key, attestations: [sbom()] }],
      policy: cue('authorityMatches: a: attestations: sbom: [...]'),
    },
    'policy, Rego wants one of two': {
      authorities: [
        { name: 'a', key },
        { name: 'b', key: other },
      ],
      policy: rego('isCompliant { input.authorityMatches.b }'),
    },
    'policy, static alone': {
      authorities: [{ name: 'a', static: { action: 'pass' } }],
      policy: cue('authorityMatches: a: static: true'),
    },
  };
}

/** A private key, which is none to verify with. */
function plainPrivateKey() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' });
}

function certificateOfAnother() {
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=x'];
  return run('openssl', ...words, '-keyout', 'x.key', '-days', '2');
}

/** Where enforce.md 3 decides otherwise. */
const decided = (image) => (image === 'signed3' ? 'cosign 3 with a key counts here (enforce.md 3, trap 5)' : undefined);

const [, from = 1, to = Number.POSITIVE_INFINITY] = (/^(\d+)-(\d+)$/.exec(process.argv[2] ?? '') ?? []).map(Number);
let differing = 0;
try {
  const images = makeImages();
  const rows = [];
  console.log(`| policy | ${images.map(({ name }) => name).join(' | ')} |`);
  console.log(`| --- |${images.map(() => ' --- |').join('')}`);
  for (const [name, spec] of Object.entries(makePolicies()).slice(from - 1, to)) {
    const document = {
      apiVersion: 'policy.sigstore.dev/v1beta1',
      kind: 'ClusterImagePolicy',
      metadata: { name: 'p' },
      spec: { images: [{ glob: `${registry}/**` }], ...spec },
    };
    writeFileSync(join(folder, 'policy.json'), JSON.stringify(document));
    const cells = images.map(({ name: short, image }) => {
      const theirs = start(TESTER, ['-policy', 'policy.json', '-image', image, '-log-level', 'error']);
      const ours = start(process.execPath, [program, 'policies', 'test', image, '-f', 'policy.json']);
      const verdicts = [theirs, ours].map(({ status, signal }) => (signal ? 'hangs' : status === 0 ? 'pass' : 'fail'));
      if (verdicts[0] === verdicts[1]) return verdicts[0];
      if (decided(short) !== undefined) return `${verdicts[0]} / ${verdicts[1]} (decided)`;
      differing += 1;
      console.error(
        `${name} over ${short}: theirs ${theirs.stdout}${theirs.stderr}\nours ${ours.stdout}${ours.stderr}`,
      );
      return `${verdicts[0]} / ${verdicts[1]}`;
    });
    rows.push(name);
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
  const verdicts = rows.length * images.length;
  console.log(
    `\n${rows.length} policies over ${images.length} images, ${verdicts} verdicts: ${differing} differ (theirs / ours)`,
  );
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = differing === 0 ? 0 : 1;
