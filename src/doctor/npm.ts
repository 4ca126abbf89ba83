// npm's configuration: which file names the registry, and whether the credential beside it is still good.

import { dirname, join, resolve } from 'node:path';
import { decodeClaims } from '../auth/jwt.ts';
import { readTextIfExists } from '../files.ts';
import type { Host } from '../host.ts';
import { npmRegistryOf } from '../npm/npm-registry.ts';
import { npmrcPath } from '../npm/npmrc.ts';
import { type Check, endOf, type Finding, missing, ok, roughly, versionOf, wrong } from './check.ts';

export const npm: Check = {
  name: 'npm',
  purposes: ['npm'],
  async look(examined) {
    const { host, config, purpose } = examined;
    const { url } = npmRegistryOf(config.get('platform.registry'));
    const configure = 'chainctl auth configure-npm';
    const settings = settingsOf(host);
    const registry = settings.find(({ key }) => key === 'registry');
    if (registry === undefined || slashed(registry.value) !== url) {
      const said =
        registry === undefined ? "npm installs from npm's own registry" : `npm installs from ${bare(registry.value)}`;
      const file = registry?.file ?? npmrcPath(host);
      const key = registry?.variable ?? 'registry';
      const fix = registry?.variable === undefined ? configure : `unset ${registry.variable}`;
      return [
        missing(examined, 'npm', `${said}, and not from ${url}`, fix, {
          file: registry?.variable ? undefined : file,
          key,
        }),
      ];
    }
    const { host: name, pathname } = new URL(url);
    const scopes = [`//${name}${pathname}`, `//${name}${pathname.replace(/\/$/, '')}`, `//${name}/`];
    const credential = settings.find(({ key }) =>
      scopes.some((scope) => key === `${scope}:_authToken` || key === `${scope}:_auth`),
    );
    if (credential === undefined) {
      return [
        wrong(`npm has no credential for ${url}`, configure, { file: registry.file, key: `${scopes[0]}:_authToken` }),
      ];
    }
    const finding = await stateOf(credential, host);
    const isHere = purpose !== 'npm' || (await versionOf(host, 'npm')) !== undefined;
    return isHere ? [finding] : [finding, wrong('npm is not on PATH', undefined, { key: 'PATH' })];
  },
};

interface Setting {
  readonly key: string;
  readonly value: string;
  readonly file: string | undefined;
  /** The variable that says it. */
  readonly variable?: string;
}

/** npm's settings, the one that wins first: variables, this project's file, the user's, the machine's. */
export function settingsOf(host: Host): Setting[] {
  const variables = Object.entries(host.env).flatMap(([name, value]) => {
    const [, key] = /^npm_config_(.+)$/i.exec(name) ?? [];
    return key === undefined || value === undefined
      ? []
      : [{ key: key.toLowerCase(), value, file: undefined, variable: name }];
  });
  const named = variables.find(({ key }) => key === 'userconfig')?.value;
  const files = [projectFile(host), named ? resolve(host.cwd, named) : join(host.home(), '.npmrc')];
  return [...variables, ...files.flatMap((file) => settingsIn(file, host))];
}

/** Beside the nearest package.json or node_modules, and else here. */
function projectFile(host: Host): string {
  for (let folder = host.cwd; ; folder = dirname(folder)) {
    if (readTextIfExists(join(folder, 'package.json')) !== undefined) return join(folder, '.npmrc');
    if (dirname(folder) === folder) return npmrcPath(host);
  }
}

function settingsIn(file: string, { env }: Host): Setting[] {
  const lines = (readTextIfExists(file) ?? '').split(/\r?\n/).reverse();
  return lines.flatMap((line) => {
    const [, key, value = ''] = /^\s*"?([^=\s"#;][^=\s"]*)"?\s*=\s*"?(.*?)"?\s*$/.exec(line) ?? [];
    if (key === undefined) return [];
    // A variable that is not set stays as it is written.
    return [{ key, value: value.replace(/\$\{([^}]+)\}/g, (whole, name: string) => env[name] ?? whole), file }];
  });
}

async function stateOf({ key, value, file }: Setting, host: Host): Promise<Finding> {
  const where = { file, key };
  const configure = 'chainctl auth configure-npm';
  const [, unset] = /\$\{([^}]+)\}/.exec(value) ?? [];
  if (unset !== undefined)
    return wrong(`The credential of npm is in ${unset}, which is not set`, `export ${unset}=…`, where);
  const isPullToken = key.endsWith(':_auth');
  const secret = isPullToken ? (Buffer.from(value, 'base64').toString().split(':')[1] ?? '') : value;
  if (decodeClaims(secret) === undefined) return ok('npm has a credential for the registry', where);
  const end = await endOf(secret);
  if (end === undefined) return ok('npm has a credential for the registry', where);
  const left = end - host.now();
  if (left > 0) return ok(`The credential of npm is good for ${roughly(left)}`, where);
  const fix = isPullToken ? `${configure} --pull-token` : configure;
  return wrong(`The credential of npm has expired ${roughly(left)} ago`, fix, where);
}

const slashed = (url: string) => url.replace(/\/*$/, '/');

/** Without user and password. */
const bare = (url: string): string => url.replace(/\/\/[^/@]*@/, '//');
