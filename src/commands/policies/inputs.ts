import type { Input } from '../../cli/define.ts';
import { group } from '../../cli/inputs/references.ts';
import { string } from '../../cli/inputs/values.ts';

export const groupInput = {
  kind: group,
  aliases: ['parent'],
  required: true,
  config: 'default.group',
  help: 'Organization or folder that the policy counts in, with everything below it.',
  question: 'Where does the policy count?',
} as const satisfies Input;

export const descriptionInput = {
  kind: string,
  short: 'd',
  help: 'What the policy is for.',
} as const satisfies Input;
