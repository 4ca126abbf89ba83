// Seed 004 and what follows from it, against a real API server, with registry and signatures on this machine. Says that it did
// not run, and ends well, where Go, etcd, kubectl, openssl, cosign or crane is missing.
//
//   npm run e2e:kubernetes [-- NAME...]   only these parts behind the walkthrough, of the names below; KUBERNETES_PROGRAMS=folder
//                                         keeps what was built; COSIGN and CRANE name other programs

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as variants from './kubernetes/variants.mjs';
import { walkThrough } from './kubernetes/walkthrough.mjs';
import { missingPrograms, startWorld } from './kubernetes/world.mjs';

const missing = missingPrograms();
if (missing.length > 0) {
  console.log(`e2e:kubernetes did not run: there is no ${missing.join(', no ')} here`);
  process.exit(0);
}
const programs = process.env.KUBERNETES_PROGRAMS ?? join(homedir(), '.cache', 'chainctl-kubernetes');
const began = Date.now();
const seconds = () => Math.round((Date.now() - began) / 1000);
const build = fileURLToPath(new URL('kubernetes/build.sh', import.meta.url));
const built = spawnSync('bash', [build, programs], { stdio: 'inherit' });
assert.equal(built.status, 0, 'Kubernetes was built');
console.log(`Kubernetes is there after ${seconds()} s`);

const world = await startWorld(programs);
try {
  await world.startPlatform();
  const before = variants.whatIsThere(world);
  const { id, digest } = await walkThrough(world);
  const all = {
    otherKinds: () => variants.otherKinds(world, digest),
    rights: () => variants.rights(world),
    pullSecrets: () => variants.pullSecrets(world),
    warnMode: () => variants.warnMode(world),
    whatIsDown: () => variants.whatIsDown(world, id),
    unreachable: () => variants.unreachable(world),
    inPod: () => variants.inPod(world, id),
    twoClusters: () => variants.twoClusters(world),
    uninstall: () => variants.uninstall(world, before),
  };
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(all);
  for (const name of names) await all[name]();
  console.log(`all of it held, after ${seconds()} s`);
} finally {
  await world.stop();
}
