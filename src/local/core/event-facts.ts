// Types of the facts that events tell about a module's messages.

/** A message as it goes over the wire, in JSON names. */
export type EventBody = Readonly<Record<string, unknown>>;

/** Place of an event. */
export interface EventPlace {
  readonly subject: string;
  readonly group: string;
  readonly identityProvider?: string;
}

export interface EventFact {
  /** JSON names that may be stored, with dots into nested messages. Whatever is not listed is left out. */
  readonly fields: readonly string[];
  place(body: EventBody, request: EventBody): EventPlace;
}

/** By full message name without a version: most bodies of v2 are about what v1 has too. */
export type EventFacts = Readonly<Record<string, EventFact>>;

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Returns the id of what the event is about. */
export function idOf(body: EventBody): string {
  return textOf(body['id'] ?? body['uid']);
}
