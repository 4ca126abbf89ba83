import type { InstalledPackage } from '../sbom.ts';

/** Paths where apk keeps the list of what is installed; the first is the newer place. */
export const apkDatabasePaths = ['usr/lib/apk/db/installed', 'lib/apk/db/installed'] as const;

/** The records of apk's database: one `letter:value` to a line, a blank line between packages. */
export function parseApkDatabase(text: string): InstalledPackage[] {
  return text.split(/\n{2,}/).flatMap((record) => {
    const fields = new Map(
      record.split('\n').flatMap((line) => (line[1] === ':' ? [[line[0] ?? '', line.slice(2)] as const] : [])),
    );
    const name = fields.get('P');
    const version = fields.get('V');
    if (name === undefined || version === undefined) return [];
    return [
      {
        name,
        version,
        license: fields.get('L') ?? '',
        origin: fields.get('o') ?? name,
        architecture: fields.get('A') ?? '',
      },
    ];
  });
}

export function formatApkDatabase(packages: readonly InstalledPackage[]): string {
  const records = [...packages]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, version, architecture, license, origin }) =>
      [`P:${name}`, `V:${version}`, `A:${architecture}`, `L:${license}`, `o:${origin}`, ''].join('\n'),
    );
  return `${records.join('\n')}\n`;
}
