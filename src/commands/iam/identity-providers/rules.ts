import type { Kind } from '../../../cli/inputs/kind.ts';

// The words of `--oidc-correlation-rule` (cli.json) are the ends of the wire's names, in lower case.
const rules = ['sub_equals_external_id', 'oid_equals_external_id'] as const;

type CorrelationRule = (typeof rules)[number];

export const correlationRule: Kind<CorrelationRule> = {
  metavar: 'RULE',
  choices: rules,
  parse: (text) => {
    const found = rules.find((rule) => rule === text);
    if (found === undefined) throw new Error(`must be one of ${rules.join(', ')}`);
    return found;
  },
};

export const toWireRule = (rule: CorrelationRule): string => `CORRELATION_RULE_${rule.toUpperCase()}`;

/** `CORRELATION_RULE_OID_EQUALS_EXTERNAL_ID` → `oid_equals_external_id`. */
export const correlationRuleName = (rule: string): string => rule.replace(/^CORRELATION_RULE_/, '').toLowerCase();
