// Reads what `terraform show -json` and `tofu show -json` print of a plan, as far as it is about the official provider.
// Guarantees: no input or output; what is no plan, or one that Terraform itself would not apply, is refused with what
// to type.

import { CliError } from '../../errors.ts';

type Members = Readonly<Record<string, unknown>>;

/** One instance of a resource, and what the plan does with it. */
export interface PlannedResource {
  /** `module.team["a"].chainguard_identity.ci[0]`. */
  readonly address: string;
  /** The modules that it is in, outermost first. */
  readonly modules: readonly Step[];
  readonly type: string;
  readonly name: string;
  /** Its key of `for_each`, or its number of `count`. */
  readonly index: string | number | undefined;
  readonly isData: boolean;
  /** `forget` leaves the thing as it is, and so does `no-op`. */
  readonly action: 'none' | 'create' | 'update' | 'replace' | 'delete';
  readonly before: Members;
  /** Without what is known after apply. */
  readonly after: Members;
  /** The shape of `after`, with true where a value is known after apply. */
  readonly unknown: Members;
}

/** `module.team["a"]`, or a resource of several instances. */
export interface Step {
  readonly name: string;
  readonly index: string | number | undefined;
}

/** References in the configuration of one member: the addresses that its expression names. */
export interface ConfiguredModule {
  readonly resources: readonly {
    readonly isData: boolean;
    readonly type: string;
    readonly name: string;
    readonly expressions: Members;
    /** Address that `for_each` or `count` names. */
    readonly each: readonly string[];
  }[];
  readonly calls: ReadonlyMap<
    string,
    { readonly expressions: Members; readonly each: readonly string[]; readonly module: ConfiguredModule }
  >;
  readonly outputs: ReadonlyMap<string, readonly string[]>;
}

export interface TerraformPlan {
  /** Of the official provider, data sources included. */
  readonly resources: readonly PlannedResource[];
  readonly root: ConfiguredModule;
  /** How many changes other providers would make. */
  readonly others: number;
  /** Values that the plan itself leaves for a later one. */
  readonly isPartial: boolean;
}

/** `path` is for the sentence. Throws a usage CliError `usage.terraform-plan`. */
export function readTerraformPlan(text: string, path: string): TerraformPlan {
  const plan = parsed(text, path);
  if (plan['errored'] === true) {
    throw wrong(
      `"${path}" is a plan that Terraform could not finish`,
      'fix what `terraform plan` reports and plan again',
    );
  }
  if (!Array.isArray(plan['resource_changes'])) {
    if ('values' in plan) {
      throw wrong(`"${path}" is a state and no plan`, `${toMake} > ${path}`);
    }
    // A configuration without resources has no list.
    if (!('planned_values' in plan)) throw wrong(`"${path}" is not what \`terraform show -json\` prints`, toMake);
  }
  const major = String(plan['format_version'] ?? '').split('.')[0];
  if (major !== '1') {
    throw wrong(
      `"${path}" has the format ${String(plan['format_version'])} of plans, and 1 is understood`,
      'a newer chainctl may read it',
    );
  }
  const all = objects(plan['resource_changes']);
  const own = all.filter(({ type }) => String(type).startsWith('chainguard_'));
  const changing = ({ change, mode }: Members) => mode !== 'data' && actionOf(members(change)['actions']) !== 'none';
  return {
    resources: own.map(resourceOf),
    root: moduleOf(members(plan['configuration'])['root_module']),
    others: all.filter((one) => !own.includes(one) && changing(one)).length,
    isPartial: plan['complete'] === false || objects(plan['deferred_changes']).length > 0,
  };
}

const toMake = 'run `terraform plan -out=tfplan` and `terraform show -json tfplan`';

const wrong = (message: string, hint: string) => new CliError('usage', message, { code: 'usage.terraform-plan', hint });

function parsed(text: string, path: string): Members {
  if (text.startsWith('PK\u0003\u0004')) {
    throw wrong(`"${path}" is the plan itself, which only Terraform reads`, `run \`terraform show -json ${path}\``);
  }
  // On Windows PowerShell writes a byte order mark.
  const plain = text.replace(/^\uFEFF/, '');
  try {
    const value: unknown = JSON.parse(plain);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members;
  } catch {
    // One object a line is what `terraform plan -json` prints while it works.
    if (/^\{"@level"/.test(plain)) {
      throw wrong(`"${path}" is the log of \`terraform plan -json\``, toMake);
    }
  }
  throw wrong(`"${path}" is not what \`terraform show -json\` prints`, toMake);
}

function resourceOf(one: Members): PlannedResource {
  const change = members(one['change']);
  const address = String(one['address'] ?? '');
  const index = one['index'];
  return {
    address,
    modules: stepsOf(String(one['module_address'] ?? '')),
    type: String(one['type'] ?? ''),
    name: String(one['name'] ?? ''),
    index: typeof index === 'number' || typeof index === 'string' ? index : undefined,
    isData: one['mode'] === 'data',
    action: actionOf(change['actions']),
    before: members(change['before']),
    after: members(change['after']),
    unknown: members(change['after_unknown']),
  };
}

function actionOf(actions: unknown): PlannedResource['action'] {
  const names = Array.isArray(actions) ? actions.map(String) : [];
  if (names.includes('create')) return names.includes('delete') || names.includes('forget') ? 'replace' : 'create';
  if (names.includes('update')) return 'update';
  return names.includes('delete') ? 'delete' : 'none';
}

/** `module.a["x"].module.b[0]` and `chainguard_group.team["a.b"]` as steps; words that are no index stay names. */
export function stepsOf(address: string): Step[] {
  const steps: Step[] = [];
  const part = /(?:^|\.)([\w-]+)(?:\[(?:(\d+)|("(?:[^"\\]|\\.)*"))\])?/y;
  for (let found = part.exec(address); found !== null; found = part.exec(address)) {
    const [, name = '', number, text] = found;
    if (name === 'module' && number === undefined && text === undefined) continue;
    steps.push({
      name,
      index: number !== undefined ? Number(number) : text === undefined ? undefined : unquoted(text),
    });
  }
  return steps;
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}

function moduleOf(value: unknown): ConfiguredModule {
  const module = members(value);
  return {
    resources: objects(module['resources']).map((one) => ({
      isData: one['mode'] === 'data',
      type: String(one['type'] ?? ''),
      name: String(one['name'] ?? ''),
      expressions: members(one['expressions']),
      each: eachOf(one),
    })),
    calls: new Map(
      Object.entries(members(module['module_calls'])).map(([name, call]) => {
        const { expressions, module: called } = members(call);
        return [name, { expressions: members(expressions), each: eachOf(members(call)), module: moduleOf(called) }];
      }),
    ),
    outputs: new Map(
      Object.entries(members(module['outputs'])).map(([name, output]) => [
        name,
        referencesIn(members(output)['expression']),
      ]),
    ),
  };
}

const eachOf = (one: Members): readonly string[] => [
  ...referencesIn(one['for_each_expression']),
  ...referencesIn(one['count_expression']),
];

/** Returns what the expression of a member names: `chainguard_group.team["a"].id`, `each.key`, `var.parent`. */
export function referencesIn(expression: unknown): readonly string[] {
  const { references } = members(expression);
  return Array.isArray(references) ? references.map(String) : [];
}

export function members(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

function objects(value: unknown): readonly Members[] {
  return Array.isArray(value) ? value.map(members) : [];
}
