// Finds where the values of a chart name images, and renames them. Guarantees: only what changes is in the
// result, in the shape that `helm -f` lays over the chart's own values: maps are merged, lists replaced as a whole.

export interface Destination {
  /** Host with port, or host and path, in place of the chart's. */
  readonly registry: string | undefined;
  /** In place of the first word of each repository. */
  readonly org: string | undefined;
}

type Values = Readonly<Record<string, unknown>>;

/** `images` are full references that the chart says it uses. Undefined when nothing changes. */
export function movedValues(values: unknown, images: readonly string[], to: Destination): unknown {
  const known = new Set(images.map(withoutVersion));
  return moved(values, known, to);
}

function moved(value: unknown, known: ReadonlySet<string>, to: Destination): unknown {
  if (typeof value === 'string') return known.has(withoutVersion(value)) ? moveReference(value, to) : undefined;
  if (Array.isArray(value)) {
    const changes = value.map((each) => moved(each, known, to));
    if (changes.every((change) => change === undefined)) return undefined;
    return value.map((each, at) => overlaid(each, changes[at]));
  }
  if (!isMap(value)) return undefined;
  const own = movedImage(value, known, to);
  const rest = Object.entries(value).flatMap(([key, member]) => {
    if (own !== undefined && (key === 'registry' || key === 'repository')) return [];
    const change = moved(member, known, to);
    return change === undefined ? [] : [[key, change] as const];
  });
  return own === undefined && rest.length === 0 ? undefined : { ...own, ...Object.fromEntries(rest) };
}

/**
 * A map of `registry` and `repository`, or of `repository` alone with the registry in it: what charts call an image.
 */
function movedImage(value: Values, known: ReadonlySet<string>, { registry, org }: Destination): Values | undefined {
  const { registry: host, repository } = value;
  if (typeof repository !== 'string') return undefined;
  if (typeof host !== 'string' || host === '') {
    if (!known.has(withoutVersion(repository))) return undefined;
    const reference = moveReference(repository, { registry, org });
    return reference === undefined ? undefined : { repository: reference };
  }
  if (!known.has(`${host}/${repository}`)) return undefined;
  const result = {
    ...(registry === undefined ? {} : { registry }),
    ...(org === undefined ? {} : { repository: withOrg(repository, org) }),
  };
  return Object.keys(result).length === 0 ? undefined : result;
}

function moveReference(reference: string, { registry, org }: Destination): string | undefined {
  if (registry === undefined && org === undefined) return undefined;
  const [host = '', ...words] = reference.split('/');
  const repository = words.join('/');
  return `${registry ?? host}/${org === undefined ? repository : withOrg(repository, org)}`;
}

const withOrg = (repository: string, org: string) => [org, ...repository.split('/').slice(1)].join('/');

/** `cgr.dev/chainguard/nginx` of `cgr.dev/chainguard/nginx:1@sha256:…`. */
const withoutVersion = (reference: string) => reference.replace(/@.*$/, '').replace(/:[^/:]*$/, '');

function overlaid(value: unknown, change: unknown): unknown {
  if (change === undefined) return value;
  if (!isMap(value) || !isMap(change)) return change;
  const keys = Object.entries(change).map(([key, member]) => [key, overlaid(value[key], member)] as const);
  return { ...value, ...Object.fromEntries(keys) };
}

const isMap = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);
