import type { Host } from '../host.ts';
import type { Config } from './load.ts';
import { configSchema, envName } from './schema.ts';
import { indent, toYamlScalar } from './write-yaml.ts';

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

const printable = (text: string) => text.replaceAll(/[\0-\x1f\x7f]/g, '?');
