import { ask, type OutgoingAnswer } from '../outgoing.ts';

/** Fetches a URL; rejects with an Error whose message is one clause, or resolves whatever the status. */
export type FetchUpstream = (url: URL) => Promise<OutgoingAnswer>;

/** One GET of a document that a third-party issuer publishes. Sends no credential. */
export const fetchUpstream: FetchUpstream = (url) =>
  ask(url, { method: 'GET', headers: {}, timeoutMs: 5_000, mostBytes: 1024 * 1024 });
