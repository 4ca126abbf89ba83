// Profiles and options of an agent (enforce.md 1.2).

import type { TenantClusterEnforcerOptions } from '../../api/schema/types/tenant.gen.ts';
import type { Input } from '../../cli/define.ts';
import type { Kind } from '../../cli/inputs/kind.ts';
import { strings } from '../../cli/inputs/values.ts';

export const profilesInput = {
  kind: strings('PROFILE'),
  many: true,
  help: 'What the agent does: "observer" only watches, "enforcer" denies as well and is the default.',
} as const satisfies Input;

const option: Kind<string> = {
  metavar: 'KEY=VALUE',
  splitsCommas: true,
  parse(text) {
    const [, key = '', value = ''] = /^([a-z_]+)=(.*)$/.exec(text) ?? [];
    const allowed = {
      webhook_fail_open: ['true', 'false'],
      enable_cip_cache: ['false'],
      namespace_enforcement_mode: ['opt-in', 'opt-out'],
    }[key];
    if (key === 'enable_cip_cache' && value === 'true')
      throw new Error('has no enable_cip_cache=true: verdicts are not kept in annotations of objects');
    if (allowed?.includes(value)) return text;
    throw new Error('must be one of webhook_fail_open=true|false, namespace_enforcement_mode=opt-in|opt-out');
  },
};

export const optionsInput = {
  kind: option,
  many: true,
  help: 'Option of the enforcer: webhook_fail_open=true|false, or namespace_enforcement_mode=opt-in|opt-out.',
} as const satisfies Input;

/** Returns what was chosen, with the defaults said: the zero of the mode means opt-out. */
export function enforcerOptions(chosen: readonly string[]): TenantClusterEnforcerOptions {
  const values = Object.fromEntries(chosen.map((one) => one.split('=', 2) as [string, string]));
  return {
    webhookFailOpen: values['webhook_fail_open'] === 'true',
    namespaceEnforcementMode: values['namespace_enforcement_mode'] === 'opt-out' ? 'OptOut' : 'OptIn',
  };
}
