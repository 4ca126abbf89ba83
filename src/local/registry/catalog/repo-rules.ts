import { registrySchema } from '../../../api/schema/messages/registry.gen.ts';
import type {
  RegistryCustomOverlay,
  RegistryRepo,
  RegistrySyncConfig,
} from '../../../api/schema/types/registry.gen.ts';
import { checkDescription } from '../../api/field-rules.ts';
import { invalidArgument } from '../../core/failures.ts';
import { checkReadme } from './readme-rules.ts';

/** Attributes of a repository besides its place and its name: wire JSON of `Repo`. */
export type RepoAttributes = Omit<RegistryRepo, 'id' | 'name' | 'createTime'>;

const aliasPattern = '^[a-zA-Z0-9_.\\-/]*[a-zA-Z0-9_.\\-]:[a-zA-Z0-9_.\\-]+$';
const tagPattern = '^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$';
const bundles: readonly string[] = [
  'application',
  'base',
  'byol',
  'ai',
  'ai-gpu',
  'featured',
  'fips',
  'commercial',
  'emeritoss',
];
const tiers = Object.keys(registrySchema.enums['chainguard.platform.registry.CatalogTier'] ?? {});
/** Annotations that only the platform writes into an image. */
const reservedAnnotations = /^(?:dev\.chainguard\.|org\.opencontainers\.)/;

/** Everything of a repository but its name, checked (semantics 2). `now` in milliseconds. */
export function checkRepoAttributes(repo: RegistryRepo): RepoAttributes {
  const description = checkDescription(repo.description);
  const readme = checkReadme(repo.readme ?? '');
  const sync = repo.sync_config === undefined ? undefined : checkSyncConfig(repo.sync_config);
  const overlay = repo.customOverlay === undefined ? undefined : checkOverlay(repo.customOverlay);
  for (const bundle of repo.bundles ?? []) {
    if (!bundles.includes(bundle)) {
      throw invalidArgument(`bundle ${JSON.stringify(bundle)} is not one of ${bundles.join(', ')}`);
    }
  }
  for (const alias of repo.aliases ?? []) {
    if (!/^[a-zA-Z0-9_.\-/]*[a-zA-Z0-9_.-]:[a-zA-Z0-9_.-]+$/.test(alias)) {
      throw invalidArgument(`each alias must match ${JSON.stringify(aliasPattern)}`);
    }
  }
  for (const tag of repo.activeTags ?? []) checkTagName(tag);
  return {
    ...(isTier(repo.catalogTier) ? { catalogTier: repo.catalogTier } : {}),
    ...(isEmptyList(repo.bundles) ? {} : { bundles: repo.bundles }),
    ...(readme === '' ? {} : { readme }),
    ...(sync === undefined ? {} : { sync_config: sync }),
    ...(overlay === undefined ? {} : { customOverlay: overlay }),
    ...(isEmptyList(repo.aliases) ? {} : { aliases: repo.aliases }),
    ...(isEmptyList(repo.activeTags) ? {} : { activeTags: repo.activeTags }),
    ...(description === '' ? {} : { description }),
  };
}

export function checkTagName(tag: string | undefined): string {
  if (tag === undefined || !/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(tag)) {
    throw invalidArgument(`tag must match ${JSON.stringify(tagPattern)}`);
  }
  return tag;
}

/** False for UNKNOWN, which is how "none" is written. Throws for numbers this version has no name for. */
function isTier(tier: string | number | undefined): boolean {
  if (tier === undefined || tier === 'UNKNOWN') return false;
  if (typeof tier === 'string' && tiers.includes(tier)) return true;
  throw invalidArgument(`catalog_tier ${JSON.stringify(tier)} is not one of ${tiers.slice(1).join(', ')}`);
}

function checkSyncConfig(config: RegistrySyncConfig): RegistrySyncConfig | undefined {
  const given = Object.entries(config).filter(([, value]) => value !== '' && value !== false && value !== undefined);
  if (given.length === 0) return undefined;
  return Object.fromEntries(given) as RegistrySyncConfig;
}

function checkOverlay(overlay: RegistryCustomOverlay): RegistryCustomOverlay | undefined {
  for (const key of Object.keys(overlay.environment ?? {})) {
    if (/^CHAINGUARD_/.test(key)) throw reserved('environment', key);
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) {
      throw invalidArgument(`custom_overlay.environment: ${JSON.stringify(key)} is not the name of a variable`);
    }
  }
  for (const key of Object.keys(overlay.annotations ?? {})) {
    if (reservedAnnotations.test(key)) throw reserved('annotations', key);
  }
  for (const name of overlay.contents?.packages ?? []) {
    if (!/^[a-z0-9][a-zA-Z0-9._+-]*(?:[~=<>]{1,2}[a-zA-Z0-9._+-]+)?$/.test(name)) {
      throw invalidArgument(`custom_overlay.contents.packages: ${JSON.stringify(name)} is not a package`);
    }
  }
  for (const repository of overlay.contents?.runtimeRepositories ?? []) {
    const url = URL.canParse(repository) ? new URL(repository) : undefined;
    if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
      throw invalidArgument(
        `custom_overlay.contents.runtime_repositories: ${JSON.stringify(repository)} is not an http URL`,
      );
    }
  }
  for (const { name, content } of overlay.contents?.runtimeKeyring ?? []) {
    checkFileName('custom_overlay.contents.runtime_keyring', name);
    if (!isPublicKey(content)) throw invalidArgument(`runtime key ${JSON.stringify(name)} is not a PEM public key`);
  }
  for (const { name, content } of overlay.certificates?.additional ?? []) {
    checkFileName('custom_overlay.certificates.additional', name);
    if (!/-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/.test(content ?? '')) {
      throw invalidArgument(`certificate ${JSON.stringify(name)} is not a PEM certificate`);
    }
  }
  for (const user of overlay.accounts?.users ?? []) checkAccount('user', user.userName);
  for (const group of overlay.accounts?.groups ?? []) checkAccount('group', group.groupName);
  const text = JSON.stringify(overlay);
  return text === '{}' || Object.values(overlay).every(isBlank) ? undefined : overlay;
}

/** Names of files in one folder of the image; nothing that leads out of it. */
function checkFileName(field: string, name: string | undefined): void {
  if (name !== undefined && /^[A-Za-z0-9_@+-][A-Za-z0-9_.@+-]{0,127}$/.test(name)) return;
  throw invalidArgument(`${field}: ${JSON.stringify(name ?? '')} is not a safe file name`);
}

/** They become lines of /etc/passwd and /etc/group. */
function checkAccount(what: string, name: string | undefined): void {
  if (name !== undefined && /^[a-z_][a-z0-9_.-]{0,31}$/.test(name)) return;
  throw invalidArgument(`custom_overlay.accounts: ${JSON.stringify(name ?? '')} is not the name of a ${what}`);
}

function isPublicKey(text: string | undefined): boolean {
  return /-----BEGIN (?:RSA )?PUBLIC KEY-----[\s\S]+-----END (?:RSA )?PUBLIC KEY-----/.test(text ?? '');
}

function isBlank(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isBlank);
  return value === undefined || value === '';
}

function isEmptyList(list: readonly string[] | undefined): boolean {
  return list === undefined || list.length === 0;
}

function reserved(field: string, key: string): Error {
  return invalidArgument(`custom_overlay.${field}: ${JSON.stringify(key)} is reserved`);
}
