// What the tests on a real Kubernetes stand on: a cluster, a registry, a home folder and the programs that are run there.
// Guarantees: everything lies in one folder, and what was started is ended.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startCluster } from './cluster.mjs';
import { startCraneRegistry } from './crane-registry.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

export const cosign = process.env.COSIGN ?? 'cosign';
export const crane = process.env.CRANE ?? 'crane';

/** Programs that are not here. */
export const missingPrograms = () =>
  [
    ['go', 'version'],
    ['etcd', '--version'],
    ['kubectl', 'version', '--client'],
    ['openssl', 'version'],
    [cosign, 'version'],
    [crane, 'version'],
  ]
    .filter(([program, ...args]) => spawnSync(program, args).error !== undefined)
    .map(([program]) => program);

export async function startWorld(programs) {
  const folder = mkdtempSync(join(tmpdir(), 'chainctl-e2e-kubernetes-'));
  const home = join(folder, 'home');
  mkdirSync(home);
  const clusters = [await startCluster(programs, join(folder, 'cluster'))];
  const { server: registryServer, registry } = await startCraneRegistry(crane, join(folder, 'registry.log'));
  let env = {
    ...process.env,
    HOME: home,
    XDG_CACHE_HOME: join(home, 'cache'),
    XDG_DATA_HOME: join(home, 'data'),
    XDG_CONFIG_HOME: join(home, 'config'),
    KUBECONFIG: clusters[0].kubeconfig,
    COSIGN_PASSWORD: '',
  };
  const servers = [];
  const run = (program, args, input = '', more = {}) =>
    spawnSync(program, args, { env: { ...env, ...more }, encoding: 'utf8', input, cwd: home, timeout: 240_000 });
  const chainctl = (...args) => run(process.execPath, [join(root, 'bin/chainctl.js'), ...args]);
  const world = {
    home,
    registry,
    cluster: clusters[0],
    run,
    chainctl,
    chainctlIn: (kubeconfig, ...args) =>
      run(process.execPath, [join(root, 'bin/chainctl.js'), ...args], '', { KUBECONFIG: kubeconfig }),
    /** The same without waiting; the last word may be more variables. */
    chainctlLater(...words) {
      const more = typeof words.at(-1) === 'object' ? words.pop() : {};
      const child = spawn(process.execPath, [join(root, 'bin/chainctl.js'), ...words], {
        env: { ...env, ...more },
        cwd: home,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      servers.push(child);
      return {
        pid: child.pid,
        ended: new Promise((resolve) => child.on('exit', (code) => resolve(code))),
        stop: () => child.kill('SIGINT'),
      };
    },
    kubectl: (...args) => run('kubectl', args),
    write: (name, text) => writeFileSync(join(home, name), text),
    read: (name) => readFileSync(join(home, name), 'utf8'),
    json: (result, what) => JSON.parse(good(result, what)),

    /** A platform of its own, signed in to as its developer. */
    async startPlatform() {
      good(chainctl('local', 'start', '--detach'), 'local start');
      const variables = world.json(chainctl('local', 'status', '-ojson'), 'local status');
      env = {
        ...env,
        CHAINGUARD_PLATFORM_API: variables.api,
        CHAINGUARD_PLATFORM_ISSUER: variables.issuer,
        CHAINGUARD_PLATFORM_AUDIENCE: variables.api,
        CHAINGUARD_PLATFORM_REGISTRY: variables.registry,
      };
      const token = good(chainctl('local', 'token'), 'local token');
      const words = [join(root, 'bin/chainctl.js'), 'auth', 'login', '--identity-token', '-'];
      good(run(process.execPath, words, token), 'login');
    },
    /** Returns the digest. */
    push(name, content = name) {
      world.write('file', content);
      good(run('tar', ['cf', 'image.tar', 'file']), 'tar');
      good(run(crane, ['append', '-f', 'image.tar', '-t', `${registry}/${name}:latest`]), 'push');
      return good(run(crane, ['digest', `${registry}/${name}`]), 'digest').trim();
    },
    sign(name, digest) {
      const words = ['sign', '--key', 'cosign.key', '--tlog-upload=false', '--yes', `${registry}/${name}@${digest}`];
      good(run(cosign, words), 'cosign sign');
    },
    /** The same registry behind a login. */
    async privateRegistry(user, password) {
      const script = fileURLToPath(new URL('private-registry.mjs', import.meta.url));
      const server = spawn(process.execPath, [script, registry, user, password], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      servers.push(server);
      return new Promise((resolve) => server.stdout.once('data', (chunk) => resolve(String(chunk).trim())));
    },
    async secondCluster() {
      const cluster = await startCluster(programs, join(folder, 'second'));
      clusters.push(cluster);
      return cluster;
    },
    async stop() {
      chainctl('local', 'stop');
      for (const pid of agentPids(home)) {
        try {
          process.kill(pid);
        } catch {
          // It has ended.
        }
      }
      registryServer.kill();
      for (const server of servers) server.kill();
      for (const cluster of clusters) await cluster.stop();
      if (process.env.KEEP === undefined) rmSync(folder, { recursive: true, force: true });
      else console.log(`kept ${folder}`);
    },
  };
  return world;
}

function agentPids(home) {
  const { stdout } = spawnSync('find', [join(home, 'data', 'chainctl', 'agents'), '-name', 'agent.json'], {
    encoding: 'utf8',
  });
  return stdout
    .split('\n')
    .filter((path) => path !== '')
    .map((path) => JSON.parse(readFileSync(path, 'utf8')).pid)
    .filter((pid) => pid > 0);
}

/** Returns stdout. */
export function good(result, what) {
  assert.equal(result.status, 0, `${what}: ${result.stdout}${result.stderr}`);
  return result.stdout;
}

export async function until(what, check, seconds = 90) {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    if (await check()) return;
    await sleep(500);
  }
  throw new Error(`waited ${seconds} s, and still not: ${typeof what === 'function' ? what() : what}`);
}

export const step = (text) => console.log(`ok  ${text}`);
