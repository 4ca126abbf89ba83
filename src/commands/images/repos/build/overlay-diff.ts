// Compares two configurations by section (outputs.md, "images repos build edit / apply"). Guarantees: two
// configurations that build the same image have no difference.

import { createHash, X509Certificate } from 'node:crypto';
import type { RegistryCustomOverlay } from '../../../../api/schema/types/registry.gen.ts';

export interface SectionDiff {
  /** `Packages`, `Environment` … */
  readonly section: string;
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Entries afterwards. */
  readonly final: number;
}

/** Sections with a difference, in a fixed order. */
export function diffOverlays(before: RegistryCustomOverlay, after: RegistryCustomOverlay): SectionDiff[] {
  const old = sectionsOf(before);
  return Object.entries(sectionsOf(after)).flatMap(([section, entries]) => {
    const was = old[section] ?? new Map<string, string>();
    const added = [...entries].filter(([key]) => !was.has(key)).map(([key, text]) => shown(key, text));
    const removed = [...was].filter(([key]) => !entries.has(key)).map(([key, text]) => shown(key, text));
    const changed = [...entries].flatMap(([key, text]) => {
      const earlier = was.get(key);
      return earlier === undefined || earlier === text ? [] : [`${shown(key, earlier)} -> ${text}`];
    });
    return added.length + removed.length + changed.length === 0
      ? []
      : [{ section, added, changed, removed, final: entries.size }];
  });
}

/** For a person; ends with a newline. */
export function diffText(sections: readonly SectionDiff[]): string {
  const total = (pick: (one: SectionDiff) => readonly string[]) =>
    sections.reduce((sum, one) => sum + pick(one).length, 0);
  return [
    'Image configuration changes:',
    '',
    '  + add  ~ change  - remove',
    '',
    ...sections.flatMap(({ section, added, changed, removed, final }) => [
      `${section} (+${added.length}, ~${changed.length}, -${removed.length}, final: ${final}):`,
      ...added.map((text) => `  + ${text}`),
      ...changed.map((text) => `  ~ ${text}`),
      ...removed.map((text) => `  - ${text}`),
      '',
    ]),
    `Plan: ${total((one) => one.added)} to add, ${total((one) => one.changed)} to change, ${total((one) => one.removed)} to remove`,
    '',
  ].join('\n');
}

type Entries = ReadonlyMap<string, string>;

const shown = (key: string, text: string) => (text === '' ? key : `${key}: ${text}`);

function sectionsOf({
  contents,
  environment,
  annotations,
  accounts,
  certificates,
}: RegistryCustomOverlay): Record<string, Entries> {
  const names = (list: readonly string[] = []) => new Map(list.map((name) => [name, '']));
  return {
    Packages: names(contents?.packages),
    Environment: new Map(Object.entries(environment ?? {})),
    Annotations: new Map(Object.entries(annotations ?? {})),
    Users: new Map(
      (accounts?.users ?? []).map(({ userName = '', uid = 0, gid, groupName, shell, homeDir }) => [
        userName,
        words({ uid, gid, group: groupName, shell, home: homeDir }),
      ]),
    ),
    Groups: new Map(
      (accounts?.groups ?? []).map(({ groupName = '', gid = 0, members = [] }) => [
        groupName,
        words({ gid, members: members.join(',') }),
      ]),
    ),
    'Run as': accounts?.runAs ? new Map([['user', accounts.runAs]]) : new Map(),
    Certificates: new Map(
      (certificates?.additional ?? []).map(({ name = '', content = '' }) => [name, certificateText(content)]),
    ),
    'Certificate providers': names(certificates?.providers),
    'Runtime repositories': names(contents?.runtimeRepositories),
    'Runtime keys': new Map(
      (contents?.runtimeKeyring ?? []).map(({ name = '', content = '' }) => [
        name,
        `sha256:${createHash('sha256').update(content).digest('hex')}`,
      ]),
    ),
  };
}

const words = (members: Readonly<Record<string, string | number | undefined>>) =>
  Object.entries(members)
    .flatMap(([name, value]) => (value === undefined || value === '' ? [] : [`${name} ${value}`]))
    .join(', ');

/** Returns who a certificate is of and how to recognize it; several in one file one after the other. */
function certificateText(content: string): string {
  const blocks = content.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks
    .map((pem) => {
      try {
        const { subject, issuer, validTo, fingerprint256, serialNumber } = new X509Certificate(pem);
        const line = (text: string) => text.replaceAll('\n', ', ');
        return `${line(subject)}; issuer ${line(issuer)}; expires ${validTo}; serial ${serialNumber}; SHA-256 ${fingerprint256}`;
      } catch {
        return `unreadable certificate, sha256:${createHash('sha256').update(pem).digest('hex')}`;
      }
    })
    .join(' | ');
}
