// A new SCIM token on its way to the person who asked. Guarantees: it is printed once, on stdout and alone; what belongs
// to it goes to stderr (outputs.md, scim token), or into the one JSON object.

import { compact } from '../../../../../api/compact.ts';
import type {
  IamGenerateScimTokenResponse,
  IamRegenerateScimTokenResponse,
} from '../../../../../api/schema/types/iam.gen.ts';
import type { Context } from '../../../../../cli/context.ts';
import { defineView } from '../../../../../cli/define.ts';
import { boolean, duration } from '../../../../../cli/inputs/values.ts';
import { printable } from '../../../../../cli/io.ts';

const hour = 3_600_000;

export type NewToken = IamGenerateScimTokenResponse & IamRegenerateScimTokenResponse;

export const lifeInputs = {
  expiresIn: {
    kind: duration({ min: 1000, max: 2 * 365 * 24 * hour }),
    help: 'Lifetime of the token, at most two years (17520h). Defaults to one year.',
  },
  neverExpires: { kind: boolean, help: 'The token is good until it is regenerated or revoked.' },
} as const;

export const overlapInput = {
  kind: duration({ max: 24 * hour }),
  help: 'How long the previous token stays valid, at most 24h. Defaults to one hour; 0 ends it now.',
} as const;

interface Life {
  readonly expiresIn: number | undefined;
  readonly neverExpires: boolean;
}

/** Returns what a request says about the end of a token; nothing when the platform is to choose. */
export function expiryOf(
  context: Context,
  { expiresIn, neverExpires }: Life,
): {
  expireTime?: string;
  neverExpires?: boolean;
} {
  if (neverExpires) return { neverExpires: true };
  return expiresIn === undefined ? {} : { expireTime: new Date(context.host.now() + expiresIn).toISOString() };
}

/** Tells what the connector needs besides the token. */
export function tell(context: Context, made: NewToken): NewToken {
  const { endpointUrl, expireTime, previousTokenExpireTime } = made;
  const lines = [
    `SCIM base URL: ${endpointUrl ?? ''}`,
    expireTime ? `The token expires at ${expireTime}.` : 'The token never expires.',
    ...(previousTokenExpireTime ? [`The previous token is good until ${previousTokenExpireTime}.`] : []),
    'It is shown this once: keep it where the connector finds it.',
  ];
  if (context.globals.output !== 'json') for (const line of lines) context.io.note(printable(line));
  return made;
}

export const newTokenView = defineView<NewToken>({
  text: ({ token }) => `${token ?? ''}\n`,
  json: (made) =>
    compact({
      token: made.token,
      endpoint_url: made.endpointUrl,
      expire_time: made.expireTime,
      previous_token_expire_time: made.previousTokenExpireTime,
      requested_overlap: made.requestedOverlap,
      identity_provider_id: made.identityProviderId,
      etag: made.etag,
    }),
});
