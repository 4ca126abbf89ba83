import type { RegistryPackageVersion, RegistryPackageVersionMetadata } from '../../../api/schema/types/registry.gen.ts';
import type { Tx } from '../../store/database.ts';

interface Stream {
  readonly version: string;
  readonly released: string;
  /** Day its projects end support, where they publish one. */
  readonly ends?: string;
  readonly latest: string;
  readonly lts?: boolean;
}

/** Version streams that the projects publish, of the packages whose images have tags for each stream. */
const streams: Readonly<Record<string, readonly Stream[]>> = {
  'python-3': [
    { version: '3.14', released: '2025-10-07', ends: '2030-10-31', latest: '3.14.0-r2' },
    { version: '3.13', released: '2024-10-07', ends: '2029-10-31', latest: '3.13.9-r0' },
    { version: '3.9', released: '2020-10-05', ends: '2025-10-31', latest: '3.9.24-r0' },
  ],
  nodejs: [
    { version: '25', released: '2025-10-15', ends: '2026-06-01', latest: '25.1.0-r0' },
    { version: '24', released: '2025-05-06', ends: '2028-04-30', latest: '24.10.0-r0', lts: true },
    { version: '23', released: '2024-10-16', ends: '2025-06-01', latest: '23.11.1-r0' },
  ],
  'nginx-mainline': [{ version: '1.29', released: '2025-06-24', latest: '1.29.3-r0' }],
  'go-1.25': [{ version: '1.25', released: '2025-08-12', latest: '1.25.4-r0' }],
};

/** Packages of one stream, which the reference's own examples ask for by that name. */
const further: typeof streams = {
  'python-3.13': [{ version: '3.13', released: '2024-10-07', ends: '2029-10-31', latest: '3.13.9-r0' }],
  bazel: [
    { version: '8', released: '2024-12-09', ends: '2027-12-31', latest: '8.4.2-r0', lts: true },
    { version: '7', released: '2023-12-11', ends: '2026-12-31', latest: '7.6.2-r0', lts: true },
    { version: '6', released: '2022-12-19', ends: '2025-12-31', latest: '6.5.0-r7', lts: true },
  ],
};

const graceMonths = 6;

/** `now` in milliseconds decides which streams have ended. */
export function seedPackageVersions(tx: Tx, now: number): void {
  for (const [name, list] of Object.entries({ ...streams, ...further })) {
    const hasEnded = ({ ends }: Stream): boolean => ends !== undefined && Date.parse(ends) <= now;
    const metadata: RegistryPackageVersionMetadata = {
      eolVersions: list.filter(hasEnded).map(toVersion),
      versions: list.filter((stream) => !hasEnded(stream)).map(toVersion),
      latestVersion: list[0]?.version ?? '',
      lastUpdatedTimestamp: new Date(now).toISOString(),
      gracePeriodMonths: graceMonths,
    };
    tx.run(
      'INSERT INTO package_versions (package, metadata) VALUES (?, ?) ON CONFLICT DO NOTHING',
      name,
      JSON.stringify(metadata),
    );
  }
}

function toVersion({ version, released, ends, latest, lts }: Stream): RegistryPackageVersion {
  return {
    version,
    exists: true,
    releaseDate: released,
    latestVersion: latest,
    ...(ends === undefined ? {} : { eolDate: ends }),
    ...(lts === true ? { lts: true } : {}),
  };
}
