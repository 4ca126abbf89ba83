// Kinds of identities, as the command line has them: what each asks, the rule that this makes, and the command that does the same.

import { awsRole, awsUser } from './kinds/aws.tsx';
import { buildkite, circleci, github, gitlab, kubernetes } from './kinds/ci.tsx';
import { keys, oidc } from './kinds/issuer.tsx';
import type { Kind } from './kinds/kind.ts';
import { service } from './kinds/service.tsx';

export const kinds: readonly Kind[] = [
  github,
  gitlab,
  buildkite,
  circleci,
  kubernetes,
  awsRole,
  awsUser,
  oidc,
  keys,
  service,
];
