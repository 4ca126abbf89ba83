// pip's index and the credentials for it: those in the address come before .netrc, and those of .netrc before a keyring.

import { join, resolve } from 'node:path';
import { readTextIfExists } from '../files.ts';
import type { Host } from '../host.ts';
import { statIfExists } from '../stats.ts';
import { type Check, endOf, type Finding, missing, ok, roughly, skip, wrong } from './check.ts';

/** Chainguard's Python packages; a platform of another name has none. */
const machine = 'libraries.cgr.dev';
const index = `https://${machine}/python/simple/`;
const pullToken = 'chainctl auth pull-token create --repository=python';

export const pip: Check = {
  name: 'pip',
  purposes: ['pip'],
  async look(examined) {
    const { host } = examined;
    const found = indexOf(host);
    if (found === undefined || !URL.canParse(found.value) || new URL(found.value).hostname !== machine) {
      const where = { file: found?.file, key: found?.key ?? 'index-url' };
      const fix =
        found?.key === 'PIP_INDEX_URL' ? `export PIP_INDEX_URL=${index}` : `pip config set global.index-url ${index}`;
      return [missing(examined, 'pip', `pip does not install from ${machine}`, fix, where)];
    }
    const { username, password } = new URL(found.value);
    const where = { file: found.file, key: found.key };
    if (username === '') return [ok(`pip installs from ${machine}`, where)];
    return [await stateOf(host, decodeURIComponent(password), 'The credential in the address of the index', where)];
  },
};

export const netrc: Check = {
  name: 'netrc',
  purposes: ['pip'],
  async look(examined) {
    const { host, purpose } = examined;
    const file = netrcFile(host);
    const content = readTextIfExists(file);
    const login = content === undefined ? undefined : entryOf(content, machine);
    const fix = `${pullToken} && "\${EDITOR:-vi}" ${JSON.stringify(file)}`;
    if (login === undefined) {
      if (purpose !== 'pip' || hasOwnCredential(host)) return [skip(`"${file}" has nothing for ${machine}`)];
      return [
        wrong(`"${file}" has nothing for ${machine}, and the address of pip's index has no user`, fix, {
          file,
          key: `machine ${machine}`,
        }),
      ];
    }
    const where = { file, key: `machine ${machine}` };
    const mode = statIfExists(file)?.mode ?? 0;
    if (host.platform !== 'win32' && (mode & 0o077) !== 0) {
      return [wrong(`"${file}" holds passwords and can be read by others`, `chmod 600 ${JSON.stringify(file)}`, where)];
    }
    return [await stateOf(host, login.password, `The credential in "${file}"`, where)];
  },
};

function hasOwnCredential(host: Host): boolean {
  const value = indexOf(host)?.value;
  return value !== undefined && URL.canParse(value) && new URL(value).username !== '';
}

async function stateOf(
  host: Host,
  secret: string,
  what: string,
  where: { file: string | undefined; key: string },
): Promise<Finding> {
  if (secret === '') return wrong(`${what} has no password`, pullToken, where);
  const end = await endOf(secret);
  if (end === undefined || end > host.now())
    return ok(`${what} is there${end === undefined ? '' : ` and good for ${roughly(end - host.now())}`}`, where);
  return wrong(`${what} has expired ${roughly(end - host.now())} ago`, pullToken, where);
}

/** The first of the variable, the file it names, the environment's, the user's and the machine's. */
function indexOf(
  host: Host,
): { readonly value: string; readonly file: string | undefined; readonly key: string } | undefined {
  const {
    PIP_INDEX_URL: variable,
    PIP_CONFIG_FILE: named,
    VIRTUAL_ENV: environment,
    XDG_CONFIG_HOME: config,
  } = host.env;
  if (variable) return { value: variable, file: undefined, key: 'PIP_INDEX_URL' };
  const files = [
    ...(named ? [resolve(host.cwd, named)] : []),
    ...(environment ? [join(environment, 'pip.conf')] : []),
    join(config || join(host.home(), '.config'), 'pip', 'pip.conf'),
    join(host.home(), '.pip', 'pip.conf'),
    '/etc/pip.conf',
  ];
  for (const file of files) {
    const [, value] = /^\s*index[-_]url\s*[=:]\s*(\S+)/m.exec(readTextIfExists(file) ?? '') ?? [];
    if (value !== undefined) return { value, file, key: 'index-url' };
  }
  return undefined;
}

/** As pip's HTTP library looks for it. */
function netrcFile(host: Host): string {
  if (host.env['NETRC']) return resolve(host.cwd, host.env['NETRC']);
  const [usual = '', other = ''] = ['.netrc', '_netrc'].map((name) => join(host.home(), name));
  return statIfExists(usual) === undefined && statIfExists(other) !== undefined ? other : usual;
}

function entryOf(content: string, name: string): { readonly user: string; readonly password: string } | undefined {
  const words = content.replace(/^\s*#.*$/gm, '').split(/\s+/);
  let at = words.findIndex((word, place) => word === 'machine' && words[place + 1] === name);
  if (at < 0) at = words.indexOf('default') - 1;
  if (at < -1) return undefined;
  const rest = words.slice(at + 2);
  const end = rest.findIndex((word) => word === 'machine' || word === 'default');
  const own = end < 0 ? rest : rest.slice(0, end);
  const after = (word: string) => (own.includes(word) ? (own[own.indexOf(word) + 1] ?? '') : '');
  return { user: after('login'), password: after('password') };
}
