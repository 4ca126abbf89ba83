// Tests whether an identity admits a token, and why not: what the rule expects beside what the token says. Guarantees:
// the token is in the body of one request, and afterwards nowhere: not in the answer, an address, a log or the memory
// of this process.

import type { IamIdentity } from '../../../api/schema/types/iam.gen.ts';
import { shellWord } from '../../../shell-word.ts';
import { decodeJwt, TokenError, toTokenClaims, upstreamLogin } from '../../../trust/jwt.ts';
import {
  answerOf,
  changeFor,
  noTokenReason,
  type Row,
  type RuleChange,
  testRule,
  timeRows,
} from '../../../trust/rule-test.ts';
import { CallFailure } from '../../caller.ts';
import { type Form, refuse } from '../../form.ts';
import { identityOf } from '../../identities.ts';
import type { Action, Shown, Visit } from '../../page.ts';
import { Copied, SameCommand } from '../../parts/copied.tsx';
import { FormBox, TextArea } from '../../parts/fields.tsx';
import { Table } from '../../parts/listing.tsx';
import { since } from '../../parts/time.tsx';
import { path } from './list.tsx';

/** Clocks of other machines (protocols 3.4). */
const skew = 60;

async function testedOf({ caller, query }: Visit): Promise<IamIdentity & { readonly id: string }> {
  const identity = await identityOf(caller, query.get('id') ?? '');
  const reason = noTokenReason(identity);
  if (reason !== undefined) throw new CallFailure('invalid', `The identity ${identity.name} ${reason}.`);
  return identity;
}

interface Result {
  readonly rows: readonly Row[];
  readonly change: RuleChange | undefined;
}

function resultOf(visit: Visit, identity: IamIdentity, text: string): Result {
  const issuer = visit.platform.issuer.replace(/\/+$/, '');
  const words = { now: visit.now, timeOf: (seconds: number) => timeOf(seconds, visit.now) };
  const isBare = text.startsWith('{');
  const decoded = isBare ? undefined : decodeJwt(text.replace(/^Bearer\s+/i, ''));
  const claims = decoded === undefined ? bareClaims(text) : (upstreamLogin(decoded, issuer) ?? toTokenClaims(decoded));
  const test = testRule(identity, claims, { issuer, ...words });
  const times = decoded === undefined ? [] : timeRows(decoded, { ...words, skew });
  const signature: Row = { what: 'signature', note: 'not checked', result: 'unchecked' };
  return { rows: [...test.rows, ...times, signature], change: changeFor(test, claims) };
}

/** Claims without a signature. Throws TokenError. */
function bareClaims(text: string) {
  let all: Readonly<Record<string, unknown>>;
  try {
    // A text that begins with a brace is an object, or no JSON.
    all = JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    throw new TokenError('its claims are not JSON');
  }
  const { iss, sub, aud } = all;
  if (typeof iss !== 'string' || iss === '') throw new TokenError('it names no issuer (iss)');
  if (typeof sub !== 'string' || sub === '') throw new TokenError('it names no subject (sub)');
  const audiences = Array.isArray(aud) ? aud : aud === undefined ? [] : [aud];
  if (!audiences.every((each) => typeof each === 'string')) throw new TokenError('its audience (aud) is not text');
  return { issuer: iss, subject: sub, audiences, all };
}

function timeOf(seconds: number, now: number): string {
  const at = seconds * 1000;
  return Number.isNaN(new Date(at).getTime()) ? 'out of range' : `${new Date(at).toISOString()} (${since(at, now)})`;
}

function shownOf(visit: Visit, form: Form, identity: IamIdentity & { readonly id: string }, result?: Result): Shown {
  const { id, name = '' } = identity;
  return {
    title: `Test ${name}`,
    crumbs: [{ title: name || id, href: visit.href(path, 'identity', { id }) }, { title: 'Test a token' }],
    body: (
      <>
        {result !== undefined && <ResultBox name={name} id={id} result={result} />}
        <FormBox form={form} submit="Test" back={visit.href(path, 'identity', { id })} backLabel="Back">
          <TextArea
            form={form}
            name="token"
            label="Token, or its claims as JSON"
            rows={8}
            isForgotten
            note="It is compared with the rule and forgotten: it is not stored, logged or sent on."
          />
        </FormBox>
        <SameCommand words={['iam', 'identities', 'test', id, '--token=./token.jwt', '--verify']} />
      </>
    ),
  };
}

const heads = {
  yes: 'admits this token.',
  'rule-only': 'has a rule that this token meets. Its signature was not checked.',
  no: 'does not admit this token.',
  unknown: 'may or may not admit it.',
} as const;

const marks = {
  matched: { sign: '✓', word: 'matched', look: 'good' },
  differs: { sign: '✗', word: 'differs', look: 'bad' },
  unknown: { sign: '?', word: 'not known', look: 'warn' },
  unchecked: { sign: '–', word: 'not checked', look: 'quiet' },
} as const;

function ResultBox({ name, id, result }: { readonly name: string; readonly id: string; readonly result: Result }) {
  const { rows, change } = result;
  const answer = answerOf(rows);
  return (
    <section aria-labelledby="answer" data-focus tabIndex={-1}>
      <h2 id="answer">
        <span class={`badge ${answer === 'no' ? 'bad' : 'good'}`}>{answer === 'no' ? 'Refused' : 'Admitted'}</span> “
        {name}” {heads[answer]}
      </h2>
      <Table
        rows={rows}
        label="The rule and the token"
        columns={[
          { head: 'Rule', isName: true, cell: ({ what }) => what },
          { head: 'Expected', cell: (row) => <Expected row={row} /> },
          { head: 'The token says', cell: (row) => <Found row={row} /> },
          { head: 'Result', cell: (row) => <Mark row={row} /> },
        ]}
      />
      {change !== undefined && (
        <div class="after-table">
          <Copied
            id="change"
            label="To admit it"
            text={`chainctl iam identities update ${id} ${change.flags.map(([flag, value]) => `${flag}=${shellWord(value)}`).join(' ')}`}
          />
          <Clauses head="That admits as well" clauses={change.alsoAdmits} />
          <Clauses head="It no longer admits" clauses={change.noLongerAdmits} />
        </div>
      )}
    </section>
  );
}

function Mark({ row }: { readonly row: Row }) {
  const { sign, word, look } = marks[row.result];
  return (
    <span class={look}>
      <span aria-hidden="true">{sign}</span> {word}
    </span>
  );
}

function Expected({ row: { expected, pattern } }: { readonly row: Row }) {
  if (pattern !== undefined) {
    return (
      <>
        a match of <code>{pattern}</code>
      </>
    );
  }
  if (expected === undefined) return null;
  if (expected.length === 0) return <>nothing: the identity has no rule for it</>;
  return <Codes texts={expected} between=" or " />;
}

const mostShown = 5;

function Found({ row: { found = [], note } }: { readonly row: Row }) {
  if (note !== undefined) return <>{note}</>;
  return found.length === 0 ? <>none</> : <Codes texts={found.slice(0, mostShown)} between=", " />;
}

function Codes({ texts, between }: { readonly texts: readonly string[]; readonly between: string }) {
  return (
    <>
      {texts.map((text, at) => (
        <>
          {at > 0 && between}
          <code>{text}</code>
        </>
      ))}
    </>
  );
}

function Clauses({ head, clauses }: { readonly head: string; readonly clauses: readonly string[] }) {
  if (clauses.length === 0) return null;
  return (
    <>
      <h3>{head}</h3>
      <ul>
        {clauses.map((clause) => (
          <li key={clause}>{clause}</li>
        ))}
      </ul>
    </>
  );
}

export const test: Action = {
  show: async (visit, form) => shownOf(visit, form, await testedOf(visit)),
  async look(visit, form) {
    const identity = await testedOf(visit);
    const text = form.value('token');
    refuse({ token: text === '' ? 'Paste a token, or the claims of one as JSON.' : undefined });
    try {
      return shownOf(visit, form, identity, resultOf(visit, identity, text));
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      // The pasted text is not repeated: it may be a secret that was taken for a token.
      refuse({ token: `The token cannot be used: ${error.message}.` });
      throw error;
    }
  },
};
