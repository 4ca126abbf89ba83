// The parts of the platform, in order: each may use those before it. The only file that names them.

import { advisoriesModule } from './advisories/module.ts';
import { auditModule } from './audit/module.ts';
import type { ConsoleNeeds } from './console/console.ts';
import { consoleModule } from './console/module.ts';
import type { EventFacts } from './core/event-facts.ts';
import type { Module, Opened, Parts } from './core/module.ts';
import { clusterRegistration, enforceModule } from './enforce/module.ts';
import { type EventsNeeds, eventsModule } from './events/module.ts';
import { iamModule } from './iam/module.ts';
import { type IssuerFace, type IssuerNeeds, issuerModule } from './issuer/module.ts';
import { pingModule } from './ping/module.ts';
import { registryModule } from './registry/module.ts';
import { scimModule } from './scim/module.ts';
import { sigstoreModule } from './sigstore/module.ts';
import type { Migration } from './store/database.ts';
import { founding } from './store/founding/founding.ts';

/** Dependencies of the modules behind the issuer, besides their parts. */
type Needs = { readonly issuer: IssuerFace } & Omit<EventsNeeds, 'issuer'>;

const beforeIssuer: readonly Module[] = [pingModule, iamModule, scimModule];

// biome-ignore format: one line each
const afterIssuer: readonly Module<Needs>[] = [
  registryModule,
  advisoriesModule,
  eventsModule,
  enforceModule,
  sigstoreModule,
  auditModule,
  consoleModule,
];

// The arguments that opening a module takes are known here only; the others look at what it declares.
export const modules: readonly Module[] = [
  ...beforeIssuer,
  issuerModule as Module,
  ...(afterIssuer as readonly Module[]),
];

/** The name of a module that a platform may leave out, as `scim`. */
export type ModuleName = string;

export interface OpenedModules {
  readonly chosen: readonly Module[];
  readonly opened: readonly Opened[];
  readonly verifyAccessToken: IssuerFace['verifyAccessToken'];
}

export type ModuleOptions = Omit<IssuerNeeds & EventsNeeds & ConsoleNeeds, 'issuer' | 'clusters'>;

/**
 * Opens the chosen ones, or all; ping, iam and issuer are always there. Throws TypeError for a name that no module has.
 */
export function openModules(parts: Parts & ModuleOptions, only?: readonly ModuleName[]): OpenedModules {
  const unknown = only?.find((name) => !modules.some((module) => module.name === name));
  if (unknown !== undefined) throw new TypeError(`there is no module "${unknown}"`);
  const first = beforeIssuer.filter((module) => isChosen(module, only)).map((module) => module.open(parts));
  const clusters = isChosen(enforceModule, only) ? clusterRegistration(parts.store) : undefined;
  const issuer = issuerModule.open({ ...parts, clusters });
  const needs = { ...parts, issuer: issuer.face };
  const rest = afterIssuer.filter((module) => isChosen(module, only)).map((module) => module.open(needs));
  return {
    chosen: modules.filter((module) => isChosen(module, only)),
    opened: [...first, issuer, ...rest],
    verifyAccessToken: issuer.face.verifyAccessToken,
  };
}

/** Returns whether a platform of only these modules has this one. */
export function isChosen({ name }: Pick<Module, 'name'>, only: readonly ModuleName[] | undefined): boolean {
  return only === undefined || ['ping', 'iam', 'issuer', ...only].includes(name);
}

/** Returns every migration there is: a folder keeps its tables whichever modules a platform leaves out. */
export function allMigrations(): readonly Migration[] {
  return [...founding, ...modules.flatMap(({ migrations: own = [] }: Module) => own)];
}

/** Returns what events tell, of every module. */
export function eventFacts(): EventFacts {
  return Object.assign({}, ...modules.map(({ events }: Module) => events));
}
