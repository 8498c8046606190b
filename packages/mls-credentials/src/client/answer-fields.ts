import { fromBase64Url } from "../base64url.js";
import { ClientError } from "./client-error.js";

/** A JSON object read field by field; every miss is a `malformed-answer` with the field's path. */
export class AnswerFields {
  readonly #value: Record<string, unknown>;
  readonly #path: string;

  constructor(value: Record<string, unknown>, path = "") {
    this.#value = value;
    this.#path = path;
  }

  text(name: string): string {
    const value = this.#value[name];
    return typeof value === "string" ? value : this.#refuse(name, "a string is due");
  }

  number(name: string): number {
    const value = this.#value[name];
    return typeof value === "number" && Number.isSafeInteger(value) ? value : this.#refuse(name, "an integer is due");
  }

  boolean(name: string): boolean {
    const value = this.#value[name];
    return typeof value === "boolean" ? value : this.#refuse(name, "true or false is due");
  }

  bytes(name: string): Uint8Array {
    return fromBase64Url(this.text(name)) ?? this.#refuse(name, "base64url is due");
  }

  object(name: string): AnswerFields {
    const value = this.#value[name];
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return this.#refuse(name, "an object is due");
    return new AnswerFields(value as Record<string, unknown>, this.#at(name));
  }

  list(name: string): AnswerFields[] {
    const value = this.#value[name];
    if (!Array.isArray(value)) return this.#refuse(name, "a list is due");
    return value.map((item: unknown, i) => {
      const path = `${this.#at(name)}[${i}]`;
      if (typeof item !== "object" || item === null)
        throw new ClientError("malformed-answer", path, "an object is due");
      return new AnswerFields(item as Record<string, unknown>, path);
    });
  }

  #at(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }

  #refuse(name: string, reason: string): never {
    throw new ClientError("malformed-answer", this.#at(name), reason);
  }
}
