import type { EngineLink } from "./engine_link.ts";
import { encodeNote } from "./envelope.ts";
import type { RemoteItem } from "./remote_item.ts";
import type { Signer } from "./signature.ts";

/** Ids in one call of the engine. */
const BATCH = 500;

interface Request {
  readonly item: RemoteItem;
  readonly abort: { readonly reason: unknown } | undefined;
  readonly answer: (removed: boolean) => void;
}

/** Takes tasks back that the engine has, in bulk; those that run are told to end, if that is asked. */
export class Recall {
  readonly #link: EngineLink;
  readonly #signer: Signer;
  #requests: Request[] = [];
  #run: Promise<void> | undefined;

  constructor(link: EngineLink, signer: Signer) {
    this.#link = link;
    this.#signer = signer;
  }

  /**
   * @param abort Where it runs, its signal is aborted for this reason.
   * @returns Whether no worker had it, and none ever will. False as well if the link was closed.
   */
  take(item: RemoteItem, abort?: { readonly reason: unknown }): Promise<boolean> {
    return new Promise((answer) => {
      this.#requests.push({ item, abort, answer });
      this.#run ??= Promise.resolve().then(() => this.#work());
    });
  }

  /** Resolves when nothing is on its way. */
  rested(): Promise<void> {
    return this.#run ?? Promise.resolve();
  }

  async #work(): Promise<void> {
    while (this.#requests.length > 0) {
      const requests = this.#requests.splice(0, BATCH);
      let removed: readonly boolean[] = [];
      try {
        const ids = requests.map(({ item }) => item.id);
        removed = await this.#link.ask((transport) => transport.remove(ids));
        await this.#tell(requests.filter(({ abort }, i) => abort !== undefined && !removed[i]));
      } catch { /* closed: the engine is told no more */ }
      requests.forEach(({ answer }, i) => answer(removed[i] ?? false));
    }
    this.#run = undefined;
  }

  async #tell(requests: readonly Request[]): Promise<void> {
    const groups = new Map<unknown, string[]>();
    for (const { item, abort } of requests) {
      const ids = groups.get(abort!.reason);
      if (ids === undefined) groups.set(abort!.reason, [item.id]);
      else ids.push(item.id);
    }
    for (const [reason, ids] of groups) {
      const note = await this.#signer.sign("note", "abort", encodeNote(reason));
      await this.#link.ask((transport) => transport.tell(ids, note));
    }
  }
}
