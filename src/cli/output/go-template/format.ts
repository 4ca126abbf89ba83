// Values as Go's fmt package writes them (pkg.go.dev/fmt), for what JSON can hold.

import { quoted } from './literals.ts';

/** Values of templates: JSON, where missing is nil. */
export type Value = string | number | boolean | null | undefined | readonly Value[] | { readonly [key: string]: Value };

export const isMap = (value: Value): value is { readonly [key: string]: Value } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

export const keysOf = (map: { readonly [key: string]: Value }): string[] =>
  Object.keys(map)
    .filter((key) => map[key] !== undefined)
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));

/** `%v`. */
export function plain(value: Value, nil = '<nil>'): string {
  if (value === null || value === undefined) return nil;
  if (isList(value)) return `[${value.map((each) => plain(each)).join(' ')}]`;
  if (isMap(value))
    return `map[${keysOf(value)
      .map((key) => `${key}:${plain(value[key])}`)
      .join(' ')}]`;
  return typeof value === 'number' ? general(value) : String(value);
}

/** `%v` of a number: `%d` of a whole one, else `%g`. */
function general(value: number): string {
  if (Number.isSafeInteger(value)) return String(value);
  const [mantissa = '', exponent] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 21) return String(value);
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** Sprint: a blank between two operands of which neither is a text. */
export function sprint(values: readonly Value[]): string {
  return values
    .map((value, at) => {
      const before = values[at - 1];
      const apart = at > 0 && typeof value !== 'string' && typeof before !== 'string';
      return `${apart ? ' ' : ''}${plain(value)}`;
    })
    .join('');
}

export const sprintln = (values: readonly Value[]): string => `${values.map((value) => plain(value)).join(' ')}\n`;

export const typeName = (value: Value): string => {
  if (value === null || value === undefined) return '<nil>';
  if (isList(value)) return '[]interface {}';
  if (isMap(value)) return 'map[string]interface {}';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'int' : 'float64';
  return typeof value === 'boolean' ? 'bool' : 'string';
};

/** Sprintf. Mistakes are written into the text, as Go does. */
export function sprintf(format: string, values: readonly Value[]): string {
  let used = 0;
  const text = format.replaceAll(
    /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d*))?([\s\S])?/gu,
    (_whole, flags: string, wide: string | undefined, exact: string | undefined, verb: string | undefined) => {
      if (verb === '%') return '%';
      if (verb === undefined) return '%!(NOVERB)';
      const star = (given: string | undefined): number | undefined => {
        if (given !== '*') return given === undefined ? undefined : Number(given || '0');
        const value = values[used];
        used += 1;
        return typeof value === 'number' ? value : undefined;
      };
      const width = star(wide);
      const precision = star(exact);
      if (used >= values.length) return `%!${verb}(MISSING)`;
      const value = values[used];
      used += 1;
      return one({ flags, width, precision, verb }, value);
    },
  );
  if (used >= values.length) return text;
  const extra = values.slice(used).map((value) => (value == null ? '<nil>' : `${typeName(value)}=${plain(value)}`));
  return `${text}%!(EXTRA ${extra.join(', ')})`;
}

interface Directive {
  readonly flags: string;
  readonly width: number | undefined;
  readonly precision: number | undefined;
  readonly verb: string;
}

function one(directive: Directive, value: Value): string {
  const { flags, width = 0, precision, verb } = directive;
  const body = bodyOf(directive, value);
  const length = [...body].length;
  if (length >= width) return body;
  if (flags.includes('-')) return body + ' '.repeat(width - length);
  const zeros = flags.includes('0') && !(verb === 'd' && precision !== undefined);
  if (!zeros) return ' '.repeat(width - length) + body;
  const sign = typeof value === 'number' && /^[+-]/.test(body) ? (body[0] ?? '') : '';
  return sign + '0'.repeat(width - length) + body.slice(sign.length);
}

function bodyOf({ flags, precision, verb }: Directive, value: Value): string {
  const cut = (text: string) => (precision === undefined ? text : [...text].slice(0, precision).join(''));
  const signed = (text: string, number: number) =>
    number >= 0 && flags.includes('+') ? `+${text}` : number >= 0 && flags.includes(' ') ? ` ${text}` : text;
  const wrong = () => `%!${verb}(${value == null ? '<nil>' : `${typeName(value)}=${plain(value)}`})`;
  if (verb === 'v') return typeof value === 'number' ? signed(general(value), value) : cut(plain(value));
  if (verb === 'T') return typeName(value);
  if (value === null || value === undefined) return `%!${verb}(<nil>)`;
  if (isList(value)) return `[${value.map((each) => bodyOf({ flags, width: 0, precision, verb }, each)).join(' ')}]`;
  if (isMap(value)) {
    const entry = (key: string) =>
      `${bodyOf({ flags, width: 0, precision, verb }, key)}:${bodyOf({ flags, width: 0, precision, verb }, value[key])}`;
    return `map[${keysOf(value).map(entry).join(' ')}]`;
  }
  if (typeof value === 'boolean') return verb === 't' ? String(value) : wrong();
  if (typeof value === 'string') {
    if (verb === 's') return cut(value);
    if (verb === 'q') return flags.includes('#') && !value.includes('`') ? `\`${value}\`` : quoted(cut(value));
    if (verb === 'x' || verb === 'X') {
      const hex = Buffer.from(value).toString('hex');
      return verb === 'x' ? hex : hex.toUpperCase();
    }
    return wrong();
  }
  const isWhole = Number.isSafeInteger(value);
  const base = ({ b: 2, o: 8, d: 10, x: 16, X: 16 } as Readonly<Record<string, number>>)[verb];
  if (base !== undefined && isWhole) {
    const digits = Math.abs(value)
      .toString(base)
      .padStart(precision ?? 0, '0');
    const text = `${value < 0 ? '-' : ''}${flags.includes('#') && base === 16 ? `0${verb}` : ''}${digits}`;
    return signed(verb === 'X' ? text.toUpperCase() : text, value);
  }
  if (verb === 'c' && isWhole && value >= 0 && value <= 0x10ffff) return String.fromCodePoint(value);
  if (verb === 'q' && isWhole && value >= 0 && value <= 0x10ffff) return `'${String.fromCodePoint(value)}'`;
  if (isWhole) return wrong();
  if (verb === 'f' || verb === 'F') return signed(value.toFixed(precision ?? 6), value);
  if (verb === 'e') {
    const [mantissa = '', exponent = ''] = value.toExponential(precision ?? 6).split('e');
    return signed(
      `${mantissa}e${exponent.startsWith('-') ? '-' : '+'}${exponent.replace(/^[+-]/, '').padStart(2, '0')}`,
      value,
    );
  }
  if (verb === 'g')
    return signed(precision === undefined ? general(value) : String(Number(value.toPrecision(precision || 1))), value);
  return wrong();
}
