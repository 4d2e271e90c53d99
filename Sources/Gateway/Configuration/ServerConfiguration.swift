public import AccessTokens
import Broadcasting
public import Logging
public import MessageBus

/// Everything that `crier serve` can be told, checked.
public struct ServerConfiguration: Sendable {
    public enum TrustedProxy: String, Sendable, CaseIterable {
        case fly, forwarded, none
    }

    public enum LogFormat: String, Sendable, CaseIterable {
        case text, json
    }

    enum Switch: String, CaseIterable {
        case on, off
    }

    public var port = 8080
    public var host = "::"
    public var bus = BusConfiguration()
    public var vm: VMIdentity
    public var publicDirectory = "Public"
    public var publishToken = PublishToken(nil)
    var publishRules: [TopicRights.Rule] = []
    var subscribeRules: [TopicRights.Rule] = []
    public var signIn = SignInConfiguration()
    /// Whose tokens (JWTs) say who someone is; `nil`: nobody's.
    public var issuer: TokenIssuer?
    public var allowedOrigins = OriginPolicy.sameOrigin
    public var trustedProxy = TrustedProxy.none
    public var affinity = AffinityConfiguration()
    public var retention = Retention()
    public var drainSeconds = 10
    public var hasRateLimits = true
    public var socketRate = Rate(perSecond: 10, burst: 20)
    public var addressRate = Rate(perSecond: 50, burst: 100)
    public var handshakeRate = Rate(perSecond: 20, burst: 100)
    public var addressSockets = 500
    public var maximumText = 4096
    public var maximumBody = 65_536
    public var maximumTopics = 64
    public var maximumPending = 1 << 20
    /// Whether alerts are compressed for WebSockets that ask for it.
    public var compresses = false
    /// 0: one event loop a core.
    public var threads = 0
    /// Whether io_uring is used where it can be.
    public var usesIOUring = true
    public var logLevel = Logger.Level.info
    /// `nil`: by whether the log goes to a terminal.
    public var logFormat: LogFormat?

    /// The defaults, for a VM.
    public init(vm: VMIdentity) { self.vm = vm }

    /// Reads and checks all settings.
    ///
    /// - Throws: `ConfigurationError` for the first that cannot be used.
    public init(_ settings: SettingsReader) throws(ConfigurationError) {
        self.vm = try Self.identity(settings)
        port = try settings.number(.port, in: 0...65_535, standard: port)
        host = settings.text(.host) ?? host
        bus = try BusConfiguration(settings)
        publicDirectory = settings.text(.publicDirectory) ?? publicDirectory
        publishToken = PublishToken(settings.text(.publishToken))
        publishRules = try Self.rules(settings, .publishRights)
        subscribeRules = try Self.rules(settings, .subscribeRights)
        signIn = try SignInConfiguration(settings)
        issuer = try TokenIssuer(settings)
        guard let origins = OriginPolicy(settings.text(.allowedOrigins) ?? "") else {
            throw ConfigurationError(
                key: Setting.allowedOrigins.key, "write origins such as https://example.com with commas between, or *")
        }
        allowedOrigins = origins
        let isOnFly = settings.other("FLY_APP_NAME") != nil
        trustedProxy = try settings.choice(.trustedProxy, standard: isOnFly ? .fly : .none)
        affinity = try AffinityConfiguration(settings, isOnFly: isOnFly)
        retention = try Self.retention(settings, standard: retention)
        drainSeconds = try settings.number(.drainSeconds, in: 0...290, standard: drainSeconds)
        hasRateLimits = try settings.choice(.rateLimits, standard: Switch.on) == .on
        socketRate = try settings.rate(.socketRate, standard: socketRate)
        addressRate = try settings.rate(.addressRate, standard: addressRate)
        handshakeRate = try settings.rate(.handshakeRate, standard: handshakeRate)
        addressSockets = try settings.number(.addressSockets, in: 1...10_000_000, standard: addressSockets)
        maximumText = try settings.number(.maxText, in: 1...1_048_576, standard: maximumText)
        maximumBody = try settings.number(.maxBody, in: 1024...16_777_216, standard: maximumBody)
        maximumTopics = try settings.number(.maxTopics, in: 1...10_000, standard: maximumTopics)
        maximumPending = try settings.number(.maxPending, in: 65_536...1_073_741_824, standard: maximumPending)
        guard maximumPending >= 2 * maximumBody else {
            throw ConfigurationError(
                key: Setting.maxPending.key,
                "it has to be twice MAX_BODY at least, so that the largest alert can wait for a reader")
        }
        compresses = try settings.choice(.compression, standard: Switch.off) == .on
        usesIOUring = try settings.choice(.ioUring, standard: Switch.on) == .on
        threads = try settings.number(.threads, in: 0...1024, standard: threads)
        if let text = settings.text(.logLevel) {
            guard let level = Logger.Level(rawValue: text.lowercased()) else {
                throw ConfigurationError(key: Setting.logLevel.key, "“\(text)” is not a level")
            }
            logLevel = level
        }
        if settings.text(.logFormat) != nil { logFormat = try settings.choice(.logFormat, standard: LogFormat.text) }
    }

    var rights: TopicRights {
        TopicRights(publish: publishRules, subscribe: subscribeRules, needsToken: publishToken.isSet)
    }

    var hub: HubConfiguration { HubConfiguration(retention: retention, maximumPending: maximumPending) }

    private static func identity(_ settings: SettingsReader) throws(ConfigurationError) -> VMIdentity {
        let id = settings.text(.vm) ?? settings.other("FLY_MACHINE_ID") ?? randomName(14)
        let region = settings.text(.region) ?? "local"
        guard Topic(region) != nil else {
            throw ConfigurationError(key: Setting.region.key, "“\(region)” is not [-_A-Za-z0-9]{1,64}")
        }
        guard let vm = VMIdentity(id: id, region: region, boot: randomName(16)) else {
            throw ConfigurationError(key: Setting.vm.key, "“\(id)” is not [-_A-Za-z0-9]{1,60}")
        }
        return vm
    }

    private static func rules(
        _ settings: SettingsReader, _ setting: Setting
    ) throws(ConfigurationError) -> [TopicRights.Rule] {
        guard let text = settings.text(setting) else { return [] }
        guard let rules = TopicRights.rules(text) else {
            throw ConfigurationError(
                key: setting.key,
                "write rules such as alarms-*=token, chat=user, *=anyone: a topic or the beginning of one with *, and anyone, user, token or nobody"
            )
        }
        return rules
    }

    private static func retention(
        _ settings: SettingsReader, standard: Retention
    ) throws(ConfigurationError) -> Retention {
        var retention = standard
        if let text = settings.text(.retention) {
            guard let age = Duration(shortForm: text) else {
                throw ConfigurationError(key: Setting.retention.key, "“\(text)” is not a duration such as 90s, 10m, 2h")
            }
            retention.age = age.components.seconds * 1000
        }
        retention.count = try settings.number(.retentionCount, in: 1...100_000_000, standard: standard.count)
        retention.bytes = try settings.number(.retentionBytes, in: 65_536...1 << 40, standard: standard.bytes)
        return retention
    }

    private static func randomName(_ length: Int) -> String {
        let alphabet = Array("0123456789abcdef")
        return String((0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] })
    }
}
