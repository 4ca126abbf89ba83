/** Environment variable with the origins that issuers and their key sets may be at, separated by commas. */
export const issuerOriginsVariable = 'CHAINCTL_LOCAL_ISSUER_ORIGINS';

/** Throws a RangeError for an entry that is no origin of https or of http. */
export function parseOrigins(text: string): ReadonlySet<string> {
  const origins = new Set<string>();
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (entry === '') continue;
    const url = URL.canParse(entry) ? new URL(entry) : undefined;
    const isOrigin = url !== undefined && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href;
    if (!isOrigin) throw new RangeError(`${issuerOriginsVariable}: "${entry}" is not an origin like https://host:8443`);
    origins.add(url.origin);
  }
  return origins;
}
