import type { Input } from '../../../cli/define.ts';
import { policy, version } from '../policy.ts';

export const policyInput = {
  kind: policy,
  short: 'p',
  help: 'Policy whose versions are chosen from, by name or id.',
} as const satisfies Input;

export const versionInput = {
  kind: version,
  positional: 'VERSION_ID',
  flag: false,
  required: true,
  help: 'Id of the version, or its label with --policy.',
  question: 'Which version?',
} as const satisfies Input;
