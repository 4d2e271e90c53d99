import assert from "node:assert/strict";
import { test } from "node:test";
import { Conversation } from "../../Public/page/room/conversation.js";
import { id } from "./world.js";

const NOW = 1_763_717_771_000;
const alert = (offset, message, sender = "grace", more = {}) => ({ id: id(offset), sender, message, time_ms: NOW + offset, ...more });
/** The texts in order; a quiet line in brackets, an unsent message with its state. */
const shown = (conversation) =>
  conversation.items.map(({ text, state }) => (state === undefined ? `(${text})` : state === "sent" ? text : `${text} ${state}`));

test("messages stand in log order, whatever order they are told in", () => {
  const conversation = new Conversation({ me: "ada" });
  for (const offset of [3, 1, 2]) assert.equal(conversation.arrived(alert(offset, `${offset}`)), true);
  assert.deepEqual(shown(conversation), ["1", "2", "3"]);
  assert.equal(conversation.arrived(alert(2, "2")), false);
  assert.equal(conversation.items.length, 3);
});

test("an own message shows at once, behind the others, and the acknowledgement puts it in its place", () => {
  const conversation = new Conversation({ me: "ada" });
  conversation.arrived(alert(1, "one"));
  const mine = conversation.send("k1", "mine", NOW);
  conversation.arrived(alert(3, "three"));
  assert.deepEqual(shown(conversation), ["one", "three", "mine pending"]);
  conversation.acknowledged(mine, id(2));
  assert.deepEqual(shown(conversation), ["one", "mine", "three"]);
  assert.equal(conversation.arrived(alert(2, "mine", "ada")), false, "its echo");
  assert.deepEqual(shown(conversation), ["one", "mine", "three"]);
  assert.equal(conversation.items[1].own, true);
  assert.equal(conversation.items[1].time, NOW + 2, "the server's time, not ours");
});

test("an echo that comes before the acknowledgement settles the message", () => {
  const conversation = new Conversation({ me: "ada" });
  const mine = conversation.send("k1", "mine", NOW);
  assert.equal(conversation.arrived(alert(2, "mine", "ada")), false);
  assert.deepEqual(shown(conversation), ["mine"]);
  conversation.acknowledged(mine, id(2));
  assert.deepEqual(shown(conversation), ["mine"]);
  assert.equal(conversation.items[0].key, "k1", "it stays the same element");
  assert.deepEqual(conversation.unsent, []);
});

test("the same text twice: each echo settles one, the oldest first", () => {
  const conversation = new Conversation({ me: "ada" });
  const first = conversation.send("k1", "hello", NOW);
  const second = conversation.send("k2", "hello", NOW);
  conversation.arrived(alert(1, "hello", "ada"));
  assert.deepEqual([first.state, second.state], ["sent", "pending"]);
  conversation.arrived(alert(2, "hello", "ada"));
  conversation.acknowledged(first, id(1));
  conversation.acknowledged(second, id(2));
  assert.deepEqual(conversation.items.map(({ key }) => key), ["k1", "k2"]);
});

test("another tab's word of the same text is not swallowed: the acknowledgement tells them apart", () => {
  const conversation = new Conversation({ me: "ada" });
  const mine = conversation.send("k1", "hello", NOW);
  conversation.arrived(alert(1, "hello", "ada"));
  conversation.acknowledged(mine, id(2));
  assert.deepEqual(conversation.items.map(({ id }) => id), [id(1), id(2)]);
  assert.equal(conversation.items[1], mine);
  conversation.arrived(alert(2, "hello", "ada"));
  assert.equal(conversation.items.length, 2);
});

test("an acknowledgement after both echoes leaves two messages", () => {
  const conversation = new Conversation({ me: "ada" });
  const mine = conversation.send("k1", "hello", NOW);
  conversation.arrived(alert(1, "hello", "ada"));
  conversation.arrived(alert(2, "hello", "ada"));
  conversation.acknowledged(mine, id(2));
  assert.deepEqual(conversation.items.map(({ id }) => id), [id(1), id(2)]);
});

test("somebody else's word of the same text is somebody else's", () => {
  const conversation = new Conversation({ me: "ada" });
  conversation.send("k1", "hello", NOW);
  assert.equal(conversation.arrived(alert(1, "hello")), true);
  assert.deepEqual(shown(conversation), ["hello", "hello pending"]);
});

test("a refused message stays, says why, and can be sent again with its key", () => {
  const conversation = new Conversation({ me: "ada" });
  const mine = conversation.send("k1", "mine", NOW);
  conversation.failed(mine, "Not sent.");
  assert.deepEqual(shown(conversation), ["mine failed"]);
  assert.deepEqual(conversation.unsent.map(({ key, text }) => [key, text]), [["k1", "mine"]]);
  conversation.retried(mine);
  assert.deepEqual(shown(conversation), ["mine pending"]);
  conversation.acknowledged(mine, id(9));
  assert.deepEqual(shown(conversation), ["mine"]);
  assert.equal(mine.reason, undefined);
});

test("one that nobody confirmed is settled by its echo; one that was refused is not", () => {
  const conversation = new Conversation({ me: "ada" });
  const unknown = conversation.send("k1", "perhaps", NOW);
  conversation.failed(unknown, "No answer came.", true);
  conversation.arrived(alert(5, "perhaps", "ada"));
  assert.deepEqual(shown(conversation), ["perhaps"]);
  const refused = conversation.send("k2", "no", NOW);
  conversation.failed(refused, "Too large.");
  conversation.arrived(alert(6, "no", "ada"));
  assert.deepEqual(shown(conversation), ["perhaps", "no", "no failed"]);
  conversation.failed(unknown, "late");
  assert.equal(unknown.state, "sent", "what arrived has not failed");
});

test("an old word in the history is not taken for what was written just now", () => {
  const conversation = new Conversation({ me: "ada" });
  conversation.send("k1", "hello", NOW);
  assert.equal(conversation.arrived(alert(1, "hello", "ada", { time_ms: NOW - 120_000 })), true);
  assert.deepEqual(shown(conversation), ["hello", "hello pending"]);
});

test("a message that the bus put back under another id is the same message", () => {
  const conversation = new Conversation({ me: "ada" });
  conversation.acknowledged(conversation.send("k1", "mine", NOW), id(7));
  assert.equal(conversation.arrived(alert(9, "mine", "ada", { healed_from: id(7) })), false);
  assert.equal(conversation.items.length, 1);
});

test("quiet lines stay behind what was said before them", () => {
  const conversation = new Conversation({ me: "ada" });
  conversation.tell("grace came in", NOW);
  conversation.arrived(alert(1, "one"));
  conversation.tell("linus came in", NOW);
  const mine = conversation.send("k1", "mine", NOW);
  conversation.tell("linus left", NOW);
  conversation.arrived(alert(3, "three"));
  conversation.acknowledged(mine, id(2));
  assert.deepEqual(shown(conversation), ["(grace came in)", "one", "(linus came in)", "(linus left)", "mine", "three"]);
});

test("after a reset smaller ids come later", () => {
  const conversation = new Conversation({ me: "ada" });
  conversation.arrived(alert(50, "before"));
  conversation.reset();
  conversation.tell("Some messages are gone.", NOW);
  conversation.arrived(alert(1, "after"));
  assert.deepEqual(shown(conversation), ["before", "(Some messages are gone.)", "after"]);
});

test("the oldest leave when it gets long, and what is unsent stays", () => {
  const conversation = new Conversation({ me: "ada", limit: 3 });
  conversation.send("k1", "mine", NOW);
  for (let offset = 1; offset <= 9; offset += 1) conversation.arrived(alert(offset, `${offset}`));
  assert.deepEqual(shown(conversation), ["8", "9", "mine pending"]);
  assert.equal(conversation.arrived(alert(9, "9")), false);
});

test("an alert that says nothing and comes from nobody harms nothing", () => {
  const conversation = new Conversation({ me: "ada" });
  conversation.arrived({ id: id(1), time: 5 });
  assert.deepEqual(shown(conversation), [""]);
});
