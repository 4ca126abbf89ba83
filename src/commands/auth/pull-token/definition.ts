import type { CommandDefinition, Input } from '../../../cli/define.ts';
import { group } from '../../../cli/inputs/references.ts';
import { boolean, named } from '../../../cli/inputs/values.ts';
import { createPullToken, type PullToken, pullTokenView, ttl, ttlDefault } from './create-pull-token.ts';
import { repositoryKind, repositoryNames } from './repositories.ts';

/** Asked in the words of the reference (protocols 7.3). */
export const locationQuestion = 'With which location is the pull token associated?';

export const nameInput = {
  kind: named('NAME'),
  default: 'pull-token',
  help: 'What the name of the identity begins with.',
} as const satisfies Input<string>;

export const ttlInput = {
  kind: ttl,
  default: ttlDefault,
  help: 'How long the token is good for, at most 8760h.',
} as const satisfies Input<number>;

export const saveInput = {
  kind: boolean,
  help: 'Also keep it as the login of Docker for the registry of this platform.',
} as const;

const inputs = {
  parent: {
    kind: group,
    required: true,
    config: 'default.group',
    aliases: ['group'],
    help: 'Organization or folder the token may pull from.',
    question: locationQuestion,
  },
  repository: {
    kind: repositoryKind,
    default: 'oci',
    aliases: ['library-ecosystem'],
    help: `What the token may pull: ${repositoryNames}.`,
  },
  name: nameInput,
  description: { kind: named('TEXT'), help: 'What the token is for.' },
  ttl: ttlInput,
  save: saveInput,
} as const;

/** `auth pull-token` and `auth pull-token create` are one command under two names. */
export function pullTokenCommand(path: readonly string[]): CommandDefinition<typeof inputs, PullToken> {
  return {
    path,
    summary: 'Create a long-lived token for pulling.',
    description:
      'Makes an identity with the role to pull and prints the credentials that prove it: the id of the identity as ' +
      'user name, a signed token as password. They are shown once and kept nowhere. Deleting the identity revokes them.',
    inputs,
    examples: [
      { text: 'For the container registry, in the only organization you have', args: '' },
      { text: 'For a day', args: '--parent=example.com --ttl=24h' },
      { text: 'For Java libraries, as variables of a shell', args: '--repository=java --output=env' },
      { text: 'So that its purpose is known later', args: '--description="CI builds of service-foo"' },
    ],
    view: pullTokenView,
    formats: ['text', 'env', 'json'],
    lenientFormat: true,
    run: (context, input) => createPullToken(context, input),
  };
}
