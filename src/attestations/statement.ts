// Statements of in-toto as they lie in registries: in a DSSE envelope, bare or in a bundle of sigstore, or with no
// envelope at all. Guarantees: read piece by piece, so that memory does not grow with the document; what cannot be read
// is a SyntaxError.

import { type DocumentFacts, type EntryListener, entriesPlan, factsPlan, unknownDocument } from './documents.ts';
import { asText, JsonScanner, type Plan, type Sink } from './json-scanner.ts';
import { base64, text, whole } from './json-sinks.ts';

/** How the document lies in the statement: as it is, as text in cosign's frame `{"Data": "…"}`, or as text alone. */
type DocumentForm = 'object' | 'framed' | 'text';

export interface StatementFacts {
  readonly predicateType: string;
  /** Digests the statement speaks of, `sha256:…`. */
  readonly subjects: readonly string[];
  readonly form: DocumentForm;
  readonly document: DocumentFacts;
}

interface Reader {
  /** Throws SyntaxError. */
  push(chunk: Uint8Array): void;
  /** Throws SyntaxError when the document is not whole. */
  end(): void;
}

/** Bytes of a statement's head. */
const maxHeadBytes = 1024 * 1024;

/** Reads what a statement says of itself and of its document. */
export function probeStatement(): Reader & { facts(): StatementFacts } {
  const around = probeParts();
  const inside = probeParts();
  const reader = readStatement(around.plan, inside.plan);
  return { ...reader, facts: () => (reader.hasPayload() ? inside : around).facts() };
}

/** Reads the bytes of the document, in order. `facts` are those of the same statement. */
export function readDocument({ form }: StatementFacts, take: (chunk: Uint8Array) => void): Reader {
  const textual = () => text((piece) => take(Buffer.from(piece)), noText);
  return readParts(() =>
    form === 'object'
      ? { write: take, end: () => {} }
      : form === 'framed'
        ? { Data: textual() }
        : { [asText]: textual() },
  );
}

/** Reads the entries of the document. */
export function readEntries({ form, document }: StatementFacts, listener: EntryListener): Reader {
  return readParts(() => {
    const plan = entriesPlan(document.format, listener);
    if (form === 'object') return plan;
    const inner = new JsonScanner(plan);
    const sink = text(
      (piece) => inner.push(Buffer.from(piece)),
      (isText) => {
        noText(isText);
        inner.end();
      },
    );
    return form === 'framed' ? { Data: sink } : { [asText]: sink };
  });
}

export interface Envelope {
  /** Artifacts that the signatures are about. */
  readonly payload: Buffer;
  readonly payloadType: string;
  readonly signatures: readonly { readonly keyid?: unknown; readonly sig?: unknown }[];
  /** Of a bundle: the certificate or key's name, and where it was logged (Sigstore bundle, `verificationMaterial`). */
  readonly material: unknown;
  /** Of a bundle: its version's media type. */
  readonly mediaType: string;
}

/** The envelope of a statement that is there as a whole; undefined when it has none. Throws SyntaxError. */
export function readEnvelope(bytes: Uint8Array): Envelope | undefined {
  const pieces: Buffer[] = [];
  const head: Record<string, unknown> = {};
  const keep = (name: string) =>
    whole(bytes.length, (value) => {
      head[name] = value;
    });
  const plan = envelopePlans((piece) => pieces.push(piece));
  const around = { payloadType: keep('payloadType'), signatures: keep('signatures') };
  const scanner = new JsonScanner({
    ...plan,
    ...around,
    dsseEnvelope: { ...plan['dsseEnvelope'], ...around },
    verificationMaterial: keep('material'),
    mediaType: keep('mediaType'),
  });
  scanner.push(bytes);
  scanner.end();
  if (pieces.length === 0) return undefined;
  const { payloadType, signatures, material, mediaType = '' } = head;
  return {
    payload: Buffer.concat(pieces),
    payloadType: String(payloadType),
    signatures: (Array.isArray(signatures) ? signatures : []).map((one: unknown) => one ?? {}),
    material,
    mediaType: String(mediaType),
  };
}

function readParts(predicate: () => Plan | Sink): Reader {
  return readStatement({ predicate: predicate() }, { predicate: predicate() });
}

/** `around` is for a statement without envelope, `inside` for one in an envelope. */
function readStatement(around: Plan, inside: Plan): Reader & { hasPayload(): boolean } {
  const inner = new JsonScanner(inside);
  let hasPayload = false;
  const outer = new JsonScanner({
    ...around,
    ...envelopePlans((bytes) => {
      hasPayload = true;
      inner.push(bytes);
    }),
  });
  return {
    push: (chunk) => outer.push(chunk),
    end() {
      outer.end();
      if (hasPayload) inner.end();
    },
    hasPayload: () => hasPayload,
  };
}

function envelopePlans(take: (bytes: Buffer) => void): Plan {
  const payload = (): Sink => {
    const decoder = base64(take);
    return text(decoder.write, (isText) => {
      noText(isText);
      decoder.end();
    });
  };
  return { payload: payload(), dsseEnvelope: { payload: payload() } };
}

function probeParts(): { readonly plan: Plan; facts(): StatementFacts } {
  const head: { predicateType?: unknown; subject?: unknown } = {};
  const own = factsPlan();
  const framed = textFacts();
  const bare = textFacts();
  return {
    plan: {
      predicateType: whole(maxHeadBytes, (value) => {
        head.predicateType = value;
      }),
      subject: whole(maxHeadBytes, (value) => {
        head.subject = value;
      }),
      predicate: { ...own.plan, Data: framed.sink, [asText]: bare.sink },
    },
    facts() {
      const form = framed.isThere() ? 'framed' : bare.isThere() ? 'text' : 'object';
      return {
        predicateType: String(head.predicateType ?? ''),
        subjects: subjectsIn(head.subject),
        form,
        document: { framed, text: bare, object: own }[form].facts(),
      };
    },
  };
}

/** The facts of a document that is kept as text. */
function textFacts(): { readonly sink: Sink; isThere(): boolean; facts(): DocumentFacts } {
  const own = factsPlan();
  const scanner = new JsonScanner(own.plan);
  let isJson: boolean | undefined;
  let start = '';
  let isThere = false;
  return {
    sink: text(
      (piece) => {
        isThere = true;
        isJson ??= /^\s*\{/.test(piece);
        if (isJson) scanner.push(Buffer.from(piece));
        else if (start.length < 4096) start += piece;
      },
      () => {
        if (isJson === true) scanner.end();
      },
    ),
    isThere: () => isThere,
    facts() {
      if (isJson === true) return own.facts();
      const version = /^SPDXVersion:\s*SPDX-([0-9.]+)/m.exec(start)?.[1];
      return version === undefined ? unknownDocument : { ...unknownDocument, format: 'spdx-tag-value', version };
    },
  };
}

function noText(isText: boolean): void {
  if (!isText) throw new SyntaxError('a text was expected');
}

function subjectsIn(value: unknown): string[] {
  return (Array.isArray(value) ? value : []).flatMap((subject: { digest?: unknown } | null) =>
    typeof subject?.digest === 'object' && subject.digest !== null
      ? Object.entries(subject.digest).map(([algorithm, hex]) => `${algorithm}:${String(hex)}`)
      : [],
  );
}
