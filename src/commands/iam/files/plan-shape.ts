// Shape of a plan, of files or of Terraform.

import type { AccessChange } from '../../../access/difference.ts';
import type { IamRole } from '../../../api/schema/types/iam.gen.ts';
import type { Reference } from '../../../cli/inputs/references.ts';
import type { Expectation } from '../../../organization/expectations.ts';

/** Changes, however they are said. */
export interface Plan {
  readonly organization: Reference;
  readonly source: 'the files say' | 'Terraform says';
  readonly changes: readonly ToldChange[];
  readonly access: readonly AccessChange[];
  readonly expectations: readonly Expectation[];
  /** Labels of what `--prune` would delete. */
  readonly unmentioned: readonly string[];
  /** Before and after: what somebody gains or loses may be all of one. */
  readonly roles: readonly IamRole[];
  /** Facts that the plan does not tell, a clause each. */
  readonly unsure: readonly string[];
  /** Names of places by id, before and after. */
  readonly nameOf: (id: string) => string;
}

interface ToldChange {
  readonly action: 'create' | 'update' | 'replace' | 'delete';
  readonly kind: string;
  readonly noun: string;
  readonly label: string;
  readonly details: readonly string[];
  readonly id: string;
  /** Address in Terraform. */
  readonly address?: string;
}
