import { Account } from "./account.js";
import { Conversation } from "./conversation.js";
import { safetyNumberOf } from "./safety.js";

/**
 * Two people talk: `node dist/main-node.js AS_URL TOKEN_ALICE TOKEN_BOB`, with enrolment tokens for
 * `mimi://DOMAIN/d/alice/phone` and `mimi://DOMAIN/d/bob/phone` (`mls-as token` makes them).
 */
async function main([service, tokenOfAlice, tokenOfBob, domain = "mls.example"]: readonly string[]): Promise<void> {
  if (service === undefined || tokenOfAlice === undefined || tokenOfBob === undefined) {
    console.error("usage: node dist/main-node.js AS_URL TOKEN_ALICE TOKEN_BOB [DOMAIN]");
    process.exitCode = 2;
    return;
  }
  const alice = await Account.enrol(service, `mimi://${domain}/d/alice/phone`, tokenOfAlice);
  const bob = await Account.enrol(service, `mimi://${domain}/d/bob/phone`, tokenOfBob);
  const users = [alice.user, bob.user];
  const atAlice = await Conversation.prepare(alice, users);
  const atBob = await Conversation.prepare(bob, users);

  await atAlice.start(crypto.getRandomValues(new Uint8Array(16)));
  await atBob.join(await atAlice.add(atBob.keyPackage));
  console.log(`bob reads: ${await atBob.receive(await atAlice.send("Hello Bob"))}`);
  console.log(`alice reads: ${await atAlice.receive(await atBob.send("Hello Alice"))}`);

  console.log(`safety number, the same on both phones: ${safetyNumberOf(alice, users)}`);
  if (safetyNumberOf(alice, users) !== safetyNumberOf(bob, users)) throw new Error("the safety numbers differ");
  for (const account of [alice, bob]) {
    console.log(`${account.client} sees ${account.alerts().length} alerts`);
    for (const { kind } of account.alerts()) console.log(`  ${kind}`);
  }
}

await main(process.argv.slice(2));
