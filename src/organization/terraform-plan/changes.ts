// Computes what a plan of Terraform would change in an organization. Guarantees: no input or output; what the plan does
// not tell is a sentence and never a guess; a plan about things that are there no more is refused.

import type { IamStoredGroupInvite } from '../../api/schema/types/iam.gen.ts';
import { parentOf, rootOf } from '../../api/uidp.ts';
import { CliError } from '../../errors.ts';
import {
  associationFields,
  described,
  differences,
  type Fields,
  identityFields,
  providerFields,
  roleFields,
} from '../fields.ts';
import { Labels, nouns } from '../labels.ts';
import type { Section } from '../shapes.ts';
import {
  type Draft,
  draftOf,
  idOf,
  lists,
  placeOfBinding,
  type State,
  type Things,
  usersOf,
  without,
} from '../state.ts';
import { isUnknown, PlannedIds, placeMember } from './ids.ts';
import type { PlannedResource, TerraformPlan } from './read.ts';
import { afterApply, inviteOf, plannedValues, type Referent, sectionOf, thingOf } from './things.ts';

/** One thing that the plan changes, whether it decides about access or not. */
export interface TerraformChange {
  readonly action: 'create' | 'update' | 'replace' | 'delete';
  /** A section of files, or what other resources are. */
  readonly kind: string;
  readonly noun: string;
  readonly label: string;
  readonly details: readonly string[];
  /** Empty for what is new. */
  readonly id: string;
  readonly address: string;
}

export interface TerraformChanges {
  readonly changes: readonly TerraformChange[];
  readonly after: State;
  /** Of the invites only those that the plan deletes, and only those that it makes. */
  readonly invites: {
    readonly before: readonly IamStoredGroupInvite[];
    readonly after: readonly IamStoredGroupInvite[];
  };
  /** Facts that the plan does not tell, a sentence each. */
  readonly unsure: readonly string[];
  /** Whether somebody may gain or lose what is not in `after`. */
  readonly isOpen: boolean;
}

/**
 * Ids of the organizations that the plan changes, or of those it is about where it changes none; new ones are left out.
 */
export function organizationsIn({ resources }: TerraformPlan): string[] {
  const own = resources.filter(({ isData, type }) => !isData && type in nounsOf);
  const changing = own.filter(({ action }) => action !== 'none');
  const ids = (changing.length > 0 ? changing : own).flatMap(({ type, before, after }) =>
    [before['id'], before[placeMember(type)], after[placeMember(type)], after['id']].filter(
      (id) => typeof id === 'string' && /^[0-9a-f]{40}/.test(id),
    ),
  );
  return [...new Set(ids.map((id) => rootOf(String(id))))].sort();
}

/** Other resources of the provider: they are told, and give nobody anything. */
const others: Readonly<Record<string, readonly [kind: string, noun: string]>> = {
  chainguard_group_invite: ['invites', 'invite'],
  chainguard_subscription: ['subscriptions', 'event subscription'],
  chainguard_image_repo: ['repositories', 'image repository'],
  chainguard_image_repo_deployment: ['deployments', 'deployment of'],
  chainguard_image_tag: ['tags', 'image tag'],
  chainguard_apko_build: ['builds', 'image build'],
};

const nounsOf: Readonly<Record<string, readonly [kind: string, noun: string]>> = {
  ...Object.fromEntries(Object.entries(sectionOf).map(([type, section]) => [type, [section, nouns[section]] as const])),
  ...others,
};

/**
 * `state` is the organization now. What the plan changes elsewhere is counted in a sentence. Throws kind `conflict`
 * that lists what the plan changes and is not there.
 */
export function changesOfTerraform(state: State, plan: TerraformPlan): TerraformChanges {
  return new Reader(state, plan).read();
}

class Reader {
  readonly #before: State;
  readonly #plan: TerraformPlan;
  readonly #ids: PlannedIds;
  readonly #unsure: string[] = [];
  #isOpen = false;
  readonly #known = new Map<Section, ReadonlyMap<string, Things[Section]>>();

  constructor(state: State, plan: TerraformPlan) {
    this.#before = state;
    this.#plan = plan;
    this.#ids = new PlannedIds(plan, state);
  }

  read(): TerraformChanges {
    const all = this.#plan.resources.filter(({ isData, action }) => !isData && action !== 'none');
    const changing = all.filter((one) => this.#isHere(one));
    if (changing.length < all.length) {
      this.#unsure.push(notLookedAt(all.length - changing.length, 'in other organizations'));
    }
    if (this.#plan.others > 0) {
      this.#unsure.push(notLookedAt(this.#plan.others, 'of other providers'));
    }
    if (this.#plan.isPartial) {
      this.#isOpen = true;
      this.#unsure.push('Terraform leaves some changes for a later plan');
    }
    this.#requireThere(changing);
    for (const one of changing) this.#compare(one);
    const leaving = changing.filter(({ action }) => action === 'delete' || action === 'replace');
    const gone = leaving.flatMap(({ type, before }) => {
      const kind = sectionOf[type];
      return kind === undefined ? [] : [{ kind, id: String(before['id']) }];
    });
    const after = draftOf(without(this.#before, gone));
    this.#put(after, changing);
    this.#name(after);
    const labels = { before: new Labels(this.#before), after: new Labels(after) };
    const byDepth = [...changing].sort((a, b) => order(a) - order(b));
    const invites = (which: 'before' | 'after', actions: readonly string[]) =>
      changing
        .filter(({ type, action }) => type === 'chainguard_group_invite' && actions.includes(action))
        .map((one) => this.#invite(one, which));
    return {
      changes: byDepth.map((one) => this.#told(one, labels)),
      after,
      invites: { before: invites('before', ['delete', 'replace']), after: invites('after', ['create', 'replace']) },
      unsure: [...new Set(this.#unsure)],
      isOpen: this.#isOpen,
    };
  }

  /** Returns whether it is in this organization, as far as the plan tells. */
  #isHere(one: PlannedResource): boolean {
    const id = one.before['id'] ?? this.#ids.referent(one, placeMember(one.type)) ?? this.#ids.idOf(one);
    return typeof id !== 'string' || rootOf(id) === this.#before.organization.id;
  }

  #requireThere(changing: readonly PlannedResource[]): void {
    const { organization } = this.#before;
    const missing = changing.filter(({ type, before, action }) => {
      const section = sectionOf[type];
      if (section === undefined || action === 'create') return false;
      return before['id'] !== organization.id && this.#there(section, String(before['id'])) === undefined;
    });
    if (missing.length === 0) return;
    throw new CliError('conflict', `"${organization.name}" has changed since Terraform made the plan`, {
      code: 'conflict.plan',
      details: missing.map(({ address, before }) => `no longer there: ${address} (${String(before['id'])})`),
      hint: 'run `terraform plan` again',
    });
  }

  /** Says what of a thing is now another than the plan was made against. */
  #compare(one: PlannedResource): void {
    const section = sectionOf[one.type];
    const now = section === undefined ? undefined : this.#there(section, String(one.before['id']));
    if (section === undefined || now === undefined) return;
    const same = (id: string) => id;
    const [then, today] = [this.#thing(section, one, 'before'), now].map((thing) => ({
      ...('name' in thing ? { name: thing.name } : {}),
      ...fieldsOfThing(section, thing, same, same),
    }));
    const differs = differences(then ?? {}, today ?? {});
    if (differs.length > 0)
      this.#unsure.push(`${one.address} has changed since the plan was made: ${differs.join('; ')}`);
  }

  #thing<S extends Section>(section: S, one: PlannedResource, which: 'before' | 'after'): Things[S] {
    const before: Referent = (member) => {
      const value = one.before[member];
      return typeof value === 'string' ? value : undefined;
    };
    const planned: Referent = (member) => this.#ids.referent(one, member);
    return which === 'before' ? thingOf(section, one.before, before) : thingOf(section, plannedValues(one), planned);
  }

  #invite(one: PlannedResource, which: 'before' | 'after'): IamStoredGroupInvite {
    const referent: Referent = (member) =>
      which === 'after' ? this.#ids.referent(one, member) : String(one.before[member] ?? '');
    const values = which === 'after' ? plannedValues(one) : one.before;
    const id = String(one.before['id'] ?? `${referent('group') ?? ''}/new`);
    return { ...inviteOf(values, referent), id, keyId: one.address };
  }

  /** Adds the things as they will be, or says that nothing tells how they will be. */
  #put(after: Draft, changing: readonly PlannedResource[]): void {
    const altered = new Map<string, Things[Section] | undefined>();
    for (const one of changing) {
      const section = sectionOf[one.type];
      if (section === undefined || one.action === 'delete') continue;
      const open = this.#openIn(section, one);
      const isNew = one.action !== 'update';
      const id = this.#ids.idOf(one) ?? '';
      const key = `${section} ${id}`;
      if (open !== undefined) {
        this.#isOpen = true;
        this.#unsure.push(`who gains what by ${one.address}: its ${open} is known after apply`);
        if (!isNew) altered.set(key, undefined);
        continue;
      }
      const thing = { ...(isNew ? {} : this.#there(section, id)), ...this.#thing(section, one, 'after') };
      const made: Things[Section] = section === 'accountAssociations' ? thing : { ...thing, id };
      if (section === 'folders' && id === after.organization.id) after.organization = made as Things['folders'];
      // The section decides what its list holds.
      else if (isNew) (after[lists[section]] as Things[Section][]).push(made);
      else altered.set(key, made);
    }
    if (altered.size === 0) return;
    for (const section of Object.values(sectionOf)) {
      const list = after[lists[section]] as Things[Section][];
      const kept = list.flatMap((one) => {
        const key = `${section} ${idOf(one)}`;
        const now = altered.get(key);
        return now !== undefined ? [now] : altered.has(key) ? [] : [one];
      });
      list.splice(0, list.length, ...kept);
    }
  }

  /** The thing with the id as it is now. */
  #there(section: Section, id: string): Things[Section] | undefined {
    const known = this.#known.get(section) ?? new Map(this.#before[lists[section]].map((one) => [idOf(one), one]));
    this.#known.set(section, known);
    return known.get(id);
  }

  /** Returns which of the members that decide about access nothing tells. */
  #openIn(section: Section, one: PlannedResource): string | undefined {
    const deciding: Partial<Record<Section, readonly string[]>> = {
      bindings: ['group', 'identity', 'role'],
      identityProviders: ['parent_id', 'default_role'],
      roles: ['parent_id'],
      identities: ['parent_id'],
      folders: ['parent_id'],
    };
    const open = (deciding[section] ?? []).filter(
      (member) => one.unknown[member] === true && this.#ids.referent(one, member) === undefined,
    );
    if (section === 'roles' && isUnknown(one.unknown['capabilities'])) open.push('capabilities');
    return open.length === 0 ? undefined : open.join(' and ');
  }

  /** Gives bindings the names that a list would show with them. */
  #name(after: Draft): void {
    const users = usersOf(this.#before);
    const roles = new Map(after.roles.map((role) => [role.id ?? '', role]));
    after.bindings = after.bindings.map((one) => {
      const email = users.get(one.identity ?? '');
      const role = roles.get(one.role?.id ?? '');
      return { ...one, ...(email === undefined ? {} : { email }), ...(role === undefined ? {} : { role }) };
    });
  }

  #told(one: PlannedResource, labels: { readonly before: Labels; readonly after: Labels }): TerraformChange {
    const { action, address, type } = one;
    const [kind, noun] = nounsOf[type] ?? [type, type.replace(/^chainguard_/, '').replaceAll('_', ' ')];
    const section = sectionOf[type];
    const id = typeof one.before['id'] === 'string' ? one.before['id'] : '';
    const isRoot = section === 'folders' && (this.#ids.idOf(one) ?? '/').split('/').length === 1;
    return {
      action: action === 'none' ? 'update' : action,
      kind,
      noun: isRoot ? 'organization' : noun,
      label: section === undefined ? labelOfOther(one, labels.after, this.#ids) : this.#label(section, one, labels),
      details: section === undefined ? [] : this.#details(section, one, labels),
      id: action === 'create' ? '' : id,
      address,
    };
  }

  #label(section: Section, one: PlannedResource, labels: { readonly before: Labels; readonly after: Labels }): string {
    const isNew = one.action === 'create' || one.action === 'replace';
    const which = isNew ? 'after' : 'before';
    const id = isNew ? this.#ids.idOf(one) : String(one.before['id']);
    const thing: Things[Section] & { readonly id?: string } = {
      ...this.#thing(section, one, which),
      ...(id === undefined ? {} : { id }),
    };
    if (section === 'folders') {
      const folder = thing as Things['folders'];
      return id === undefined ? (folder.name ?? '') : labels[which].folder(folder);
    }
    if (section === 'bindings') return bindingLabel(thing as Things['bindings'], labels[which]);
    if (section === 'accountAssociations')
      return labels[which].places.nameOf((thing as Things['accountAssociations']).group ?? '');
    const located = thing as Things['roles'];
    return id === undefined ? (located.name ?? '') : labels[which].located(located);
  }

  #details(
    section: Section,
    one: PlannedResource,
    labels: { readonly before: Labels; readonly after: Labels },
  ): string[] {
    if (one.action === 'delete') return [];
    const fieldsOf = (which: 'before' | 'after'): Fields => {
      const thing = this.#thing(section, one, which);
      const name = (thing as { readonly name?: string }).name;
      return {
        // The line above names it.
        ...(one.action === 'create' || section === 'bindings' ? {} : { name }),
        ...fieldsOfThing(
          section,
          thing,
          (id) => labels[which].role(id),
          (id) => labels[which].who(id),
        ),
      };
    };
    const replaced = one.action === 'replace' ? ['recreated, with another id'] : [];
    const fields = section === 'bindings' && one.action === 'create' ? {} : fieldsOf('after');
    const lines = one.action === 'create' ? described(fields) : differences(fieldsOf('before'), fields);
    return [...replaced, ...lines.map((line) => line.replaceAll(`"${afterApply}"`, afterApply))];
  }
}

function fieldsOfThing(
  section: Section,
  thing: Things[Section],
  role: (id: string) => string,
  who: (id: string) => string,
): Fields {
  if (section === 'roles') return roleFields(thing as Things['roles']);
  if (section === 'identities') return identityFields(thing as Things['identities']);
  if (section === 'accountAssociations') return associationFields(thing as Things['accountAssociations']);
  if (section === 'identityProviders') {
    const provider = thing as Things['identityProviders'];
    return { ...providerFields(provider), defaultRole: role(provider.defaultRole ?? '') };
  }
  if (section === 'bindings') {
    const binding = thing as Things['bindings'];
    return { role: role(binding.role?.id ?? ''), who: who(binding.identity ?? '') };
  }
  const { description = '' } = thing as Things['folders'];
  return description === '' ? {} : { description };
}

function bindingLabel(binding: Things['bindings'], labels: Labels): string {
  const isWhole = binding.identity !== '' && binding.role?.id !== '' && placeOfBinding(binding) !== '';
  if (isWhole) return labels.binding(binding);
  const or = (text: string, told: (id: string) => string) => (text === '' ? afterApply : told(text));
  const place = or(placeOfBinding(binding), (id) => labels.places.nameOf(id));
  return `${or(binding.role?.id ?? '', labels.role)} for ${or(binding.identity ?? '', (id) => labels.who(id))} in ${place}`;
}

function labelOfOther(one: PlannedResource, labels: Labels, ids: PlannedIds): string {
  const values = { ...one.before, ...one.after };
  const name = [values['email'], values['name'], values['sink']].find(
    (text) => typeof text === 'string' && text !== '',
  );
  const place = String(one.before[placeMember(one.type)] ?? ids.referent(one, placeMember(one.type)) ?? '');
  const path = labels.places.nameOf(one.type === 'chainguard_image_tag' ? parentOf(place) : place);
  return `${name === undefined ? one.name : String(name)}${path === '' ? '' : ` in ${path}`}`;
}

/** A thing comes before what is built on it; deletions come last, the other way round. */
function order({ type, action }: PlannedResource): number {
  const at = Object.keys(nounsOf).indexOf(type);
  return action === 'delete' ? 100 - at : at;
}

const notLookedAt = (count: number, which: string) =>
  count === 1 ? `1 change ${which} is not looked at` : `${count} changes ${which} are not looked at`;
