import { createHash } from 'node:crypto';
import type {
  AdvisoryDocument,
  AdvisoryEvent,
  AdvisoryVulnerabilityMetadata,
} from '../../api/schema/types/advisory.gen.ts';
import type { Tx } from '../store/database.ts';

type Level = 'LOW' | 'MEDIUM' | 'HIGH' | 'CRITICAL' | 'UNKNOWN';

/** A published vulnerability, as its project tells it, and what became of it in one origin package. */
interface Vulnerability {
  readonly id: string;
  readonly package: string;
  readonly level: Level;
  /** CVSS 3.1, where one is published. */
  readonly vector?: string;
  /** Our own words. */
  readonly summary: string;
  readonly url: string;
  /** RFC 3339: when it was found in the package. */
  readonly detected: string;
  readonly outcome:
    | { readonly fixed: string; readonly at: string }
    | { readonly pending: string; readonly at: string }
    | { readonly falsePositive: string; readonly at: string }
    | 'open';
}

const availability = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H';
const openssl = 'https://openssl-library.org/news/vulnerabilities/';

/**
 * Public facts about software of the versions that the demo's images name, so that comparing images, their changelogs
 * and their advisories have something true to say. Fixed versions are the upstream release's, with epoch 0.
 */
const vulnerabilities: readonly Vulnerability[] = [
  {
    id: 'CVE-2025-9230',
    package: 'openssl',
    level: 'HIGH',
    vector: availability,
    summary: 'Decrypting a password-encrypted CMS message may read and write past the end of a buffer',
    url: openssl,
    detected: '2025-09-30T18:00:00Z',
    outcome: { fixed: '3.5.4-r0', at: '2025-10-01T06:20:00Z' },
  },
  {
    id: 'CVE-2025-9231',
    package: 'openssl',
    level: 'MEDIUM',
    vector: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:N',
    summary: 'The time SM2 signatures take on 64-bit ARM may tell the private key',
    url: openssl,
    detected: '2025-09-30T18:00:00Z',
    outcome: { fixed: '3.5.4-r0', at: '2025-10-01T06:20:00Z' },
  },
  {
    id: 'CVE-2025-9232',
    package: 'openssl',
    level: 'MEDIUM',
    vector: 'CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:H',
    summary: 'The HTTP client may read past a buffer when no_proxy is set and the URL names an IPv6 address',
    url: openssl,
    detected: '2025-09-30T18:00:00Z',
    outcome: { fixed: '3.5.4-r0', at: '2025-10-01T06:20:00Z' },
  },
  {
    id: 'CVE-2025-15467',
    package: 'openssl',
    level: 'HIGH',
    summary: 'Parsing CMS AuthEnvelopedData with a long initialization vector may overflow the stack',
    url: openssl,
    detected: '2026-01-27T18:00:00Z',
    outcome: 'open',
  },
  {
    id: 'CVE-2025-59375',
    package: 'expat',
    level: 'HIGH',
    vector: availability,
    summary: 'A small document can make the parser allocate very much memory',
    url: 'https://github.com/libexpat/libexpat/blob/R_2_7_2/expat/Changes',
    detected: '2025-09-15T08:00:00Z',
    outcome: { fixed: '2.7.2-r0', at: '2025-09-17T09:10:00Z' },
  },
  {
    id: 'CVE-2025-61723',
    package: 'go-1.25',
    level: 'HIGH',
    vector: availability,
    summary: 'encoding/pem takes quadratic time for some invalid input',
    url: 'https://groups.google.com/g/golang-announce/c/4Emdl2iQ_bI',
    detected: '2025-10-08T07:00:00Z',
    outcome: { fixed: '1.25.2-r0', at: '2025-10-08T15:45:00Z' },
  },
  {
    id: 'CVE-2025-58183',
    package: 'go-1.25',
    level: 'MEDIUM',
    vector: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:N/I:N/A:L',
    summary: 'archive/tar sets no limit to the regions of a sparse file',
    url: 'https://groups.google.com/g/golang-announce/c/4Emdl2iQ_bI',
    detected: '2025-10-08T07:00:00Z',
    outcome: { fixed: '1.25.2-r0', at: '2025-10-08T15:45:00Z' },
  },
  {
    id: 'CVE-2025-61729',
    package: 'go-1.25',
    level: 'HIGH',
    vector: availability,
    summary: 'crypto/x509 takes much time to say that a certificate with many names does not match a host',
    url: 'https://pkg.go.dev/vuln/GO-2025-4155',
    detected: '2025-12-03T07:00:00Z',
    outcome: { fixed: '1.25.5-r0', at: '2025-12-03T14:30:00Z' },
  },
  {
    id: 'CVE-2025-6075',
    package: 'python-3',
    level: 'MEDIUM',
    vector: 'CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H',
    summary: 'os.path.expandvars takes quadratic time for input an attacker chooses',
    url: 'https://github.com/python/cpython/issues/136065',
    detected: '2025-10-31T18:00:00Z',
    outcome: { pending: 'The fix is merged upstream and waits for the next release.', at: '2025-11-03T10:00:00Z' },
  },
  {
    id: 'CVE-2025-59465',
    package: 'nodejs',
    level: 'HIGH',
    vector: availability,
    summary: 'A malformed HTTP/2 HEADERS frame ends the process',
    url: 'https://nodejs.org/en/blog/vulnerability/december-2025-security-releases',
    detected: '2026-01-13T18:00:00Z',
    outcome: { fixed: '25.3.0-r0', at: '2026-01-14T05:00:00Z' },
  },
  {
    id: 'CVE-2025-46394',
    package: 'busybox',
    level: 'UNKNOWN',
    summary: 'tar lists names with escape sequences that can hide other names from a terminal',
    url: 'https://bugs.busybox.net/',
    detected: '2025-04-24T08:00:00Z',
    outcome: { pending: 'No release of the project has a fix.', at: '2025-04-25T09:00:00Z' },
  },
  {
    id: 'CVE-2025-53859',
    package: 'nginx-mainline',
    level: 'LOW',
    summary: 'The SMTP module may send bytes past a buffer to the authentication server',
    url: 'https://nginx.org/en/security_advisories.html',
    detected: '2025-08-13T15:00:00Z',
    outcome: { fixed: '1.29.1-r0', at: '2025-08-14T06:00:00Z' },
  },
  {
    id: 'CVE-2023-45853',
    package: 'zlib',
    level: 'CRITICAL',
    vector: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H',
    summary: 'MiniZip overflows an integer for a long file name',
    url: 'https://github.com/madler/zlib/pull/843',
    detected: '2023-10-17T08:00:00Z',
    outcome: {
      falsePositive: 'MiniZip is a contribution beside the library, and this package does not build it.',
      at: '2023-10-17T12:00:00Z',
    },
  },
];

/** Advisory documents and records of vulnerabilities; what is there already is left as it is. */
export function seedAdvisories(tx: Tx): void {
  const packages = [...new Set(vulnerabilities.map((entry) => entry.package))].sort();
  for (const name of packages) {
    const document: AdvisoryDocument = {
      id: name,
      advisories: vulnerabilities
        .filter((entry) => entry.package === name)
        .map((entry) => ({
          id: advisoryId(entry),
          aliases: [entry.id],
          packageNamespace: 'wolfi',
          events: eventsOf(entry),
        })),
    };
    tx.run(
      'INSERT INTO advisory_documents (id, document) VALUES (?, ?) ON CONFLICT DO NOTHING',
      name,
      JSON.stringify(document),
    );
  }
  for (const entry of vulnerabilities) {
    const metadata: AdvisoryVulnerabilityMetadata = {
      id: entry.id,
      summary: entry.summary,
      references: [{ type: 'ADVISORY', url: entry.url }],
      severity: entry.vector === undefined ? [] : [{ type: 'CVSS_V3', score: entry.vector }],
    };
    tx.run(
      'INSERT INTO vulnerability_metadata (id, severity, metadata) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      entry.id,
      entry.level,
      JSON.stringify(metadata),
    );
  }
}

function eventsOf({ package: name, detected, outcome }: Vulnerability): AdvisoryEvent[] {
  const detection: AdvisoryEvent = {
    timestamp: detected,
    detection: { scanv1: { scanner: 'grype', subpackageName: name, componentName: name, componentType: 'apk' } },
  };
  if (outcome === 'open') return [detection];
  if ('fixed' in outcome) return [detection, { timestamp: outcome.at, fixed: { fixedVersion: outcome.fixed } }];
  if ('pending' in outcome) {
    return [detection, { timestamp: outcome.at, pendingUpstreamFix: { note: outcome.pending } }];
  }
  const falsePositiveDetermination = {
    type: 'FPT_TYPE_VULNERABLE_CODE_NOT_INCLUDED_IN_PACKAGE',
    note: outcome.falsePositive,
  };
  return [detection, { timestamp: outcome.at, falsePositiveDetermination }];
}

/** `CGA-` and three groups of four from the letters such ids use; the same on every platform. */
function advisoryId({ id, package: name }: Vulnerability): string {
  const letters = '23456789cfghjmpqrvwx';
  const bytes = createHash('sha256').update(`${name} ${id}`).digest();
  const word = [...bytes.subarray(0, 12)].map((byte) => letters[byte % letters.length] ?? '2').join('');
  return `CGA-${word.slice(0, 4)}-${word.slice(4, 8)}-${word.slice(8)}`;
}
