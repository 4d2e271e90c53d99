/// A statement's parameter, in PostgreSQL's binary format: nothing is quoted, and nothing ends at a NUL.
///
/// Arrays follow `array_send` of PostgreSQL's `src/backend/utils/adt/arrayfuncs.c`: dimensions, a flag for NULLs, the element's type, then for
/// each dimension its length and lower bound, then for each element its length, -1 for NULL, and its bytes.
enum PostgresParameter: Sendable {
    case text(String)
    case integer(Int64)
    case bytes([UInt8])
    case bytesArray([[UInt8]?])
    case textArray([String])
    case integerArray([Int64?])

    /// The type's number in `pg_type`, the same in every PostgreSQL.
    var type: UInt32 {
        switch self {
        case .text: 25
        case .integer: 20
        case .bytes: 17
        case .bytesArray: 1001
        case .textArray: 1009
        case .integerArray: 1016
        }
    }

    /// Appends the value's bytes.
    func encode(into bytes: inout [UInt8]) {
        switch self {
        case .text(let text): bytes += text.utf8
        case .integer(let number): Self.append(number, to: &bytes)
        case .bytes(let value): bytes += value
        case .bytesArray(let elements):
            Self.append(elements, type: 17, to: &bytes) { bytes, element in bytes += element }
        case .textArray(let elements):
            Self.append(elements, type: 25, to: &bytes) { bytes, element in bytes += element.utf8 }
        case .integerArray(let elements):
            Self.append(elements, type: 20, to: &bytes) { bytes, element in
                Self.append(element, to: &bytes)
            }
        }
    }

    private static func append<Element>(
        _ elements: [Element?], type: UInt32, to bytes: inout [UInt8],
        _ encode: (inout [UInt8], Element) -> Void
    ) {
        append(Int32(elements.isEmpty ? 0 : 1), to: &bytes)
        append(Int32(elements.contains { $0 == nil } ? 1 : 0), to: &bytes)
        append(type, to: &bytes)
        guard !elements.isEmpty else { return }
        append(Int32(elements.count), to: &bytes)
        append(Int32(1), to: &bytes)
        for element in elements {
            let start = bytes.count
            append(Int32(-1), to: &bytes)
            guard let element else { continue }
            encode(&bytes, element)
            let length = UInt32(bytes.count - start - 4)
            for index in 0..<4 {
                bytes[start + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index))
            }
        }
    }

    private static func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.bigEndian) { bytes += $0 }
    }
}
