import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** One chance in a busy moment is not a fault of the product; more of them are a fault of the tests. */
const mostSecondTries = 2;

/** Names the tests that passed at their second try only, and fails the run when they are more than two. */
export class RetryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const retried = modules.flatMap((module) => [...module.children.allTests()]).filter(neededMore);
    if (retried.length === 0) return;
    const lines = retried.map((test) => `  ${test.module.relativeModuleId} > ${test.fullName}`);
    process.stderr.write(`\nTests that needed a second try: ${retried.length}\n${lines.join('\n')}\n`);
    if (retried.length <= mostSecondTries) return;
    process.stderr.write(`At most ${mostSecondTries} may: the run fails\n`);
    process.exitCode = 1;
  }
}

const neededMore = (test: TestCase): boolean => (test.diagnostic()?.retryCount ?? 0) > 0;
