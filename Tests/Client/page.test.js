import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";
import { CrierError } from "../../Public/crier/errors.js";
import { linksOf, safeLink } from "../../Public/page/links.js";
import { regionOf } from "../../Public/page/region.js";
import { DEFAULT_TOPIC, isTopic, topicOf } from "../../Public/page/topic.js";
import { age, latency, refusal, span } from "../../Public/page/words.js";

const PUBLIC = new URL("../../Public/", import.meta.url);

test("ages and spans are told in their largest unit", () => {
  assert.deepEqual([-5, 999, 1000, 59_999, 60_000, 3_599_999, 7_200_000, 172_800_000].map(age), [
    "now",
    "now",
    "1 s ago",
    "59 s ago",
    "1 min ago",
    "59 min ago",
    "2 h ago",
    "2 d ago",
  ]);
  assert.equal(span(23.9), "23 s");
  assert.deepEqual([0, 41.6, 1300, 120_000].map(latency), ["0 ms", "42 ms", "1.3 s", "2 min"]);
});

test("a refusal is told in words, with the wait if there is one", () => {
  assert.match(refusal(new CrierError(42901, "x", { http: 429, retryAfter: 3 })), /Too many alerts.*3 s/);
  assert.match(refusal(new CrierError(40101, "x", { http: 401 })), /token/);
  assert.equal(refusal(new CrierError(41301, "the text is too long", { http: 413 })), "Refused: the text is too long.");
});

test("the path names the topic, unless it names a route or nothing that can be one", () => {
  assert.equal(topicOf("/weather"), "weather");
  assert.equal(topicOf("/weather/"), "weather");
  for (const path of ["/", "/ws", "/metrics", "/a/b", "/%41", "/" + "x".repeat(65)]) assert.equal(topicOf(path), DEFAULT_TOPIC, path);
  assert.ok(isTopic("-_Az09"));
});

test("only http and https can be followed", () => {
  assert.equal(safeLink("https://example.com/a"), "https://example.com/a");
  for (const address of ["javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//x", "x", 7, null]) {
    assert.equal(safeLink(address), undefined, String(address));
  }
});

test("an alert's links are its click and its view actions, whatever else it brings", () => {
  const actions = [
    { action: "view", label: "Open", url: "http://example.com/" },
    { action: "http", label: "Run", url: "http://example.com/" },
    { action: "view", label: "Bad", url: "javascript:alert(1)" },
    null,
  ];
  assert.deepEqual(linksOf({ click: "https://example.org/x", actions }), [
    { label: "example.org", href: "https://example.org/x" },
    { label: "Open", href: "http://example.com/" },
  ]);
  assert.deepEqual(linksOf({ click: "javascript:x", actions: "no array" }), []);
});

const PAGES = ["index.html", "lobby.html", "room.html", "login.html", "unknown-room.html"];

test("the pages keep to their content security policy: nothing inline, nothing from elsewhere", async () => {
  for (const name of PAGES) {
    const html = await readFile(new URL(name, PUBLIC), "utf8");
    assert.doesNotMatch(html, /\sstyle=|\son[a-z]+=|<style|javascript:/i, name);
    for (const [, attributes, content] of html.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g)) {
      assert.match(attributes, /src="\//, name);
      assert.equal(content, "", name);
    }
    // A page is served at many paths, so its addresses begin at the root.
    for (const [, address] of html.matchAll(/\s(?:src|href)="([^"]+)"/g)) assert.match(address, /^[/#]/, name);
  }
});

test("every page leaves room for the VM that serves it", async () => {
  for (const name of PAGES) {
    const html = await readFile(new URL(name, PUBLIC), "utf8");
    assert.equal(html.split('<html lang="en" data-vm="{{vm}}" data-region="{{region}}">').length, 2, name);
    assert.equal(html.split("{{").length, 3, name);
  }
});

test("what others say is never made into markup", async () => {
  const entries = await readdir(new URL("page/", PUBLIC), { recursive: true });
  const modules = entries.filter((name) => name.endsWith(".js")).map((name) => `page/${name}`);
  assert.ok(modules.length > 20);
  for (const name of ["page.js", "lobby.js", "room.js", "login.js", "unknown-room.js", ...modules]) {
    const code = await readFile(new URL(name, PUBLIC), "utf8");
    assert.doesNotMatch(code, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function/, name);
  }
});

test("every label, heading and description that the pages refer to is there, once", async () => {
  for (const name of PAGES) {
    const html = await readFile(new URL(name, PUBLIC), "utf8");
    const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    assert.equal(new Set(ids).size, ids.length, name);
    for (const [, list] of html.matchAll(/\s(?:for|aria-labelledby|aria-describedby)="([^"]+)"/g)) {
      for (const id of list.split(" ")) assert.ok(ids.includes(id), `${name}: ${id}`);
    }
    for (const [, id] of html.matchAll(/\shref="#([^"]+)"/g)) assert.ok(ids.includes(id), `${name}: #${id}`);
  }
});

test("every flag that a region has is drawn", async () => {
  const flags = await readFile(new URL("flags.svg", PUBLIC), "utf8");
  for (const code of "ams arn bom cdg dfw ewr fra gru iad jnb lax lhr nrt ord sin sjc syd yyz local xyz".split(" ")) {
    assert.match(flags, new RegExp(`<symbol id="${regionOf(code).flag}"`), code);
  }
});

test("the page has the elements that tests of browsers hold on to", async () => {
  const html = await readFile(new URL("index.html", PUBLIC), "utf8");
  for (const id of ["raise", "message", "topic", "feed", "state", "toasts", "transport", "sound", "notify", "all", "token"]) {
    assert.match(html, new RegExp(`id="${id}"`), id);
  }
});

test("every element that a page's script asks for is there", async () => {
  for (const page of ["index", "lobby", "room", "login", "unknown-room"]) {
    const html = await readFile(new URL(`${page}.html`, PUBLIC), "utf8");
    const script = await readFile(new URL(page === "index" ? "page.js" : `${page}.js`, PUBLIC), "utf8");
    const ids = [...script.matchAll(/\bat\("([^"]+)"\)/g)].map(([, id]) => id);
    assert.ok(ids.length > 5, page);
    for (const id of ids) assert.match(html, new RegExp(`id="${id}"`), `${page}: ${id}`);
  }
});
