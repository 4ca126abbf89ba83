// Reads what cosign keeps beside a signature in annotations, in the form of sigstore's bundles. Guarantees: pure; a
// text that is not what cosign writes proves nothing.

/** The log's entry in the annotation `dev.sigstore.cosign/bundle`; none when the text has none. */
export function logEntries(text: string | undefined): object[] {
  const { SignedEntryTimestamp, Payload } = parsed(text) as {
    SignedEntryTimestamp?: string;
    Payload?: { body?: string; integratedTime?: number; logIndex?: number; logID?: string };
  };
  if (Payload?.body === undefined) return [];
  const { kind, apiVersion } = parsed(Buffer.from(Payload.body, 'base64').toString('utf8')) as Record<string, string>;
  return [
    {
      logIndex: String(Payload.logIndex ?? 0),
      logId: { keyId: Buffer.from(Payload.logID ?? '', 'hex').toString('base64') },
      kindVersion: { kind, version: apiVersion },
      integratedTime: String(Payload.integratedTime ?? 0),
      inclusionPromise: { signedEntryTimestamp: SignedEntryTimestamp },
      canonicalizedBody: Payload.body,
    },
  ];
}

/** The timestamp in the annotation `dev.sigstore.cosign/rfc3161timestamp`, as verification material. */
export function timestamps(text: string | undefined): object {
  const { SignedRFC3161Timestamp: signedTimestamp } = parsed(text) as { SignedRFC3161Timestamp?: string };
  return signedTimestamp === undefined
    ? {}
    : { timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp }] } };
}

function parsed(text: string | undefined): object {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
