import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Codec, CodecError, decode, encode, equalBytes } from "@mls-as/tls-codec";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AppDataDictionary,
  Commit,
  GroupInfo,
  GroupSecrets,
  KeyPackage,
  LeafNode,
  MLSMessage,
  preflightExternalCommit,
  preflightGroupInfo,
  preflightKeyPackage,
  Proposal,
  RatchetTree,
  type SyncCryptoProvider,
  Welcome,
} from "./index.js";
