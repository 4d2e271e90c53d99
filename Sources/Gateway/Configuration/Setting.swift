/// One key of the configuration: what it is called everywhere, what it is when nothing is said, and what it means.
public struct Setting: Sendable {
    /// Its name in the environment and the file, such as `ALLOWED_ORIGINS`.
    public let key: String
    /// What help says of its default.
    public let standard: String
    /// One sentence.
    public let meaning: String
    public let isSecret: Bool

    init(_ key: String, standard: String, isSecret: Bool = false, _ meaning: String) {
        self.key = key
        self.standard = standard
        self.meaning = meaning
        self.isSecret = isSecret
    }

    /// Its flag, such as `--allowed-origins`.
    public var flag: String { "--" + key.lowercased().replacing("_", with: "-") }

    /// The path under which the configuration library looks it up.
    var path: String { key.lowercased().replacing("_", with: ".") }
}

extension Setting {
    static let port = Setting("PORT", standard: "8080", "TCP port to listen on; 0 takes a free one.")
    static let host = Setting("HOST", standard: "::", "Address to listen on; `::` is every address, IPv4 too.")
    static let bus = Setting(
        "BUS", standard: "memory",
        "What carries alerts between VMs: `redis`, `postgres`, `google` (Cloud Pub/Sub), or `memory`, which serves one VM."
    )
    static let redisURL = Setting(
        "REDIS_URL", standard: "unset", isSecret: true,
        "`redis://user:password@host:6379/0`, `rediss://…` for TLS, `unix:///path`, or `redis+sentinel://host:26379/name`."
    )
    static let databaseURL = Setting(
        "DATABASE_URL", standard: "unset", isSecret: true, "`postgres://user:password@host:5432/database`.")
    static let databaseDirectURL = Setting(
        "DATABASE_DIRECT_URL", standard: "DATABASE_URL", isSecret: true,
        "PostgreSQL past a pooler such as PgBouncer, for LISTEN.")
    static let busNamespace = Setting(
        "BUS_NAMESPACE", standard: "crier",
        "Prefix of the keys in Redis and schema in PostgreSQL, `[a-z][a-z0-9_]{0,30}`: deployments with one of their own share nothing."
    )
    static let logCount = Setting(
        "LOG_COUNT", standard: "100000", "How many alerts the log in Redis or PostgreSQL keeps.")
    static let googleProject = Setting(
        "GOOGLE_CLOUD_PROJECT", standard: "the key's, else the machine's",
        "The Google Cloud project that the topic is in, by its id; an emulator takes any name, and has `crier-local` without one."
    )
    static let googleCredentials = Setting(
        "GOOGLE_APPLICATION_CREDENTIALS", standard: "unset",
        "Path of a Google service account's key (JSON); unset, and no GOOGLE_SERVICE_ACCOUNT_JSON: the machine's own account."
    )
    static let googleServiceAccount = Setting(
        "GOOGLE_SERVICE_ACCOUNT_JSON", standard: "unset", isSecret: true,
        "The key itself, instead of a path: for machines that keep secrets in the environment.")
    static let pubSubTopic = Setting(
        "PUBSUB_TOPIC", standard: "ALIEN_NOTIFICATIONS",
        "The Pub/Sub topic, made when it is absent: deployments with one of their own share no alerts.")
    static let pubSubRegion = Setting(
        "PUBSUB_REGION", standard: "the nearest",
        "The Google region, such as `europe-west4`, whose endpoint all VMs use: set it where VMs of several regions publish, for order."
    )
    static let pubSubEmulator = Setting(
        "PUBSUB_EMULATOR_HOST", standard: "unset",
        "`host:port` of Google's Pub/Sub emulator, which is then used instead of Google, without credentials.")
    static let vm = Setting(
        "FLY_ALLOC_ID", standard: "FLY_MACHINE_ID, else random",
        "The VM's id, `[-_A-Za-z0-9]{1,60}`; its subscription is `ID_<id>`.")
    static let region = Setting("FLY_REGION", standard: "local", "The VM's region, `[-_A-Za-z0-9]{1,64}`.")
    static let publicDirectory = Setting("PUBLIC_DIR", standard: "Public", "Folder of the page and the browser client.")
    static let publishToken = Setting(
        "PUBLISH_TOKEN", standard: "unset", isSecret: true, "Token that publishing needs; unset: anyone may publish.")
    static let publishRights = Setting(
        "PUBLISH_RIGHTS", standard: "*=token with PUBLISH_TOKEN, else *=anyone",
        "Who may publish on which topics: `alarms-*=token, chat-*=user`; the first that matches decides. Rooms are for users unless `_room-…` is named."
    )
    static let subscribeRights = Setting(
        "SUBSCRIBE_RIGHTS", standard: "*=anyone", "Who may read which topics, in the same form.")
    static let signInPassword = Setting(
        "SIGN_IN_PASSWORD", standard: "unset", isSecret: true,
        "Password that signing in needs besides a name; unset: a name is enough.")
    static let sessionLifetime = Setting(
        "SESSION_LIFETIME", standard: "7d", "How long a sign-in lasts that is not used.")
    static let jwtIssuer = Setting(
        "JWT_ISSUER", standard: "unset",
        "Whose signed tokens (JWTs) are taken: their `iss`, such as `https://id.example.com`.")
    static let jwtAudience = Setting("JWT_AUDIENCE", standard: "unset", "What the tokens have to have as `aud`.")
    static let jwtKeysURL = Setting(
        "JWT_KEYS_URL", standard: "discovered",
        "Where the issuer's keys are (JWKS), if not where its OpenID description says.")
    static let jwtAlgorithms = Setting(
        "JWT_ALGORITHMS", standard: "RS256,ES256,EdDSA", "What tokens may be signed with, with commas between.")
    static let allowedOrigins = Setting(
        "ALLOWED_ORIGINS", standard: "same origin", "Origins whose pages may connect, with commas between; `*`: all.")
    static let trustedProxy = Setting(
        "TRUSTED_PROXY", standard: "fly on Fly.io, else none",
        "Whose header names the client: `fly` (Fly-Client-IP), `forwarded` (last of X-Forwarded-For) or `none`.")
    static let affinity = Setting(
        "AFFINITY", standard: "auto",
        "Whether requests that name another VM are sent there by `fly-replay`: `on`, `off`, or `auto`, which is on on Fly.io."
    )
    static let affinityStatus = Setting(
        "AFFINITY_STATUS", standard: "307", "HTTP status of the answer that sends a request there: 101, or 200 to 599.")
    static let affinityReplay = Setting(
        "AFFINITY_REPLAY", standard: "prefer_instance",
        "What the proxy is told: `prefer_instance` (that VM, else another), `instance` (that VM or none) or `region` (any VM of its region)."
    )
    static let affinityStrict = Setting(
        "AFFINITY_STRICT", standard: "off",
        "`on` answers a request for a VM or region that is not there with 404 instead of serving it here.")
    static let retention = Setting(
        "RETENTION", standard: "10m", "How long alerts are held at least: a duration such as `90s`, `10m`, `2h`.")
    static let retentionCount = Setting("RETENTION_COUNT", standard: "10000", "How many alerts are held at least.")
    static let retentionBytes = Setting(
        "RETENTION_BYTES", standard: "67108864", "Bytes that held alerts may take; goes before the other two.")
    static let drainSeconds = Setting(
        "DRAIN_SECONDS", standard: "10", "Seconds over which sockets are closed when the VM leaves.")
    static let rateLimits = Setting(
        "RATE_LIMITS", standard: "on", "`off` lifts the rates and the cap on sockets an address; size limits stay.")
    static let socketRate = Setting(
        "SOCKET_RATE", standard: "10/20", "Alerts a second and at once that a socket may publish.")
    static let addressRate = Setting(
        "ADDRESS_RATE", standard: "50/100", "Alerts a second and at once that an address may publish.")
    static let handshakeRate = Setting(
        "HANDSHAKE_RATE", standard: "20/100", "Sockets a second and at once that an address may open.")
    static let addressSockets = Setting("ADDRESS_SOCKETS", standard: "500", "Sockets that an address may have at once.")
    static let maxText = Setting("MAX_TEXT", standard: "4096", "Bytes of a message's text.")
    static let maxBody = Setting("MAX_BODY", standard: "65536", "Bytes of a request body or WebSocket message.")
    static let maxTopics = Setting("MAX_TOPICS", standard: "64", "Topics that a socket may follow.")
    static let maxPending = Setting(
        "MAX_PENDING", standard: "1048576", "Bytes that may wait for a slow reader before it is closed.")
    static let compression = Setting(
        "COMPRESSION", standard: "off",
        "`on` compresses alerts, each once for all, for WebSockets that ask for it (permessage-deflate).")
    static let threads = Setting("THREADS", standard: "one a core", "Event loops, each with its shard of the sockets.")
    static let ioUring = Setting(
        "IO_URING", standard: "on",
        "Whether many sockets are written by one system call, where the system has io_uring and allows it; `off`: by one each."
    )
    static let logLevel = Setting(
        "LOG_LEVEL", standard: "info", "`trace`, `debug`, `info`, `notice`, `warning`, `error` or `critical`.")
    static let logFormat = Setting(
        "LOG_FORMAT", standard: "text on a terminal, else json", "`text`, or `json`: one object a line.")

    /// Every key, in the order of help.
    public static let all: [Setting] = [
        port, host, bus, redisURL, databaseURL, databaseDirectURL, busNamespace, logCount, googleProject,
        googleCredentials, googleServiceAccount, pubSubTopic, pubSubRegion, pubSubEmulator, vm, region, publishToken,
        publishRights, subscribeRights, signInPassword, sessionLifetime, jwtIssuer, jwtAudience,
        jwtKeysURL, jwtAlgorithms, allowedOrigins, trustedProxy, affinity, affinityStatus, affinityReplay,
        affinityStrict, retention, retentionCount,
        retentionBytes, drainSeconds, rateLimits, socketRate, addressRate, handshakeRate, addressSockets, maxText,
        maxBody, maxTopics, maxPending, compression, publicDirectory, threads, ioUring, logLevel, logFormat,
    ]
}
