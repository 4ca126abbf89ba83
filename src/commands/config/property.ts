// The properties of the configuration as something to pick from.

import type { Chosen, Kind } from '../../cli/inputs/kind.ts';
import { named } from '../../cli/inputs/values.ts';
import type { Candidate } from '../../cli/prompts/question.ts';
import { type ConfigEntry, configSchema, isConfigKey } from '../../config/schema.ts';

const toCandidate = ({ key, help }: ConfigEntry): Candidate<string> => ({
  value: key,
  label: key,
  description: help,
  text: key,
});

/** Any name is taken: a file may hold properties that only other versions know. */
export const property: Kind<string> = {
  metavar: 'PROPERTY_NAME',
  noun: 'property',
  parse: (text) => {
    // As git and npm take it; no property has such a name.
    if (text.includes('=')) throw new Error('must be the name alone, with the value as the next word');
    return text;
  },
  candidates: async () => configSchema.map(toCandidate),
};

/** One that the file has. */
export const setProperty: Kind<string> = {
  ...property,
  candidates: async ({ config }) => configSchema.filter(({ key }) => config.source(key) === 'file').map(toCandidate),
};

/** The value of the property that was chosen before: picked where only a few words are possible. */
export const propertyValue: Kind<string> = {
  ...named('PROPERTY_VALUE'),
  noun: 'value',
  candidates: async (_context, chosen: Chosen) =>
    wordsOf(String(chosen['name']))?.map((text) => ({ value: text, label: text, text })),
};

function wordsOf(key: string): readonly string[] | undefined {
  if (!isConfigKey(key)) return undefined;
  const entry: ConfigEntry | undefined = configSchema.find((each) => each.key === key);
  return entry?.kind === 'flag' ? ['true', 'false'] : entry?.choices?.filter((text) => text !== '');
}
