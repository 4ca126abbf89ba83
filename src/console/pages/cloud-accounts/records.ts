// Maps cloud accounts to groups. Guarantees: changing one account leaves the others and the texts of the
// record alone.

import type { IamAccountAssociations } from '../../../api/schema/types/iam.gen.ts';
import { type Caller, CallFailure } from '../../caller.ts';
import type { Place, Visit, Went } from '../../page.ts';
import { backTo } from '../../parts/form-frame.tsx';

export const path = 'settings/cloud-accounts';

export type Cloud = 'google' | 'amazon' | 'azure';

export const clouds = {
  google: { name: 'GCP', word: 'gcp', check: 'GOOGLE' },
  amazon: { name: 'AWS', word: 'aws', check: 'AMAZON' },
  azure: { name: 'Azure', word: 'azure', check: 'AZURE' },
} as const;

export const cloudNames = Object.keys(clouds) as Cloud[];

export const accountOf = ({ google, amazon, azure }: IamAccountAssociations, cloud: Cloud): string | undefined =>
  ({ google: google?.projectId, amazon: amazon?.account, azure: azure?.tenantId })[cloud];

async function recordOf(caller: Caller, group: string): Promise<IamAccountAssociations | undefined> {
  const { items = [] } = await caller.call('iam.v1.GroupAccountAssociations.List', { group });
  return items.find((each) => each.group === group);
}

/** Records of the organization and its folders, by group. A filter would take exactly one group. */
export async function recordsOf({ caller }: Visit): Promise<ReadonlyMap<string, IamAccountAssociations>> {
  const { items = [] } = await caller.call('iam.v1.GroupAccountAssociations.List', {});
  return new Map(items.map((each) => [each.group ?? '', each]));
}

export const rowId = (cloud: Cloud, place: string): string =>
  `${clouds[cloud].word}-${place.slice(place.lastIndexOf('/') + 1)}`;

export interface Chosen {
  readonly cloud: Cloud;
  readonly place: Place;
}

/** Returns what the address names. Throws CallFailure `missing`. */
export function chosen(visit: Visit): Chosen {
  const cloud = cloudNames.find((each) => clouds[each].word === visit.query.get('cloud'));
  if (cloud === undefined) throw new CallFailure('missing', 'There is no such cloud: GCP, AWS and Azure are known.');
  const place = visit.places.find(({ id }) => id === visit.query.get('group'));
  if (place === undefined) throw new CallFailure('missing', 'The group was deleted, or you may not see it any more.');
  return { cloud, place };
}

export const backToRow = (visit: Visit, { cloud, place }: Chosen): string =>
  backTo(visit, path, rowId(cloud, place.id));

export async function associate(visit: Visit, what: Chosen, change: IamAccountAssociations): Promise<Went> {
  const { cloud, place } = what;
  const { caller } = visit;
  const before = await recordOf(caller, place.id);
  const name = place.name.split(' / ').at(-1) ?? '';
  if (before === undefined)
    await caller.call('iam.v1.GroupAccountAssociations.Create', { name, ...change, group: place.id });
  else await caller.call('iam.v1.GroupAccountAssociations.Update', { ...before, ...change, group: place.id });
  return {
    to: backToRow(visit, what),
    notice: `Associated ${clouds[cloud].name} with ${place.name}. Check says whether the cloud lets the platform in.`,
  };
}

export async function dissociate(visit: Visit, what: Chosen): Promise<Went> {
  const { cloud, place } = what;
  const { caller } = visit;
  const before = await recordOf(caller, place.id);
  if (before?.[cloud] === undefined)
    throw new CallFailure('missing', `${place.name} has no ${clouds[cloud].name} account any more.`);
  const { [cloud]: _gone, ...kept } = before;
  const rest: IamAccountAssociations = kept;
  const isLast = cloudNames.every((each) => rest[each] === undefined) && !rest.chainguard && !rest.github;
  if (isLast) await caller.call('iam.v1.GroupAccountAssociations.Delete', { group: place.id });
  else await caller.call('iam.v1.GroupAccountAssociations.Update', rest);
  return { to: backToRow(visit, what), notice: `Removed ${clouds[cloud].name} from ${place.name}.` };
}
