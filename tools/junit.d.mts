/** How many test cases of a report passed, and what the others are called. */
export interface ReportCounts {
  passed: number;
  /** The name, and in the lines below it what was told about the failure. */
  failures: string[];
  skipped: string[];
}
export function readReport(xml: string): ReportCounts;
export function skipReasons(names: readonly string[]): string[];
