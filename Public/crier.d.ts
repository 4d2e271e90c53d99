/** A published alert as every reader gets it. Times are the server's: `time` in Unix seconds, `time_ms` in Unix milliseconds. */
export interface Alert {
  event: "message";
  /** Its position in the log: 12 base-62 characters that sort in log order. */
  id: string;
  /** The id it had before the bus lost it and a VM put it back. Alerts that were seen under that id are not told again. */
  healed_from?: string;
  time: number;
  time_ms: number;
  topic: string;
  message: string;
  title?: string;
  /** 1 (min) to 5 (max); absent means 3. */
  priority?: number;
  tags?: string[];
  /** An `http` or `https` link. Check it again before you make it clickable. */
  click?: string;
  icon?: string;
  /** The message is Markdown. */
  markdown?: boolean;
  actions?: unknown[];
  /** Unix seconds after which it is not replayed any more. */
  expires?: number;
  data?: unknown;
  ce?: Record<string, unknown>;
  /** Who raised it and in which region, as the server saw it. */
  sender?: string;
  region?: string;
}

/** What may go with a message when it is published (docs/protocol.md, "Publishing"). */
export interface AlertFields {
  title?: string;
  priority?: 1 | 2 | 3 | 4 | 5 | "min" | "low" | "default" | "high" | "max" | "urgent";
  tags?: string[];
  click?: string;
  icon?: string;
  markdown?: boolean;
  actions?: unknown[];
  data?: unknown;
  /** `30s`, `10m`, `2h`, `1d` or Unix seconds. */
  delay?: string | number;
  expires?: string | number;
  /** The idempotency key, 1 to 128 printable ASCII characters. Random unless given. */
  key?: string;
}

/** The server's confirmation: the bus has the alert. */
export interface Receipt {
  /** Absent for a delayed alert, which gets its id when it is raised. */
  id?: string;
  time?: number;
  /** The key was known: this is the first alert's id, and nothing new was raised. */
  duplicate?: true;
  /** When a delayed alert is due (Unix seconds). */
  scheduled?: number;
  key: string;
}

/**
 * - `connecting`: not connected yet.
 * - `live`: connected, every subscription confirmed, the server heard.
 * - `resuming`: the connection was lost; nothing is lost so far.
 * - `stale`: connected, but silent for 20 s, or the VM lost its bus. Alerts come late.
 * - `offline`: the browser says there is no network.
 * - `closed`: `close()` was called, or the server signed this client out (an `error` event says so).
 */
export type State = "connecting" | "live" | "resuming" | "stale" | "offline" | "closed";
export type Transport = "websocket" | "sse";

export interface StateChange {
  state: State;
  /** Unix milliseconds. */
  since: number;
  detail: {
    /** For `stale`: who noticed. */
    by?: "server" | "silence";
    transport?: Transport;
    vm?: string;
    region?: string;
  };
}

/** The first word of a connection. */
export interface Open {
  event?: "open";
  id?: string;
  time?: number;
  time_ms?: number;
  vm?: string;
  region?: string;
  /** The heartbeat in seconds. */
  ping?: number;
}

/** Part of what was to be resumed is gone; the feed goes on after `id`. */
export interface Reset {
  event: "reset";
  reason: "retention" | "epoch" | "unknown" | "lost";
  since: string;
  /** The oldest id still held. */
  oldest: string | null;
  id: string;
  time: number;
}

/** Who is in a room: always the complete list. Only the sockets of rooms carry it. */
export interface Presence {
  event: "presence";
  /** The room's topic. */
  topic: string;
  people: Person[];
}

export interface Person {
  name: string;
  /** Since when (Unix milliseconds). */
  since: number;
}

/** The VM is leaving. The client reconnects by itself. */
export interface Drain {
  event: "drain";
  time: number;
  retry_ms: number;
}

/** The client's own codes; every other code is a number from docs/protocol.md, "Errors". */
export type ClientErrorCode =
  /** Too many alerts wait to be sent; this one was not taken. */
  | "outbox-full"
  /** Sent, but never answered: it may have been raised or not. */
  | "unconfirmed"
  /** The server could not be reached. */
  | "network"
  /** `close()` was called. */
  | "closed"
  /** The server closed the connection for a fault. */
  | "connection-closed"
  /** The server ended the session. The client is closed and does not come back by itself. */
  | "signed-out"
  /** The server sent something unreadable. */
  | "bad-frame";

export class CrierError extends Error {
  constructor(code: number | ClientErrorCode, message: string, more?: { http?: number; retryAfter?: number; link?: string; cause?: unknown });
  readonly name: "CrierError";
  readonly code: number | ClientErrorCode;
  /** The HTTP status that goes with a server's error. */
  readonly http?: number;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter?: number;
  /** Where the error is explained. */
  readonly link?: string;
  readonly cause?: unknown;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
}

/** Only these reach the reader. Replaces the filter of the connection, for all topics. */
export interface Filter {
  priority?: number[];
  /** Alerts that carry all of these. */
  tags?: string[];
  title?: string;
  message?: string;
}

export interface SubscribeOptions {
  /**
   * Where to begin: an id, Unix seconds, a duration (`"10m"`), `"all"`, `"latest"`, `"latest:20"` (the newest 20), or `"none"` (the default: the live end). After a lost
   * connection the client goes on where it was, whatever this said.
   */
  since?: string;
  filter?: Filter;
}

export interface Affinity {
  vm?: string;
  region?: string;
}

export interface Options {
  /** The server; the page's own origin unless given. With a path, end it with a slash. */
  url?: string | URL;
  /** The path of the WebSocket below `url`; `/ws` unless given. */
  path?: string;
  /**
   * The VM, or else the region, that the first attempt to connect asks for. After an attempt that failed or a connection that was lost the
   * client asks for none. `servedBy(document)` is the VM that a page came from.
   */
  affinity?: Affinity;
  /** The publish token. Sent in a frame or a header, never in an address. */
  token?: string;
  filter?: Filter;
  /** `auto` (the default) falls back from WebSocket to Server-Sent Events. */
  transport?: "auto" | Transport;
  /** Milliseconds of silence after which the state is `stale`; 20,000. */
  staleAfter?: number;
  /** Milliseconds of silence after which the connection counts as dead; 40,000. */
  deadAfter?: number;
  /** How many alerts may wait to be sent; 1,000. The newest is refused when it is full. */
  outboxLimit?: number;
  /** Milliseconds for which a publish that the server puts off (429, 503) is repeated, or waits for its answer; 60,000. */
  publishTimeout?: number;
  /** Stand-ins for the browser's own, for tests. */
  environment?: Partial<Environment>;
}

/** Everything that the client takes from its surroundings. */
export interface Environment {
  WebSocket: new (url: string) => WebSocket;
  EventSource: new (url: string) => EventSource;
  fetch: typeof fetch;
  setTimeout(callback: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
  /** Unix milliseconds. */
  now(): number;
  /** At least 0, less than 1. */
  random(): number;
  getRandomValues(bytes: Uint8Array): Uint8Array;
  /** Fires `online`, `offline` and `pageshow`. */
  page: EventTarget;
  /** Fires `visibilitychange`. */
  document: EventTarget & { visibilityState: string };
  navigator: { onLine: boolean };
}

/** An event of the client: `detail` is what it is about. */
export interface CrierEvent<Detail> extends Event {
  readonly detail: Detail;
}

export interface CrierEventMap {
  /** An alert, once and in order. */
  alert: CrierEvent<Alert>;
  state: CrierEvent<StateChange>;
  /** A new connection; `detail` names the VM and its region. */
  open: CrierEvent<Open>;
  reset: CrierEvent<Reset>;
  presence: CrierEvent<Presence>;
  drain: CrierEvent<Drain>;
  /** What no promise reports: a refused subscription, a connection closed for a fault, a session that has ended (`signed-out`). */
  error: CrierEvent<CrierError>;
}

/** The VM that served a page, and its region, as the server wrote them on its `html` element; empty where it did not. */
export function servedBy(document: Document): Affinity;

/** A connection to Crier that looks after itself. It connects at once and stays until `close()`. */
export class Crier extends EventTarget {
  constructor(options?: Options);

  readonly state: State;
  /** Since when the state has been what it is (Unix milliseconds). */
  readonly stateSince: number;
  /** Seconds since the server was last heard, or since it lost its bus; 0 while live. */
  readonly staleFor: number;
  readonly transport: Transport;
  readonly vm: string | undefined;
  readonly region: string | undefined;
  /** The newest id heard of. */
  readonly cursor: string | undefined;
  readonly topics: string[];
  /** How many alerts are waiting to be sent or confirmed. */
  readonly pending: number;
  /** When the next attempt to connect is due (Unix milliseconds), while one is being waited for. */
  readonly nextAttemptAt: number | undefined;
  /** The server's time as far as it is known (Unix milliseconds). */
  readonly serverTime: number;

  /** Milliseconds since the alert was accepted, by the server's clock. Ask when it arrives, and it is the alert's latency. */
  latency(alert: Pick<Alert, "time_ms">): number | undefined;

  /**
   * Follows topics (`"*"`: all). Resolves once the server has confirmed it, however many connections that takes; rejects with a
   * `CrierError` if it refuses. Topics that are followed already stay where they are.
   */
  subscribe(topics: string | string[], options?: SubscribeOptions): Promise<{ topics: string[]; id: string | undefined }>;

  /** Stops following; without topics, all of them. */
  unsubscribe(topics?: string | string[]): void;

  /**
   * Raises an alert. Resolves once the bus has it. Until then it is kept and sent again with its key over as many connections as it
   * takes, so it is raised once. Rejects with a `CrierError` when the server refuses it, when the outbox is full, or as `unconfirmed`
   * when repeating it would not be safe any more.
   */
  publish(topic: string, message: string, fields?: AlertFields): Promise<Receipt>;

  /** Gives the publish token, now and for later connections. Rejects if the server does not accept it. */
  authenticate(token: string): Promise<void>;

  /** Ends everything. Alerts that were not confirmed are rejected as `closed`, or as `signed-out` where the server ended it. */
  close(): void;

  addEventListener<Type extends keyof CrierEventMap>(
    type: Type,
    listener: (event: CrierEventMap[Type]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Type extends keyof CrierEventMap>(
    type: Type,
    listener: (event: CrierEventMap[Type]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
}
