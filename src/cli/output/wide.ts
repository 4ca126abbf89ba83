import type { Renderer } from './format.ts';
import { renderColumns } from './table.ts';

/** The table with every column there is; nothing is cut, whatever the terminal. */
export const render: Renderer = (input) => renderColumns(input, input.view.columns ?? [], true);
