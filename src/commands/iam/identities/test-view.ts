import { compact } from '../../../api/compact.ts';
import { defineView } from '../../../cli/define.ts';
import { timeCell } from '../../../cli/output/age.ts';
import { quote } from '../../../quote.ts';
import type { Row } from '../../../trust/rule-test.ts';

export interface Tested {
  /** `rule-only`: everything that was looked at fits, and the signature was not looked at. */
  readonly answer: 'yes' | 'rule-only' | 'no' | 'unknown';
  readonly identity: string;
  readonly identityId: string;
  readonly isToken: boolean;
  readonly rows: readonly Row[];
  readonly remarks: readonly string[];
  readonly change?: {
    /** The whole line to type. */
    readonly command: string;
    readonly alsoAdmits: readonly string[];
    readonly noLongerAdmits: readonly string[];
  };
}

const marks: Readonly<Record<Row['result'], string>> = { matched: '✓', differs: '✗', unknown: '?', unchecked: '-' };

function* blockOf(row: Row, width: number): Generator<string> {
  const head = `  ${marks[row.result]} ${row.what.padEnd(width)}  `;
  const wanted = wantedOf(row);
  if (row.result === 'matched' || wanted === undefined) {
    yield `${head}${foundOf(row)}`;
    return;
  }
  yield `${head}expected  ${wanted}`;
  yield `${' '.repeat(head.length)}token     ${foundOf(row)}`;
}

function wantedOf({ expected, pattern }: Row): string | undefined {
  if (pattern !== undefined) return `a match of ${quote(pattern)}`;
  if (expected?.length === 0) return 'nothing: the identity has no rule for it';
  return expected?.map(quote).join(' or ');
}

const maxShown = 5;

const foundOf = ({ found = [], note }: Row): string =>
  note ?? (found.length === 0 ? 'none' : found.slice(0, maxShown).map(quote).join(', '));

const heads: Readonly<Record<Tested['answer'], (it: Tested) => string>> = {
  yes: ({ identity }) => `${quote(identity)} admits this token.`,
  'rule-only': ({ identity, isToken }) =>
    isToken
      ? `The rule of ${quote(identity)} matches. The signature was not checked; \`--verify\` does.`
      : `The rule of ${quote(identity)} matches such a token.`,
  no: ({ identity, isToken }) => `${quote(identity)} does not admit ${isToken ? 'this' : 'such a'} token.`,
  unknown: ({ identity }) => `Whether ${quote(identity)} admits such a token depends on claims that are made up here.`,
};

function textOf(it: Tested): string {
  const width = Math.max(...it.rows.map(({ what }) => what.length));
  const lines = [heads[it.answer](it), '', ...it.rows.flatMap((row) => [...blockOf(row, width)])];
  if (it.remarks.length > 0) lines.push('', ...it.remarks);
  if (it.change !== undefined) {
    const { command, alsoAdmits, noLongerAdmits } = it.change;
    lines.push('', 'To admit it:', `  ${command}`);
    lines.push('', 'That admits as well:', ...alsoAdmits.map((line) => `  ${line}`));
    if (noLongerAdmits.length > 0) lines.push('', 'It no longer admits:', ...noLongerAdmits.map((line) => `  ${line}`));
  }
  return `${lines.join('\n')}\n`;
}

export const testedView = defineView<Tested>({
  text: textOf,
  json: ({ rows, ...rest }) =>
    compact({
      ...rest,
      rows: rows.map(({ found, ...row }) => compact({ ...row, ...(found ? { token: found } : {}) })),
    }),
});

/** Times of a token as a row shows them. */
export const timeOf = (seconds: number, now: number): string => {
  const ms = seconds * 1000;
  if (!Number.isFinite(ms) || Number.isNaN(new Date(ms).getTime())) return 'out of range';
  return `${timeCell(ms, { now, times: 'utc' })} (${timeCell(ms, { now, times: 'relative' })})`;
};
