import type { Module } from '../core/module.ts';
import type { Caller } from '../core/types.ts';
import type { CloudAddresses } from '../iam/clouds/addresses.ts';
import type { RegisterCluster } from '../issuer/prepared.ts';
import type { Store } from '../store/database.ts';
import { enforceEvents } from './event-facts.ts';
import { enforceMigrations } from './migrations.ts';

export interface EnforceNeeds {
  readonly issuer: {
    verifyAccessToken(token: string): Promise<Caller>;
    signImpersonation(subject: string, audience: string): Promise<string>;
  };
  readonly clouds?: CloudAddresses | undefined;
}

const load = () => import('./handlers.ts');

export const enforceModule: Module<EnforceNeeds> = {
  name: 'enforce',
  events: enforceEvents,
  tables: ['enforce_policies', 'enforce_policy_versions', 'enforce_clusters', 'enforce_objects'],
  migrations: enforceMigrations,
  operations: [
    { prefix: 'iam.v1.Policies.', load },
    { prefix: 'tenant.v1.', load },
  ],
  open: ({ store, urls, issuer, clock, clouds }) => ({
    face: undefined,
    routes: [
      {
        prefix: '/local/enforce/v1',
        async load() {
          const { createAgentRoutes } = await import('./agent-routes.ts');
          return createAgentRoutes({ store, urls, clock, clouds: clouds ?? {}, ...issuer });
        },
      },
    ],
  }),
};

/** Returns how clusters register with the issuer, which knows no clusters itself. */
export const clusterRegistration = (store: Store) => async (): Promise<RegisterCluster> => {
  const { prepareCluster } = await import('./registration.ts');
  return (request, proof) => prepareCluster(store, request, proof);
};
