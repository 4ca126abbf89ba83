import { lazily } from '../core/lazily.ts';
import type { Module } from '../core/module.ts';
import { readMeta, writeMeta } from '../store/meta.ts';
import { createBuilder } from './builder.ts';
import type { RegistryIssuer } from './distribution/gate.ts';
import { registryEvents } from './event-facts.ts';
import { isOpenToAll } from './public-access.ts';

export interface RegistryNeeds {
  readonly issuer: RegistryIssuer;
}

export const registryModule: Module<RegistryNeeds> = {
  name: 'registry',
  events: registryEvents,
  tables: [
    'repos',
    'blobs',
    'repo_blobs',
    'manifests',
    'manifest_blobs',
    'tags',
    'tag_history',
    'uploads',
    'entitlements',
    'entitlement_images',
    'entitlement_removals',
    'builds',
    'package_versions',
    'deployments',
    'registry_settings',
  ],
  publicRead: isOpenToAll,
  operations: [
    { prefix: 'registry.v1.', load: () => import('./handlers.ts') },
    { prefix: 'registry.v2.', load: () => import('./v2/handlers.ts') },
    { prefix: 'registry.v2beta1.', load: () => import('./v2/handlers.ts') },
  ],
  /** The images of the demo, once. */
  async seed({ store, dataDir, clock }) {
    const isWanted = (): boolean =>
      store.read((tx) => readMeta(tx, 'seed') === 'demo' && readMeta(tx, 'seed.images') === undefined);
    if (!isWanted()) return;
    const [{ seedImages }, { demoOrganizations }] = await Promise.all([
      import('./seed/images.ts'),
      import('../iam/seed.ts'),
    ]);
    await seedImages({ store, dataDir, clock, organizations: demoOrganizations });
    store.transact((tx) => writeMeta(tx, 'seed.images', 'done'));
  },
  open(parts) {
    const registry = lazily(async () => {
      const [{ createRegistry }, announce] = await Promise.all([import('./registry.ts'), parts.announcer()]);
      return createRegistry({ ...parts, announce });
    });
    const builder = createBuilder(parts);
    const sboms = lazily(async () => {
      const [{ callSboms, createAttestedSboms }, { createSbomReader }] = await Promise.all([
        import('./sboms/attested-sboms.ts'),
        import('./sboms/sbom-reader.ts'),
      ]);
      const reader = createSbomReader();
      return { attested: createAttestedSboms(parts.store, parts.blobs, reader), callSboms, reader };
    });
    return {
      face: undefined,
      async lateReads() {
        const { attested, callSboms } = await sboms();
        return (call) => callSboms.begin(call, attested.forCall());
      },
      routes: ['/v2', '/token', '/local/v1/attestation-key.pem'].map((prefix) => ({ prefix, load: registry })),
      maintenance: [
        async () => {
          // What keeps and collects content is loaded when there is some.
          if (registry.made !== undefined || !parts.blobs.isEmpty()) await (await registry()).collectGarbage();
        },
      ],
      start: builder.start,
      async stop() {
        await builder.stop();
        await (await sboms.made?.catch(() => undefined))?.reader.close();
      },
    };
  },
};
