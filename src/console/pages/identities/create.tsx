// Creating an identity: where it signs in from, the rule that this makes, and its role.

import type { IamRole } from '../../../api/schema/types/iam.gen.ts';
import { type Form, refuse } from '../../form.ts';
import { createIdentity, rolesOf } from '../../identities.ts';
import type { Visit } from '../../page.ts';
import { nameProblem, SelectField, TextField } from '../../parts/fields.tsx';
import { formFrame } from '../../parts/form-frame.tsx';
import { rowsShown } from '../../parts/list-frame.tsx';
import { PlaceField, placeIn, placeWord } from '../../parts/places.tsx';
import type { Draft, Kind } from './kinds/kind.ts';
import { kinds } from './kinds.ts';
import { list, makes, path } from './list.tsx';
import { Rule } from './rule.tsx';

interface Data {
  readonly kind: Kind;
  readonly roles: readonly (IamRole & { readonly id: string; readonly name: string })[];
  /** Identity that the form would create. */
  readonly draft?: Draft;
}

const [firstKind] = kinds;

function kindOf({ query }: Visit): Kind {
  const kind = kinds.find(({ value }) => value === query.get('from')) ?? firstKind;
  if (kind === undefined) throw new TypeError('there are kinds');
  return kind;
}

export const create = formFrame<Data>({
  path,
  behind: list,
  load: async (visit) => ({ kind: kindOf(visit), roles: await rolesOf(visit.caller) }),
  pane: (visit, form, { kind, roles, draft }) => ({
    title: 'Create identity',
    submit: 'Create identity',
    preview: 'Show the rule',
    anchor: 'create',
    above: <Kinds visit={visit} chosen={kind} />,
    fields: (
      <>
        {draft !== undefined && <Preview visit={visit} draft={draft} />}
        <TextField form={form} name="name" label="Name" required autofocus maxLength={100} />
        {kind.fields(form)}
        <SelectField
          form={form}
          name="role"
          label="Role"
          initial={roles.find(({ name }) => name === 'registry.pull')?.id ?? ''}
          options={[{ value: '', label: 'none yet' }, ...roles.map(({ id, name }) => ({ value: id, label: name }))]}
        />
        <PlaceField visit={visit} form={form} needs={makes} />
      </>
    ),
    same: wordsOf(visit, form, kind, roles),
  }),
  async preview(visit, form, data) {
    return { ...data, draft: await data.kind.draft(visit, form) };
  },
  async submit(visit, form, { kind }) {
    const name = form.value('name');
    const { place, problem } = placeIn(visit, form);
    refuse({ name: nameProblem(name, 'the identity'), place: problem });
    const { identity } = await kind.draft(visit, form);
    const role = form.value('role');
    const made = await createIdentity(visit.caller, place, { ...identity, name }, role === '' ? [] : [role]);
    return { to: visit.href(path, 'identity', { id: made.id }), notice: `Created the identity “${name}”.` };
  },
});

function wordsOf(visit: Visit, form: Form, kind: Kind, roles: Data['roles']): readonly string[] {
  const role = roles.find(({ id }) => id === form.value('role'))?.name;
  return [
    ...['iam', 'identities', 'create', ...kind.words(form, form.value('name') || 'NAME')],
    ...(role === undefined ? [] : [`--role=${role}`]),
    `--parent=${placeWord(visit, form)}`,
  ];
}

function Kinds({ visit, chosen }: { readonly visit: Visit; readonly chosen: Kind }) {
  return (
    <nav aria-label="Where it signs in from">
      <p class="note">It signs in from</p>
      <ul class="choices">
        {kinds.map(({ value, label }) => (
          <li key={value}>
            <a
              class="button small"
              href={visit.href(path, 'create', { ...rowsShown(visit), from: value })}
              aria-current={value === chosen.value ? 'true' : undefined}
            >
              {label}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Preview({ visit, draft }: { readonly visit: Visit; readonly draft: Draft }) {
  return (
    <section class="notice" role="status" aria-labelledby="preview" tabIndex={-1} data-focus>
      <h3 id="preview">A token will have to meet this</h3>
      <Rule identity={draft.identity} issuer={visit.platform.issuer} />
      {draft.warnings.map((warning) => (
        <p class="warn" key={warning}>
          {warning}
        </p>
      ))}
    </section>
  );
}
