import type { OperationTypes } from '../../../api/schema/types.gen.ts';
import type { Handler } from '../../core/handler.ts';

type Mirrored = Extract<keyof OperationTypes, `${string}.v2${'' | 'beta1'}.${string}`>;

/** Operations of v2 as a module writes them; those of v2beta1 are the same functions. */
export type V2Handlers = {
  readonly [Id in Extract<keyof OperationTypes, `${string}.v2.${string}`>]?: Handler<Id>;
};

/** Each under both names: the messages are the same field for field (semantics 10), so one function is right for both. */
export function handlersOfBoth(handlers: V2Handlers): { readonly [Id in Mirrored]?: Handler<Id> } {
  return inBothVersions(handlers) as { readonly [Id in Mirrored]?: Handler<Id> };
}

export function inBothVersions<T>(operations: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(operations).flatMap(([id, operation]) => [
      [id, operation],
      [id.replace('.v2.', '.v2beta1.'), operation],
    ]),
  );
}
