import assert from "node:assert/strict";
import { test } from "node:test";
import { CrierError } from "../../Public/crier/errors.js";
import { MOST_BYTES, bytesOf, trimmed } from "../../Public/page/room/composer.js";
import { placeOf } from "../../Public/page/room/place.js";
import { Presence } from "../../Public/page/room/presence.js";
import { Unsent } from "../../Public/page/room/unsent.js";
import { actionOf, mayBeRaised, names, refusal } from "../../Public/page/room/words.js";

const person = (name, since = 1000) => ({ name, since });

test("the path names a region's room or a VM's", () => {
  assert.deepEqual(placeOf("/rooms/ams"), { room: "ams", region: "ams", path: "/rooms/ams", topic: "_room-ams", people: "/v1/rooms/ams" });
  assert.deepEqual(placeOf("/rooms/vm/148e21ea7d9789/"), {
    room: "vm-148e21ea7d9789",
    vm: "148e21ea7d9789",
    path: "/rooms/vm/148e21ea7d9789",
    topic: "_room-vm-148e21ea7d9789",
    people: "/v1/rooms/vm-148e21ea7d9789",
  });
  assert.equal(placeOf("/rooms/local").room, "local");
  assert.equal(placeOf("/rooms/EU-west_1").room, "EU-west_1");
  const none = ["/", "/rooms", "/rooms/", "/rooms/vm", "/rooms/vm/", "/rooms/vm-a", "/rooms/a/b", "/rooms/%61ms", "/rooms/..", "/rooms/vm/a/b"];
  for (const path of none) assert.equal(placeOf(path), undefined, path);
});

test("the first list is who is here; after it, whoever is new came in", () => {
  const presence = new Presence();
  assert.deepEqual(presence.heard([person("ada"), person("grace", 500)], 0), []);
  assert.deepEqual(presence.heard([person("ada"), person("grace", 500), person("linus", 2000)], 1), ["linus"]);
  assert.deepEqual(presence.people.map(({ name }) => name), ["grace", "ada", "linus"]);
});

test("whoever is missing is not here, and left when they are still missing five seconds later", () => {
  const presence = new Presence();
  presence.heard([person("ada"), person("grace")], 0);
  presence.heard([person("ada")], 1000);
  assert.deepEqual(presence.people.map(({ name }) => name), ["ada"]);
  assert.deepEqual(presence.left(5999), []);
  // Another list in between does not begin the wait anew.
  presence.heard([person("ada")], 4000);
  assert.deepEqual(presence.left(6000), ["grace"]);
  assert.deepEqual(presence.people.map(({ name }) => name), ["ada"]);
  assert.deepEqual(presence.left(9000), [], "said once");
});

test("who comes back within five seconds neither left nor came", () => {
  const presence = new Presence();
  presence.heard([person("ada"), person("grace")], 0);
  presence.heard([person("ada")], 1000);
  assert.deepEqual(presence.heard([person("ada"), person("grace", 9)], 4000), []);
  assert.deepEqual(presence.left(60_000), []);
});

test("who comes back later came in again", () => {
  const presence = new Presence();
  presence.heard([person("grace")], 0);
  presence.heard([], 0);
  presence.left(5000);
  assert.deepEqual(presence.heard([person("grace")], 6000), ["grace"]);
});

test("one name on several sockets is one person, since the first", () => {
  const presence = new Presence();
  presence.heard([person("ada", 9), person("ada", 3)], 0);
  assert.deepEqual(presence.people, [person("ada", 3)]);
});

test("/me is something that one does", () => {
  assert.equal(actionOf("/me waves"), "waves");
  assert.equal(actionOf("/me  waves\ntwice"), "waves\ntwice");
  for (const text of ["/me", "/me ", "/mean", " /me waves", "/ME waves", "waves"]) assert.equal(actionOf(text), undefined, text);
});

test("many names are a sentence of bounded length", () => {
  assert.equal(names(["ada"]), "ada");
  assert.equal(names(["ada", "grace"]), "ada and grace");
  assert.equal(names(["ada", "grace", "linus"]), "ada, grace and linus");
  assert.equal(names(["ada", "grace", "linus", "mary"]), "ada, grace and 2 others");
});

test("messages are measured in bytes, and what nobody sees is left out", () => {
  assert.equal(bytesOf("é"), 2);
  assert.equal(bytesOf("👽".repeat(1024)), MOST_BYTES);
  assert.equal(trimmed("\n  \n  a\n b \n\n"), "  a\n b");
  assert.equal(trimmed(" \n\t "), "");
  assert.equal(trimmed("  indented"), "  indented");
});

test("why a message did not get out is told in words", () => {
  assert.match(refusal(new CrierError(42901, "x", { http: 429, retryAfter: 3 })), /too many messages.*3 s/);
  assert.match(refusal(new CrierError(40102, "x", { http: 401 })), /signed out/);
  assert.match(refusal(new CrierError("unconfirmed", "x")), /may have been heard/);
  assert.equal(refusal(new CrierError(41301, "the text is too long", { http: 413 })), "Not sent: the text is too long.");
  assert.equal(mayBeRaised(new CrierError("unconfirmed", "x")), true);
  assert.equal(mayBeRaised(new CrierError(41301, "x", { http: 413 })), false);
});

/** A tab's storage. */
function storage() {
  const values = new Map();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => values.set(key, value),
    removeItem: (key) => values.delete(key),
    size: () => values.size,
  };
}

test("what was not confirmed is there again after a reload, for the same person in the same room", () => {
  const tab = storage();
  const kept = (room, user) => new Unsent({ storage: () => tab, room, user });
  kept("ams", "ada").write("half a sent", [{ key: "k1", text: "lost?", startedAt: 7, state: "pending" }]);
  assert.deepEqual(kept("ams", "ada").read(), { draft: "half a sent", messages: [{ key: "k1", text: "lost?", time: 7 }] });
  assert.deepEqual(kept("ams", "grace").read(), { draft: "", messages: [] });
  assert.deepEqual(kept("syd", "ada").read(), { draft: "", messages: [] });
  kept("ams", "ada").write("", []);
  assert.equal(tab.size(), 0);
});

test("storage that is forbidden, full or full of nonsense is no storage", () => {
  const forbidden = new Unsent({
    storage: () => {
      throw new Error("forbidden");
    },
    room: "ams",
    user: "ada",
  });
  forbidden.write("x", []);
  forbidden.forget();
  assert.deepEqual(forbidden.read(), { draft: "", messages: [] });
  const tab = storage();
  for (const nonsense of ["", "null", "[]", '{"draft":"x","messages":7}']) {
    tab.setItem("crier.unsent.ams.ada", nonsense);
    assert.deepEqual(new Unsent({ storage: () => tab, room: "ams", user: "ada" }).read(), { draft: "", messages: [] }, nonsense);
  }
  tab.setItem("crier.unsent.ams.ada", '{"draft":"x","messages":[null,{"key":1},{"key":"k","text":"t","time":1}]}');
  assert.equal(new Unsent({ storage: () => tab, room: "ams", user: "ada" }).read().messages.length, 1);
});
