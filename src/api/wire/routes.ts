// From a method and a path to an operation (semantics 5).

import type { HttpBinding, Operation } from '../schema/types.ts';
import { matchTemplate, parseTemplate, type Template } from './template.ts';

/** Target of a path. */
export type Routed = Pick<Operation, 'bindings'>;

/** A way to call an operation, with what the path said. */
export interface Route<O extends Routed = Operation> {
  readonly operation: O;
  readonly binding: HttpBinding;
  /** Text of each path variable, keyed by the proto path of the field it fills. */
  readonly pathValues: Readonly<Record<string, string>>;
}

export type RouteMatch<O extends Routed = Operation> =
  | ({ readonly status: 'found' } & Route<O>)
  | { readonly status: 'not-found' | 'wrong-method' };

/**
 * Finds the operation for a method and a raw path, still percent-encoded and without query. Of several templates that
 * match, a verb wins, then the most literal segments, then those without `**`. A POST of a form that no POST route
 * takes falls back to the GET route of that path (semantics 5, "form override").
 */
export function createRouteMatcher<O extends Routed>(
  operations: Iterable<O>,
): (method: string, path: string, contentType?: string) => RouteMatch<O> {
  const routes: { operation: O; binding: HttpBinding; template: Template }[] = [];
  for (const operation of operations) {
    for (const binding of operation.bindings) {
      routes.push({ operation, binding, template: parseTemplate(binding.path) });
    }
  }
  routes.sort(
    ({ template: a }, { template: b }) =>
      Number(b.verb !== undefined) - Number(a.verb !== undefined) ||
      b.literals - a.literals ||
      Number(a.deep >= 0) - Number(b.deep >= 0),
  );
  const choose = byBeginning(routes);
  return (method, path, contentType = '') => {
    const segments = segmentsOf(path);
    if (segments === undefined) return { status: 'not-found' };
    let status: 'not-found' | 'wrong-method' = 'not-found';
    let override: RouteMatch<O> | undefined;
    for (const { operation, binding, template } of choose(segments)) {
      const pathValues = matchTemplate(template, segments);
      if (!pathValues) continue;
      if (binding.method === method) return { status: 'found', operation, binding, pathValues };
      status = 'wrong-method';
      if (binding.method === 'GET' && method === 'POST' && isForm(contentType)) {
        override ??= { status: 'found', operation, binding, pathValues };
      }
    }
    return override ?? { status };
  };
}

/** How many segments of a path say which routes may fit: `/iam/v1/groups`. */
const tellingSegments = 3;

/** Returns what chooses the routes that can fit a path, in their order, so that not each of hundreds is tried. */
function byBeginning<R extends { readonly template: Template }>(
  routes: readonly R[],
): (path: readonly string[]) => readonly R[] {
  const keyOf = (segments: readonly string[]): string =>
    segments
      .slice(0, tellingSegments)
      .map((segment) => segment.replace(/:.*$/, ''))
      .join('/');
  const isTelling = ({ segments }: Template): boolean =>
    segments.length >= tellingSegments && segments.slice(0, tellingSegments).every((segment) => !segment.includes('*'));
  const keyed = routes.map((route) => ({
    route,
    key: isTelling(route.template) ? keyOf(route.template.segments) : undefined,
  }));
  const keys = new Set(keyed.map(({ key }) => key));
  const others = keyed.flatMap(({ route, key }) => (key === undefined ? [route] : []));
  // Made when a path asks for it: of hundreds of keys most processes meet a few.
  const byKey = new Map<string, readonly R[]>();
  return (path) => {
    const wanted = keyOf(path);
    if (!keys.has(wanted)) return others;
    let found = byKey.get(wanted);
    if (found === undefined) {
      found = keyed.flatMap(({ route, key }) => (key === undefined || key === wanted ? [route] : []));
      byKey.set(wanted, found);
    }
    return found;
  };
}

/** Unescaped before it is split, as the gateway's default mode does: `%2F` acts as a slash. */
function segmentsOf(path: string): string[] | undefined {
  if (!path.startsWith('/')) return undefined;
  try {
    return decodeURIComponent(path.slice(1)).split('/');
  } catch {
    return undefined;
  }
}

export function isForm(contentType: string): boolean {
  return /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType);
}
