// The first page of a new account: an organization of its own, or one that it was invited to.

import type { Form } from '../../form.ts';
import { FormProblem, refuse } from '../../form.ts';
import { definePage, type Shown, type Visit, type Went } from '../../page.ts';
import { Copied, SameCommand } from '../../parts/copied.tsx';
import { FormBox, TextField } from '../../parts/fields.tsx';

async function create(visit: Visit, form: Form): Promise<Went> {
  const name = form.value('name');
  refuse({ name: name === '' ? 'Give the organization a name.' : undefined });
  const description = form.value('description');
  const made = await visit.caller.call('iam.v1.Groups.Create', {
    group: { name, ...(description === '' ? {} : { description }) },
  });
  const address = visit.href('welcome').replace(/welcome$/, made.id ?? '');
  return { to: address, notice: `Created the organization “${name}”.`, renews: true };
}

/** Accepting an invite takes a new proof of identity, so the sign-in takes the code. */
function enterCode(visit: Visit, form: Form): Shown {
  const back = visit.href('welcome');
  return {
    title: 'Enter an invite code',
    crumbs: [{ title: 'Invite code' }],
    body:
      visit.acceptAddress === undefined ? (
        <section aria-labelledby="accept" class="card">
          <h2 id="accept">In a terminal</h2>
          <p>An invite is accepted by a login in a terminal. This page then goes on.</p>
          <Copied id="accept-command" label="Accept it" text="chainctl auth login --invite-code=CODE" />
        </section>
      ) : (
        <section aria-labelledby="accept" class="card">
          <h2 id="accept">Join an organization</h2>
          <FormBox form={form} submit="Continue to sign-in" back={back}>
            <TextField
              form={form}
              name="code"
              label="Invite code"
              type="password"
              required
              maxLength={maxCodeLength}
              note="You sign in once more, as the person who was invited."
            />
          </FormBox>
          <SameCommand words={['auth', 'login', '--invite-code=CODE']} />
        </section>
      ),
  };
}

const maxCodeLength = 1000;

async function accept({ acceptAddress }: Visit, form: Form): Promise<Went> {
  const code = form.value('code');
  refuse({
    code:
      code === ''
        ? 'Paste the code that you were sent.'
        : code.length > maxCodeLength || !/^[\x21-\x7e]+$/.test(code)
          ? 'This is no invite code: copy it whole, without spaces.'
          : undefined,
  });
  if (acceptAddress === undefined) throw new FormProblem({ '': 'Accept the invite in a terminal.' });
  return { to: acceptAddress(code) };
}

export default definePage({
  path: 'welcome',
  title: 'Welcome',
  isOfAccount: true,
  actions: {
    '': {
      show: (visit: Visit, form: Form) => ({
        body: (
          <>
            <p>
              Everything belongs to an organization: people, pull tokens, images. Create one, or join one by an invite.
            </p>
            <section aria-labelledby="new" class="card">
              <h2 id="new">Create an organization</h2>
              <FormBox form={form} submit="Create organization">
                <TextField
                  form={form}
                  name="name"
                  label="Name"
                  required
                  maxLength={100}
                  note="Usually the domain of your company, such as example.com."
                />
                <TextField form={form} name="description" label="Description (optional)" maxLength={500} />
              </FormBox>
              <SameCommand words={['iam', 'organizations', 'create', form.value('name') || 'NAME']} />
            </section>
            <p>
              Somebody sent you a code? <a href={visit.href('welcome', 'invite')}>Enter an invite code</a>
            </p>
          </>
        ),
      }),
      submit: create,
    },
    invite: { show: enterCode, submit: accept },
  },
});
