extension JSONValue {
    /// Reads a JSON text (RFC 8259) in UTF-8: one value, with nothing but white space around it.
    ///
    /// Strict: a byte order mark, invalid UTF-8, a lone surrogate, a duplicate key and all else that the grammar does
    /// not allow is an error. Any bytes are safe to give. The time taken is proportional to their number.
    ///
    /// - Throws: `JSONError` with the byte offset of the first thing that is wrong.
    public static func parse(
        _ bytes: UnsafeRawBufferPointer, limits: JSONLimits = .init()
    ) throws(JSONError) -> JSONValue {
        let result: Result<JSONValue, JSONError> = bytes.withMemoryRebound(to: UInt8.self) { parse($0, limits) }
        return try result.get()
    }

    /// Reads a JSON text from an array; see ``parse(_:limits:)-(UnsafeRawBufferPointer,_)``.
    public static func parse(_ bytes: [UInt8], limits: JSONLimits = .init()) throws(JSONError) -> JSONValue {
        try bytes.withUnsafeBufferPointer { parse($0, limits) }.get()
    }

    /// Reads a JSON text from a sequence of bytes, in place where they are contiguous.
    public static func parse(_ bytes: some Sequence<UInt8>, limits: JSONLimits = .init()) throws(JSONError) -> JSONValue
    {
        if let result = bytes.withContiguousStorageIfAvailable({ parse($0, limits) }) {
            return try result.get()
        }
        return try parse(Array(bytes), limits: limits)
    }

    /// Reads a JSON text from a string. Offsets in errors count its UTF-8 bytes.
    public static func parse(_ text: String, limits: JSONLimits = .init()) throws(JSONError) -> JSONValue {
        var text = text
        return try text.withUTF8 { parse($0, limits) }.get()
    }

    private static func parse(
        _ bytes: UnsafeBufferPointer<UInt8>, _ limits: JSONLimits
    ) -> Result<JSONValue, JSONError> {
        guard let base = bytes.baseAddress else { return .failure(JSONError(.unexpectedEnd, at: 0)) }
        var reader = JSONReader(bytes, base: base, limits: limits)
        do throws(JSONError) {
            return .success(try reader.readText())
        } catch {
            return .failure(error)
        }
    }
}
