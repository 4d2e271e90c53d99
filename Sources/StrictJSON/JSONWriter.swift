/// Writes JSON text (RFC 8259) in UTF-8, without white space. Commas are written where they belong.
///
/// The caller sees to the structure: keys only in objects, each once, and every `begin` with its `end`.
///
/// ```swift
/// var writer = JSONWriter(reservingCapacity: 64)
/// writer.beginObject()
/// writer.key("id")
/// writer.int(7)
/// writer.endObject()
/// send(writer.bytes)  // {"id":7}
/// ```
public struct JSONWriter: Sendable {
    /// What was written so far.
    public private(set) var bytes: [UInt8] = []
    /// Whether a value was completed since the last bracket, key or line: the next one is separated from it.
    private var needsComma = false

    /// An empty writer with room for `capacity` bytes.
    public init(reservingCapacity capacity: Int = 0) {
        bytes.reserveCapacity(max(capacity, 0))
    }

    /// Forgets what was written and keeps the memory.
    public mutating func reset() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }

    /// Ends a text with a line feed; the next value begins a new one (JSON lines).
    public mutating func endLine() {
        bytes.append(UInt8(ascii: "\n"))
        needsComma = false
    }

    // MARK: Structure

    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// The key of the member whose value is written next.
    // Disfavoured, so that a literal becomes a `StaticString`.
    @_disfavoredOverload
    public mutating func key(_ key: String) {
        separate()
        appendQuoted(key)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A key that the code spells out, in printable ASCII without `"` and `\`: it is copied as it is.
    public mutating func key(_ key: StaticString) {
        let count = key.utf8CodeUnitCount
        assert(plainRunLength(from: key.utf8Start, before: key.utf8Start + count) == count, "the key needs escapes")
        separate()
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count + 3) { quoted in
            quoted.initializeElement(at: 0, to: UInt8(ascii: "\""))
            _ = quoted[1...].initialize(from: UnsafeBufferPointer(start: key.utf8Start, count: count))
            quoted.initializeElement(at: count + 1, to: UInt8(ascii: "\""))
            quoted.initializeElement(at: count + 2, to: UInt8(ascii: ":"))
            bytes.append(contentsOf: quoted)
        }
        needsComma = false
    }

    // MARK: Values

    public mutating func string(_ value: String) {
        separate()
        appendQuoted(value)
    }

    public mutating func int(_ value: some BinaryInteger) {
        separate()
        bytes.append(contentsOf: String(value).utf8)
    }

    public mutating func int(_ value: Int) {
        separate()
        appendDecimal(value)
    }

    public mutating func int(_ value: Int64) {
        int(Int(value))
    }

    public mutating func bool(_ value: Bool) {
        separate()
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    public mutating func null() {
        separate()
        bytes.append(contentsOf: "null".utf8)
    }

    /// A number, as it was written.
    public mutating func number(_ value: JSONNumber) {
        separate()
        bytes.append(contentsOf: value.text.utf8)
    }

    /// A value with all that is in it. Recurses as deep as the value does.
    public mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .number(let value): number(value)
        case .string(let value): string(value)
        case .array(let elements):
            beginArray()
            for element in elements { self.value(element) }
            endArray()
        case .object(let object):
            beginObject()
            for (key, value) in object.members {
                self.key(key)
                self.value(value)
            }
            endObject()
        }
    }

    /// One value that is JSON text already; it is copied unchecked.
    public mutating func raw(_ json: some Sequence<UInt8>) {
        separate()
        bytes.append(contentsOf: json)
    }

    /// One value that is JSON text already; it is copied unchecked.
    public mutating func raw(_ json: String) {
        raw(json.utf8)
    }

    // MARK: Bytes

    @inline(__always)
    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func appendDecimal(_ value: Int) {
        // An Int has at most 19 digits and a sign.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var index = digits.count
            var rest = value.magnitude
            repeat {
                index -= 1
                digits.initializeElement(at: index, to: UInt8(ascii: "0") + UInt8(rest % 10))
                rest /= 10
            } while rest > 0
            if value < 0 {
                index -= 1
                digits.initializeElement(at: index, to: UInt8(ascii: "-"))
            }
            bytes.append(contentsOf: digits[index...])
        }
    }

    private mutating func appendQuoted(_ text: String) {
        var text = text
        bytes.append(UInt8(ascii: "\""))
        text.withUTF8 { appendEscaped($0) }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Escapes what RFC 8259 §7 requires to be escaped, and copies the runs between.
    private mutating func appendEscaped(_ text: UnsafeBufferPointer<UInt8>) {
        guard var position = text.baseAddress else { return }
        let end = position + text.count
        var run = position
        while true {
            position += plainRunLength(from: position, before: end)
            while position < end, position.pointee >= 0x80 { position += 1 }
            guard position < end else { break }
            let byte = position.pointee
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            bytes.append(contentsOf: UnsafeBufferPointer(start: run, count: position - run))
            appendEscape(byte)
            position += 1
            run = position
        }
        bytes.append(contentsOf: UnsafeBufferPointer(start: run, count: end - run))
    }

    private mutating func appendEscape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        default:
            // Control characters are below 0x20, so that the first three digits are 000 or 001.
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(UInt8(ascii: "0") + byte >> 4)
            bytes.append(contentsOf: String(byte & 0xF, radix: 16).utf8)
        }
    }
}
