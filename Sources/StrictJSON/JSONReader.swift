/// A recursive-descent reader of one JSON text (RFC 8259 §2) in memory. It holds pointers into the text and lives no
/// longer than the call of `parse` that made it.
struct JSONReader {
    let start: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>
    let limits: JSONLimits
    var position: UnsafePointer<UInt8>

    init(_ bytes: UnsafeBufferPointer<UInt8>, base: UnsafePointer<UInt8>, limits: JSONLimits) {
        start = base
        end = base + bytes.count
        position = base
        self.limits = limits
    }

    /// Reads the one value of the text and whatever white space is around it.
    mutating func readText() throws(JSONError) -> JSONValue {
        if end - start >= 3, start[0] == 0xEF, start[1] == 0xBB, start[2] == 0xBF {
            throw JSONError(.byteOrderMark, at: 0)
        }
        let value = try readValue(depth: 0)
        skipWhiteSpace()
        guard position == end else { throw errorHere(.trailingData) }
        return value
    }

    // MARK: Values

    private mutating func readValue(depth: Int) throws(JSONError) -> JSONValue {
        switch try nextSignificant() {
        case UInt8(ascii: "\""): return .string(try readString())
        case UInt8(ascii: "{"): return .object(try readObject(depth: depth))
        case UInt8(ascii: "["): return .array(try readArray(depth: depth))
        case UInt8(ascii: "t"): return try readLiteral("true", .bool(true))
        case UInt8(ascii: "f"): return try readLiteral("false", .bool(false))
        case UInt8(ascii: "n"): return try readLiteral("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try readNumber())
        default: throw errorHere(.unexpectedCharacter)
        }
    }

    private mutating func readObject(depth: Int) throws(JSONError) -> JSONObject {
        guard depth < limits.maxDepth else { throw JSONError(.tooDeep, at: offset) }
        position += 1
        if try nextSignificant() == UInt8(ascii: "}") {
            position += 1
            return JSONObject(uniqueMembers: [])
        }
        var members: [(key: String, value: JSONValue)] = []
        members.reserveCapacity(8)
        var seen: Set<Key> = []
        while true {
            guard try nextSignificant() == UInt8(ascii: "\"") else { throw errorHere(.unexpectedCharacter) }
            let keyOffset = offset
            guard members.count < limits.maxMembers else { throw JSONError(.tooManyMembers, at: keyOffset) }
            let key = try readString()
            if isDuplicate(key, of: members, seen: &seen) {
                throw JSONError(.duplicateKey, at: keyOffset, found: JSONError.quoted(key.unicodeScalars))
            }
            guard try nextSignificant() == UInt8(ascii: ":") else { throw errorHere(.unexpectedCharacter) }
            position += 1
            members.append((key, try readValue(depth: depth + 1)))
            switch try nextSignificant() {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "}"):
                position += 1
                return JSONObject(uniqueMembers: members)
            default: throw errorHere(.unexpectedCharacter)
            }
        }
    }

    /// Scans while members are few, and hashes from then on, so that a large object does not cost its square.
    @inline(__always)
    private func isDuplicate(
        _ key: String, of members: [(key: String, value: JSONValue)], seen: inout Set<Key>
    ) -> Bool {
        if members.count < 16 {
            return members.index(of: key) != nil
        }
        if seen.isEmpty {
            for member in members { seen.insert(Key(text: member.key)) }
        }
        return !seen.insert(Key(text: key)).inserted
    }

    private mutating func readArray(depth: Int) throws(JSONError) -> [JSONValue] {
        guard depth < limits.maxDepth else { throw JSONError(.tooDeep, at: offset) }
        position += 1
        if try nextSignificant() == UInt8(ascii: "]") {
            position += 1
            return []
        }
        var elements: [JSONValue] = []
        while true {
            elements.append(try readValue(depth: depth + 1))
            switch try nextSignificant() {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "]"):
                position += 1
                return elements
            default: throw errorHere(.unexpectedCharacter)
            }
        }
    }

    private mutating func readLiteral(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        for index in 0..<text.utf8CodeUnitCount {
            guard position < end else { throw errorAtEnd }
            guard position.pointee == text.utf8Start[index] else { throw errorHere(.unexpectedCharacter) }
            position += 1
        }
        return value
    }

    private mutating func readNumber() throws(JSONError) -> JSONNumber {
        let first = position
        if position.pointee == UInt8(ascii: "-") { position += 1 }
        if position < end, position.pointee == UInt8(ascii: "0") {
            position += 1
            if let byte = peek, isDigit(byte) { throw JSONError(.leadingZero, at: offset - 1) }
        } else {
            try readDigits()
        }
        if peek == UInt8(ascii: ".") {
            position += 1
            try readDigits()
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            position += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { position += 1 }
            try readDigits()
        }
        return JSONNumber(checkedText: text(from: first))
    }

    private mutating func readDigits() throws(JSONError) {
        guard position < end else { throw errorAtEnd }
        guard isDigit(position.pointee) else { throw errorHere(.unexpectedCharacter) }
        while let byte = peek, isDigit(byte) { position += 1 }
    }

    // MARK: Characters

    var offset: Int { position - start }

    private var peek: UInt8? {
        @inline(__always) get { position < end ? position.pointee : nil }
    }

    @inline(__always)
    private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    /// White space is space, tab, line feed and carriage return (RFC 8259 §2).
    @inline(__always)
    private mutating func skipWhiteSpace() {
        while position < end {
            let byte = position.pointee
            guard byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position += 1
        }
    }

    /// Goes to the next byte that is not white space, and returns it.
    @inline(__always)
    private mutating func nextSignificant() throws(JSONError) -> UInt8 {
        skipWhiteSpace()
        guard position < end else { throw errorAtEnd }
        return position.pointee
    }

    /// The text from `first` up to here.
    @inline(__always)
    func text(from first: UnsafePointer<UInt8>) -> String {
        String(decoding: UnsafeBufferPointer(start: first, count: position - first), as: UTF8.self)
    }

    // MARK: Errors

    var errorAtEnd: JSONError { JSONError(.unexpectedEnd, at: end - start) }

    /// An error about the character at the reader's position.
    func errorHere(_ code: JSONError.Code) -> JSONError {
        let rest = UnsafeBufferPointer(start: position, count: min(end - position, 4))
        var decoder = UTF8()
        var bytes = rest.makeIterator()
        if case .scalarValue(let scalar) = decoder.decode(&bytes) {
            return JSONError(code, at: offset, found: JSONError.quoted(CollectionOfOne(scalar)))
        }
        guard let byte = rest.first else { return errorAtEnd }
        return JSONError(code, at: offset, found: "0x" + String(byte, radix: 16))
    }
}
