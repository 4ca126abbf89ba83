// What `spec/api.json` holds, and how its packages, messages and operations are named in the generated files.

export interface SpecRpc {
  name: string;
  request: string;
  response: string;
  http: { method: string; path: string; body: string | null }[];
  capabilities: string[];
  unscoped: boolean;
  iam: string;
  scope: string | null;
  event: { type: string; extensions: string[]; audience: string } | null;
  mcp?: { read_only: boolean; idempotent: boolean };
}

export interface SpecField {
  name: string;
  json: string;
  number: number;
  type: string;
  kind: 'scalar' | 'message' | 'enum' | 'map';
  map?: { key: string; value: string; kind: 'scalar' | 'message' | 'enum' };
  repeated?: boolean;
  oneof?: string;
  optional?: boolean;
}

export interface ServiceName {
  package: string;
  service: string;
  version: string;
}

export interface Spec {
  source: { repository: string; commit: string };
  services: (ServiceName & { rpcs: SpecRpc[] })[];
  unserved: (ServiceName & { name: string; http: { method: string; path: string }[] })[];
  messages: Record<string, { fields: SpecField[] }>;
  enums: Record<string, Record<string, number>>;
  capabilities: {
    name: string;
    proto: string;
    number: number;
    bit: number;
    deprecated?: boolean;
    internal_only?: boolean;
  }[];
  role_bundles: Record<string, string[]>;
}

export interface SpecRole {
  name: string;
  description: string;
  bundles: string[];
}

export function idOf(service: ServiceName, rpc: string): string {
  return `${versionedOf(service)}.${service.service}.${rpc}`;
}

/** `iam.v1` of `chainguard.platform.iam`. */
export function versionedOf({ package: pkg, version }: ServiceName): string {
  const tail = tailOf(pkg);
  return tail.endsWith(`.${version}`) ? tail : `${tail}.${version}`;
}

/** Package names are the leading lower-case segments of a full name. */
export function packageOf(full: string): string {
  const segments = full.split('.');
  const end = segments.findIndex((segment) => /^[A-Z]/.test(segment));
  return segments.slice(0, end).join('.');
}

/** `chainguard.platform.vulnerabilities.v1` → `vulnerabilities.v1`, `google.rpc` → `rpc`. */
export function tailOf(pkg: string): string {
  return pkg.replace(/^(chainguard(\.platform)?|google)\./, '');
}

export function pascal(dotted: string): string {
  return dotted
    .split('.')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

export function variableOf(pkg: string): string {
  const name = pascal(tailOf(pkg));
  return name.charAt(0).toLowerCase() + name.slice(1);
}

export function fileOf(pkg: string): string {
  return tailOf(pkg).replaceAll('.', '-');
}

export function quote(text: string): string {
  return `'${text}'`;
}

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`The specification has no ${what}`);
  return value;
}
