// Watches everything that the suite makes the programs print, log and write for secrets: every run of a command
// line, in this process or in one of its own, and every folder that a test's people and platforms leave behind.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// Tokens are JSON Web Tokens; refresh tokens and invite codes are base64 of a JSON object. Nothing else that the programs
// print begins like that and is so long.
const kinds = [
  ['a JSON Web Token', /\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*/],
  ['a refresh token or an invite code', /\beyJ[A-Za-z0-9+/_-]{60,}/],
  ['a private key', /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/],
] as const;

/** Returns what kind of secret a text holds and how it begins; undefined when it holds none. */
export function secretIn(text: string): string | undefined {
  for (const [kind, pattern] of kinds) {
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return `${kind} (${found.slice(0, 16)}…)`;
  }
  return undefined;
}

/** Command lines whose very purpose is to print a secret; only on standard output. */
const printers: readonly RegExp[] = [
  /\bauth (?:\S+ )*token(?! capabilities)\b/,
  /\bauth (?:\S+ )*pull-tokens?\b(?! list)/,
  /\bauth (?:\S+ )*(?:configure-docker|configure-npm|login) .*--pull-token/,
  /\blocal (?:\S+ )*token\b/,
  /\bsigstore env\b(?!.*\bjson\b)/,
  /\biam (?:\S+ )*(?:invites|invite) (?:\S+ )*(?:create|add)\b/,
  /\bscim (?:\S+ )*token (?:re)?generate\b/,
  /^docker-credential-cgr get\b/,
];

export interface PrintedText {
  /** Name of the program and its arguments. */
  readonly command: string;
  readonly out: string;
  readonly err: string;
}

/** Throws when a command printed a secret that it was not asked for. */
export function refusePrintedSecrets({ command, out, err }: PrintedText): void {
  const shown = command.replaceAll(/eyJ\S+/g, '…');
  // The address to open has to carry the invitation (protocols 1.1).
  const onError = secretIn(err.replaceAll(/([?&]invite=)[\w%.-]+/g, '$1…'));
  if (onError !== undefined) throw new Error(`\`${shown}\` printed ${onError} on standard error`);
  if (printers.some((pattern) => pattern.test(command))) return;
  const printed = secretIn(out);
  if (printed !== undefined) throw new Error(`\`${shown}\` printed ${printed} on standard output`);
}

/** Where secrets live, below a home or a platform's folder. */
const stores: readonly RegExp[] = [
  /\/\.cache\/chainguard\//,
  /\/chainguard\/[^/]+\/(?:oidc-token|refresh-token|[\w.-]*token[\w.-]*)$/,
  /\/\.docker\/config\.json/,
  /\/docker\/config\.json/,
  /\/auth\.json$/,
  /\/\.npmrc$/,
  /\/(?:\.local\/share\/)?keyrings\//,
  // Where a runner of GitHub's keeps variables, HTTP_AUTH of setup-chainctl among them (protocols 9).
  /\/github\.env$/,
  // What tests move or redirect themselves.
  /\/elsewhere(?:\/|$)/,
  /\.jwt$/,
  // Contents of images: what people push, and signed statements about it.
  /\/blobs\/sha(?:256|512)\//,
  /\/uploads\//,
];

/**
 * Files below a folder that hold a secret, stores and programs left out; one line each.
 */
export function writtenSecrets(folder: string, given: ReadonlySet<string>): string[] {
  const leaks: string[] = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || given.has(path) || stores.some((store) => store.test(path))) continue;
    let text: string;
    try {
      text = readFileSync(path, 'latin1');
    } catch {
      continue;
    }
    // A program that a test copied, such as node, holds the words that begin a key, and no key.
    if (text.startsWith('\u007fELF')) continue;
    // The platform's own signing keys are its secret to keep; its tokens and codes must be there as digests only.
    const isPlatform = /\.(?:db|sqlite)(?:-wal|-shm)?$/.test(path);
    const secret = secretIn(isPlatform ? text.replaceAll(/-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/g, '') : text);
    if (secret !== undefined) leaks.push(`${path} holds ${secret}`);
  }
  return leaks;
}
