// Writes entries as the YAML that `iam plan` and `iam apply` read. Guarantees: what it writes reads back as the same entries.

import { stringify } from 'yaml';
import { formatVersion } from './document.ts';
import { type Entries, filledSections } from './entries.ts';
import type { Section } from './shapes.ts';

export interface WrittenFile {
  /** Name within a folder. */
  readonly name: string;
  readonly text: string;
}

const head = (organization: string) => ({ version: Number(formatVersion), organization });

// Texts that look like numbers or truth values are quoted by the library; long ones stay on their line.
const toText = (value: object) => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });

export function toYaml(organization: string, entries: Entries): string {
  const sections = filledSections(entries).map((name) => [name, entries[name]] as const);
  return toText({ ...head(organization), ...Object.fromEntries(sections) });
}

/** A file for each section, `roles.yaml` and so on. */
export function toYamlFiles(organization: string, entries: Entries): WrittenFile[] {
  return filledSections(entries).map((name: Section) => ({
    name: `${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.yaml`,
    text: toText({ ...head(organization), [name]: entries[name] }),
  }));
}
