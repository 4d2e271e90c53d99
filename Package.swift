// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let coreMetrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let jwtKit = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioConcurrencyHelpers = Target.Dependency.product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1 = Target.Dependency.product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")

let package = Package(
    name: "crier",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "crier", targets: ["Crier"]),
        .executable(name: "crier-acceptance", targets: ["AcceptanceRun"]),
        .executable(name: "crier-faulty", targets: ["FaultyServer"]),
        .executable(name: "crier-echo", targets: ["EchoServer"]),
        .executable(name: "bare-hummingbird", targets: ["BareHummingbird"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        .target(name: "StrictJSON", swiftSettings: strict),
        .target(
            name: "MessageBus", dependencies: ["StrictJSON", deque, logging, nioConcurrencyHelpers],
            swiftSettings: strict),
        .systemLibrary(name: "CHiredis"),
        .target(
            name: "RedisBus",
            dependencies: [nioConcurrencyHelpers, "CHiredis", "MessageBus", deque, logging, nioCore, nioPosix, nioSSL],
            swiftSettings: strict),
        .systemLibrary(name: "CLibPQ"),
        .target(
            name: "PostgresBus", dependencies: [nioConcurrencyHelpers, "CLibPQ", "MessageBus", deque, logging],
            swiftSettings: strict),
        .target(
            name: "GoogleBus",
            dependencies: [
                nioConcurrencyHelpers, "MessageBus", "StrictJSON", asyncHTTPClient, crypto, cryptoExtras, deque,
                logging,
                nioCore, nioHTTP1,
            ],
            swiftSettings: strict),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CZlib"),
        .target(
            name: "Reactor", dependencies: ["CLinux", deque, heap, nioConcurrencyHelpers, nioCore],
            swiftSettings: strict),
        .target(
            name: "WebSocketTransport", dependencies: ["CZlib", "Reactor", nioCore, nioHTTP1, nioPosix, crypto],
            swiftSettings: strict),
        .target(
            name: "Broadcasting",
            dependencies: [
                nioConcurrencyHelpers,
                "MessageBus", "Reactor", "StrictJSON", "WebSocketTransport", nioCore, deque, logging, coreMetrics,
            ],
            swiftSettings: strict),
        .target(
            name: "AccessTokens",
            dependencies: [
                nioConcurrencyHelpers,
                "MessageBus", "StrictJSON", asyncHTTPClient, crypto, deque, jwtKit, logging, nioCore, nioHTTP1,
            ],
            swiftSettings: strict),
        .target(name: "PrometheusMetrics", dependencies: [nioConcurrencyHelpers, coreMetrics], swiftSettings: strict),
        .target(
            name: "Gateway",
            dependencies: [
                nioConcurrencyHelpers,
                "AccessTokens", "Broadcasting", "CLinux", "MessageBus", "PrometheusMetrics", "Reactor", "StrictJSON",
                "WebSocketTransport",
                hummingbird,
                hummingbirdCore, httpTypes, systemPackage, coreMetrics, nioCore, nioHTTP1, nioHTTPTypes,
                nioHTTPTypesHTTP1, nioPosix, configuration, crypto, deque,
                logging,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "Crier",
            dependencies: [
                nioConcurrencyHelpers,
                "Broadcasting", "Gateway", "GoogleBus", "MessageBus", "PostgresBus", "PrometheusMetrics", "Reactor",
                "RedisBus", "StrictJSON", "WebSocketTransport", argumentParser, asyncHTTPClient, histogram, logging,
                nioCore, nioPosix, nioHTTP1,
                unixSignals,
            ],
            swiftSettings: strict),
        .target(
            name: "CrierTesting",
            dependencies: [
                nioConcurrencyHelpers,
                "Broadcasting", "Gateway", "MessageBus", "Reactor", "StrictJSON", "WebSocketTransport", crypto,
                cryptoExtras, nioCore, nioHTTP1, nioPosix, logging,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "EchoServer", dependencies: ["CrierTesting", "Reactor"], path: "Tests/Interop/EchoServer",
            swiftSettings: strict),
        .executableTarget(
            name: "BareHummingbird", dependencies: [hummingbird, logging, nioCore, nioPosix],
            path: "Tests/BareHummingbird", swiftSettings: strict),
        .target(
            name: "Acceptance",
            dependencies: [
                nioConcurrencyHelpers, "CrierTesting", "MessageBus", "StrictJSON", "WebSocketTransport", nioCore,
                nioPosix,
            ],
            path: "Tests/Acceptance/Library", swiftSettings: strict),
        .executableTarget(
            name: "AcceptanceRun", dependencies: ["Acceptance", "CrierTesting", argumentParser],
            path: "Tests/Acceptance/Run", swiftSettings: strict),
        .executableTarget(
            name: "FaultyServer",
            dependencies: [
                "CrierTesting", "Gateway", "GoogleBus", "MessageBus", "PostgresBus", "PrometheusMetrics", "RedisBus",
                logging, unixSignals,
            ],
            path: "Tests/Acceptance/FaultyServer", swiftSettings: strict),
        .testTarget(
            name: "AcceptanceTests", dependencies: ["Acceptance", "CrierTesting", "MessageBus", nioCore],
            swiftSettings: strict),
        .testTarget(name: "StrictJSONTests", dependencies: ["StrictJSON", "CrierTesting"], swiftSettings: strict),
        .testTarget(
            name: "MessageBusTests", dependencies: [nioConcurrencyHelpers, "MessageBus", "CrierTesting", logging],
            swiftSettings: strict),
        .testTarget(
            name: "RedisBusTests",
            dependencies: [
                "CrierTesting", "MessageBus", "RedisBus", logging, nioCore, nioPosix,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "PostgresBusTests",
            dependencies: ["CrierTesting", "MessageBus", "PostgresBus", logging],
            swiftSettings: strict),
        .testTarget(
            name: "GoogleBusTests",
            dependencies: [
                nioConcurrencyHelpers,
                "CrierTesting", "GoogleBus", "MessageBus", "StrictJSON", crypto, cryptoExtras, logging, nioCore,
                nioHTTP1, nioPosix,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ReactorTests", dependencies: ["Reactor", "CrierTesting", nioConcurrencyHelpers, nioCore],
            swiftSettings: strict),
        .testTarget(
            name: "WebSocketTransportTests",
            dependencies: [
                "Reactor", "WebSocketTransport", "CrierTesting", nioCore, nioEmbedded, nioHTTP1, nioPosix,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "BroadcastingTests",
            dependencies: [
                nioConcurrencyHelpers,
                "Broadcasting", "MessageBus", "Reactor", "StrictJSON", "WebSocketTransport", "CrierTesting",
                coreMetrics, logging, nioCore, nioEmbedded,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "AccessTokensTests",
            dependencies: [
                nioConcurrencyHelpers,
                "AccessTokens", "CrierTesting", "MessageBus", "StrictJSON", crypto, cryptoExtras, logging, nioCore,
                nioHTTP1, nioPosix,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "PrometheusMetricsTests", dependencies: ["PrometheusMetrics", coreMetrics], swiftSettings: strict),
        .testTarget(
            name: "GatewayTests",
            dependencies: [
                nioConcurrencyHelpers,
                "AccessTokens", "Gateway", "Broadcasting", "MessageBus", "StrictJSON", "WebSocketTransport",
                "CrierTesting", logging, nioCore, nioHTTP1, nioPosix,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "CrierTests",
            dependencies: [
                "Crier", "CrierTesting", "Gateway", "GoogleBus", "MessageBus", "PostgresBus", "RedisBus", "StrictJSON",
                argumentParser, logging, nioConcurrencyHelpers, nioCore,
            ],
            swiftSettings: strict),
    ]
)
