import type { Handlers } from '../core/handler.ts';
import { listAdvisories, listDocuments, listVulnerabilityMetadata } from './advisories.ts';
import { getVulnReport, listVulnCountReports, listVulnReports } from './vulnerability-reports.ts';
import {
  createAdvisory,
  createAdvisoryEvent,
  deleteAdvisory,
  listAdvisoryEvents,
  updateAdvisory,
  updateAdvisoryEvent,
} from './written-advisories.ts';

export const handlers: Handlers = {
  'advisory.v1.SecurityAdvisory.ListDocuments': listDocuments,
  'advisory.v1.SecurityAdvisory.ListVulnerabilityMetadata': listVulnerabilityMetadata,
  'registry.v1.Registry.GetVulnReport': getVulnReport,
  'registry.v1.Vulnerabilities.ListVulnCountReports': listVulnCountReports,
  'registry.v1.Vulnerabilities.ListVulnReports': listVulnReports,
  'vulnerabilities.v1.Advisories.List': listAdvisories,
  'vulnerabilities.v1.Advisories.Create': createAdvisory,
  'vulnerabilities.v1.Advisories.Update': updateAdvisory,
  'vulnerabilities.v1.Advisories.Delete': deleteAdvisory,
  'vulnerabilities.v1.Advisories.CreateAdvisoryEvent': createAdvisoryEvent,
  'vulnerabilities.v1.Advisories.ListAdvisoryEvents': listAdvisoryEvents,
  'vulnerabilities.v1.Advisories.UpdateAdvisoryEvent': updateAdvisoryEvent,
};
