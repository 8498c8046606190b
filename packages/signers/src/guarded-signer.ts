import type { KeyAlgorithm, KeyDescription, KeyRole, Signer, SigningKey } from "./signer.js";
import { SignerError } from "./signer.js";

/** One use of a key, for the audit log. It holds no key material and not what was signed. */
export interface KeyUse {
  readonly operation: "generate" | "open" | "sign";
  readonly key: string;
  readonly role: KeyRole;
  readonly algorithm: KeyAlgorithm | undefined;
  /** Octets signed; undefined unless the operation is `sign`. */
  readonly size: number | undefined;
  /** `ok`, or the code of what went wrong. */
  readonly outcome: string;
}

export interface GuardOptions {
  /** Roles that this process may make and use keys for. */
  readonly roles: readonly KeyRole[];
  /**
   * Told of every use, refusals included, before its result is handed out. When it fails, the use fails: nothing is
   * signed that the audit log does not hold.
   */
  readonly onUse: (use: KeyUse) => void | Promise<void>;
}

/** Wraps a signer so that only some roles can be used, and every use is told. */
export function guardSigner(signer: Signer, { roles, onUse }: GuardOptions): Signer {
  const told = async <T>(use: Omit<KeyUse, "outcome">, work: () => Promise<T>, name?: (made: T) => Partial<KeyUse>) => {
    let result: T;
    try {
      if (!roles.includes(use.role))
        throw new SignerError("wrong-role", `this process does not use keys for ${use.role}`, { path: use.key });
      result = await work();
    } catch (error) {
      await onUse({ ...use, outcome: error instanceof SignerError ? error.code : "failed" });
      throw error;
    }
    await onUse({ ...use, ...name?.(result), outcome: "ok" });
    return result;
  };
  const guarded = (key: SigningKey): SigningKey => {
    const { id, role, algorithm, publicKey } = key;
    return {
      id,
      role,
      algorithm,
      publicKey,
      sign: (data) => told({ operation: "sign", key: id, role, algorithm, size: data.length }, () => key.sign(data)),
    };
  };
  const named = ({ id, algorithm }: KeyDescription): Partial<KeyUse> => ({ key: id, algorithm });
  return {
    generate: async (role, algorithm) =>
      guarded(
        await told(
          { operation: "generate", key: "", role, algorithm, size: undefined },
          () => signer.generate(role, algorithm),
          named,
        ),
      ),
    open: async (id, role) =>
      guarded(
        await told(
          { operation: "open", key: id, role, algorithm: undefined, size: undefined },
          () => signer.open(id, role),
          named,
        ),
      ),
    list: () => signer.list(),
    close: () => signer.close(),
  };
}
