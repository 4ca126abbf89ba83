// Runs at the start of every test file: its hooks count for that file.

import { afterEach } from 'vitest';
import { cleanUpAfterTest } from './after-each-test.ts';

afterEach(cleanUpAfterTest);
