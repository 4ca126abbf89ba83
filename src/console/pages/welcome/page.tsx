// The first page of a new account: an organization of its own, or one that it was invited to.

import type { Form } from '../../form.ts';
import { refuse } from '../../form.ts';
import { definePage, type Visit, type Went } from '../../page.ts';
import { SameCommand } from '../../parts/copied.tsx';
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

export default definePage({
  path: 'welcome',
  title: 'Welcome',
  isOfAccount: true,
  actions: {
    '': {
      show: (_visit: Visit, form: Form) => ({
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
          </>
        ),
      }),
      submit: create,
    },
  },
});
