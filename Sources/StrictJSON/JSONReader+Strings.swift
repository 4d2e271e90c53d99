extension JSONReader {
    /// Reads a string (RFC 8259 §7) whose opening quotation mark is at the position.
    mutating func readString() throws(JSONError) -> String {
        position += 1
        let first = position
        try skipUnescaped()
        if position.pointee == UInt8(ascii: "\"") {
            let result = text(from: first)
            position += 1
            return result
        }
        return try readEscapedString(from: first)
    }

    /// Goes on from the first backslash, copying runs and decoding escapes.
    private mutating func readEscapedString(from first: UnsafePointer<UInt8>) throws(JSONError) -> String {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(position - first + 64)
        var run = first
        while true {
            decoded.append(contentsOf: UnsafeBufferPointer(start: run, count: position - run))
            if position.pointee == UInt8(ascii: "\"") {
                position += 1
                return String(decoding: decoded, as: UTF8.self)
            }
            try readEscape(into: &decoded)
            run = position
            try skipUnescaped()
        }
    }

    /// Goes to the next `"` or `\`, checking what lies before it. The position is inside the text when this returns.
    @inline(__always)
    private mutating func skipUnescaped() throws(JSONError) {
        while true {
            position += plainRunLength(from: position, before: end)
            guard position < end else { throw errorAtEnd }
            let byte = position.pointee
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return }
            guard byte >= 0x80 else { throw errorHere(.controlCharacter) }
            try skipMultibyteScalars()
        }
    }

    /// Checks UTF-8 sequences of two to four bytes by the table of RFC 3629 §4: no overlong form, no surrogate, nothing
    /// above U+10FFFF.
    private mutating func skipMultibyteScalars() throws(JSONError) {
        while position < end, position.pointee >= 0x80 {
            let lead = position.pointee
            let length: Int
            var second: ClosedRange<UInt8> = 0x80...0xBF
            switch lead {
            case 0xC2...0xDF: length = 2
            case 0xE0: (length, second) = (3, 0xA0...0xBF)
            case 0xED: (length, second) = (3, 0x80...0x9F)
            case 0xE1...0xEF: length = 3
            case 0xF0: (length, second) = (4, 0x90...0xBF)
            case 0xF1...0xF3: length = 4
            case 0xF4: (length, second) = (4, 0x80...0x8F)
            default: throw JSONError(.invalidUTF8, at: offset, found: "0x" + String(lead, radix: 16))
            }
            for index in 1..<length {
                guard position + index < end else { throw errorAtEnd }
                let allowed = index == 1 ? second : 0x80...0xBF
                guard allowed.contains(position[index]) else {
                    throw JSONError(.invalidUTF8, at: offset, found: "0x" + String(lead, radix: 16))
                }
            }
            position += length
        }
    }

    private mutating func readEscape(into decoded: inout [UInt8]) throws(JSONError) {
        let backslash = offset
        position += 1
        guard position < end else { throw errorAtEnd }
        switch position.pointee {
        case UInt8(ascii: "\""): decoded.append(UInt8(ascii: "\""))
        case UInt8(ascii: "\\"): decoded.append(UInt8(ascii: "\\"))
        case UInt8(ascii: "/"): decoded.append(UInt8(ascii: "/"))
        case UInt8(ascii: "b"): decoded.append(0x08)
        case UInt8(ascii: "f"): decoded.append(0x0C)
        case UInt8(ascii: "n"): decoded.append(0x0A)
        case UInt8(ascii: "r"): decoded.append(0x0D)
        case UInt8(ascii: "t"): decoded.append(0x09)
        case UInt8(ascii: "u"):
            position += 1
            decoded.append(
                contentsOf: UTF8.encode(try readUnicodeEscape(at: backslash)) ?? UTF8.encodedReplacementCharacter)
            return
        default: throw errorHere(.invalidEscape)
        }
        position += 1
    }

    /// Reads what follows `\u`: four hexadecimal digits, and the second escape of a surrogate pair where they begin
    /// one.
    private mutating func readUnicodeEscape(at backslash: Int) throws(JSONError) -> Unicode.Scalar {
        let unit = try readHexUnit()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        let lone = JSONError(.loneSurrogate, at: backslash, found: "\\u" + String(unit, radix: 16))
        guard UTF16.isLeadSurrogate(unit) else { throw lone }
        for expected in [UInt8(ascii: "\\"), UInt8(ascii: "u")] {
            guard position < end else { throw errorAtEnd }
            guard position.pointee == expected else { throw lone }
            position += 1
        }
        let trail = try readHexUnit()
        guard UTF16.isTrailSurrogate(trail) else { throw lone }
        return UTF16.decode(UTF16.EncodedScalar([unit, trail]))
    }

    private mutating func readHexUnit() throws(JSONError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard position < end else { throw errorAtEnd }
            let digit: UInt8
            switch position.pointee {
            case let byte where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte): digit = byte - UInt8(ascii: "0")
            case let byte where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte):
                digit = byte - UInt8(ascii: "a") + 10
            case let byte where (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte):
                digit = byte - UInt8(ascii: "A") + 10
            default: throw errorHere(.invalidEscape)
            }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }
}
