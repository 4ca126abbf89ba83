import type { Host } from '../host.ts';
import { propertyOf } from './contexts.ts';
import type { Config } from './load.ts';
import { configEntry, configSchema, envName, isConfigKey } from './schema.ts';

/** The configuration in force as YAML, with where it comes from in comments (outputs, "config view"). */
export function renderConfig(host: Host, config: Config): string {
  const lines = [`# Base Config file: ${config.path ?? 'none'}`];
  let open: string[] = [];
  for (const { key } of configSchema) {
    const words = key.split('.');
    const groups = words.slice(0, -1);
    let depth = 0;
    while (depth < groups.length && groups[depth] === open[depth]) depth += 1;
    for (; depth < groups.length; depth += 1) lines.push(`${indent(depth)}${groups[depth]}:`);
    open = groups;
    lines.push(`${indent(groups.length)}${words.at(-1)}: ${toYamlScalar(key, config.get(key))}`);
  }
  const { context, isOnlyOne } = config.place;
  if (context !== undefined && !isOnlyOne) lines.push(`# Context: ${context}`);
  const variables = configSchema.filter(({ key }) => config.source(key) === 'env');
  if (variables.length > 0) {
    lines.push('# Environment variables in force:');
    for (const { key } of variables) lines.push(`#   ${envName(key)}=${printable(host.env[envName(key)] ?? '')}`);
  }
  return `${lines.join('\n')}\n`;
}

/** The keys whose value in force is not what the file says, one `-` and one `+` line each; empty when none differs. */
export function renderConfigDiff(config: Config): string {
  const lines: string[] = [];
  for (const { key } of configSchema) {
    const stored = config.inFile(key);
    const inForce = config.get(key);
    if (stored === inForce) continue;
    lines.push(`-${key}: ${toYamlScalar(key, stored)}`);
    lines.push(`+${key}: ${toYamlScalar(key, inForce)}${config.source(key) === 'env' ? ` # ${envName(key)}` : ''}`);
  }
  if (lines.length === 0) return '';
  return `${[`--- ${config.path ?? 'defaults'}`, '+++ in force', ...lines].join('\n')}\n`;
}

const indent = (depth: number) => '    '.repeat(depth);

const printable = (text: string) => text.replaceAll(/[\0-\x1f\x7f]/g, '?');

/** A new file's text with these values, by names such as `platform.api`; in the order given. */
export function renderNewFile(values: readonly (readonly [name: string, value: string])[]): string {
  const lines: string[] = [];
  let open: readonly string[] = [];
  for (const [name, value] of values) {
    const words = name.split('.');
    let depth = 0;
    while (depth < words.length - 1 && words[depth] === open[depth]) depth += 1;
    for (; depth < words.length - 1; depth += 1) lines.push(`${indent(depth)}${words[depth]}:`);
    open = words.slice(0, -1);
    lines.push(`${indent(words.length - 1)}${words.at(-1)}: ${toYamlScalar(name, value)}`);
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** The name may lead into a context, as `contexts.local.platform.api` does. */
function toYamlScalar(name: string, value: string): string {
  const key = propertyOf(name);
  const kind = isConfigKey(key) ? configEntry(key).kind : 'string';
  if (kind === 'flag') return value;
  if (kind === 'color' && value.startsWith('#')) return `'${value}'`;
  // Plain only where no reader of YAML can take it for anything but text; JSON's strings are YAML's.
  const plain =
    kind !== 'seconds' &&
    /^[A-Za-z/](?:[\w./:@+-]*[\w/])?$/.test(value) &&
    !/^(?:true|false|y|n|yes|no|on|off|null)$/i.test(value);
  const duration = kind === 'duration' && /^[\w.]+$/.test(value);
  return plain || duration ? value : JSON.stringify(value);
}
