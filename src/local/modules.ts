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
import { type IssuerNeeds, issuerModule } from './issuer/module.ts';
import { pingModule } from './ping/module.ts';
import { registryModule } from './registry/module.ts';
import { scimModule } from './scim/module.ts';
import { sigstoreModule } from './sigstore/module.ts';
import type { Migration } from './store/database.ts';
import { founding } from './store/founding/founding.ts';

// biome-ignore format: one line each
export const modules = [
  pingModule,
  iamModule,
  scimModule,
  issuerModule,
  registryModule,
  advisoriesModule,
  eventsModule,
  enforceModule,
  sigstoreModule,
  auditModule,
  consoleModule,
] as const;

/** A part that a platform may leave out. */
export type ModuleName = 'scim' | 'registry' | 'advisories' | 'events' | 'enforce' | 'sigstore' | 'audit' | 'console';

export interface OpenedModules {
  readonly chosen: readonly Module[];
  readonly opened: readonly Opened[];
  readonly verifyAccessToken: Parameters<typeof eventsModule.open>[0]['issuer']['verifyAccessToken'];
}

export type ModuleOptions = Omit<IssuerNeeds & EventsNeeds & ConsoleNeeds, 'issuer' | 'clusters'>;

/** Opens the chosen ones, or all; ping, iam and issuer are always there. */
export function openModules(parts: Parts & ModuleOptions, only?: readonly ModuleName[]): OpenedModules {
  const opened: Opened[] = [];
  const chosen: Module[] = [];
  const open = <Needs, Face>(module: Module<Needs, Face>, needs: Parts & Needs): Face | undefined => {
    if (!isChosen(module, only)) return undefined;
    const made = module.open(needs);
    chosen.push(module as Module);
    opened.push(made);
    return made.face;
  };
  open(pingModule, parts);
  open(iamModule, parts);
  open(scimModule, parts);
  const clusters = isChosen(enforceModule, only) ? clusterRegistration(parts.store) : undefined;
  const issuer = open(issuerModule, { ...parts, clusters });
  if (issuer === undefined) throw new TypeError('a platform has an issuer');
  open(registryModule, { ...parts, issuer });
  open(advisoriesModule, parts);
  open(eventsModule, { ...parts, issuer });
  open(enforceModule, { ...parts, issuer });
  open(sigstoreModule, { ...parts, issuer });
  open(auditModule, { ...parts, issuer });
  open(consoleModule, { ...parts, issuer });
  return { chosen, opened, verifyAccessToken: issuer.verifyAccessToken };
}

/** Whether a platform of only these modules has this one. */
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
