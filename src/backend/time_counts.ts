import type { TimeSummary } from "./executor_events.ts";

/** Buckets for each doubling of a time, as wide as each other: each is 3 to 6 % of the times in it. */
const PER_DOUBLING = 16;
/** The least time that is told from zero: 2 ** -20 ms, a nanosecond. */
const LEAST = -20;
/** Up to 2 ** 32 ms, seven weeks. */
const BUCKETS = (32 - LEAST) * PER_DOUBLING;

/** A number and its bits: the exponent and what follows it are the number of its bucket, without a logarithm. */
const NUMBER = new Float64Array(1);
const BITS = new Int32Array(NUMBER.buffer);
const HIGH = new Int32Array(new Float64Array([1]).buffer)[0] === 0 ? 1 : 0;
const LOWEST = (1023 + LEAST) * PER_DOUBLING;

/** Counts times in buckets whose width grows with the time. */
export class Histogram {
  readonly #buckets = new Uint32Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = 0;

  add(milliseconds: number): void {
    this.#count++;
    this.#sum += milliseconds;
    if (milliseconds < this.#min) this.#min = milliseconds;
    if (milliseconds > this.#max) this.#max = milliseconds;
    NUMBER[0] = milliseconds;
    const at = (BITS[HIGH]! >> 16) - LOWEST;
    this.#buckets[at > 0 ? Math.min(at, BUCKETS - 1) : 0]!++;
  }

  /** The time that a part of them, 0 to 1, did not exceed. */
  quantile(part: number): number {
    let left = Math.ceil(part * this.#count);
    for (let at = 0; at < BUCKETS; at++) {
      left -= this.#buckets[at]!;
      if (left > 0) continue;
      const [doublings, rest] = [Math.floor(at / PER_DOUBLING), at % PER_DOUBLING];
      const middle = 2 ** (LEAST + doublings) * (1 + (rest + 0.5) / PER_DOUBLING);
      return Math.min(Math.max(middle, this.#min), this.#max);
    }
    return this.#max;
  }

  summary(): TimeSummary {
    const count = this.#count;
    if (count === 0) return { count, min: 0, max: 0, mean: 0, p50: 0, p90: 0, p99: 0, p999: 0 };
    return {
      count,
      min: this.#min,
      max: this.#max,
      mean: this.#sum / count,
      p50: this.quantile(0.5),
      p90: this.quantile(0.9),
      p99: this.quantile(0.99),
      p999: this.quantile(0.999),
    };
  }
}

/** Milliseconds of one place of the last second. */
const PLACE = 50;
const PLACES = 20;

/** Counts what happened within the last second. */
export class LastSecond {
  readonly #counts = new Uint32Array(PLACES);
  #place = 0;
  /** When the last was: of many that one message tells it is the same. */
  #lastAt = NaN;

  add(at: number): void {
    if (at !== this.#lastAt) this.#forget(at);
    this.#lastAt = at;
    this.#counts[this.#place % PLACES]!++;
  }

  count(at: number): number {
    this.#forget(at);
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  #forget(at: number): void {
    const place = Math.floor(at / PLACE);
    if (place <= this.#place) return;
    for (let i = Math.max(this.#place + 1, place - PLACES + 1); i <= place; i++) {
      this.#counts[i % PLACES] = 0;
    }
    this.#place = place;
  }
}
