import type { IncomingMessage } from 'node:http';
import { lazily } from '../core/lazily.ts';
import type { Module } from '../core/module.ts';
import type { Caller } from '../core/types.ts';
import type { CloudAddresses } from '../iam/clouds/addresses.ts';
import { readMeta } from '../store/meta.ts';
import type { BrowserSession } from './browser-sessions.ts';
import type { SignImpersonation } from './impersonation.ts';
import type { IssuerOptions } from './issuer.ts';
import type { RegisterCluster } from './prepared.ts';

export interface IssuerNeeds {
  readonly clouds: CloudAddresses | undefined;
  readonly issuerOrigins: ReadonlySet<string> | undefined;
  /** Audiences whose tokens the API takes besides those for its own address. */
  readonly audiences: readonly string[] | undefined;
  /** Proof that the sign-in page asks for. */
  readonly signInCode: IssuerOptions['signInCode'];
  /** How clusters register, where the platform has any. */
  readonly clusters: (() => Promise<RegisterCluster>) | undefined;
}

export interface IssuerFace {
  /** Returns who sends this access token. Throws StatusError UNAUTHENTICATED. */
  verifyAccessToken(token: string): Promise<Caller>;
  /** Assumes `identity` with a third party's token; returns an access token for `audience`. Throws StatusError. */
  exchangeForIdentity(bearer: string, identity: string, audience: string): Promise<string>;
  /** A token by which the platform shows itself to a customer's cloud. */
  signImpersonation: SignImpersonation;
  /** The login that a browser holds for the console; it gets one at `/oauth?client_id=chainctl-console&next=<path>`. */
  browserSession(request: Pick<IncomingMessage, 'headers'>): Promise<BrowserSession | undefined>;
}

const paths = ['/sts', '/oauth', '/activate', '/orgcheck'];

export const issuerModule: Module<IssuerNeeds, IssuerFace> = {
  name: 'issuer',
  open(parts) {
    const { store, urls, clock, clouds, issuerOrigins, audiences, signInCode, clusters, tell } = parts;
    const accessTokens = lazily(async () => {
      const { createAccessTokens } = await import('./access-tokens.ts');
      return createAccessTokens(store, urls.issuer, clock, { api: urls.api, aliases: audiences ?? [] });
    });
    const issuer = lazily(async () => {
      const { createIssuer } = await import('./issuer.ts');
      const awsSts = clouds?.awsSts;
      return createIssuer({
        store,
        urls,
        clock,
        issuerOrigins,
        audiences,
        signInCode,
        tell,
        ...(awsSts ? { awsSts } : {}),
      });
    });
    const direct = (id: string) => async (message: object, authorization: string | undefined) => {
      const operation = (await issuer()).operations[id];
      if (operation === undefined) throw new TypeError(`the issuer does not have ${id}`);
      return operation(message, authorization);
    };
    return {
      face: {
        verifyAccessToken: async (token) => (await accessTokens()).verify(token),
        exchangeForIdentity: async (...args) => (await issuer()).exchangeForIdentity(...args),
        signImpersonation: async (...args) => (await issuer()).signImpersonation(...args),
        browserSession: async (request) => (await issuer()).sessions.find(request),
      },
      routes: [
        {
          prefix: '/.well-known',
          load: async () => (await import('./discovery.ts')).createDiscovery(parts),
        },
        ...paths.map((prefix) => ({ prefix, load: issuer })),
        {
          prefix: '/simulated/github',
          load: async () => (await import('./simulated-github.ts')).createSimulatedGithub(),
        },
        {
          prefix: '/simulated/keys',
          load: async () => (await import('./simulated-keys.ts')).createSimulatedKeys(store),
        },
      ],
      direct: Object.fromEntries(directIds.map((id) => [id, direct(id)])),
      prepared: {
        ids: preparedIds,
        async load() {
          const [{ createPreparedHandlers }, { createCloudCheck }, own] = await Promise.all([
            import('./prepared.ts'),
            import('../iam/clouds/check.ts'),
            issuer(),
          ]);
          const checkCloud = createCloudCheck(clouds ?? {}, own.signImpersonation);
          return createPreparedHandlers({
            store,
            verifyLogin: own.verifyLogin,
            pkceSupport: own.pkceSupport,
            checkCloud,
            registerCluster: await clusters?.(),
            agentProof: own.agentProof,
          });
        },
      },
      /** The public identity trusts the platform's own address, which another port changes. */
      async begin() {
        const isSettled = store.read(
          (tx) => readMeta(tx, 'seed') !== 'demo' || readMeta(tx, 'seed.anyone') === urls.issuer,
        );
        // Most starts are at the address of the last one, and load nothing for this.
        if (isSettled) return;
        const { seedAnyone } = await import('../iam/anyone.ts');
        store.transact((tx) => seedAnyone(tx, urls.issuer));
      },
    };
  },
};

const directIds = [
  'oidc.v1.SecurityTokenService.Exchange',
  'oidc.v1.SecurityTokenService.ExchangeRefreshToken',
  'auth.v1.Auth.GetHeadlessSession',
];

const preparedIds = [
  'auth.v1.Auth.Register',
  'iam.v1.GroupAccountAssociations.Check',
  'iam.v1.IdentityProviders.Create',
  'iam.v1.IdentityProviders.Update',
  ...['v2', 'v2beta1'].flatMap((version) => [
    `iam.${version}.AccountAssociationsService.CheckAccountAssociation`,
    `iam.${version}.IdentityProvidersService.CreateIdentityProvider`,
    `iam.${version}.IdentityProvidersService.UpdateIdentityProvider`,
  ]),
];
