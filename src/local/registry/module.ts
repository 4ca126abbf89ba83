import { lazily } from '../core/lazily.ts';
import type { Module } from '../core/module.ts';
import { readMeta } from '../store/meta.ts';
import { createBuilder } from './builder.ts';
import type { RegistryIssuer } from './distribution/authorization.ts';
import { registryEvents } from './event-facts.ts';
import { isPubliclyReadable } from './public-access.ts';

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
  publicRead: isPubliclyReadable,
  operations: [
    { prefix: 'registry.v1.', load: () => import('./handlers.ts') },
    { prefix: 'registry.v2.', load: () => import('./v2/handlers.ts') },
    { prefix: 'registry.v2beta1.', load: () => import('./v2/handlers.ts') },
  ],
  open(parts) {
    const { store, blobs, clock } = parts;
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
      return { attested: createAttestedSboms(store, blobs, reader), callSboms, reader };
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
          if (registry.made === undefined && blobs.isEmpty()) return;
          const [{ collectGarbage }, { dropAbandonedUploads, sweepUploads }] = await Promise.all([
            import('./distribution/garbage.ts'),
            import('./distribution/upload-maintenance.ts'),
          ]);
          // The registry itself does it when it is loaded; from then on an upload may have a file and no row yet.
          if (registry.made === undefined) sweepUploads({ store, blobs });
          else dropAbandonedUploads({ store, blobs });
          await collectGarbage({ store, blobs });
        },
      ],
      /** The images of the demo, once. */
      async fill(signal) {
        const isWanted = store.read(
          (tx) => readMeta(tx, 'seed') === 'demo' && readMeta(tx, 'seed.images') === undefined,
        );
        if (!isWanted) return;
        const [{ seedImages }, { demoOrganizations }] = await Promise.all([
          import('./seed/images.ts'),
          import('../iam/seed.ts'),
        ]);
        await seedImages({ store, blobs, clock, organizations: demoOrganizations, signal });
      },
      start: builder.start,
      async stop() {
        await builder.stop();
        await (await sboms.made?.catch(() => undefined))?.reader.close();
      },
    };
  },
};
