// The main job, end to end, on this machine: an identity made on the command line, an image pulled with it.
// Every line after a `$` is run as printed, through the built chainctl and docker-credential-cgr, and what follows is what
// it said. All state is in one temporary folder that is gone at the end, whatever happens.

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const started = Date.now();
const color = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (color ? `\u001b[${code}m${text}\u001b[0m` : text);

// ---- ending ----

// Before there is anything to clean up, so that Ctrl-C at any moment finds somebody to do it.
let folder;
let platform;
let stopping = false;
const children = new Set();

async function end(code) {
  if (stopping) return;
  stopping = true;
  // Its output closes when the last process that a line started has ended, and not before.
  const ended = [...children].map((child) => new Promise((resolve) => child.once('close', resolve)));
  for (const child of children) child.kill('SIGTERM');
  await Promise.race([Promise.all(ended), new Promise((resolve) => setTimeout(resolve, 4000))]);
  if (platform !== undefined && platform.exitCode === null && platform.signalCode === null) {
    platform.kill('SIGTERM');
    const gone = new Promise((resolve) => platform.once('exit', resolve));
    const late = setTimeout(() => platform.kill('SIGKILL'), 4000);
    await gone;
    clearTimeout(late);
  }
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit(code);
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.on(signal, () => void end(code));
}
process.on('uncaughtException', (error) => {
  if (error.code !== 'EPIPE') console.error(`demo: ${error.stack}`);
  void end(1);
});

// ---- a folder of its own ----

folder = mkdtempSync(join(tmpdir(), 'chainctl-demo-'));
chmodSync(folder, 0o700);
const bin = join(folder, 'bin');
mkdirSync(bin);
for (const name of ['chainctl', 'docker-credential-cgr']) symlinkSync(join(root, 'bin', `${name}.js`), join(bin, name));

/** One person or machine: a home, caches and a Docker configuration that nobody else sees. */
function createPersona(name) {
  const home = join(folder, name);
  mkdirSync(join(home, 'run'), { recursive: true, mode: 0o700 });
  return {
    name,
    home,
    env: {
      PATH: [bin, dirname(process.execPath), process.env.PATH].join(delimiter),
      HOME: home,
      XDG_CACHE_HOME: join(home, '.cache'),
      XDG_CONFIG_HOME: join(home, '.config'),
      XDG_DATA_HOME: join(home, '.local', 'share'),
      XDG_RUNTIME_DIR: join(home, 'run'),
      TERM: process.env.TERM ?? 'dumb',
      ...(process.env.LANG ? { LANG: process.env.LANG } : {}),
      ...(process.env.NO_COLOR ? { NO_COLOR: process.env.NO_COLOR } : {}),
    },
  };
}

const laptop = createPersona('laptop');
const runner = createPersona('ci-runner');
const dataDir = join(folder, 'platform');

// ---- telling ----

const say = (text) => process.stdout.write(`${text}\n`);
const chapter = (text) => say(`\n${paint('1;36', `# ${text}`)}`);

function print(command, persona) {
  const where = persona === runner ? paint('35', 'ci-runner ') : '';
  say(`\n${where}${paint('32', '$')} ${paint('1', command)}`);
}

/** Runs a shell line as a persona, shows its output as it comes, and returns it. */
function run(persona, command, { fails = false, quiet = false } = {}) {
  print(command, persona);
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', command], {
      env: persona.env,
      cwd: persona.home,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    let out = '';
    const show = (chunk) => !quiet && process.stdout.write(chunk);
    child.stdout.on('data', (chunk) => {
      out += chunk;
      show(chunk);
    });
    child.stderr.on('data', show);
    child.on('error', reject);
    child.on('close', (code) => {
      children.delete(child);
      if (stopping) return;
      if ((code !== 0) !== fails) {
        reject(new Error(`"${command}" ended with ${code}, which is not how the story goes`));
      } else {
        if (fails) say(paint('33', `(exit code ${code}, as it should be)`));
        resolve(out.trim());
      }
    });
  });
}

// ---- the story ----

const have = (program) => spawnSync('/bin/sh', ['-c', `command -v ${program}`], { env: laptop.env }).status === 0;

/** How to pull here: a real client when one is installed, else the demo's own. Tokens reach it on stdin or by environment. */
function choosePuller() {
  const found = (name) => `${name} is installed, so it pulls; it finds its credentials through docker-credential-cgr.`;
  const login = (client, registry) =>
    `printf %s "$CHAINGUARD_TOKEN" | ${client} --username "$CHAINGUARD_IDENTITY_ID" --password-stdin ${registry}`;
  if (have('skopeo')) {
    return {
      said: found('skopeo'),
      pull: (image) => `skopeo copy --quiet --src-tls-verify=false docker://${image} dir:image`,
      login: (registry) => login('skopeo login --tls-verify=false', registry),
    };
  }
  if (have('podman')) {
    return {
      said: found('podman'),
      pull: (image) => `podman --storage-driver=vfs pull --quiet --tls-verify=false ${image}`,
      login: (registry) => login('podman login --tls-verify=false', registry),
    };
  }
  if (have('docker') && spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 3000 }).status === 0) {
    return {
      said: found('docker'),
      pull: (image) => `docker pull --quiet ${image}`,
      login: (registry) => login('docker login', registry),
    };
  }
  const own = join(root, 'scripts', 'demo', 'pull.mjs');
  return {
    said:
      'No skopeo, podman or running docker here, so the demo pulls by itself: scripts/demo/pull.mjs speaks the OCI\n' +
      'distribution specification, asks docker-credential-cgr for credentials and checks every digest.',
    pull: (image) => `node ${own} ${image}`,
    login: undefined,
  };
}

async function startPlatform() {
  const command = `chainctl local start --data-dir ${dataDir}`;
  print(`${command} &`, laptop);
  platform = spawn(join(bin, 'chainctl'), ['local', 'start', '--data-dir', dataDir], {
    env: laptop.env,
    cwd: laptop.home,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  let announced = false;
  const ready = new Promise((resolve, reject) => {
    const heard = (chunk) => {
      log += chunk;
      // The request log would drown the story; what it says before the first request is shown.
      if (!announced) process.stdout.write(chunk);
      if (!announced && existsSync(join(dataDir, 'platform.json'))) {
        announced = true;
        setTimeout(resolve, 50);
      }
    };
    platform.stdout.on('data', heard);
    platform.stderr.on('data', heard);
    platform.on('exit', (code) => reject(new Error(`the platform ended with ${code} before it answered\n${log}`)));
  });
  await ready;
}

async function useEnv(persona) {
  print(`eval "$(chainctl local env --data-dir ${dataDir})"`, persona);
  const result = spawnSync(join(bin, 'chainctl'), ['local', 'env', '--data-dir', dataDir], {
    env: persona.env,
    encoding: 'utf8',
  });
  for (const [, name, value] of result.stdout.matchAll(/^export (\w+)=(.*)$/gm)) persona.env[name] = value;
}

async function main() {
  say(paint('1', 'An identity made on the command line, an image pulled with it.'));
  say(`Everything below happens on this machine, in ${folder}, without an account and without a network.`);

  chapter('A platform of your own');
  await startPlatform();
  await useEnv(laptop);
  const registry = new URL(laptop.env.CHAINGUARD_PLATFORM_REGISTRY).host;

  chapter('Sign in as the seeded developer');
  await run(laptop, `umask 077; chainctl local token --data-dir ${dataDir} > developer.jwt`);
  await run(laptop, 'chainctl auth login --identity-token developer.jwt');
  await run(laptop, 'chainctl iam organizations list');

  chapter('An identity that one branch of one repository may assume');
  const created = await run(
    laptop,
    'chainctl iam identities create github my-app --github-repo=acme/app --github-ref=refs/heads/main --role=registry.pull --yes --output=id',
  );
  const identity = created.split('\n').at(-1);

  chapter('CI trades the token its own platform gave it');
  await useEnv(runner);
  await run(
    runner,
    `umask 077; chainctl local token github --data-dir ${dataDir} --repo acme/app --ref refs/heads/main > main.jwt`,
  );
  await run(runner, `chainctl auth login --identity ${identity} --identity-token main.jwt`);
  say(`\nThe same from another branch is refused:`);
  await run(
    runner,
    `umask 077; chainctl local token github --data-dir ${dataDir} --repo acme/app --ref refs/heads/feature > feature.jwt`,
  );
  await run(runner, `chainctl auth login --identity ${identity} --identity-token feature.jwt`, { fails: true });

  chapter('Docker pulls a private image through the helper, with no password stored');
  await run(runner, `chainctl auth configure-docker --identity ${identity} --identity-token main.jwt`);
  const puller = choosePuller();
  say(`\n${puller.said}`);
  const image = `${registry}/example.com/app:latest`;
  await run(runner, puller.pull(image));
  say(paint('32', 'pulled.'));

  chapter('What the organization has now');
  await run(laptop, 'chainctl iam identities list --output=table');
  await run(laptop, 'chainctl iam identities list --output=json');

  chapter('For machines without OIDC: a pull token');
  print('eval "$(chainctl auth pull-token create --name=nightly --ttl=24h --output=env)"', laptop);
  const token = spawnSync(
    join(bin, 'chainctl'),
    ['auth', 'pull-token', 'create', '--name=nightly', '--ttl=24h', '--output=env'],
    {
      env: laptop.env,
      encoding: 'utf8',
    },
  );
  if (token.status !== 0) throw new Error(`the pull token was not made: ${token.stderr}`);
  // Into the environment of the next commands, as eval would; never onto a command line or the screen.
  const credentials = Object.fromEntries(
    [...token.stdout.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  );
  Object.assign(laptop.env, credentials);
  say(`${Object.keys(credentials).join(' and ')} are set.`);
  if (puller.login) await run(laptop, puller.login(registry));
  await run(laptop, puller.pull(image));
  say(paint('32', 'pulled.'));

  chapter('Delete both identities: the next exchange and the next pull are refused');
  await run(laptop, `chainctl iam identities delete ${identity} --yes`);
  await run(laptop, 'chainctl iam identities delete "$CHAINGUARD_IDENTITY_ID" --yes');
  await run(runner, `chainctl auth login --identity ${identity} --identity-token main.jwt`, { fails: true });
  await run(runner, puller.pull(image), { fails: true });
  await run(laptop, puller.pull(image), { fails: true });

  say(
    `\n${paint('1', `Done in ${((Date.now() - started) / 1000).toFixed(1)} s.`)} To have such a platform for yourself: chainctl local start`,
  );
  await end(0);
}

main().catch(async (error) => {
  // Ctrl-C reaches what the demo started as well, and its end may be heard of first.
  await new Promise((resolve) => setTimeout(resolve, 100));
  if (stopping) return;
  console.error(`\ndemo: ${error.message}`);
  await end(1);
});
