// Finds which vulnerabilities the platform knows of in running images: packages of attested SBOMs in its own registry
// against its advisories. Guarantees: an image that the platform has no SBOM of is told as not known, and never as free
// of vulnerabilities.

import type { RegistryVulnerability } from '../../../../api/schema/types/registry.gen.ts';
import type { TenantCluster } from '../../../../api/schema/types/tenant.gen.ts';
import type { Context } from '../../../../cli/context.ts';
import type { Inputs, InputValues } from '../../../../cli/define.ts';
import { choice, string, strings } from '../../../../cli/inputs/values.ts';
import { activeWithin, clusterInput } from '../../cluster.ts';
import { imagesOf } from '../facts.ts';

export const severities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN'] as const;

export const vulnInputs = {
  cluster: clusterInput,
  activeWithin,
  image: { kind: string, help: 'Only images with this name, the end of it, or this digest.' },
  cve: { kind: strings('CVE'), many: true, help: 'Only these vulnerabilities.' },
  minSeverity: {
    kind: choice('LOW', 'MEDIUM', 'HIGH', 'CRITICAL'),
    help: 'Only vulnerabilities of this severity or a higher one.',
  },
  fixStates: {
    kind: { ...choice('UNKNOWN', 'FIXED', 'NOT_FIXED', 'WONT_FIX'), splitsCommas: true },
    many: true,
    help: 'Only vulnerabilities with these states of a fix: UNKNOWN, FIXED, NOT_FIXED, WONT_FIX.',
  },
} as const satisfies Inputs;

export interface ScannedImage {
  readonly image: string;
  /** Undefined when the platform has no SBOM of it. */
  readonly vulnerabilities: readonly RegistryVulnerability[] | undefined;
}

type Wanted = Pick<InputValues<typeof vulnInputs>, 'activeWithin' | 'cve' | 'minSeverity' | 'fixStates'> & {
  readonly image?: string | undefined;
};

export async function scannedImages(context: Context, cluster: TenantCluster, wanted: Wanted): Promise<ScannedImage[]> {
  const { activeWithin: within, image } = wanted;
  const [api, images] = await Promise.all([context.api(), imagesOf(context, cluster, { within, image })]);
  const found: ScannedImage[] = [];
  for (const { record } of images) {
    const name = record.image ?? '';
    const digest = name.slice(name.indexOf('@') + 1);
    const { items = [] } = await api.call('registry.v1.Vulnerabilities.ListVulnReports', { digest });
    const all = items.length === 0 ? undefined : merged(items.flatMap(({ vulnerabilities = [] }) => vulnerabilities));
    found.push({ image: name, vulnerabilities: all?.filter((one) => isWanted(one, wanted)) });
  }
  return found;
}

/** Each once, with the packages of every architecture. */
function merged(all: readonly RegistryVulnerability[]): RegistryVulnerability[] {
  const byId = new Map<string, RegistryVulnerability>();
  for (const one of all) {
    const before = byId.get(one.id ?? '') ?? one;
    byId.set(one.id ?? '', { ...before, purls: [...new Set([...(before.purls ?? []), ...(one.purls ?? [])])] });
  }
  return [...byId.values()];
}

function isWanted(one: RegistryVulnerability, { cve, minSeverity, fixStates }: Wanted): boolean {
  const names = [one.id ?? '', ...(one.aliases ?? [])];
  const rank = (severity: string) => severities.length - severities.indexOf(severity as (typeof severities)[number]);
  return (
    (cve.length === 0 || cve.some((wanted) => names.includes(wanted))) &&
    (minSeverity === undefined || rank(severityOf(one)) >= rank(minSeverity)) &&
    (fixStates.length === 0 || fixStates.some((state) => state === (one.fix?.state ?? 'UNKNOWN')))
  );
}

export function severityOf({ severity = '' }: RegistryVulnerability): (typeof severities)[number] {
  return severities.find((one) => one === severity) ?? 'UNKNOWN';
}

/** Tells of how many images nothing is known. */
export function tellUnknown(context: Context, images: readonly ScannedImage[]): void {
  const count = images.filter(({ vulnerabilities }) => vulnerabilities === undefined).length;
  if (count === 0) return;
  context.io.note(
    `The platform has no SBOM of ${count === 1 ? 'one image' : `${count} images`}; whether ${count === 1 ? 'it has' : 'they have'} vulnerabilities is not known.`,
  );
}
