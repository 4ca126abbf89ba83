import { createHash } from 'node:crypto';

/** Issuer of the platform's own sign-in page. The trailing slash is part of it (protocols 1.6). */
export const developerIssuer = 'https://auth.chainguard.dev/';

export interface SeededPerson {
  readonly email: string;
  readonly name: string;
  /** Subject in tokens of `developerIssuer`. */
  readonly subject: string;
  /** Built-in role at the seeded organization. */
  readonly role: string;
}

/** People who can sign in to a platform seeded with `demo`. */
export const people: readonly SeededPerson[] = [
  { email: 'dev@example.com', name: 'Dev Example', subject: subjectOfEmail('dev@example.com'), role: 'owner' },
  { email: 'guest@example.com', name: 'Guest Example', subject: subjectOfEmail('guest@example.com'), role: 'viewer' },
];

/** The same address has the same subject on every platform, so a token made for it works after a reset. */
export function subjectOfEmail(email: string): string {
  return `auth0|${createHash('sha256').update(email).digest('hex').slice(0, 24)}`;
}
