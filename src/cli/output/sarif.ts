import { printableJson } from '../io.ts';
import { gather, type Renderer } from './format.ts';

/** SARIF 2.1.0, which code hosts show beside the files: one run with a result for each item. */
export const render: Renderer = async ({ view, items, io }) => {
  const results = (await gather(items)).map((item) => view.sarif?.(item));
  const rules = [
    ...new Map(
      results.map((one) => [one?.ruleId, { id: one?.ruleId, shortDescription: { text: one?.rule } }]),
    ).values(),
  ];
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'chainctl', rules } },
        results: results.map((one) => ({
          ruleId: one?.ruleId,
          level: one?.level,
          message: { text: one?.message },
          locations: [{ logicalLocations: [{ fullyQualifiedName: one?.place, kind: 'resource' }] }],
        })),
      },
    ],
  };
  io.out(`${printableJson(log)}\n`);
};
