import { createHash } from 'node:crypto';
import type { SarifResult } from '../define.ts';
import { printableJson } from '../io.ts';
import { gather, type Renderer } from './format.ts';

/**
 * SARIF 2.1.0, which code hosts show beside the files: one run with a result for each item. GitHub takes no document in which a
 * result has only a logical location, so each also has a file that stands for the thing, and a fingerprint of its own.
 */
export const render: Renderer = async ({ view, items, io }) => {
  const results = (await gather(items)).flatMap((item) => view.sarif?.(item) ?? []);
  const rules = new Map(results.map(({ ruleId, rule, help }) => [ruleId, { rule, help }]));
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'chainctl',
            rules: [...rules].map(([id, { rule, help }]) => ({
              id,
              shortDescription: { text: rule },
              fullDescription: { text: rule },
              help: { text: help },
            })),
          },
        },
        results: results.map(toResult),
      },
    ],
  };
  io.out(`${printableJson(log)}\n`);
};

const toResult = ({ ruleId, level, message, place }: SarifResult) => ({
  ruleId,
  level,
  message: { text: message },
  locations: [
    {
      physicalLocation: { artifactLocation: { uri: `iam/${encodeURI(place)}` }, region: { startLine: 1 } },
      logicalLocations: [{ fullyQualifiedName: place, kind: 'resource' }],
    },
  ],
  // Without one, a host makes it from the line of a file that is not there.
  partialFingerprints: {
    primaryLocationLineHash: createHash('sha256').update(`${ruleId} ${place}`).digest('hex').slice(0, 16),
  },
});
