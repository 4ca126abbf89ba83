// Resolves a member of a planned resource that Terraform says is "known after apply": the plan tells which expression
// stands there, and the expression names other resources. Guarantees: no input or output; what the configuration leaves
// open, such as a local value, is undefined and never a guess.

import { parentOf } from '../../api/uidp.ts';
import { isBuiltIn, type State } from '../state.ts';
import {
  type ConfiguredModule,
  members,
  type PlannedResource,
  referencesIn,
  type Step,
  stepsOf,
  type TerraformPlan,
} from './read.ts';

/** Position of an expression. */
interface Scope {
  readonly modules: readonly Step[];
  readonly index: Step['index'];
  /** Origin of `each.value`. */
  readonly each: readonly string[];
}

/** Thing whose id the value of a member is. */
const typeBehind: Readonly<Record<string, string>> = {
  parent_id: 'chainguard_group',
  group: 'chainguard_group',
  identity: 'chainguard_identity',
  role: 'chainguard_role',
  default_role: 'chainguard_role',
  repo_id: 'chainguard_image_repo',
};

/** The member that says where a thing is. */
export const placeMember = (type: string): string =>
  ['chainguard_rolebinding', 'chainguard_group_invite', 'chainguard_account_associations'].includes(type)
    ? 'group'
    : type === 'chainguard_image_tag'
      ? 'repo_id'
      : 'parent_id';

export class PlannedIds {
  readonly #plan: TerraformPlan;
  readonly #state: State;
  readonly #byResource = new Map<string, PlannedResource[]>();
  readonly #made = new Map<PlannedResource, string>();
  /** Expressions that lead back to themselves end here. */
  readonly #asked = new Set<string>();

  constructor(plan: TerraformPlan, state: State) {
    this.#plan = plan;
    this.#state = state;
    for (const one of plan.resources) {
      const key = keyOf(one.modules, one.isData, one.type, one.name);
      this.#byResource.set(key, [...(this.#byResource.get(key) ?? []), one]);
    }
  }

  /**
   * That of the thing as it will be: what is made anew in its place keeps its id here, and what is new ends in
   * `/new-N`.
   */
  idOf(resource: PlannedResource): string | undefined {
    const before = resource.before['id'];
    if (typeof before === 'string' && resource.action !== 'replace') return before;
    const made = this.#made.get(resource);
    if (made !== undefined) return made;
    const member = placeMember(resource.type);
    const isRoot = resource.after[member] == null && resource.unknown[member] !== true;
    const place = isRoot ? '' : this.referent(resource, member);
    if (place === undefined) return undefined;
    const end = `new-${this.#made.size + 1}`;
    const fresh = place === '' ? end : `${place}/${end}`;
    const id = typeof before === 'string' && parentOf(before) === (place || '/') ? before : fresh;
    this.#made.set(resource, id);
    return id;
  }

  /** The text that a member will be; undefined where nothing stands there or nothing tells. */
  referent(resource: PlannedResource, member: string): string | undefined {
    if (member === 'id') return this.idOf(resource);
    const known = (resource.action === 'delete' ? resource.before : resource.after)[member];
    if (typeof known === 'string') return known;
    if (resource.unknown[member] !== true) return undefined;
    const question = `${resource.address} ${member}`;
    if (this.#asked.has(question)) return undefined;
    this.#asked.add(question);
    try {
      const written = moduleAt(this.#plan.root, resource.modules)?.resources.find(
        (one) => one.type === resource.type && one.name === resource.name && one.isData === resource.isData,
      );
      if (written === undefined) return undefined;
      const scope = { modules: resource.modules, index: resource.index, each: written.each };
      return this.#follow(referencesIn(written.expressions[member]), scope, member);
    } finally {
      this.#asked.delete(question);
    }
  }

  /** Returns what all that an expression names come to, where they come to one. */
  #follow(references: readonly string[], scope: Scope, member: string): string | undefined {
    // Terraform lists the beginnings of what is named too.
    const named = references.filter(
      (one) => !references.some((other) => other.startsWith(`${one}.`) || other.startsWith(`${one}[`)),
    );
    const isByKey = references.some((one) => /^(each\.|count\.)/.test(one));
    const values = named
      .filter((one) => !/^(each\.key|count\.index|path\.|terraform\.)/.test(one))
      .map((one) => this.#named(one, scope, member, isByKey));
    const [first] = values;
    return values.every((one) => one === first) ? first : undefined;
  }

  #named(reference: string, scope: Scope, member: string, isByKey: boolean): string | undefined {
    const [first = '', ...rest] = reference.split('.');
    if (first === 'var') return this.#variable(stepsOf(rest.join('.'))[0]?.name ?? '', scope, member);
    if (first === 'each') {
      const end = rest.slice(1).join('.');
      // `for_each = chainguard_group.team`: the value is the instance of the same key.
      const whole = scope.each.map((one) => (end === '' ? one : `${one}[each.key].${end}`));
      const [only, ...others] = [...new Set(whole.map((one) => one.replace('[each.key]', '')))];
      return only === undefined || others.length > 0 ? undefined : this.#named(only, scope, member, true);
    }
    if (first.startsWith('module')) return this.#output(stepsOf(reference), scope, member, isByKey);
    const isData = first === 'data';
    const [type, name, attribute] = stepsOf(isData ? rest.join('.') : reference);
    if (type === undefined || name === undefined || !type.name.startsWith('chainguard_')) return undefined;
    const instances = this.#byResource.get(keyOf(scope.modules, isData, type.name, name.name)) ?? [];
    const index = name.index ?? (isByKey ? scope.index : undefined);
    const [only, ...others] = instances.filter(
      (one) => (index === undefined && instances.length === 1) || one.index === index || instances.length === 1,
    );
    if (only === undefined || others.length > 0) return undefined;
    if (isData) return this.#looked(only);
    if (attribute !== undefined) return this.referent(only, attribute.name);
    return typeBehind[member] === type.name ? this.idOf(only) : undefined;
  }

  /** Returns what the module that contains this one gives the variable. */
  #variable(name: string, { modules }: Scope, member: string): string | undefined {
    const own = modules.at(-1);
    if (own === undefined) return undefined;
    const outside = modules.slice(0, -1);
    const call = moduleAt(this.#plan.root, outside)?.calls.get(own.name);
    if (call === undefined) return undefined;
    const scope = { modules: outside, index: own.index, each: call.each };
    return this.#follow(referencesIn(call.expressions[name]), scope, member);
  }

  #output([called, output]: readonly Step[], scope: Scope, member: string, isByKey: boolean): string | undefined {
    if (called === undefined) return undefined;
    const call = moduleAt(this.#plan.root, scope.modules)?.calls.get(called.name);
    if (call === undefined) return undefined;
    const index = called.index ?? (isByKey ? scope.index : undefined);
    const inside = { modules: [...scope.modules, { name: called.name, index }], index: undefined, each: [] };
    if (output !== undefined) return this.#follow(call.module.outputs.get(output.name) ?? [], inside, member);
    // After `module.team[each.key]` Terraform does not say which output is meant.
    const values = [...call.module.outputs.values()].map((one) => this.#follow(one, inside, member));
    const [only, ...others] = [...new Set(values.filter((one) => one !== undefined))];
    return others.length > 0 ? undefined : only;
  }

  /** A data source that is read while the plan is applied, by the name that it asks for. */
  #looked({ type, after }: PlannedResource): string | undefined {
    const name = after['name'];
    if (typeof name !== 'string') return undefined;
    const { roles, organization, folders, identities } = this.#state;
    const parent = after['parent'] ?? after['parent_id'];
    const isThere = ({ id = '' }: { readonly id?: string }) =>
      parent == null || (parent === '/' ? !id.includes('/') : parentOf(id) === parent);
    const things =
      type === 'chainguard_role'
        ? roles.filter((one) => isBuiltIn(one) || isThere(one))
        : type === 'chainguard_group'
          ? [organization, ...folders]
          : type === 'chainguard_identity'
            ? identities
            : [];
    const [only, ...others] = things.filter((one) => one.name === name && isThere(one));
    return others.length > 0 ? undefined : only?.id;
  }
}

function moduleAt(root: ConfiguredModule, steps: readonly Step[]): ConfiguredModule | undefined {
  return steps.reduce<ConfiguredModule | undefined>((module, { name }) => module?.calls.get(name)?.module, root);
}

const keyOf = (modules: readonly Step[], isData: boolean, type: string, name: string): string =>
  JSON.stringify([modules.map(({ name: one, index }) => [one, index ?? null]), isData, type, name]);

/** Returns whether a member, or something in it, is known after apply. */
export function isUnknown(shape: unknown): boolean {
  if (Array.isArray(shape)) return shape.some(isUnknown);
  return shape === true || Object.values(members(shape)).some(isUnknown);
}
