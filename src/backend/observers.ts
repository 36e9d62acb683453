/** Who is told of events. One that throws is reported once and removed: it never disturbs what is told. */
export class Observers<Event> {
  readonly #name: string;
  readonly #onEmpty: () => void;
  #entries: readonly { readonly observer: (event: Event) => void }[] = [];

  /**
   * @param name What is observed, for the report.
   * @param onEmpty Called when the last one is gone.
   */
  constructor(name: string, onEmpty: () => void) {
    this.#name = name;
    this.#onEmpty = onEmpty;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** @returns Removes it. One function may be added twice. */
  add(observer: (event: Event) => void): () => void {
    const entry = { observer };
    this.#entries = [...this.#entries, entry];
    return () => this.#remove(entry);
  }

  #remove(entry: unknown): void {
    this.#entries = this.#entries.filter((one) => one !== entry);
    if (this.isEmpty) this.#onEmpty();
  }

  tell(event: Event): void {
    for (const entry of this.#entries) {
      try {
        const { observer } = entry;
        observer(event);
      } catch (error) {
        this.#remove(entry);
        console.error(`Uncaught error in an observer of ${this.#name}, which is removed:`, error);
      }
    }
  }
}
