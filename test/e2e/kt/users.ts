import {
  deviceListHash,
  encodeDeviceList,
  sortDeviceList,
  type DeviceList,
  type DeviceRecord,
} from "@mls-as/mls-credentials";
import { approvalOf, exampleKey, recordOf } from "../../conformance/example-devices.js";

export const ALICE = "mimi://example.org/u/alice";
export const PHONE = "mimi://example.org/d/alice/phone";
export const LAPTOP = "mimi://example.org/d/alice/laptop";
export const GHOST = "mimi://example.org/d/alice/tablet";

/** Versions of Alice's device list, each naming the one before. Times in seconds. */
export class AliceHistory {
  readonly values: Uint8Array[] = [];
  readonly #logId: Uint8Array;
  readonly #since: number;
  #devices: readonly DeviceRecord[] = [];

  constructor(logId: Uint8Array, since: number) {
    this.#logId = logId;
    this.#since = since;
  }

  #next(origin: DeviceList["origin"], devices: readonly DeviceRecord[], previous?: Uint8Array): Uint8Array {
    const before = this.values.at(-1);
    this.#devices = devices;
    const value = encodeDeviceList(
      sortDeviceList({
        format: 1,
        identity: ALICE,
        version: this.values.length,
        previousHash: previous ?? (before === undefined ? new Uint8Array(32) : deviceListHash(before)),
        origin,
        devices: [...devices],
      }),
    );
    this.values.push(value);
    return value;
  }

  #device(client: string, name: string, approval?: DeviceRecord["credentials"][number]["approval"]): DeviceRecord {
    const record = recordOf({
      certificate: name,
      key: exampleKey(name),
      notBefore: this.#since,
      ...(approval && { approval }),
    });
    return { client, addedAt: BigInt(this.#since), credentials: [record] };
  }

  /** The first device. */
  enrol(): Uint8Array {
    return this.#next("enrolment", [this.#device(PHONE, "phone")]);
  }

  /** A second device, vouched for by the first. */
  async addLaptop(): Promise<Uint8Array> {
    const approval = await approvalOf({
      client: LAPTOP,
      key: exampleKey("laptop"),
      approver: PHONE,
      approverKey: exampleKey("phone"),
      afterVersion: this.values.length - 1,
      expiresAt: this.#since + 86_400,
      identity: ALICE,
      changes: { logId: this.#logId },
    });
    return this.#next("deviceApproval", [...this.#devices, this.#device(LAPTOP, "laptop", approval)]);
  }

  /** A device that nobody of Alice's vouches for. */
  addGhost(): Uint8Array {
    return this.#next("enrolment", [...this.#devices, this.#device(GHOST, "ghost")]);
  }

  /** The ghost is gone as if it had never been. */
  dropGhost(): Uint8Array {
    return this.#next(
      "expiry",
      this.#devices.filter(({ client }) => client !== GHOST),
    );
  }

  /** The first device is gone, though its key is valid. */
  dropPhone(): Uint8Array {
    return this.#next(
      "expiry",
      this.#devices.filter(({ client }) => client !== PHONE),
    );
  }

  /** A version that changes nothing; `previous` other than the truth breaks the chain. */
  touch(previous?: Uint8Array): Uint8Array {
    return this.#next("expiry", this.#devices, previous);
  }

  revokeLaptop(at: number): Uint8Array {
    const devices = this.#devices.map((device) =>
      device.client === LAPTOP
        ? {
            ...device,
            credentials: device.credentials.map((record) => ({
              ...record,
              status: "revoked" as const,
              revokedAt: BigInt(at),
              reason: 1,
            })),
          }
        : device,
    );
    return this.#next("ownerRevocation", devices);
  }
}
