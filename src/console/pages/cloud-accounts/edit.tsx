// The panes that associate an account by what is typed: AWS, Azure, and GCP where nobody can sign in to Google.

import type { IamAccountAssociations } from '../../../api/schema/types/iam.gen.ts';
import { type Form, refuse } from '../../form.ts';
import type { Action, Place, Sent, Visit } from '../../page.ts';
import { Copied } from '../../parts/copied.tsx';
import { TextField } from '../../parts/fields.tsx';
import { formFrame, type Pane } from '../../parts/form-frame.tsx';
import { rowsShown } from '../../parts/list-frame.tsx';
import { setupOf } from './google/client.ts';
import { list } from './list.tsx';
import { associate, type Chosen, type Cloud, chosen, clouds, path, rowId } from './records.ts';
import { awsTemplate, awsTerraform, gcpTerraform } from './templates.ts';

type Body = Pick<Pane, 'above' | 'fields' | 'below' | 'same'>;

const createStack = 'https://console.aws.amazon.com/cloudformation/home#/stacks/create/template';

/** CloudFormation with a template that the operator has put somewhere, and the group filled in. */
function quickCreate(template: string, group: string): string {
  const query = new URLSearchParams({
    templateURL: template,
    stackName: 'chainguard-account-association',
    param_GroupId: group,
  });
  return `https://console.aws.amazon.com/cloudformation/home#/stacks/quickcreate?${query}`;
}

function amazon(visit: Visit, form: Form, place: Place): Body {
  const { awsTemplate: template } = visit.clouds;
  const download = (
    <a class="button" href={visit.href(path, 'template', { group: place.id, cloud: 'aws' })}>
      Download the template
    </a>
  );
  const launch = (address: string) => (
    <a class="button" href={address} target="_blank" rel="noopener noreferrer">
      Launch Stack
    </a>
  );
  return {
    above: (
      <>
        <p>
          {template === undefined
            ? 'First create the roles in your account: download the template, launch a stack with it in CloudFormation, and come back here.'
            : 'First create the roles in your account: launch the stack in CloudFormation, and come back here.'}{' '}
          It makes an identity provider and six roles; none of them has a stored key.
        </p>
        <p class="buttons">
          {template === undefined ? (
            <>
              {download} {launch(createStack)}
            </>
          ) : (
            launch(quickCreate(template, place.id))
          )}
        </p>
      </>
    ),
    fields: (
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
    ),
    below: (
      <details>
        <summary>With Terraform instead</summary>
        <Copied id="terraform" label="main.tf" text={awsTerraform(place.id)} />
      </details>
    ),
    same: ['iam', 'account-associations', 'set', 'aws', place.id, `--account=${form.value('account') || 'ACCOUNT'}`],
  };
}

function google(_visit: Visit, form: Form, place: Place): Body {
  const project = form.value('project');
  return {
    above: (
      <>
        <p>
          First let the platform in: apply this to your project. It makes a workload identity pool with a provider, and
          six service accounts; none of them has a key.
        </p>
        <Copied id="terraform" label="main.tf" text={gcpTerraform(place.id, project || 'PROJECT_ID')} />
        <Copied id="apply" label="Then" text={'terraform init -upgrade\nterraform plan\nterraform apply\n'} />
      </>
    ),
    fields: (
      <>
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
      </>
    ),
    same: [
      ...['iam', 'account-associations', 'set', 'gcp', place.id],
      `--project-id=${project || 'PROJECT_ID'}`,
      `--project-number=${form.value('number') || 'PROJECT_NUMBER'}`,
    ],
  };
}

function azure(_visit: Visit, form: Form, place: Place): Body {
  return {
    fields: (
      <>
        <TextField form={form} name="tenant" label="Tenant ID" required maxLength={36} note="A GUID." />
        <TextField
          form={form}
          name="client"
          label="Application (client) ID"
          required
          maxLength={36}
          note="The application that the canary of the platform acts as, by which the association is checked."
        />
      </>
    ),
    same: [
      ...['iam', 'account-associations', 'set', 'azure', place.id],
      `--tenant-id=${form.value('tenant') || 'TENANT_ID'}`,
      `--client-id=canary=${form.value('client') || 'CLIENT_ID'}`,
    ],
  };
}

const bodies = { amazon, google, azure };
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

const typed = formFrame<Chosen>({
  path,
  behind: list,
  load: async (visit) => chosen(visit),
  pane: (visit, form, { cloud, place }) => ({
    title: `Associate ${clouds[cloud].name} with ${place.name}`,
    submit: 'Configure',
    backLabel: 'Back',
    anchor: rowId(cloud, place.id),
    ...bodies[cloud](visit, form, place),
  }),
  submit: async (visit, form, what) => associate(visit, what, changeOf(what.cloud, form)),
});

/** The four steps of Google, where somebody can sign in; else the form that is typed. */
export const edit: Action = {
  ...typed,
  show(visit, form) {
    const { cloud, place } = chosen(visit);
    const isTyped = cloud !== 'google' || visit.query.has('typed') || setupOf(visit) === undefined || form.wasSent;
    if (!isTyped) return { to: visit.href(path, 'gcp', { ...rowsShown(visit), group: place.id, cloud: 'gcp' }) };
    return typed.show?.(visit, form) ?? { to: visit.href(path) };
  },
};

export const template: Action = {
  show(visit): Sent {
    const { place } = chosen(visit);
    return {
      type: 'application/yaml; charset=utf-8',
      text: awsTemplate(visit.platform.issuer, place.id),
      fileName: 'chainguard-account-association.yaml',
    };
  },
};
