import { defineCommand } from '../../../../cli/define.ts';
import type { Kind } from '../../../../cli/inputs/kind.ts';
import { keyValue } from '../../../../cli/inputs/values.ts';
import { setAssociation } from '../associations.ts';
import { confirmSet, locationInput, matching, setQuestion, setTexts } from '../definitions.ts';
import { associationsView } from '../view.ts';

const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Comma list or repeated (cli.json, stringToString). */
const clientId: Kind<readonly [string, string]> = {
  metavar: 'COMPONENT_NAME=CLIENT_ID',
  splitsCommas: true,
  parse: (text) => {
    // That is what its kind holds.
    const pair = keyValue.parse(text) as readonly [string, string];
    if (!guid.test(pair[1])) throw new Error('must give the client id of the component as a GUID');
    return pair;
  },
};

export default defineCommand({
  path: ['iam', 'account-associations', 'set', 'azure'],
  summary: 'Associate an Azure tenant with a location.',
  description:
    'Takes the place of the tenant and the client ids that are associated now. Accounts of other clouds stay.',
  inputs: {
    location: locationInput(setQuestion),
    tenantId: {
      kind: matching('TENANT_ID', guid, 'must be the GUID of a tenant'),
      required: true,
      help: 'Id of the tenant, a GUID.',
      question: 'What is the id of the tenant?',
    },
    clientIds: {
      kind: clientId,
      many: true,
      required: true,
      help: 'Component of the platform and the id of the application it acts as; may be repeated.',
      question: 'Which application does a component act as (component=client id)?',
    },
    ...setTexts,
  },
  examples: [
    {
      text: 'Without a question',
      args: 'example.com --tenant-id=6a7d2f80-4c4b-4a0f-9a51-0d9b3f6a1c22 --client-ids=canary=0f8fad5b-d9cb-469f-a165-70867728950e --yes',
    },
    { text: 'Pick the location and type the rest', args: '' },
  ],
  view: associationsView,
  formats: ['table', 'json', 'id'],
  confirm: ({ location, tenantId }, context) => confirmSet(context, location, 'azure', `tenant "${tenantId}"`),
  run: (context, { location, tenantId, clientIds, name, description }) =>
    setAssociation(context, location, {
      azure: { tenantId, clientIds: Object.fromEntries(clientIds) },
      name,
      description,
    }),
});
