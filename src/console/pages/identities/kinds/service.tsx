// Services of the platform itself.

import { servicePrincipals } from '../../../../api/identity-rules.ts';
import { refuse } from '../../../form.ts';
import { SelectField } from '../../../parts/fields.tsx';
import type { Kind } from './kind.ts';

export const service: Kind = {
  value: 'service',
  label: 'Service of the platform',
  fields: (form) => (
    <SelectField
      form={form}
      name="service"
      label="Service"
      options={servicePrincipals.map((name) => ({ value: name, label: name.toLowerCase().replaceAll('_', ' ') }))}
    />
  ),
  draft(_visit, form) {
    const servicePrincipal = servicePrincipals.find((each) => each === form.value('service'));
    refuse({ service: servicePrincipal === undefined ? 'Choose one of the services.' : undefined });
    return { identity: servicePrincipal === undefined ? {} : { servicePrincipal }, warnings: [] };
  },
  words: (form, name) => [name, `--service-principal=${form.value('service') || 'SERVICE'}`],
};
