import { type Codec, enumeration, sequence, struct, tagged, uint16 } from "@mls-as/tls-codec";
import { WireFormat } from "./framed-content.js";
import { GroupInfo, ProtocolVersion } from "./group-context.js";
import { KeyPackage } from "./key-package.js";
import { PrivateMessage, PublicMessage } from "./public-message.js";
import { Welcome } from "./welcome.js";

/** RFC 9420, "Message Framing": anything that travels between clients. */
export type MLSMessage = { readonly version: number } & (
  | { readonly wireFormat: "publicMessage"; readonly publicMessage: PublicMessage }
  | { readonly wireFormat: "privateMessage"; readonly privateMessage: PrivateMessage }
  | { readonly wireFormat: "welcome"; readonly welcome: Welcome }
  | { readonly wireFormat: "groupInfo"; readonly groupInfo: GroupInfo }
  | { readonly wireFormat: "keyPackage"; readonly keyPackage: KeyPackage }
);
export const MLSMessage: Codec<MLSMessage> = sequence(
  struct({ version: ProtocolVersion }),
  tagged("wireFormat", enumeration(uint16, WireFormat), {
    publicMessage: struct({ publicMessage: PublicMessage }),
    privateMessage: struct({ privateMessage: PrivateMessage }),
    welcome: struct({ welcome: Welcome }),
    groupInfo: struct({ groupInfo: GroupInfo }),
    keyPackage: struct({ keyPackage: KeyPackage }),
  }),
);
