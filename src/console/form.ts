// Reads a form, with its errors.

/** Errors by the name of the field; '' for the form as a whole. One sentence each. */
export type Problems = Readonly<Record<string, string>>;

export class FormProblem extends Error {
  override readonly name = 'FormProblem';
  readonly problems: Problems;
  constructor(problems: Problems) {
    super(Object.values(problems).join(' '));
    this.problems = problems;
  }
}

export interface Form {
  /** Sent along, so that sending it twice does it once. */
  readonly id: string;
  readonly problems: Problems;
  /** True when it was sent, and is shown again. */
  readonly wasSent: boolean;
  /** Without white space around it; `fallback` when the field is not there. */
  value(name: string, fallback?: string): string;
  /** As it was sent, with lines ended by a line feed: a document whose white space counts. */
  exact(name: string, fallback?: string): string;
  /** Of a field that may be there several times. */
  values(name: string): readonly string[];
}

/** The largest value that is taken of one field. */
const maxCharacters = 20_000;

export function formOf(fields: URLSearchParams, id: string, problems: Problems = {}, wasSent = false): Form {
  return {
    id,
    problems,
    wasSent,
    value: (name, fallback = '') => (fields.get(name)?.slice(0, maxCharacters) ?? fallback).trim(),
    exact: (name, fallback = '') => fields.get(name)?.replaceAll('\r\n', '\n') ?? fallback,
    values: (name) => fields.getAll(name).map((value) => value.slice(0, maxCharacters).trim()),
  };
}

/** Throws FormProblem unless there is no problem. */
export function refuse(problems: Readonly<Record<string, string | undefined>>): void {
  const found = Object.entries(problems).filter((entry): entry is [string, string] => entry[1] !== undefined);
  if (found.length > 0) throw new FormProblem(Object.fromEntries(found));
}
