import { UnsupportedError } from "../futures/errors.ts";

/** Bytes of an HMAC-SHA256. */
const LENGTH = 32;

/** What a signature is for: one of a reply does for no job, and one of a job for no other. */
export type Purpose = "task" | "outcome" | "note";

/** Signs what is sent and checks what comes. Without a secret both leave the bytes as they are. */
export class Signer {
  readonly #secret: string | undefined;
  #key: Promise<CryptoKey> | undefined;

  /** @throws {UnsupportedError} If there is a secret and no Web Crypto, as on a page without https. */
  constructor(secret: string | undefined) {
    this.#secret = secret;
    if (secret !== undefined && globalThis.crypto?.subtle === undefined) {
      throw new UnsupportedError("Cannot use secret: this runtime has no Web Crypto");
    }
  }

  /** Whether anything is signed. */
  get signs(): boolean {
    return this.#secret !== undefined;
  }

  /** The bytes and their signature. */
  async sign(purpose: Purpose, id: string, bytes: Uint8Array): Promise<Uint8Array> {
    if (this.#secret === undefined) return bytes;
    const mac = await crypto.subtle.sign("HMAC", await this.#load(), signed(purpose, id, bytes));
    const whole = new Uint8Array(bytes.length + LENGTH);
    whole.set(bytes);
    whole.set(new Uint8Array(mac), bytes.length);
    return whole;
  }

  /** The bytes without their signature, or `undefined` if it is missing or wrong. */
  async open(purpose: Purpose, id: string, bytes: Uint8Array): Promise<Uint8Array | undefined> {
    if (this.#secret === undefined) return bytes;
    if (bytes.length < LENGTH) return undefined;
    const body = bytes.subarray(0, -LENGTH);
    const mac = new Uint8Array(bytes.subarray(-LENGTH));
    const key = await this.#load();
    const right = await crypto.subtle.verify("HMAC", key, mac, signed(purpose, id, body));
    return right ? body : undefined;
  }

  #load(): Promise<CryptoKey> {
    return this.#key ??= crypto.subtle.importKey(
      "raw",
      new TextEncoder().encode(this.#secret),
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["sign", "verify"],
    );
  }
}

/** The bytes behind what they are for; ids have no line feed. */
function signed(purpose: Purpose, id: string, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const front = new TextEncoder().encode(`${purpose}\n${id}\n`);
  const whole = new Uint8Array(front.length + bytes.length);
  whole.set(front);
  whole.set(bytes, front.length);
  return whole;
}
