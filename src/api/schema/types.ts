// The shapes of the generated operation and message tables. Data only: everything that speaks to or serves the
// platform reads these tables, and none of them holds behavior.

/** One remote operation, as `api.json` describes it. */
export interface Operation {
  /** Stable id: package after `chainguard.platform.`, version, service and method, e.g. `iam.v1.Groups.List`. */
  readonly id: string;
  /** gRPC path, e.g. `/chainguard.platform.iam.Groups/List`. */
  readonly rpc: string;
  readonly bindings: readonly HttpBinding[];
  /** Full message name, e.g. `chainguard.platform.iam.GroupFilter`. */
  readonly request: string;
  readonly response: string;
  /** Dotted capability names; the caller needs all of them. */
  readonly capabilities: readonly string[];
  /** `enabled`: a platform token is required; `disabled`: none is checked; `absent`: the bearer is the credential. */
  readonly iam: 'enabled' | 'disabled' | 'absent';
  /** True when no single field names the target, so the service narrows the answer itself. */
  readonly unscoped: boolean;
  /** Proto path of the request field that holds the UIDP the capabilities are needed at, e.g. `parent_id`. */
  readonly scope: string | null;
  readonly event: OperationEvent | null;
  readonly idempotent: boolean;
  readonly readOnly: boolean;
}

export interface HttpBinding {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Template in google.api.http syntax, e.g. `/iam/v1/groups/{id=**}`. */
  readonly path: string;
  /** `*` = the whole request is the body, a field's proto name = that field is, null = no body. */
  readonly body: string | null;
}

export interface OperationEvent {
  readonly type: string;
  readonly extensions: readonly string[];
  readonly audience: 'CUSTOMER' | 'INTERNAL';
}

/** The fields of one message in declaration order. */
export interface MessageSchema {
  readonly fields: readonly FieldSchema[];
}

/** Data a client needs to call the operations of one package. */
export interface PackageTables {
  readonly operations: Readonly<Record<string, Operation>>;
  /** Of the package, and of every other whose messages its operations use. */
  readonly schemas: readonly SchemaSet[];
}

/** The messages and enums of one package, keyed by full name. An enum maps value names to numbers. */
export interface SchemaSet {
  readonly messages: Readonly<Record<string, MessageSchema>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface FieldSchema {
  /** Proto name, snake_case. */
  readonly name: string;
  /** JSON name. */
  readonly json: string;
  readonly kind: 'scalar' | 'message' | 'enum' | 'map';
  /** Scalar type, or full message or enum name. For maps: the value's type. */
  readonly type: string;
  readonly repeated?: true;
  /** Name of the oneof this field belongs to: unset members are never written. */
  readonly oneof?: string;
  /** Proto3 `optional`: unset is never written. */
  readonly optional?: true;
  /** For maps: key scalar type and the kind of the value. */
  readonly map?: { readonly key: string; readonly valueKind: 'scalar' | 'message' | 'enum' };
}

export interface Capability {
  readonly name: string;
  readonly proto: string;
  /** Enum number: the order in which sets are listed. */
  readonly number: number;
  /** Bit in the encoded set of an access token (semantics 3.2). */
  readonly bit: number;
  readonly deprecated?: true;
  readonly internalOnly?: true;
}

/** A role that exists on every platform and cannot be changed (roles.md 1). */
export interface BuiltInRole {
  readonly name: string;
  readonly description: string;
  /** Dotted names in ascending enum number order, no duplicates. */
  readonly capabilities: readonly string[];
}

/** The message without fields, `{}` on the wire. */
export type Empty = Record<string, never>;
