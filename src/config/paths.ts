import { isAbsolute, join, resolve } from 'node:path';
import { configDir, type Host } from '../host.ts';
import { statIfExists } from '../stats.ts';

export interface ConfigLocation {
  /** The file that is read; undefined when there is none. With `--config` it is that file even if it does not exist. */
  readonly read: string | undefined;
  /** The file that `config set` and its siblings write. Throws a `CliError` when there is no home folder. */
  readonly write: () => string;
  /** Named by `--config` or `CHAINCTL_CONFIG`. */
  readonly explicit: boolean;
}

/** Returns where configuration is read and written (protocols 0). `path` is the value of `--config`. */
export function locateConfig(host: Host, path?: string): ConfigLocation {
  // setup-chainctl passes CHAINCTL_CONFIG as an empty string, which means unset (script-contracts 7).
  const named = path || host.env['CHAINCTL_CONFIG'];
  if (named) {
    const file = isAbsolute(named) ? named : resolve(host.cwd, named);
    return { read: file, write: () => file, explicit: true };
  }
  return {
    read: searchOrder(host).find((file) => statIfExists(file)?.isFile()),
    write: () => userConfigFile(host),
    explicit: false,
  };
}

/** The user's own configuration file, where writes go. */
export function userConfigFile(host: Host): string {
  return join(configDir(host), 'chainctl', 'config.yaml');
}

/** The place of older releases; still read. */
export function legacyConfigFile(host: Host): string {
  return join(host.home(), '.chainguard', 'config.yaml');
}

export function folderConfigFile(host: Host): string {
  return join(host.cwd, 'chainctl', 'config.yaml');
}

/** The user's own configuration, whatever lies in the current folder; undefined when there is none. */
export function ownConfigFile(host: Host): string | undefined {
  return searchOrder(host)
    .slice(1)
    .find((file) => statIfExists(file)?.isFile());
}

function searchOrder(host: Host): string[] {
  const files = [folderConfigFile(host)];
  // Without a home folder only what is named or lies here can be read; that is no reason to fail.
  for (const place of [userConfigFile, legacyConfigFile]) {
    try {
      files.push(place(host));
    } catch {}
  }
  return files;
}
