// A cluster without nodes, as processes on loopback: etcd, API server, controller manager, scheduler. Guarantees: everything lies
// in one folder, and what was started is ended.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Starts it and resolves when it is ready. `programs` holds what build.sh made. */
export async function startCluster(programs, folder) {
  const keys = join(folder, 'keys');
  const logs = join(folder, 'logs');
  mkdirSync(keys, { recursive: true });
  mkdirSync(logs, { recursive: true });
  if (!existsSync(join(keys, 'ca.crt'))) makeKeys(keys);
  const [store, peer, port] = [await freePort(), await freePort(), await freePort()];
  const running = new Map();
  const start = (name, path, args) => {
    const log = openSync(join(logs, `${name}.log`), 'a');
    const child = spawn(path, args, { stdio: ['ignore', log, log] });
    running.set(name, child);
  };
  const server = `https://127.0.0.1:${port}`;
  const kubeconfig = join(folder, 'kubeconfig');
  const inline = (name) => readFileSync(join(keys, name)).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'bare', cluster: { server, 'certificate-authority-data': inline('ca.crt') } }],
    users: [
      {
        name: 'admin',
        user: { 'client-certificate-data': inline('admin.crt'), 'client-key-data': inline('admin.key') },
      },
    ],
    contexts: [{ name: 'bare', context: { cluster: 'bare', user: 'admin' } }],
    'current-context': 'bare',
  };
  writeFileSync(kubeconfig, JSON.stringify(config), { mode: 0o600 });
  const address = (number) => `http://127.0.0.1:${number}`;
  start('etcd', 'etcd', [
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${address(store)}`,
    `--advertise-client-urls=${address(store)}`,
    `--listen-peer-urls=${address(peer)}`,
    `--initial-advertise-peer-urls=${address(peer)}`,
    `--initial-cluster=default=${address(peer)}`,
    '--unsafe-no-fsync',
  ]);
  const startServer = () =>
    start('apiserver', join(programs, 'kube-apiserver'), [
      `--etcd-servers=${address(store)}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      // An address on loopback may not stand among the endpoints of a service.
      '--endpoint-reconciler-type=none',
      `--secure-port=${port}`,
      `--tls-cert-file=${join(keys, 'apiserver.crt')}`,
      `--tls-private-key-file=${join(keys, 'apiserver.key')}`,
      `--client-ca-file=${join(keys, 'ca.crt')}`,
      `--cert-dir=${join(folder, 'certs')}`,
      `--service-account-issuer=${server}`,
      `--service-account-key-file=${join(keys, 'sa.pub')}`,
      `--service-account-signing-key-file=${join(keys, 'sa.key')}`,
      '--service-cluster-ip-range=10.96.0.0/16',
      '--authorization-mode=RBAC',
    ]);
  const kubectl = (args, options = {}) =>
    spawnSync('kubectl', [`--kubeconfig=${kubeconfig}`, ...args], { encoding: 'utf8', ...options });
  const ready = async () => {
    for (let tried = 0; tried < 480; tried += 1) {
      if (kubectl(['get', '--raw', '/readyz']).status === 0) return;
      await sleep(250);
    }
    throw new Error(`the API server is not ready:\n${readFileSync(join(logs, 'apiserver.log'), 'utf8').slice(-2000)}`);
  };
  const end = async (name) => {
    const child = running.get(name);
    running.delete(name);
    if (child === undefined || child.exitCode !== null) return;
    const over = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await Promise.race([over, sleep(10_000).then(() => child.kill('SIGKILL'))]);
  };
  startServer();
  await ready();
  start('controller-manager', join(programs, 'kube-controller-manager'), [
    `--kubeconfig=${kubeconfig}`,
    `--service-account-private-key-file=${join(keys, 'sa.key')}`,
    `--root-ca-file=${join(keys, 'ca.crt')}`,
    '--use-service-account-credentials',
    '--leader-elect=false',
    '--bind-address=127.0.0.1',
    '--secure-port=0',
  ]);
  return {
    kubeconfig,
    kubectl,
    async restartServer() {
      await end('apiserver');
      startServer();
      await ready();
    },
    async stop() {
      for (const name of [...running.keys()].reverse()) await end(name);
    },
  };
}

function makeKeys(folder) {
  const openssl = (...args) => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  };
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-days',
    '30',
    '-subj',
    '/CN=ca',
  );
  for (const [name, subject, names] of [
    ['apiserver', '/CN=kube-apiserver', 'IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes.default.svc'],
    ['admin', '/O=system:masters/CN=admin', 'DNS:admin'],
  ]) {
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
    writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`);
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '30',
      '-out',
      `${name}.crt`,
      '-extfile',
      `${name}.ext`,
    );
  }
  openssl('genrsa', '-out', 'sa.key', '2048');
  openssl('rsa', '-in', 'sa.key', '-pubout', '-out', 'sa.pub');
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
