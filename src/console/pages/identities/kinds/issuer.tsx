// Tokens of an issuer of one's own, found by discovery or by its keys.

import { patternProblem, patternWarning } from '../../../../api/claim-patterns.ts';
import { judgeKeySet } from '../../../../trust/key-sets.ts';
import { refuse } from '../../../form.ts';
import { SelectField, TextArea, TextField } from '../../../parts/fields.tsx';
import { issuerSentence, type Kind, optional } from './kind.ts';

/** `^issuer$` and the like are patterns as a whole; the box says it. */
export const oidc: Kind = {
  value: 'oidc',
  label: 'Another issuer',
  fields: (form) => (
    <>
      <TextField
        form={form}
        name="issuer"
        type="url"
        label="Issuer"
        required
        maxLength={255}
        note="As its tokens name it."
      />
      <TextField form={form} name="subject" label="Subject" required maxLength={1024} note="The “sub” of its tokens." />
      <SelectField
        form={form}
        name="how"
        label="The subject is"
        options={[
          { value: 'exact', label: 'exactly this' },
          { value: 'pattern', label: 'a match of this regular expression (RE2)' },
        ]}
      />
      <TextField
        form={form}
        name="audience"
        label="Audience (optional)"
        maxLength={255}
        note="Defaults to the platform."
      />
    </>
  ),
  async draft(_visit, form) {
    const { issuer, subject, audience } = {
      issuer: form.value('issuer'),
      subject: form.value('subject'),
      audience: form.value('audience'),
    };
    const byPattern = form.value('how', 'exact') === 'pattern';
    refuse({ issuer: issuerSentence(issuer), subject: subject === '' ? 'Say whose tokens are meant.' : undefined });
    const problem = byPattern ? await patternProblem(subject) : undefined;
    refuse({
      subject: problem === undefined ? undefined : `This is not a valid regular expression (RE2): ${problem}.`,
    });
    const warning = byPattern ? patternWarning('The subject', subject) : undefined;
    return {
      identity: {
        claimMatch: {
          issuer,
          ...(byPattern ? { subjectPattern: subject } : { subject }),
          ...(audience === '' ? {} : { audience }),
        },
      },
      warnings: warning === undefined ? [] : [`${warning}.`],
    };
  },
  words: (form, name) => [
    ...[name, `--identity-issuer=${form.value('issuer') || 'ISSUER'}`],
    `--subject${form.value('how') === 'pattern' ? '-pattern' : ''}=${form.value('subject') || 'SUBJECT'}`,
    ...optional('--audience', form.value('audience')),
  ],
};

export const keys: Kind = {
  value: 'static',
  label: 'Static keys',
  fields: (form) => (
    <>
      <TextField
        form={form}
        name="issuer"
        label="Issuer"
        required
        maxLength={255}
        note="As its tokens name it; it need not be reachable."
      />
      <TextField
        form={form}
        name="subject"
        label="Subject"
        required
        maxLength={255}
        placeholder="system:serviceaccount:apps:puller"
        note="The exact “sub” of its tokens."
      />
      <TextArea
        form={form}
        name="keys"
        label="Public keys"
        rows={5}
        required
        placeholder='{"keys":[…]}'
        note="A JSON Web Key Set. kubectl get --raw /openid/v1/jwks says that of a cluster. The identity ends after 30 days."
      />
    </>
  ),
  draft(_visit, form) {
    const [issuer, subject, issuerKeys] = [form.value('issuer'), form.value('subject'), form.value('keys')];
    const { problem, warning } = judgeKeySet(issuerKeys);
    refuse({
      issuer: issuer === '' ? 'Say which issuer.' : undefined,
      subject: subject === '' ? 'Say whose tokens are meant.' : undefined,
      keys: problem === undefined ? undefined : `The key set ${problem}.`,
    });
    return {
      identity: { static: { issuer, subject, issuerKeys } },
      warnings: warning === undefined ? [] : [`The key set ${warning}.`],
    };
  },
  words: (form, name) => [
    ...[
      name,
      `--identity-issuer=${form.value('issuer') || 'ISSUER'}`,
      `--subject=${form.value('subject') || 'SUBJECT'}`,
    ],
    '--issuer-keys=./jwks.json',
  ],
};
