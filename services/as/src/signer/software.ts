export { SoftwareSigner } from "@mls-as/signers";
