// Making a pull token: credentials, the identity that they prove, and the role that lets it pull. Guarantees: whatever
// fails, nothing half-made is left on the platform, and what cannot be taken back is named.

import type { Context } from '../../../cli/context.ts';
import { defineView } from '../../../cli/define.ts';
import type { Reference } from '../../../cli/inputs/references.ts';
import { duration } from '../../../cli/inputs/values.ts';
import { CliError } from '../../../errors.ts';
import { identityName, mintPullToken, pullRole, type Repository } from '../../../pull-tokens.ts';
import { role as roleKind } from '../../iam/roles/role.ts';
import { variableNames } from './repositories.ts';

const hour = 3_600_000;

export const ttl = duration({ min: 1000, max: 8760 * hour });
export const ttlDefault = '720h';

export interface PullTokenInput {
  readonly parent: Reference;
  readonly repository: Repository;
  readonly name: string;
  readonly description: string | undefined;
  /** Milliseconds. */
  readonly ttl: number;
  /** Keep it as Docker's login for the registry. */
  readonly save: boolean;
}

export interface PullToken {
  /** UIDP of the identity: the user name. */
  readonly id: string;
  /** The password. */
  readonly token: string;
  readonly repository: Repository;
  /** Host of the registry, with its port if it has one. */
  readonly registry: string;
}

export const pullTokenView = defineView<PullToken>({
  json: ({ id, token }) => ({ identity_id: id, token }),
  env: ({ id, token, repository }) => {
    const [idName, tokenName] = variableNames(repository);
    return { [idName]: id, [tokenName]: token };
  },
  // Callers cut these lines by their quotes and by what they begin with (script-contracts 2, `auth pull-token`).
  text: ({ id, token, repository, registry }) =>
    repository === 'oci'
      ? `To use this pull token in another environment, run this command:\n\n    docker login "${registry}" --username "${id}" --password "${token}"\n`
      : `To use this pull token in another environment, supply the following for Basic authorization:\n\nUsername: ${id}\n\nPassword: ${token}\n`,
});

export async function createPullToken(context: Context, input: PullTokenInput): Promise<PullToken> {
  const { parent, repository, name, description } = input;
  const { host, config, io } = context;
  if (input.save && repository !== 'oci') {
    throw new CliError('usage', '`--save` is for the container registry only', {
      code: 'usage.save',
      hint: 'leave it out, or use `--repository=oci`',
    });
  }
  const registry = new URL(config.get('platform.registry')).host;
  // Before anything is made: a platform without the role must not be left with an identity that can do nothing.
  const role = await roleFor(context, repository, parent);
  if (repository === 'apk') io.note(`Creating new APK registry pull-token in ${parent.name}`);

  const minted = await mintPullToken(host, { issuer: config.get('platform.issuer'), ttlMs: input.ttl });
  const { createIdentity } = await import('../../iam/identities/create-identity.ts');
  const { identity } = await createIdentity(context, {
    parent,
    role: [role],
    identity: {
      name: identityName(name, repository, minted.uid),
      ...(description === undefined ? {} : { description }),
      static: minted.keys,
    },
  });
  const made: PullToken = { id: identity.id ?? '', token: minted.token, repository, registry };
  if (input.save) await saved(context, made, minted.expiresAt);
  // Scripts get the lines they know (script-contracts 2); a person wants to find the token again.
  else if (io.outIsTty) {
    io.note(
      `Made the pull token "${identity.name}", good until ${new Date(minted.expiresAt).toISOString().slice(0, 10)}; ` +
        `\`chainctl auth pull-token delete ${identity.id}\` revokes it.`,
    );
  }
  return made;
}

async function roleFor(context: Context, repository: Repository, parent: Reference): Promise<Reference> {
  const name = pullRole(repository);
  try {
    const role = await roleKind.resolve?.(context, name, { parent });
    if (role !== undefined) return role;
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'not-found.role') throw error;
    // Nobody named a role, so a similar name of one is no help.
    throw new CliError('not-found', `This platform has no pull tokens for \`--repository=${repository}\``, {
      code: 'not-found.role',
      details: [`Its role "${name}" does not exist here.`],
      hint: 'see the roles there are with `chainctl iam roles list`',
      cause: error,
    });
  }
  throw new Error('the role kind does not resolve');
}

/** A token that cannot be kept where it was wanted would lie unused for months, so it goes again. */
async function saved(context: Context, made: PullToken, expiresAt: number): Promise<void> {
  const { host, io, signal } = context;
  const { setAuth } = await import('../../../docker/docker-config.ts');
  try {
    const login = await setAuth(host, made.registry, made.id, made.token, signal);
    io.note(
      `Configuring identity "${made.id}" for pulls from ${made.registry} (expires ${new Date(expiresAt).toISOString()}).`,
    );
    if (login.replaced) io.note('Overwriting existing credentials.');
  } catch (error) {
    await removePullToken(context, made.id, error);
    throw error;
  }
}

/** Takes a token back that could not be kept. Throws only when it could not be taken back either. */
export async function removePullToken(context: Context, id: string, cause: unknown): Promise<void> {
  try {
    await (await context.undoApi()).call('iam.v1.Identities.Delete', { id });
  } catch {
    const reason = cause instanceof CliError ? cause.message : 'it could not be saved';
    const kind = cause instanceof CliError && cause.kind === 'cancelled' ? 'cancelled' : 'local';
    throw new CliError(kind, `Pull token ${id} was made but not saved: ${reason}`, {
      code: 'local.pull-token-left',
      hint: `remove it with \`chainctl iam identities delete ${id}\``,
      cause,
    });
  }
}
