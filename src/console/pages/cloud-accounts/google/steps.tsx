// The four steps that connect a project of Google Cloud (document 003): authenticate, project, workload identity
// federation, service accounts. Guarantees: each step shows what is there, whoever made it, and makes only what is not.

import type { ComponentChildren } from 'preact';
import { CallFailure } from '../../../caller.ts';
import { type Form, refuse } from '../../../form.ts';
import type { Action, Shown, Visit, Went } from '../../../page.ts';
import { SameCommand } from '../../../parts/copied.tsx';
import { FormBox, SelectField } from '../../../parts/fields.tsx';
import { rowsShown } from '../../../parts/list-frame.tsx';
import { Table } from '../../../parts/listing.tsx';
import { sheetOver } from '../../../parts/sheet.tsx';
import { list } from '../list.tsx';
import { associate, backToRow, type Chosen, chosen, path } from '../records.ts';
import { authorizeUrl, isSignedIn, keepAccess, setupOf } from './client.ts';
import {
  accountsOf,
  configureAccounts,
  configureFederation,
  federationOf,
  type Project,
  projectOf,
  projectsOf,
  type Resource,
} from './resources.ts';

const steps = {
  authenticate: 'Authentication',
  project: 'Select a project',
  federation: 'Configure workload identity federation',
  accounts: 'Configure service accounts',
} as const;

type Step = keyof typeof steps;

const stepNames = Object.keys(steps) as Step[];

/** Whoever has not signed in, or has not for a while, begins with that. */
function stepOf(visit: Visit): Step {
  const wanted = stepNames.find((step) => step === visit.query.get('step')) ?? 'authenticate';
  return isSignedIn(visit) ? wanted : 'authenticate';
}

function stepHref(visit: Visit, step: Step, project?: string): string {
  const { place } = chosen(visit);
  return visit.href(path, 'gcp', { ...rowsShown(visit), group: place.id, cloud: 'gcp', step, project });
}

const bodies = { authenticate, project: selectProject, federation, accounts };

async function show(visit: Visit, form: Form): Promise<Shown> {
  const what = chosen(visit);
  const step = stepOf(visit);
  let body: ComponentChildren;
  try {
    body = await bodies[step](visit, form, what);
  } catch (error) {
    if (!(error instanceof CallFailure) || error.kind === 'signed-out') throw error;
    // A refusal by Google belongs into the pane, and so does the way on.
    body = <Refused visit={visit} message={error.message} />;
  }
  return sheetOver(visit, {
    ...{ path, behind: list, back: backToRow(visit, what) },
    title: `GCP of ${what.place.name}`,
    heading: `Associate GCP with ${what.place.name}`,
    children: (
      <>
        <ol class="steps" aria-label="Steps">
          {stepNames.map((each) => (
            <li key={each} aria-current={each === step ? 'step' : undefined}>
              {steps[each]}
            </li>
          ))}
        </ol>
        <h3 class="step-title">{steps[step]}</h3>
        {body}
        <SameCommand
          words={[
            ...['iam', 'account-associations', 'set', 'gcp', what.place.id],
            ...[`--project-id=${visit.query.get('project') ?? 'PROJECT_ID'}`, '--project-number=PROJECT_NUMBER'],
          ]}
        />
      </>
    ),
  });
}

function Refused({ visit, message }: { readonly visit: Visit; readonly message: string }) {
  return (
    <>
      <p class="problem" role="alert">
        {message}
      </p>
      <p class="buttons">
        <a class="button main" href={stepHref(visit, 'authenticate')}>
          Begin with authentication
        </a>
        <a class="button" href={backToRow(visit, chosen(visit))}>
          Back
        </a>
      </p>
    </>
  );
}

function authenticate(visit: Visit, form: Form, what: Chosen) {
  const setup = setupOf(visit);
  const back = backToRow(visit, what);
  const { place } = what;
  return (
    <>
      <p>
        Sign in to the Google account that may change the project. The sign-in is kept in memory until this login ends,
        and nowhere else.
      </p>
      {setup?.client === undefined ? (
        <>
          {setup?.gcloud !== undefined && <p>It takes who is logged in to gcloud on this machine.</p>}
          <FormBox form={form} submit="Authenticate" back={back} backLabel="Back" />
        </>
      ) : (
        <p class="buttons">
          <a
            class="button main"
            href={visit.href(path, 'authenticate', { ...rowsShown(visit), group: place.id, cloud: 'gcp' })}
          >
            Authenticate
          </a>
          <a class="button" href={back}>
            Back
          </a>
        </p>
      )}
      <p class="note">
        Or <a href={visit.href(path, 'edit', { group: place.id, cloud: 'gcp', typed: 'yes' })}>use Terraform</a>, and
        say which project it was.
      </p>
    </>
  );
}

async function selectProject(visit: Visit, form: Form, what: Chosen) {
  const projects = await projectsOf(visit);
  if (projects.length === 0) {
    return <Refused visit={visit} message="This account sees no project of Google Cloud." />;
  }
  return (
    <FormBox form={form} submit="Continue" back={backToRow(visit, what)} backLabel="Back">
      <SelectField
        form={form}
        name="project"
        label="Project"
        autofocus
        options={[
          { value: '', label: '' },
          ...projects.map(({ id, name }) => ({ value: id, label: name === id ? id : `${name} (${id})` })),
        ]}
      />
    </FormBox>
  );
}

const projectHere = (visit: Visit): Promise<Project> => projectOf(visit, visit.query.get('project') ?? '');

async function federation(visit: Visit, form: Form) {
  const project = await projectHere(visit);
  const resources = await federationOf(visit, project);
  return (
    <>
      <p>
        No key of a service account is stored: the platform acts as accounts of <strong>{project.id}</strong> by
        short-lived tokens of its own issuer.
      </p>
      <Resources
        resources={resources}
        label="Workload identity federation"
        configure={<FormBox form={form} submit="Configure" />}
        done={
          <p class="buttons">
            <a class="button main" href={stepHref(visit, 'accounts', project.id)}>
              Continue
            </a>
          </p>
        }
      />
    </>
  );
}

async function accounts(visit: Visit, form: Form, { place }: Chosen) {
  const project = await projectHere(visit);
  const resources = await accountsOf(visit, project, place.id);
  return (
    <>
      <p>
        Each account of <strong>{project.id}</strong> may do one kind of work, and only for {place.name}.
      </p>
      <Resources
        resources={resources}
        label="Service accounts"
        configure={<FormBox form={form} submit="Configure" />}
        done={<FormBox form={form} submit="Done" />}
      />
    </>
  );
}

interface ResourcesProps {
  readonly resources: readonly Resource[];
  readonly label: string;
  readonly configure: ComponentChildren;
  readonly done: ComponentChildren;
}

function Resources({ resources, label, configure, done }: ResourcesProps) {
  const isReady = resources.every((each) => each.isReady);
  return (
    <>
      {!isReady && (
        <div class="warning">
          <p>
            <strong>Incomplete</strong>
          </p>
          {configure}
        </div>
      )}
      <Table
        rows={resources}
        label={label}
        columns={[
          { head: 'Name', isName: true, cell: ({ name }) => name },
          {
            head: 'Status',
            cell: (each) => (
              <span class={`badge ${each.isReady ? 'good' : 'warn'}`}>{each.isReady ? 'Ready' : 'Not ready'}</span>
            ),
          },
        ]}
      />
      {isReady && done}
    </>
  );
}

async function submit(visit: Visit, form: Form): Promise<Went> {
  const what = chosen(visit);
  const { place } = what;
  const step = stepOf(visit);
  if (!['account_associations.create', 'account_associations.update'].some((each) => visit.may(each, place.id)))
    throw new CallFailure('refused', `You may not associate an account with ${place.name}.`);
  if (step === 'authenticate') {
    const gcloud = setupOf(visit)?.gcloud;
    if (gcloud === undefined) throw new CallFailure('missing', 'gcloud is not there.');
    // Tokens of gcloud live for an hour; what Google says when one has ended is said then.
    keepAccess(visit, await gcloud(), 3600);
    return { to: stepHref(visit, 'project') };
  }
  if (step === 'project') {
    const id = form.value('project');
    refuse({ project: id === '' ? 'Select a project.' : undefined });
    return { to: stepHref(visit, 'federation', (await projectOf(visit, id)).id) };
  }
  const project = await projectHere(visit);
  if (step === 'federation') {
    await configureFederation(visit, project);
    return { to: stepHref(visit, 'federation', project.id) };
  }
  const isReady = (await accountsOf(visit, project, place.id)).every((each) => each.isReady);
  if (isReady) {
    return associate(visit, what, { google: { projectId: project.id, projectNumber: project.number } });
  }
  await configureAccounts(visit, project, place.id);
  return { to: stepHref(visit, 'accounts', project.id) };
}

export const gcp: Action = { show, submit };

/** Leads to Google, which leads back to the second step. */
export const toGoogle: Action = {
  show: (visit) => ({ to: authorizeUrl(visit, stepHref(visit, 'project')) }),
};
