import type { Module } from '../core/module.ts';
import type { Caller } from '../core/types.ts';
import { sigstoreMigrations } from './migrations.ts';

export interface SigstoreNeeds {
  readonly issuer: { verifyAccessToken(token: string): Promise<Caller> };
}

/** Certificate authorities and timestamps for cosign (enforce.md 3, "Signing without the internet"). */
export const sigstoreModule: Module<SigstoreNeeds> = {
  name: 'sigstore',
  tables: ['sigstore_authorities'],
  migrations: sigstoreMigrations,
  operations: [{ prefix: 'iam.v1.SigstoreService.', load: () => import('./handlers.ts') }],
  open: (parts) => ({
    face: undefined,
    routes: [
      {
        prefix: '/local/sigstore',
        load: async () => (await import('./server.ts')).createSigstore({ ...parts, ...parts.issuer }),
      },
    ],
  }),
};
