// Settings › Cloud accounts, as the founding document walks through it: a table of all groups with a column for each cloud, and a
// pane for each. Guarantees: changing one account leaves the others and the texts of the record alone.

import type { IamAccountAssociations } from '../../../api/schema/types/iam.gen.ts';
import { type Caller, CallFailure } from '../../caller.ts';
import { type Form, refuse } from '../../form.ts';
import { definePage, type Place, type Sent, type Shown, type Visit, type Went } from '../../page.ts';
import { Copied, SameCommand } from '../../parts/copied.tsx';
import { FormBox, TextField } from '../../parts/fields.tsx';
import { Listing } from '../../parts/listing.tsx';
import { Sheet } from '../../parts/sheet.tsx';
import { awsTemplate, awsTerraform, gcpTerraform } from './templates.ts';

const path = 'settings/cloud-accounts';

type Cloud = 'google' | 'amazon' | 'azure';

const clouds = {
  google: { name: 'GCP', word: 'gcp', check: 'GOOGLE' },
  amazon: { name: 'AWS', word: 'aws', check: 'AMAZON' },
  azure: { name: 'Azure', word: 'azure', check: 'AZURE' },
} as const;

const cloudNames = Object.keys(clouds) as Cloud[];

const cloudOf = (word: string | null): Cloud => {
  const found = cloudNames.find((cloud) => clouds[cloud].word === word);
  if (found === undefined) throw new CallFailure('missing', 'There is no such cloud: GCP, AWS and Azure are known.');
  return found;
};

const accountOf = ({ google, amazon, azure }: IamAccountAssociations, cloud: Cloud): string | undefined =>
  ({ google: google?.projectId, amazon: amazon?.account, azure: azure?.tenantId })[cloud];

async function recordOf(caller: Caller, group: string): Promise<IamAccountAssociations | undefined> {
  const { items = [] } = await caller.call('iam.v1.GroupAccountAssociations.List', { group });
  return items.find((each) => each.group === group);
}

async function recordsOf({ caller, organization }: Visit): Promise<ReadonlyMap<string, IamAccountAssociations>> {
  const { items = [] } = await caller.call('iam.v1.GroupAccountAssociations.List', { group: organization.id });
  return new Map(items.map((each) => [each.group ?? '', each]));
}

const rowId = (cloud: Cloud, place: string): string =>
  `${clouds[cloud].word}-${place.slice(place.lastIndexOf('/') + 1)}`;

async function list(visit: Visit): Promise<Shown> {
  const records = await recordsOf(visit);
  const column = (cloud: Cloud) => ({
    head: clouds[cloud].name,
    cell: (place: Place) => <Account visit={visit} place={place} cloud={cloud} record={records.get(place.id)} />,
    order: ({ id }: Place) => accountOf(records.get(id) ?? {}, cloud),
  });
  return {
    body: (
      <>
        <p>
          A cloud account that is associated with a group lets the platform act there without a stored key: its identity
          provider vouches for it, and roles in your account say what it may do.
        </p>
        <Listing
          rows={visit.places}
          label="groups"
          query={visit.query}
          initialSort="group"
          text={({ id, name }) => `${id} ${name} ${JSON.stringify(records.get(id) ?? '')}`}
          empty={<p>There are no groups that you may see.</p>}
          columns={[
            { head: 'Group', isName: true, cell: ({ name }) => name, order: ({ name }) => name },
            ...cloudNames.map(column),
          ]}
        />
      </>
    ),
  };
}

function Account({
  visit,
  place,
  cloud,
  record,
}: {
  readonly visit: Visit;
  readonly place: Place;
  readonly cloud: Cloud;
  readonly record: IamAccountAssociations | undefined;
}) {
  const { name, word } = clouds[cloud];
  const account = record === undefined ? undefined : accountOf(record, cloud);
  const query = { group: place.id, cloud: word };
  const capability = record === undefined ? 'account_associations.create' : 'account_associations.update';
  if (account === undefined) {
    if (!visit.may(capability, place.id)) return <span class="quiet">–</span>;
    return (
      <a class="button small" id={rowId(cloud, place.id)} href={visit.href(path, 'edit', query)}>
        <span aria-hidden="true">✎</span>
        <span class="unseen">{`Associate ${name} with ${place.name}`}</span>
      </a>
    );
  }
  return (
    <>
      <code>{account}</code>{' '}
      <span class="actions">
        <a class="button small" id={rowId(cloud, place.id)} href={visit.href(path, 'check', query)}>
          Check<span class="unseen"> {`${name} of ${place.name}`}</span>
        </a>
        {visit.may('account_associations.delete', place.id) && (
          <a class="button small" href={visit.href(path, 'remove', query)}>
            Remove<span class="unseen"> {`${name} of ${place.name}`}</span>
          </a>
        )}
      </span>
    </>
  );
}

function chosen(visit: Visit): { readonly cloud: Cloud; readonly place: Place; readonly back: string } {
  const cloud = cloudOf(visit.query.get('cloud'));
  const place = visit.places.find(({ id }) => id === visit.query.get('group'));
  if (place === undefined) throw new CallFailure('missing', 'The group was deleted, or you may not see it any more.');
  return { cloud, place, back: `${visit.href(path)}#${rowId(cloud, place.id)}` };
}

async function showEdit(visit: Visit, form: Form): Promise<Shown> {
  const { cloud, place, back } = chosen(visit);
  const panes = { amazon: AmazonPane, google: GooglePane, azure: AzurePane };
  const Pane = panes[cloud];
  return {
    ...(await list(visit)),
    title: `${clouds[cloud].name} of ${place.name}`,
    dialog: (
      <Sheet title={`Associate ${clouds[cloud].name} with ${place.name}`} back={back}>
        <Pane visit={visit} form={form} place={place} back={back} />
      </Sheet>
    ),
  };
}

interface PaneProps {
  readonly visit: Visit;
  readonly form: Form;
  readonly place: Place;
  readonly back: string;
}

const createStack = 'https://console.aws.amazon.com/cloudformation/home#/stacks/create/template';

function AmazonPane({ visit, form, place, back }: PaneProps) {
  const query = { group: place.id, cloud: 'aws' };
  return (
    <>
      <p>
        First create the roles in your account: download the template, launch a stack with it in CloudFormation, and
        come back here. It makes an identity provider and six roles; none of them has a stored key.
      </p>
      <p class="buttons">
        <a class="button" href={visit.href(path, 'template', query)}>
          Download the template
        </a>
        <a class="button" href={createStack} target="_blank" rel="noopener noreferrer">
          Launch Stack
        </a>
      </p>
      <FormBox form={form} submit="Configure" back={back} backLabel="Back">
        <TextField
          form={form}
          name="account"
          label="Account ID"
          required
          maxLength={20}
          inputMode="numeric"
          placeholder="123456789012"
          note="The twelve digits of your AWS account."
        />
      </FormBox>
      <details>
        <summary>With Terraform instead</summary>
        <Copied id="terraform" label="main.tf" text={awsTerraform(place.id)} />
      </details>
      <SameCommand
        words={[
          'iam',
          'account-associations',
          'set',
          'aws',
          place.id,
          `--account=${form.value('account') || 'ACCOUNT'}`,
        ]}
      />
    </>
  );
}

function GooglePane({ form, place, back }: PaneProps) {
  const project = form.value('project');
  return (
    <>
      <p>
        First let the platform in: apply this to your project. It makes a workload identity pool with a provider, and
        six service accounts; none of them has a key.
      </p>
      <Copied id="terraform" label="main.tf" text={gcpTerraform(place.id, project || 'PROJECT_ID')} />
      <Copied id="apply" label="Then" text={'terraform init -upgrade\nterraform plan\nterraform apply\n'} />
      <FormBox form={form} submit="Configure" back={back} backLabel="Back">
        <TextField form={form} name="project" label="Project ID" required maxLength={100} placeholder="my-project" />
        <TextField
          form={form}
          name="number"
          label="Project number"
          required
          maxLength={20}
          inputMode="numeric"
          note="Both are on the welcome page of the Google Cloud console."
        />
      </FormBox>
      <SameCommand
        words={[
          ...['iam', 'account-associations', 'set', 'gcp', place.id],
          `--project-id=${project || 'PROJECT_ID'}`,
          `--project-number=${form.value('number') || 'PROJECT_NUMBER'}`,
        ]}
      />
    </>
  );
}

function AzurePane({ form, place, back }: PaneProps) {
  return (
    <>
      <FormBox form={form} submit="Configure" back={back} backLabel="Back">
        <TextField form={form} name="tenant" label="Tenant ID" required maxLength={36} note="A GUID." />
        <TextField
          form={form}
          name="client"
          label="Application (client) ID"
          required
          maxLength={36}
          note="The application that the canary of the platform acts as, by which the association is checked."
        />
      </FormBox>
      <SameCommand
        words={[
          ...['iam', 'account-associations', 'set', 'azure', place.id],
          `--tenant-id=${form.value('tenant') || 'TENANT_ID'}`,
          `--client-id=canary=${form.value('client') || 'CLIENT_ID'}`,
        ]}
      />
    </>
  );
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function changeOf(cloud: Cloud, form: Form): IamAccountAssociations {
  if (cloud === 'amazon') {
    const account = form.value('account').replaceAll('-', '');
    refuse({ account: /^\d{12}$/.test(account) ? undefined : 'An AWS account ID has twelve digits.' });
    return { amazon: { account } };
  }
  if (cloud === 'google') {
    const [projectId, projectNumber] = [form.value('project'), form.value('number')];
    refuse({
      project: /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/.test(projectId)
        ? undefined
        : 'A project ID has 6 to 30 lower-case letters, digits and hyphens, and begins with a letter.',
      number: /^\d{6,20}$/.test(projectNumber) ? undefined : 'A project number has digits only.',
    });
    return { google: { projectId, projectNumber } };
  }
  const [tenantId, client] = [form.value('tenant'), form.value('client')];
  refuse({
    tenant: guid.test(tenantId) ? undefined : 'A tenant ID is a GUID, such as 72f988bf-86f1-41af-91ab-2d7cd011db47.',
    client: guid.test(client) ? undefined : 'An application ID is a GUID.',
  });
  return { azure: { tenantId, clientIds: { canary: client } } };
}

async function edit(visit: Visit, form: Form): Promise<Went> {
  const { cloud, place, back } = chosen(visit);
  const { caller } = visit;
  const change = changeOf(cloud, form);
  const before = await recordOf(caller, place.id);
  const name =
    visit.places
      .find(({ id }) => id === place.id)
      ?.name.split(' / ')
      .at(-1) ?? '';
  if (before === undefined)
    await caller.call('iam.v1.GroupAccountAssociations.Create', { name, ...change, group: place.id });
  else await caller.call('iam.v1.GroupAccountAssociations.Update', { ...before, ...change, group: place.id });
  return {
    to: back,
    notice: `Associated ${clouds[cloud].name} with ${place.name}. Check says whether the cloud lets the platform in.`,
  };
}

async function showRemove(visit: Visit, form: Form): Promise<Shown> {
  const { cloud, place, back } = chosen(visit);
  const { name, word } = clouds[cloud];
  return {
    ...(await list(visit)),
    title: 'Remove',
    dialog: (
      <Sheet title={`Remove ${name} from ${place.name}`} back={back}>
        <p>The platform forgets the account. What was created for it in {name} stays there until you remove it.</p>
        <FormBox form={form} submit="Remove association" dangerous back={back} />
        <SameCommand words={['iam', 'account-associations', 'unset', word, place.id]} />
      </Sheet>
    ),
  };
}

async function remove(visit: Visit): Promise<Went> {
  const { cloud, place, back } = chosen(visit);
  const { caller } = visit;
  const before = await recordOf(caller, place.id);
  if (before?.[cloud] === undefined)
    throw new CallFailure('missing', `${place.name} has no ${clouds[cloud].name} account any more.`);
  const { [cloud]: _gone, ...kept } = before;
  const rest: IamAccountAssociations = kept;
  const isLast = cloudNames.every((each) => rest[each] === undefined) && !rest.chainguard && !rest.github;
  if (isLast) await caller.call('iam.v1.GroupAccountAssociations.Delete', { group: place.id });
  else await caller.call('iam.v1.GroupAccountAssociations.Update', rest);
  return { to: back, notice: `Removed ${clouds[cloud].name} from ${place.name}.` };
}

async function showCheck(visit: Visit): Promise<Shown> {
  const { cloud, place, back } = chosen(visit);
  const { name, word, check } = clouds[cloud];
  const [behind, status] = await Promise.all([
    list(visit),
    visit.caller.call('iam.v1.GroupAccountAssociations.Check', { group: place.id, accountType: check }),
  ]);
  const isReady = status.ready === 'Ready';
  return {
    ...behind,
    title: 'Check',
    dialog: (
      <Sheet title={`Check of ${name} for ${place.name}`} back={back}>
        <p role="status">
          <span class={`badge ${isReady ? 'good' : 'bad'}`}>{isReady ? 'Ready' : 'Not ready'}</span>{' '}
          {isReady ? `${name} role impersonation was successful!` : `${name} role impersonation was not successful.`}
        </p>
        {!isReady && (
          <dl class="facts">
            <dt>Reason</dt>
            <dd>{status.reason || 'none was given'}</dd>
            <dt>Message</dt>
            <dd>{status.message || 'none was given'}</dd>
          </dl>
        )}
        <a class="button main" href={back}>
          Done
        </a>
        <SameCommand words={['iam', 'account-associations', 'check', word, place.id]} />
      </Sheet>
    ),
  };
}

function template(visit: Visit): Sent {
  const { place } = chosen(visit);
  return {
    type: 'application/yaml; charset=utf-8',
    text: awsTemplate(visit.platform.issuer, place.id),
    fileName: 'chainguard-account-association.yaml',
  };
}

export default definePage({
  path,
  title: 'Cloud accounts',
  about: 'AWS, GCP and Azure accounts that the platform may act in.',
  menu: 32,
  needs: ['account_associations.list'],
  actions: {
    '': { show: list },
    edit: { show: showEdit, submit: edit },
    remove: { show: showRemove, submit: remove },
    check: { show: showCheck },
    template: { show: template },
  },
});
