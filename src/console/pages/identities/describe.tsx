// One identity: what it is, what a token has to say, and what a job needs to sign in as it.

import { expirationOf, githubIssuer, gitlabIssuer } from '../../../api/identity-rules.ts';
import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import { identityOf } from '../../identities.ts';
import type { Action, Visit } from '../../page.ts';
import { Copied, SameCommand } from '../../parts/copied.tsx';
import { placeName } from '../../parts/places.tsx';
import { When } from '../../parts/time.tsx';
import { kindOf, path } from './list.tsx';
import { Rule } from './rule.tsx';

async function rolesHeld(visit: Visit, id: string): Promise<readonly string[] | undefined> {
  if (!visit.may('role_bindings.list')) return undefined;
  const uidp = { descendantsOf: visit.organization.id };
  const { items = [] } = await visit.caller.call('iam.v1.RoleBindings.List', { uidp });
  return items
    .filter(({ identity }) => identity === id)
    .map(({ role, group }) => `${role?.name} of ${placeName(visit, group?.id)}`);
}

export const describe: Action = {
  async show(visit) {
    const { caller, query, now, platform } = visit;
    const identity = await identityOf(caller, query.get('id') ?? '');
    const { id, name = '', description, claimMatch, static: keys } = identity;
    const roles = await rolesHeld(visit, id);
    const end = expirationOf(identity);
    return {
      title: name,
      crumbs: [{ title: name || id }],
      body: (
        <>
          <dl class="facts">
            <dt>ID</dt>
            <dd>
              <code>{id}</code>
            </dd>
            <dt>Kind</dt>
            <dd>{kindOf(identity)}</dd>
            {description && (
              <>
                <dt>Description</dt>
                <dd>{description}</dd>
              </>
            )}
            {roles !== undefined && (
              <>
                <dt>Roles</dt>
                <dd>{roles.length === 0 ? 'none' : roles.map((role) => <div key={role}>{role}</div>)}</dd>
              </>
            )}
            <dt>Created</dt>
            <dd>
              <When time={identity.createdAt} now={now} />
            </dd>
            <dt>Last used</dt>
            <dd>{identity.lastSeen ? <When time={identity.lastSeen} now={now} /> : 'never'}</dd>
            {end !== undefined && (
              <>
                <dt>Expires</dt>
                <dd>
                  <When time={end} now={now} />
                </dd>
              </>
            )}
          </dl>
          <section aria-labelledby="rule">
            <h2 id="rule">A token has to meet this</h2>
            <Rule identity={identity} issuer={platform.issuer} />
            {(claimMatch !== undefined || keys !== undefined) && (
              <p class="buttons">
                <a class="button" href={visit.href(path, 'test', { id })}>
                  Test a token
                </a>
              </p>
            )}
          </section>
          <JobLines identity={identity} id={id} />
          <SameCommand words={['iam', 'identities', 'describe', id]} />
        </>
      ),
    };
  },
};

/** Returns what stands in the file of a job that signs in as it. */
function JobLines({ identity, id }: { readonly identity: IamIdentity; readonly id: string }) {
  const issuer = identity.claimMatch?.issuer;
  if (issuer === githubIssuer) return <Copied id="workflow" label="In the workflow" text={githubLines(id)} />;
  if (issuer === gitlabIssuer) return <Copied id="pipeline" label="In the pipeline" text={gitlabLines(id)} />;
  return null;
}

const githubLines = (id: string): string => `permissions:
  contents: read
  id-token: write
steps:
  - uses: chainguard-dev/setup-chainctl@main
    with:
      identity: ${id}
`;

/** The token never stands in a command's words, which others can read. */
const gitlabLines = (id: string): string => `id_tokens:
  CHAINGUARD_ID_TOKEN:
    aud: ${gitlabIssuer}
script:
  - printf %s "$CHAINGUARD_ID_TOKEN" | chainctl auth login --identity ${id} --identity-token -
`;
