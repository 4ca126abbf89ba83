// The configuration of customized images as a person writes it: YAML or JSON. Guarantees: every mistake names the file
// and the field, and nothing that was not understood is dropped silently.

import { basename, resolve } from 'node:path';
import type { RegistryCustomOverlay } from '../../../../api/schema/types/registry.gen.ts';
import type { Context } from '../../../../cli/context.ts';
import { parseObject, renameFields } from '../../../../cli/inputs/message-file.ts';
import { CliError } from '../../../../errors.ts';
import { readTextIfExists } from '../../../../files.ts';
import { nearest } from '../../../../suggest.ts';

const message = 'chainguard.platform.registry.CustomOverlay';
const code = 'usage.build-config';

/** Flags that add to a configuration without a file. */
export interface OverlayFlags {
  readonly withCertificates: readonly string[];
  readonly withRuntimeKeys: readonly string[];
  readonly withRuntimeRepositories: readonly string[];
}

/** Throws a usage CliError when there is no such file or it holds no configuration. */
export async function readOverlayFile(path: string, context: Context): Promise<RegistryCustomOverlay> {
  const text = readTextIfExists(resolve(context.host.cwd, path));
  if (text === undefined) throw wrong([`\`--file\` "${path}" does not exist`]);
  // An empty file, such as a redirection leaves, must not delete everything.
  if (isBlank(text)) {
    throw wrong([`\`--file\` "${path}" is empty; write {} into it to take the whole configuration away`]);
  }
  return parseOverlay(text, path);
}

const isBlank = (text: string): boolean =>
  text.split('\n').every((line) => line.trim() === '' || line.trimStart().startsWith('#'));

/** `name` is what messages call the text. An empty text is a configuration that adds nothing to the images. */
export async function parseOverlay(text: string, name: string): Promise<RegistryCustomOverlay> {
  const value = isBlank(text) ? {} : await parseObject(text, name, code);
  if (value === undefined) throw wrong([`${name} must hold an object with fields such as "contents" or "environment"`]);
  const [{ createWire, WireError }, { registrySchema }] = await Promise.all([
    import('../../../../api/wire.ts'),
    import('../../../../api/schema/messages/registry.gen.ts'),
  ]);
  const renamed = renameFields(value, message, registrySchema.messages);
  if (renamed.unknown.length > 0) {
    throw wrong(
      renamed.unknown.map(({ path, known }) => {
        const meant = nearest(path.split('.').at(-1) ?? '', known);
        return `${name}: "${path}" is not a field; ${meant === undefined ? `there is ${known.join(', ')}` : `did you mean "${meant}"?`}`;
      }),
    );
  }
  try {
    // The codec checks the shape, so what it returns is an overlay.
    return createWire(registrySchema).decodeMessage(message, renamed.value) as RegistryCustomOverlay;
  } catch (error) {
    if (error instanceof WireError) throw wrong([`${name}: ${error.message}`]);
    throw error;
  }
}

/** The overlay with what the flags add; an entry of the same name is replaced. */
export async function withFlags(
  overlay: RegistryCustomOverlay,
  flags: OverlayFlags,
  context: Context,
): Promise<RegistryCustomOverlay> {
  const certificates = readPems(flags.withCertificates, 'with-certificates', 'CERTIFICATE', context);
  const keys = readPems(flags.withRuntimeKeys, 'with-runtime-keys', 'PUBLIC KEY', context);
  const repositories = flags.withRuntimeRepositories;
  return {
    ...overlay,
    ...(keys.length + repositories.length === 0
      ? {}
      : {
          contents: {
            ...overlay.contents,
            ...(keys.length === 0 ? {} : { runtimeKeyring: merged(overlay.contents?.runtimeKeyring, keys) }),
            ...(repositories.length === 0
              ? {}
              : {
                  runtimeRepositories: [
                    ...new Set([...(overlay.contents?.runtimeRepositories ?? []), ...repositories]),
                  ],
                }),
          },
        }),
    ...(certificates.length === 0
      ? {}
      : {
          certificates: {
            ...overlay.certificates,
            additional: merged(overlay.certificates?.additional, certificates),
          },
        }),
  };
}

interface NamedText {
  name?: string;
  content?: string;
}

function merged(before: readonly NamedText[] = [], added: readonly NamedText[]): NamedText[] {
  const names = new Set(added.map(({ name }) => name));
  return [...before.filter(({ name }) => !names.has(name)), ...added];
}

/**
 * Files named by a flag, each under its own name. Private keys are refused here, so that they never leave the machine.
 */
function readPems(paths: readonly string[], flag: string, label: string, context: Context): NamedText[] {
  return paths.map((path) => {
    const content = readTextIfExists(resolve(context.host.cwd, path));
    if (content === undefined) throw wrong([`\`--${flag}\` "${path}" does not exist`]);
    if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(content)) {
      throw wrong([`\`--${flag}\` "${path}" holds a private key, which must not go into an image`]);
    }
    if (!new RegExp(`-----BEGIN (?:RSA )?${label}-----`).test(content)) {
      throw wrong([`\`--${flag}\` "${path}" is not a PEM ${label.toLowerCase()}`]);
    }
    return { name: basename(path), content };
  });
}

/** Returns what an editor starts with: the configuration as YAML, and what may stand in it. */
export async function overlayText(overlay: RegistryCustomOverlay, repo: string): Promise<string> {
  const { stringify } = await import('yaml');
  const shown = withoutBlanks(overlay);
  const isEmpty = shown === undefined;
  return [
    `# What is added to the images of "${repo}". Fields: contents (packages, runtimeRepositories, runtimeKeyring),`,
    '# environment, annotations, accounts (users, groups, runAs), certificates (additional).',
    ...(isEmpty
      ? [
          '# For example:',
          '#',
          '# contents:',
          '#   packages:',
          '#     - curl',
          '# environment:',
          '#   LANG: C.UTF-8',
          '',
        ]
      : [stringify(shown, { lineWidth: 0 })]),
  ].join('\n');
}

/** Without what was never set: the API writes empty texts, lists and maps for it. */
function withoutBlanks(value: unknown): unknown {
  if (value === '' || value === null || value === undefined) return undefined;
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(withoutBlanks);
  const kept = Object.entries(value).flatMap(([key, member]) => {
    const inner = withoutBlanks(member);
    return inner === undefined ? [] : [[key, inner] as const];
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function wrong([first = '', ...details]: readonly string[]): CliError {
  return new CliError('usage', first, { code, details });
}
