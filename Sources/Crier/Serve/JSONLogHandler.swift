import Logging
import MessageBus
import NIOConcurrencyHelpers
import StrictJSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The log as one JSON object a line on standard error: `time`, `level`, `message`, then the metadata.
struct JSONLogHandler: LogHandler {
    private static let output = NIOLockedValueBox(())

    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var json = JSONWriter(reservingCapacity: 256)
        json.beginObject()
        json.key("time")
        json.string(RFC3339.format(WallClock.system.now()))
        json.key("level")
        json.string(event.level.rawValue)
        json.key("message")
        json.string(event.message.description)
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) where !["time", "level", "message"].contains(key) {
            json.key(key)
            json.string(value.description)
        }
        json.endObject()
        let line = json.bytes + [UInt8(ascii: "\n")]
        Self.output.withLockedValue { _ in _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) } }
    }
}
