import type { TreeNode } from '../define.ts';
import { printable } from '../io.ts';
import { gather, type Renderer } from './format.ts';

/** Roots bare, children on `├ ` and `└ `, two columns a level (outputs.md, Tree). */
export const render: Renderer = async ({ view, items, io }) => {
  const lines: string[] = [];
  for (const node of (await view.tree?.(await gather(items))) ?? []) {
    lines.push(printable(node.label));
    draw(node.children, '', lines);
  }
  if (lines.length > 0) io.out(`${lines.join('\n')}\n`);
};

function draw(nodes: readonly TreeNode[], prefix: string, lines: string[]): void {
  nodes.forEach((node, index) => {
    const last = index === nodes.length - 1;
    lines.push(`${prefix}${last ? '└ ' : '├ '}${printable(node.label)}`);
    draw(node.children, `${prefix}${last ? '  ' : '│ '}`, lines);
  });
}
