/** How many test cases of a report passed, and what the others are called. */
export interface ReportCounts {
  passed: number;
  /** The name, and in the lines below it what was told about the failure. */
  failures: string[];
  skipped: string[];
}
export function readReport(xml: string): ReportCounts;
export function skipReasons(names: readonly string[]): string[];

/** What came of one test. */
export interface TestResult {
  readonly name: string;
  readonly file: string;
  readonly status: "passed" | "failed" | "skipped";
  readonly message?: string;
  readonly milliseconds?: number;
}
export function writeReport(results: readonly TestResult[]): string;
