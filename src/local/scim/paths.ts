// Attribute paths and filters (RFC 7644, 3.4.2.2 and 3.5.2). Guarantees: text of any shape gives a value or a
// ScimError, within bounds of length and nesting.

import { hasNullCharacter, parseJson } from '../../json.ts';
import {
  type Attribute,
  commonAttributes,
  findAttribute,
  findExtension,
  type ResourceSchema,
  type ResourceType,
} from './schema.ts';
import { badRequest, type ScimError, type ScimType } from './scim-error.ts';

/** Location of an attribute. */
export interface AttributePath {
  readonly extension: ResourceSchema | undefined;
  readonly attribute: Attribute;
  readonly sub: Attribute | undefined;
}

/** A path of a PATCH: an attribute, of a multi-valued one perhaps only the values that match. */
export interface TargetPath extends AttributePath {
  readonly filter: Filter | undefined;
}

export type Comparison = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';
export type Literal = string | number | boolean | null;

export type Filter =
  | { readonly kind: 'compare'; readonly path: AttributePath; readonly op: Comparison; readonly value: Literal }
  | { readonly kind: 'present'; readonly path: AttributePath }
  | { readonly kind: 'values'; readonly path: AttributePath; readonly filter: Filter }
  | { readonly kind: 'and' | 'or'; readonly left: Filter; readonly right: Filter }
  | { readonly kind: 'not'; readonly filter: Filter };

const maxTextLength = 4096;
const deepest = 32;
const comparisons: readonly string[] = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'];

export function parseFilter(type: ResourceType, text: string): Filter {
  return new Parser(type, text, 'invalidFilter').filterOnly();
}

export function parseTargetPath(type: ResourceType, text: string): TargetPath {
  return new Parser(type, text, 'invalidPath').targetOnly();
}

/** A path without brackets, as in `attributes`; undefined when there is no such attribute. */
export function findPath(type: ResourceType, text: string): AttributePath | undefined {
  const separator = text.lastIndexOf(':');
  const urn = separator < 0 ? '' : text.slice(0, separator);
  const [name = '', subName, ...rest] = text.slice(separator + 1).split('.');
  if (rest.length > 0 || name === '') return undefined;
  const isOwn = urn === '' || urn.toLowerCase() === type.schema.id.toLowerCase();
  const extension = isOwn ? undefined : findExtension(type, urn);
  if (!isOwn && extension === undefined) return undefined;
  const attribute = findAttribute(extension?.attributes ?? [...type.schema.attributes, ...commonAttributes], name);
  if (attribute === undefined) {
    // Microsoft Entra ID names the manager without the URN of the extension that it is part of.
    const holder = urn === '' ? type.extensions.find((one) => findAttribute(one.attributes, name)) : undefined;
    return holder && findPath(type, `${holder.id}:${text}`);
  }
  const sub = subName === undefined ? undefined : findAttribute(attribute.subAttributes, subName);
  return subName !== undefined && sub === undefined ? undefined : { extension, attribute, sub };
}

type Token =
  | { readonly kind: 'word' | 'mark'; readonly text: string }
  | { readonly kind: 'literal'; readonly value: Literal };

class Parser {
  readonly #type: ResourceType;
  readonly #failure: ScimType;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(type: ResourceType, text: string, failure: ScimType) {
    this.#type = type;
    this.#failure = failure;
    if (text.length > maxTextLength) throw this.#wrong(`it is longer than ${maxTextLength} characters`);
    this.#tokens = this.#tokenize(text);
  }

  filterOnly(): Filter {
    const filter = this.#or(undefined);
    this.#end();
    return filter;
  }

  targetOnly(): TargetPath {
    const path = this.#path(undefined);
    if (!this.#take('[')) {
      this.#end();
      return { ...path, filter: undefined };
    }
    const filter = this.#values(path);
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'word' || !token.text.startsWith('.')) {
      this.#end();
      return { ...path, filter };
    }
    this.#at += 1;
    this.#end();
    return { ...path, sub: this.#partOf(path.attribute, token.text.slice(1)).attribute, filter };
  }

  /** `within` is the attribute whose values are looked at, inside brackets. */
  #or(within: Attribute | undefined): Filter {
    this.#depth += 1;
    if (this.#depth > deepest) throw this.#wrong('it is nested too deeply');
    let left = this.#and(within);
    while (this.#takeWord('or')) left = { kind: 'or', left, right: this.#and(within) };
    this.#depth -= 1;
    return left;
  }

  #and(within: Attribute | undefined): Filter {
    let left = this.#term(within);
    while (this.#takeWord('and')) left = { kind: 'and', left, right: this.#term(within) };
    return left;
  }

  #term(within: Attribute | undefined): Filter {
    if (this.#takeWord('not')) {
      if (!this.#take('(')) throw this.#wrong('"not" wants parentheses');
      return { kind: 'not', filter: this.#grouped(within) };
    }
    if (this.#take('(')) return this.#grouped(within);
    const path = this.#path(within);
    if (within === undefined && this.#take('[')) return this.#valuesOrTheirPart(path);
    return this.#comparison(path);
  }

  /** `emails[type eq "work"]`, and with a comparison behind it, which Entra ID sends to match people by address. */
  #valuesOrTheirPart(path: AttributePath): Filter {
    const filter = this.#values(path);
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'word' || !token.text.startsWith('.')) return { kind: 'values', path, filter };
    this.#at += 1;
    const part = this.#partOf(path.attribute, token.text.slice(1));
    return { kind: 'values', path, filter: { kind: 'and', left: filter, right: this.#comparison(part) } };
  }

  /** The operator and the value after a path. */
  #comparison(path: AttributePath): Filter {
    const operator = this.#tokens[this.#at];
    const name = operator?.kind === 'word' ? operator.text.toLowerCase() : '';
    this.#at += 1;
    if (name === 'pr') return { kind: 'present', path };
    if (!comparisons.includes(name)) throw this.#wrong('an operator such as "eq" is missing');
    const value = this.#tokens[this.#at];
    if (value?.kind !== 'literal') throw this.#wrong(`a value is missing after "${name}"`);
    this.#at += 1;
    return { kind: 'compare', path, op: name as Comparison, value: literalFor(path, value.value) };
  }

  #grouped(within: Attribute | undefined): Filter {
    const filter = this.#or(within);
    if (!this.#take(')')) throw this.#wrong('a closing parenthesis is missing');
    return filter;
  }

  #values(path: AttributePath): Filter {
    if (!path.attribute.multiValued || path.sub !== undefined) {
      throw this.#wrong(`${JSON.stringify(path.attribute.name)} is not a list of values`);
    }
    const filter = this.#or(path.attribute);
    if (!this.#take(']')) throw this.#wrong('a closing bracket is missing');
    return filter;
  }

  #path(within: Attribute | undefined): AttributePath {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'word') throw this.#wrong('the name of an attribute is missing');
    this.#at += 1;
    if (within !== undefined) return this.#partOf(within, token.text);
    const path = findPath(this.#type, token.text);
    if (path === undefined) throw this.#wrong(`there is no attribute ${JSON.stringify(token.text)}`);
    return path;
  }

  #partOf(attribute: Attribute, name: string): AttributePath {
    const part = findAttribute(attribute.subAttributes, name);
    if (part === undefined) throw this.#wrong(`there is no attribute ${JSON.stringify(name)} in its values`);
    return { extension: undefined, attribute: part, sub: undefined };
  }

  #take(mark: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'mark' || token.text !== mark) return false;
    this.#at += 1;
    return true;
  }

  #takeWord(word: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'word' || token.text.toLowerCase() !== word) return false;
    this.#at += 1;
    return true;
  }

  #end(): void {
    if (this.#at < this.#tokens.length) throw this.#wrong('there is more than can be read');
  }

  #tokenize(text: string): Token[] {
    const tokens: Token[] = [];
    const pattern = /\s+|(?<mark>[()[\]])|(?<string>"(?:[^"\\]|\\.)*")|(?<word>[^\s()[\]"]+)/gy;
    while (pattern.lastIndex < text.length) {
      const match = pattern.exec(text);
      if (match === null) throw this.#wrong('a quotation mark is missing');
      const { mark, string, word } = match.groups ?? {};
      if (mark !== undefined) tokens.push({ kind: 'mark', text: mark });
      else if (string !== undefined) tokens.push({ kind: 'literal', value: this.#string(string) });
      else if (word !== undefined) tokens.push(toToken(word));
    }
    return tokens;
  }

  #string(quoted: string): string {
    const text = parseJson(quoted);
    if (typeof text !== 'string') throw this.#wrong('a text in it is not a JSON string');
    if (hasNullCharacter(text)) throw this.#wrong('a text in it holds the character U+0000');
    return text;
  }

  #wrong(reason: string): ScimError {
    const what = this.#failure === 'invalidPath' ? 'path' : 'filter';
    return badRequest(this.#failure, `The ${what} cannot be used: ${reason}`);
  }
}

function toToken(word: string): Token {
  if (isBooleanText(word)) return { kind: 'literal', value: word.toLowerCase() === 'true' };
  if (word === 'null') return { kind: 'literal', value: null };
  // Names begin with a letter, so what reads as a number is one.
  return /^-?\d/.test(word) && !Number.isNaN(Number(word))
    ? { kind: 'literal', value: Number(word) }
    : { kind: 'word', text: word };
}

const isBooleanText = (text: string): boolean => /^(?:true|false)$/i.test(text);

/** Microsoft Entra ID writes booleans as texts in its filters too: `roles[primary eq "True"].value`. */
function literalFor({ attribute, sub }: AttributePath, value: Literal): Literal {
  const isBoolean = (sub ?? attribute).type === 'boolean';
  return isBoolean && typeof value === 'string' && isBooleanText(value) ? value.toLowerCase() === 'true' : value;
}
