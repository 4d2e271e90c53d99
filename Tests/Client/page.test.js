import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";
import { CrierError } from "../../Public/crier/errors.js";
import { linksOf, safeLink } from "../../Public/page/links.js";
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

test("the page keeps to its content security policy: nothing inline, nothing from elsewhere", async () => {
  const html = await readFile(new URL("index.html", PUBLIC), "utf8");
  assert.doesNotMatch(html, /\sstyle=|\son[a-z]+=|<style|javascript:/i);
  for (const [, attributes, content] of html.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g)) {
    assert.match(attributes, /src="\//);
    assert.equal(content, "");
  }
  // The page is served below any topic's path as well, so its addresses begin at the root.
  for (const [, address] of html.matchAll(/\s(?:src|href)="([^"]+)"/g)) assert.match(address, /^[/#]/);
});

test("alerts are never made into markup", async () => {
  const files = (await readdir(new URL("page/", PUBLIC))).map((name) => `page/${name}`);
  for (const name of ["page.js", ...files]) {
    const code = await readFile(new URL(name, PUBLIC), "utf8");
    assert.doesNotMatch(code, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function/, name);
  }
});

test("the page has the elements that tests of browsers hold on to", async () => {
  const html = await readFile(new URL("index.html", PUBLIC), "utf8");
  for (const id of ["raise", "message", "topic", "feed", "state", "toasts", "transport", "sound", "notify", "all", "token"]) {
    assert.match(html, new RegExp(`id="${id}"`), id);
  }
});

test("every element that the page's script asks for is there", async () => {
  const html = await readFile(new URL("index.html", PUBLIC), "utf8");
  const script = await readFile(new URL("page.js", PUBLIC), "utf8");
  const ids = [...script.matchAll(/\bat\("([^"]+)"\)/g)].map(([, id]) => id);
  assert.ok(ids.length > 20);
  for (const id of ids) assert.match(html, new RegExp(`id="${id}"`), id);
});
