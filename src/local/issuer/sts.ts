// The token exchange (protocols 3, semantics 3.5). Guarantees: knows nothing of HTTP; a token is issued only to who has
// proved to be an identity that exists in the same transaction, and carries no more than that identity holds then.

import type {
  OidcExchangeRefreshTokenRequest,
  OidcExchangeRequest,
  OidcRawToken,
  OidcTokenPair,
} from '../../api/schema/types/oidc.gen.ts';
import { grpcCodes } from '../../api/status.ts';
import { isUidp } from '../../api/uidp.ts';
import { quote } from '../../quote.ts';
import type { AwsCaller, TokenClaims } from '../../trust/claim-match.ts';
import { toTokenClaims } from '../../trust/jwt.ts';
import { toWireTime } from '../api/wire-time.ts';
import { invalidArgument, notFound, permissionDenied } from '../core/failures.ts';
import { type PlatformClock, type PlatformUrls, StatusError } from '../core/types.ts';
import { findProviderFor } from '../iam/find-provider.ts';
import { requireVouchedFor, signInThroughProvider } from '../iam/provider-logins.ts';
import { register as enroll } from '../iam/registration.ts';
import {
  findIdentity,
  findUser,
  hasAccountOfIssuer,
  isIssuerKnown,
  recallIdentity,
  recallUser,
  type StoredIdentity,
} from '../iam/stored-identity.ts';
import { findProvider, type StoredProvider } from '../iam/stored-provider.ts';
import { trustedIssuers } from '../iam/trusted-addresses.ts';
import { type DecodedToken, decodeJwt } from '../keys/jwt.ts';
import { publicKeys } from '../keys/signing-keys.ts';
import { recordGroupRoles, recordRegistration } from '../outbox/outbox.ts';
import { linkUser } from '../scim/link-user.ts';
import { type RefreshToken, refusal, rotate, type Session, startFamily } from '../sessions/refresh-tokens.ts';
import type { Store, Tx } from '../store/database.ts';
import type { AccessTokens } from './access-tokens.ts';
import { awsActor, toActor, toVerifiedLogin, type VerifiedLogin } from './actor.ts';
import { toLimits } from './narrowing.ts';
import type { OwnIdTokens } from './own-id-tokens.ts';
import { type Proof, prepare, prepareUnwritten, type Ready, ruleOf } from './proof.ts';
import { type Upstream, verifyWithStaticKeys } from './upstream.ts';

/**
 * Asks AWS whose signed request this is (protocols 3.5). Throws a StatusError for one that is not good.
 * `identity` is what the request must be bound to.
 */
export type VerifyAws = (request: string, identity: string) => Promise<AwsCaller>;

export interface StsOptions {
  readonly store: Store;
  readonly urls: PlatformUrls;
  readonly clock: PlatformClock;
  readonly upstream: Upstream;
  readonly accessTokens: AccessTokens;
  readonly ownIdTokens: OwnIdTokens;
  readonly verifyAws?: VerifyAws | undefined;
}

/** A person who has signed in on the platform's own page. */
export interface BrowserLogin {
  readonly upstream: TokenClaims;
  /** Id of the organization's identity provider that it came through. */
  readonly provider?: string | undefined;
  readonly audience: readonly string[];
  readonly scopes: readonly string[];
  /** UIDP of an identity to assume with this login. */
  readonly identity: string | undefined;
  /** Makes the account when there is none; NOT_FOUND otherwise. */
  readonly register: boolean;
  /** Code of an invite to accept. */
  readonly invite?: string | undefined;
  readonly refreshable: boolean;
}

export interface Sts {
  /** Trades a third party's token, or a platform token, for a platform token. */
  exchange(bearer: string, request: OidcExchangeRequest): Promise<OidcRawToken>;
  /** Trades a refresh token for a platform token and its successor. */
  exchangeRefreshToken(bearer: string, request: OidcExchangeRefreshTokenRequest): Promise<OidcTokenPair>;
  /** Ends a browser login. */
  signIn(login: BrowserLogin): Promise<OidcRawToken>;
  /** Returns whose third-party token this is, for making an account. Throws PERMISSION_DENIED for platform tokens. */
  verifyLogin(bearer: string): Promise<VerifiedLogin>;
  /** Returns whose token of a cluster's agent this is, by the keys that its issuer publishes. Throws StatusError. */
  verifyAgent(bearer: string): Promise<{ readonly issuer: string; readonly subject: string }>;
}

const maxAudiences = 10;

const owners = new WeakMap<OidcRawToken, string>();

/** The identity that an answer of these exchanges is for; undefined of any other. */
export const ownerOf = (issued: OidcRawToken): string | undefined => owners.get(issued);

export function createSts(options: StsOptions): Sts {
  const { store, urls, clock, upstream, accessTokens, ownIdTokens, verifyAws } = options;
  // Without a rule of its own an identity wants tokens that are for this issuer, by host or by URL (protocols 3.4).
  const defaultAudiences = [urls.issuer, new URL(urls.issuer).host];
  // The pattern engine is a quarter of a megabyte of script and not needed to start.
  const rules = () => import('../../trust/claim-match.ts');

  /** A token for `identity`, if the bearer satisfies its rule. */
  const assume = async (bearer: string, identity: string): Promise<Proof> => {
    if (!isUidp(identity)) throw invalidArgument(`${quote(identity)} is not the id of an identity`);
    const record = store.read((tx) => recallIdentity(tx, identity));
    if (record?.relationship.kind === 'servicePrincipal') {
      throw permissionDenied(`identity ${quote(identity)} is for a service of the platform and cannot be assumed`);
    }
    if (record?.relationship.kind === 'awsIdentity') {
      const rule = record.relationship.awsIdentity;
      if (verifyAws === undefined) {
        const message = `identity ${quote(identity)} is for AWS, and this platform is not set up to ask AWS`;
        throw new StatusError(grpcCodes.UNIMPLEMENTED, message);
      }
      const caller = await verifyAws(bearer, identity);
      const problem = (await rules()).matchAws(rule, caller);
      if (problem !== undefined) throw permissionDenied(problem);
      return { identity, rule: ruleOf(record), actor: awsActor(caller, urls.issuer) };
    }
    const decoded = decodeJwt(bearer);
    const own = await ownIdTokens.read(bearer, decoded);
    const claims = own ?? toTokenClaims(decoded);
    // One sentence for an id that does not exist and for one that is somebody else's.
    const refused = permissionDenied(`no identity ${quote(identity)} accepts tokens of issuer ${quote(claims.issuer)}`);
    if (record === undefined) throw refused;
    const { relationship } = record;
    const { acceptsIssuer, matchClaims, matchStatic } = await rules();
    if (relationship.kind === 'static') {
      const rule = relationship.static;
      if (rule.issuer !== claims.issuer) throw refused;
      await verifyWithStaticKeys(bearer, decoded, rule.issuerKeys ?? '', clock);
      if (record.expiresAt !== null && record.expiresAt <= clock.now()) {
        throw permissionDenied(`identity ${quote(identity)} expired at ${toWireTime(record.expiresAt)}`);
      }
      const problem = matchStatic(rule, claims, defaultAudiences);
      if (problem !== undefined) throw permissionDenied(problem);
    } else {
      const rule = relationship.claimMatch;
      // Before any key is fetched: a stranger's token sends us nowhere.
      if (!acceptsIssuer(rule, claims.issuer)) throw refused;
      let isSimulated = false;
      if (claims.issuer === urls.issuer) await accessTokens.verify(bearer);
      else if (own === undefined) isSimulated = await upstream.verify(bearer, decoded);
      const problem = matchClaims(rule, claims, defaultAudiences, isSimulated);
      if (problem !== undefined) throw permissionDenied(problem);
    }
    const notAfter = record.expiresAt === null ? {} : { notAfter: Math.floor(record.expiresAt / 1000) };
    return { identity, rule: ruleOf(record), actor: toActor(claims, record.parent === null), ...notAfter };
  };

  /** A token for whom the bearer names by issuer and subject. */
  const recognize = async (bearer: string, audience: readonly string[]): Promise<Proof> => {
    const decoded = decodeJwt(bearer);
    const own = await ownIdTokens.read(bearer, decoded);
    if (own === undefined && decoded.issuer === urls.issuer) return renew(bearer, decoded, audience);
    const claims = own ?? toTokenClaims(decoded);
    // Keys are fetched only from issuers that somebody signs in with.
    const isKnown =
      publicKeys(store, claims.issuer).length > 0 || store.read((tx) => hasAccountOfIssuer(tx, claims.issuer));
    if (!isKnown) throw notFound(`no account signs in with issuer ${quote(claims.issuer)}`);
    if (own === undefined) await upstream.verify(bearer, decoded);
    await requireAudience(claims, defaultAudiences);
    const user = store.read((tx) => recallUser(tx, claims.issuer, claims.subject));
    if (user === undefined) throw noAccount(claims);
    return { identity: user.id, rule: ruleOf(user), actor: toActor(claims, true), direct: true };
  };

  /** By somebody with rights here, literally: patterns are written for one identity and not for accounts. */
  const isNamed = (issuer: string): boolean =>
    trustedIssuers.includes(issuer) ||
    publicKeys(store, issuer).length > 0 ||
    store.read((tx) => isIssuerKnown(tx, issuer));

  const requireAudience = async (claims: TokenClaims, audiences: readonly string[]): Promise<void> => {
    const { matchClaims } = await rules();
    const problem = matchClaims({ issuer: claims.issuer, subject: claims.subject }, claims, audiences, true);
    if (problem !== undefined) throw permissionDenied(problem.replace('identity expects', 'the platform expects'));
  };

  /** A token for a user of an organization's own provider: signed by its issuer, for our client there (protocols 9). */
  const recognizeThrough = async (id: string, bearer: string): Promise<Proof> => {
    const provider = store.read((tx) => findProviderFor(tx, id));
    const decoded = decodeJwt(bearer);
    const claims = toTokenClaims(decoded);
    // One sentence for a provider that does not exist and for one that is not the token's.
    const refused = permissionDenied(
      `no identity provider ${quote(id)} accepts tokens of issuer ${quote(claims.issuer)}`,
    );
    if (provider === undefined || provider.issuer !== claims.issuer) throw refused;
    await upstream.verify(bearer, decoded);
    await requireAudience(claims, [provider.clientId]);
    const { user } = await store.commit((tx) => {
      const now = findProvider(tx, provider.id);
      if (now?.issuer !== provider.issuer || now.clientId !== provider.clientId) throw refused;
      return enterThrough(tx, now, claims);
    });
    return { identity: user.id, rule: ruleOf(user), actor: toActor(claims, true), provider: provider.id };
  };

  const enterThrough = (tx: Tx, provider: StoredProvider, claims: TokenClaims) => {
    const login = toVerifiedLogin(claims);
    const { identity, isNew, groupRoles } = signInThroughProvider(tx, provider, login, claims.all, linkUser);
    if (isNew) recordRegistration(tx, urls.api, { identity }, login.actor);
    if (groupRoles.length > 0)
      recordGroupRoles(tx, urls.api, { identity, provider: provider.id, groupRoles }, login.actor);
    return { user: keptIdentity(tx, identity), hasGroupRoles: groupRoles.length > 0 };
  };

  /** A platform token may be narrowed, but neither its audience nor its life grows (protocols Q17). */
  const renew = async (bearer: string, decoded: DecodedToken, audience: readonly string[]): Promise<Proof> => {
    const caller = await accessTokens.verify(bearer);
    const other = audience.find((wanted) => !caller.audience.includes(wanted));
    if (other !== undefined) {
      throw permissionDenied(`a platform token cannot be exchanged for audience ${quote(other)}, which it is not for`);
    }
    const record = store.read((tx) => findIdentity(tx, caller.identity));
    if (record === undefined) throw notFound('the identity of the token no longer exists');
    return {
      identity: caller.identity,
      rule: ruleOf(record),
      actor: {
        act: caller.actor,
        email: caller.email,
        emailVerified: decoded.claims['email_verified'] === true,
        profile: caller.profile,
      },
      notAfter: caller.expiresAt,
      ceiling: caller.ceiling,
      narrowed: caller.narrowed,
    };
  };

  const sign = async (ready: Ready, audience: readonly string[]): Promise<OidcRawToken> => {
    const token = await accessTokens.sign({ ...ready, ...ready.actor, audience });
    const issued = { token, expiry: toWireTime(ready.expiresAt * 1000) };
    owners.set(issued, ready.identity);
    return issued;
  };

  return {
    async exchange(bearer, request) {
      const audience = checkAudience(request.aud);
      const limits = toLimits(request);
      const { identity, identityProvider } = request;
      if (identity !== undefined && identityProvider !== undefined) {
        throw invalidArgument('identity and identity_provider exclude each other');
      }
      const proof =
        identityProvider !== undefined
          ? await recognizeThrough(identityProvider, bearer)
          : identity === undefined
            ? await recognize(bearer, audience)
            : await assume(bearer, identity);
      // Most exchanges of a busy identity write nothing.
      const ready =
        store.read((tx) => prepareUnwritten(tx, proof, [limits])) ??
        (await store.commit((tx) => prepare(tx, proof, [limits])));
      return sign(ready, audience);
    },

    async exchangeRefreshToken(bearer, request) {
      const audience = checkAudience(request.aud);
      const limits = toLimits(request);
      // One transaction: a request that is refused for what it asks does not use up its token.
      const outcome = await store.commit((tx) => {
        const rotation = rotate(tx, urls.issuer, bearer);
        if (rotation.status === 'refused') return rotation;
        const { session, next } = rotation;
        // Rows of refresh tokens go with their identity.
        const record = keptIdentity(tx, session.identity);
        requireStillOpen(tx, record, session.provider);
        const { actor, provider } = session;
        const proof: Proof = { identity: record.id, rule: ruleOf(record), actor, provider };
        return { status: 'good' as const, next, ready: prepare(tx, proof, [...session.limits, limits]) };
      });
      if (outcome.status === 'refused') throw refusal(outcome);
      return { token: await sign(outcome.ready, audience), refreshToken: toRawToken(outcome.next) };
    },

    async signIn(login) {
      const { upstream: claims, register, invite, provider } = login;
      const audience = checkAudience(login.audience);
      const limits = [toLimits({ scopes: [...login.scopes] })];
      const { user, hasGroupRoles } = store.transact((tx) => {
        const through = provider === undefined ? undefined : findProvider(tx, provider);
        if (provider !== undefined && through === undefined) throw notFound('the identity provider no longer exists');
        // The first login through a provider makes the account, whatever was asked (protocols 5).
        const entered = through === undefined ? undefined : enterThrough(tx, through, claims);
        const known = entered?.user ?? findUser(tx, claims.issuer, claims.subject);
        if (known === undefined && !register) throw noAccount(claims);
        if (known !== undefined && invite === undefined) {
          return { user: known, hasGroupRoles: entered?.hasGroupRoles };
        }
        const { actor, ...who } = toVerifiedLogin(claims);
        const session = enroll(tx, { ...who, provider }, { ...(invite === undefined ? {} : { code: invite }) });
        recordRegistration(tx, urls.api, session, actor);
        return { user: keptIdentity(tx, session.identity ?? ''), hasGroupRoles: entered?.hasGroupRoles };
      });
      if (login.identity !== undefined) {
        const proof = await assumeAsUser(login.identity, claims, user);
        return sign(await store.commit((tx) => prepare(tx, proof, limits)), audience);
      }
      const proof: Proof = {
        identity: user.id,
        rule: ruleOf(user),
        actor: toActor(claims, true),
        provider,
        direct: provider === undefined,
      };
      const session: Session = { identity: user.id, audience, actor: proof.actor, limits, provider };
      const { ready, refresh } = await store.commit((tx) => ({
        ready: prepare(tx, proof, limits),
        // Roles that came with the provider's groups end with this session (protocols 9).
        refresh: login.refreshable && !hasGroupRoles ? startFamily(tx, urls.issuer, session) : undefined,
      }));
      return Object.assign(await sign(ready, audience), refresh === undefined ? {} : { refreshToken: refresh.token });
    },

    async verifyLogin(bearer) {
      const decoded = decodeJwt(bearer);
      const own = await ownIdTokens.read(bearer, decoded);
      if (own !== undefined) return toVerifiedLogin(own);
      if (decoded.issuer === urls.issuer) {
        throw permissionDenied('a token of the platform itself cannot be registered: send that of the login');
      }
      const claims = toTokenClaims(decoded);
      // As above: a stranger's token sends us nowhere.
      if (!isNamed(claims.issuer)) {
        const reason = `no identity and no identity provider names issuer ${quote(claims.issuer)}`;
        throw permissionDenied(`${reason}, so its tokens make no account here`);
      }
      await upstream.verify(bearer, decoded);
      await requireAudience(claims, defaultAudiences);
      return toVerifiedLogin(claims);
    },

    async verifyAgent(bearer) {
      const decoded = decodeJwt(bearer);
      if (decoded.issuer === urls.issuer) throw permissionDenied('a token of the platform itself is of no cluster');
      const claims = toTokenClaims(decoded);
      await upstream.verify(bearer, decoded);
      await requireAudience(claims, ['gulfstream']);
      return { issuer: claims.issuer, subject: claims.subject };
    },
  };

  /** Assuming after a browser login: the rule may name the login itself or the platform's user (protocols 1.1, 3.3). */
  async function assumeAsUser(identity: string, claims: TokenClaims, user: StoredIdentity): Promise<Proof> {
    if (!isUidp(identity)) throw invalidArgument(`${quote(identity)} is not the id of an identity`);
    const record = store.read((tx) => findIdentity(tx, identity));
    const refused = permissionDenied(`no identity ${quote(identity)} can be assumed by who signed in`);
    if (record === undefined || record.relationship.kind !== 'claimMatch') throw refused;
    const rule = record.relationship.claimMatch;
    const asUser = { iss: urls.issuer, sub: user.id, aud: urls.issuer };
    const platform: TokenClaims = {
      issuer: urls.issuer,
      subject: user.id,
      audiences: [urls.issuer],
      all: { ...claims.all, ...asUser },
    };
    const { acceptsIssuer, matchClaims } = await rules();
    const presented = [claims, platform].filter(({ issuer }) => acceptsIssuer(rule, issuer));
    const problems: string[] = [];
    for (const candidate of presented) {
      const problem = matchClaims(rule, candidate, defaultAudiences, false);
      if (problem === undefined) return { identity, rule: ruleOf(record), actor: toActor(candidate, false) };
      problems.push(problem);
    }
    throw problems[0] === undefined ? refused : permissionDenied(problems[0]);
  }
}

function checkAudience(audience: readonly string[] = []): readonly string[] {
  const wanted = [...new Set(audience.filter((value) => value !== ''))];
  if (wanted.length === 0) throw invalidArgument('Audience must be specified');
  if (wanted.length > maxAudiences) throw invalidArgument(`a token is for at most ${maxAudiences} audiences`);
  for (const value of wanted) {
    if (value.length > 255 || /[\s\p{Cc}\p{Cf}]/u.test(value))
      throw invalidArgument(`${quote(value)} is not an audience`);
  }
  return wanted;
}

function noAccount(claims: TokenClaims): StatusError {
  const who = `subject ${quote(claims.subject)} of issuer ${quote(claims.issuer)}`;
  return notFound(`account not found, registration required: no account for ${who}`);
}

function toRawToken(token: RefreshToken): OidcRawToken {
  return { token: token.token, expiry: toWireTime(token.expiresAt) };
}

/** Of an identity that this transaction has made, or whose rows go with it. */
function keptIdentity(tx: Tx, id: string): StoredIdentity {
  const record = findIdentity(tx, id);
  if (record === undefined) throw new Error('an identity that was there is gone');
  return record;
}

/** A session is worth what the account holds now, so it ends where its provider could not open that any more. */
function requireStillOpen(tx: Tx, record: StoredIdentity, id: string | undefined): void {
  if (id === undefined) return;
  const provider = findProvider(tx, id);
  if (provider === undefined) throw permissionDenied('the identity provider of this session no longer exists');
  requireVouchedFor(tx, provider, record);
}
