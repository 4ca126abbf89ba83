// A report for an issue or a chat: what was found, and on what kind of machine. Guarantees: no secret, no address of a person,
// no user of a proxy or registry, and the home folder is `~`.

import { arch, release } from 'node:os';
import type { Host } from '../host.ts';
import { versionInfo } from '../version.ts';
import type { Examined } from './check.ts';
import type { Found } from './doctor.ts';

/** Lines of Markdown. */
export function reportOf(examined: Examined, found: readonly Found[]): string {
  const { host, config, purpose, image } = examined;
  const { gitVersion, nodeVersion } = versionInfo();
  const asked = [purpose === undefined ? '' : ` --for ${purpose}`, image === undefined ? '' : ' --image …'].join('');
  const rows = found.map(({ check, state, message, file, key, fix }) => {
    const by = [file, key].filter((part) => part !== undefined).join(': ');
    return [
      `${state.padEnd(5)} ${check}: ${message}`,
      ...(by === '' ? [] : [`      decided by ${by}`]),
      ...(fix === undefined ? [] : [`      fix: ${fix}`]),
    ].join('\n');
  });
  const lines = [
    `chainctl doctor${asked}`,
    `chainctl ${gitVersion}, Node ${nodeVersion}, ${host.platform} ${arch()} ${release()}`,
    `context ${config.place.name}, configuration ${config.path ?? 'none'}`,
    `variables set: ${variables(host).join(', ') || 'none of those that count'}`,
    '',
    ...rows,
  ];
  return `\`\`\`text\n${safe(lines.join('\n'), host)}\n\`\`\`\n`;
}

/** Names only: what they hold may be a secret. */
function variables({ env }: Host): string[] {
  const counts =
    /^(CHAINGUARD_|CHAINCTL_|DOCKER_|REGISTRY_AUTH_FILE$|XDG_|https?_proxy$|no_proxy$|SSL_CERT_|NODE_EXTRA_CA_CERTS$|CI$|GITHUB_ACTIONS$|GITLAB_CI$|SUDO_USER$|PIP_|npm_config_|NETRC$|KUBECONFIG$)/i;
  return Object.keys(env)
    .filter((name) => counts.test(name) && env[name])
    .sort();
}

/** Returns a text without what is nobody else's to know. */
export function safe(text: string, host: Host): string {
  let home = '';
  try {
    home = host.home();
  } catch {
    // There is none to shorten.
  }
  const short = home === '' || home === '/' ? text : text.replaceAll(home, '~');
  return short
    .replace(/\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g, '<token>')
    .replace(/\/\/[^/\s@]+@/g, '//<user>@')
    .replace(/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, '<address>')
    .replace(/(\/(?:home|Users)\/)[^/\s"]+/g, '$1<user>');
}
