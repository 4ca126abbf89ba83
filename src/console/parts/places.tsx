// Places in which something can be created: the organization or its folders, as far as the caller may create there.

import type { Form } from '../form.ts';
import type { Place, Visit } from '../page.ts';
import { SelectField } from './fields.tsx';

/** Places at which the caller holds all of these. */
export const placesFor = (visit: Visit, capabilities: readonly string[]): readonly Place[] =>
  visit.places.filter(({ id }) => capabilities.every((capability) => visit.may(capability, id)));

export function PlaceField({
  visit,
  form,
  needs,
  label = 'In',
}: {
  readonly visit: Visit;
  readonly form: Form;
  /** Capabilities. */
  readonly needs: readonly string[];
  readonly label?: string;
}) {
  return (
    <SelectField
      form={form}
      name="place"
      label={label}
      options={placesFor(visit, needs).map(({ id, name }) => ({ value: id, label: name }))}
    />
  );
}

/** The place that a form names, the organization unless it does; and what is wrong with it. */
export function placeIn(visit: Visit, form: Form): { readonly place: string; readonly problem: string | undefined } {
  const place = form.value('place') || visit.organization.id;
  const isHere = visit.places.some(({ id }) => id === place);
  return { place, problem: isHere ? undefined : 'Choose a place of this organization.' };
}

/** As a command names it. */
export const placeWord = (visit: Visit, form: Form): string => form.value('place') || visit.organization.name;

export const placeName = (visit: Visit, id: string | undefined): string =>
  visit.places.find((place) => place.id === id)?.name ?? id ?? '';
