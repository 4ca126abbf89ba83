import type { IamAccountAssociations } from '../../../api/schema/types/iam.gen.ts';
import { defineCommand } from '../../../cli/define.ts';
import { boolean } from '../../../cli/inputs/values.ts';
import { associationsOf } from './associations.ts';
import { locationInput } from './definitions.ts';
import { associationsView } from './view.ts';

export default defineCommand({
  path: ['iam', 'account-associations', 'describe'],
  summary: 'Show the accounts associated with a location.',
  description:
    'Cloud accounts that the platform may use, and the identities that its own services have in the location. ' +
    'The flags leave only the accounts they name.',
  aliases: ['desc', 'get'],
  inputs: {
    location: locationInput('Which location would you like to see?'),
    aws: { kind: boolean, help: 'The AWS account.' },
    gcp: { kind: boolean, help: 'The GCP project.' },
    chainguard: { kind: boolean, help: 'The identities of the services of the platform.' },
  },
  examples: [
    { text: 'Everything', args: 'example.com' },
    { text: 'The AWS account alone', args: 'example.com --aws' },
    { text: 'Identities of services, for a script', args: 'example.com --chainguard --output=json' },
  ],
  view: associationsView,
  lists: true,
  formats: ['table', 'json', 'id', 'csv', 'wide', 'markdown'],
  run: async (context, { location, aws, gcp, chainguard }): Promise<readonly IamAccountAssociations[]> => {
    const found = await associationsOf(context, location);
    if (found === undefined) return [];
    if (!aws && !gcp && !chainguard) return [found];
    const { amazon, google, azure: _azure, github: _github, chainguard: services, ...texts } = found;
    const wanted = {
      ...(aws && amazon !== undefined ? { amazon } : {}),
      ...(gcp && google !== undefined ? { google } : {}),
      ...(chainguard && services !== undefined ? { chainguard: services } : {}),
    };
    return Object.keys(wanted).length === 0 ? [] : [{ ...texts, ...wanted }];
  },
});
