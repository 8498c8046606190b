import type { ClientState, TreeView } from "@mls-as/keytrans/client";
import { equalBytes } from "@mls-as/tls-codec";
import { toHex } from "../binary-text.js";
import { LogError } from "./log.js";

/** Where the newest tree that was verified outlives the process. */
export interface SeenLogKeeper {
  /** A kept state, encoded. */
  load(): Promise<ClientState | undefined>;
  /** Durable when it resolves. Of several processes' trees the largest is kept. */
  save(treeSize: number, state: ClientState): Promise<void>;
}

/** Roots that are remembered, so that most answers can be placed without asking. */
const MOST_ROOTS = 4_096;
/** Exchanges for placing one tree while the log keeps growing. */
const MOST_EXCHANGES = 8;

const sizeOf = (view: TreeView | undefined): number => view?.treeHead.treeSize ?? 0;

/**
 * The log as a whole, as this service has seen it: one growing tree, whatever labels its answers were about. A tree that is
 * not a beginning or a continuation of it is another history, and the log has lost or forked its own.
 */
export class SeenLog {
  #state: ClientState;
  /** Hex roots by size, of beginnings of the newest tree. */
  readonly #roots = new Map<number, string>();
  readonly #catchUp: (state: ClientState) => Promise<ClientState>;
  readonly #keeper: SeenLogKeeper | undefined;
  readonly #placing = new Map<string, Promise<void>>();
  #loading: Promise<void> | undefined;
  #advancing: Promise<void> | undefined;
  #saving: Promise<void> | undefined;
  #saved = 0;

  /** @param catchUp asks the log for the newest tree, and verifies that it continues the state's */
  constructor(
    initial: ClientState,
    catchUp: (state: ClientState) => Promise<ClientState>,
    keeper: SeenLogKeeper | undefined,
  ) {
    this.#state = initial;
    this.#catchUp = catchUp;
    this.#keeper = keeper;
  }

  /** What to ask from: the newest tree, and no label. @throws LogError */
  async newest(): Promise<ClientState> {
    this.#loading ??= this.#load();
    try {
      await this.#loading;
    } catch (error) {
      this.#loading = undefined;
      throw error;
    }
    return this.#state;
  }

  async #load(): Promise<void> {
    const kept = await this.#keeper?.load();
    if (kept?.view === undefined) return await this.#advance();
    this.#saved = sizeOf(kept.view);
    this.#adopt(kept);
  }

  /**
   * The state to ask about a label from: its own part, over the newest tree where the label's tree is known to be a
   * beginning of that; over the label's own tree where only an answer can tell.
   */
  async under(state: ClientState): Promise<ClientState> {
    const { view } = await this.newest();
    return state.view !== undefined && this.#isBeginning(state.view) ? { ...state, view } : state;
  }

  /** Places the tree of an answer that was verified as a continuation of `base`. @throws LogError `proof-invalid` */
  async place(view: TreeView, base: TreeView | undefined): Promise<void> {
    await this.newest();
    if (this.#take(view, base)) return;
    const name = `${sizeOf(view)}:${toHex(view.root)}`;
    const placing = this.#placing.get(name) ?? this.#reconcile(view).finally(() => this.#placing.delete(name));
    this.#placing.set(name, placing);
    await placing;
  }

  /** Resolves when the newest tree, or a larger one, would be found after a crash. */
  async kept(): Promise<void> {
    const due = sizeOf(this.#state.view);
    while (this.#keeper !== undefined && this.#saved < due) {
      this.#saving ??= this.#save(this.#keeper).finally(() => {
        this.#saving = undefined;
      });
      await this.#saving;
    }
  }

  async #save(keeper: SeenLogKeeper): Promise<void> {
    const state = this.#state;
    await keeper.save(sizeOf(state.view), state);
    this.#saved = sizeOf(state.view);
  }

  /** @throws LogError `proof-invalid` where the tree of this size had another root */
  #isBeginning(view: TreeView): boolean {
    const root = this.#roots.get(sizeOf(view));
    if (root === undefined) return false;
    if (root !== toHex(view.root)) throw anotherHistory(sizeOf(view));
    return true;
  }

  /** True when the tree is known, or continues the newest one, which it then becomes. */
  #take(view: TreeView, base: TreeView | undefined): boolean {
    if (this.#isBeginning(view)) return true;
    const { view: newest } = this.#state;
    const continues =
      newest === undefined ||
      (base !== undefined && sizeOf(base) === sizeOf(newest) && equalBytes(base.root, newest.root));
    if (continues) this.#adopt({ ...this.#state, view });
    return continues;
  }

  #adopt(state: ClientState): void {
    const { view } = state;
    if (view === undefined) return;
    this.#state = { ...state, labels: [] };
    this.#roots.set(sizeOf(view), toHex(view.root));
    if (this.#roots.size > MOST_ROOTS) this.#roots.delete(this.#roots.keys().next().value ?? 0);
  }

  /** Brings the newest tree up to the log's, once for all who wait for it. */
  async #advance(): Promise<void> {
    this.#advancing ??= this.#advanceOnce().finally(() => {
      this.#advancing = undefined;
    });
    await this.#advancing;
  }

  async #advanceOnce(): Promise<void> {
    const from = this.#state;
    const next = await this.#catchUp(from);
    if (next.view !== undefined) this.#take(next.view, from.view);
  }

  /** Two trees belong together if the log continues both to the same tree. */
  async #reconcile(view: TreeView): Promise<void> {
    let other: ClientState = { view, distinguished: [], labels: [] };
    for (let i = 0; i < MOST_EXCHANGES; i++) {
      if (sizeOf(other.view) < sizeOf(this.#state.view)) other = await this.#catchUp(other);
      else await this.#advance();
      if (other.view !== undefined && this.#isBeginning(other.view)) return;
    }
    throw new LogError("unavailable", "the log does not bring two trees that it showed to one");
  }
}

const anotherHistory = (size: number): LogError =>
  new LogError("proof-invalid", `the log shows another history: its first ${size} entries were others before`);
