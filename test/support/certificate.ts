import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
  /** The certificate's file, for SSL_CERT_FILE: it is its own authority. */
  readonly path: string;
}

/** Makes a certificate for 127.0.0.1 that signs itself, in this folder. */
export function loopbackCertificate(folder: string): Certificate {
  const options = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=loopback';
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', 'server.key', '-out', 'server.pem'];
  execFileSync('openssl', ['req', ...options.split(' '), ...names], { cwd: folder, stdio: 'ignore' });
  const path = join(folder, 'server.pem');
  return { key: readFileSync(join(folder, 'server.key'), 'utf8'), cert: readFileSync(path, 'utf8'), path };
}
