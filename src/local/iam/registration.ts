import type { AuthRegistrationRequest, AuthSession } from '../../api/schema/types/auth.gen.ts';
import { alreadyExists, notFound, permissionDenied } from '../core/failures.ts';
import type { Tx } from '../store/database.ts';
import { requireActive } from './active-user.ts';
import { acceptInvite } from './group-invites.ts';
import { createUser, findUser, leaveHome } from './stored-identity.ts';

/** Person who has signed in elsewhere, verified. */
export interface UpstreamLogin {
  readonly issuer: string;
  readonly subject: string;
  readonly name?: string | undefined;
  readonly email: string | undefined;
  readonly emailVerified: boolean;
  /** Id of the organization's identity provider that it came through. */
  readonly provider?: string | undefined;
}

/**
 * Makes an account for a login that has none, and lets it join the group of an invite (protocols 5). With `identityId`
 * the account must be there already. Whatever is wrong with the invite leaves no account behind.
 */
export function register(tx: Tx, login: UpstreamLogin, request: AuthRegistrationRequest): AuthSession {
  const { code = '', identityId = '' } = request;
  const known = findUser(tx, login.issuer, login.subject);
  if (known === undefined && identityId !== '') throw notFound('there is no account for this login');
  if (known !== undefined) {
    if (identityId !== '' && identityId !== known.id) throw permissionDenied('the account belongs to another login');
    if (identityId === '' && code === '') throw alreadyExists('there is an account for this login already');
    requireActive(tx, known.id);
    if (login.provider === undefined) leaveHome(tx, known.id);
  }
  const identity = known?.id ?? createUser(tx, login);
  return { identity, ...(code === '' ? {} : { group: acceptInvite(tx, code, { identity, ...login }) }) };
}
