// Types of what npm's `deno-std` carries as plain JavaScript.
export interface DelayOptions {
  signal?: AbortSignal;
  persistent?: boolean;
}
export function delay(milliseconds: number, options?: DelayOptions): Promise<void>;
export interface DeadlineOptions {
  signal?: AbortSignal;
}
export function deadline<T>(
  promise: Promise<T>,
  milliseconds: number,
  options?: DeadlineOptions,
): Promise<T>;
