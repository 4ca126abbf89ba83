import { expect, test } from 'vitest';
import { asText, JsonScanner, type Plan } from '../../src/attestations/json-scanner.ts';
import { base64, text, whole } from '../../src/attestations/json-sinks.ts';

/** Pushed in pieces of every size up to `most`. */
function inPieces(document: string, plan: () => { plan: Plan; told: unknown[] }, most = 9): unknown[] {
  const bytes = Buffer.from(document);
  const answers: unknown[] = [];
  for (let size = 1; size <= most; size += 1) {
    const { plan: one, told } = plan();
    const scanner = new JsonScanner(one);
    for (let at = 0; at < bytes.length; at += size) scanner.push(bytes.subarray(at, at + size));
    scanner.end();
    answers.push(told);
  }
  const [first] = answers;
  for (const other of answers) expect(other).toEqual(first);
  return first as unknown[];
}

const gather = (name: string) => () => {
  const told: unknown[] = [];
  return { told, plan: { [name]: whole(1000, (value) => told.push(value)) } as Plan };
};

test('members are found wherever they stand, whatever the pieces', () => {
  const value = { 'a"b': 1, list: [1, -2.5e3, 'x\\"y', { z: null }, []], text: 'ä€😀', empty: {} };
  expect(
    inPieces(JSON.stringify({ other: { wanted: 1 }, wanted: value, more: [{ wanted: 2 }] }), gather('wanted')),
  ).toEqual([value]);
  expect(inPieces(' { "w\\u0061nted" :\n[ true , false ] } ', gather('wanted'))).toEqual([[true, false]]);
  expect(inPieces('{"wanted":7}', gather('wanted'))).toEqual([7]);
});

test('elements come one by one', () => {
  const elements = () => {
    const told: unknown[] = [];
    return { told, plan: { list: { '*': whole(1000, (value) => told.push(value)) } } };
  };
  expect(inPieces('{"list":[1,"two",{"three":[]},[4]]}', elements)).toEqual([1, 'two', { three: [] }, [4]]);
  expect(inPieces('{"list":[]}', elements)).toEqual([]);
  expect(inPieces('{"list":{"*":1}}', elements)).toEqual([]);
});

test('texts come out as what they stand for', () => {
  const long = 'a"b\\c/\n\u0007é€😀'.repeat(2000);
  const gatherText = () => {
    const told: unknown[] = [''];
    const sink = text(
      (piece) => {
        told[0] += piece;
      },
      (isText) => told.push(isText),
    );
    return { told, plan: { value: sink } };
  };
  const escaped = JSON.stringify(long).replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  for (const document of [`{"value":${JSON.stringify(long)}}`, `{"value":${escaped}}`]) {
    expect(inPieces(document, gatherText)).toEqual([long, true]);
  }
  expect(inPieces('{"value":["x"]}', gatherText)).toEqual(['', false]);
});

test('a text where members were planned for', () => {
  const either = () => {
    const told: unknown[] = [];
    const sink = text(
      (piece) => told.push(piece),
      () => {},
    );
    return { told, plan: { value: { inner: whole(100, (value) => told.push(value)), [asText]: sink } } };
  };
  expect(inPieces('{"value":{"inner":1}}', either)).toEqual([1]);
  expect(inPieces('{"value":"x"}', either)).toEqual(['x']);
});

test('base64 in pieces of any length', () => {
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, at) => (at * 7) % 256));
  const encoded = bytes.toString('base64');
  for (const size of [1, 3, 5, 64, 2000]) {
    const pieces: Buffer[] = [];
    const decoder = base64((piece) => pieces.push(piece));
    for (let at = 0; at < encoded.length; at += size) decoder.write(encoded.slice(at, at + size));
    decoder.end();
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  }
});

test.each([
  ['nothing', ''],
  ['half a document', '{"wanted":[1,2'],
  ['two documents', '{}{}'],
  ['a word that is none', '{"wanted":tru}'],
  ['a number that is none', '{"x":01}'],
  ['no comma', '{"x":1 "y":2}'],
  ['a comma at the end', '{"x":1,}'],
  ['a comma at the end of a list', '[1,]'],
  ['brackets that do not fit', '{"x":[1}}'],
  ['a control character in a text', '{"x":"\n"}'],
  ['a member twice', '{"wanted":1,"wanted":2}'],
  ['a member twice, once with an escape', '{"wanted":1,"w\\u0061nted":2}'],
  ['nesting without end', '['.repeat(100_000)],
  ['a value that is larger than allowed', `{"wanted":"${'x'.repeat(2000)}"}`],
])('refused: %s', (_what, document) => {
  expect(() => {
    const scanner = new JsonScanner(gather('wanted')().plan);
    scanner.push(Buffer.from(document));
    scanner.end();
  }).toThrow(SyntaxError);
});
