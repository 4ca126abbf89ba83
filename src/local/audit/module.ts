import { lazily } from '../core/lazily.ts';
import type { Module } from '../core/module.ts';
import type { Caller } from '../core/types.ts';
import { migrations } from './migrations.ts';
import { createRecorder, pruneRecords } from './recorder.ts';

export interface AuditNeeds {
  readonly issuer: { verifyAccessToken(token: string): Promise<Caller> };
}

export const auditModule: Module<AuditNeeds> = {
  name: 'audit',
  tables: ['audit_records'],
  migrations,
  open({ store, clock, urls, onDefect, issuer }) {
    const recorder = createRecorder(store, clock, onDefect);
    const routes = lazily(async () => {
      const { createAuditRoutes } = await import('./routes.ts');
      const { verifyAccessToken } = issuer;
      return createAuditRoutes({ store, urls, verifyAccessToken, flush: recorder.flush });
    });
    return {
      face: undefined,
      routes: [{ prefix: '/local/v1/audit', load: routes }],
      maintenance: [() => pruneRecords(store)],
      onOccurrence: recorder.note,
      stop: async () => recorder.stop(),
    };
  },
};
