/// What a statement returned: rows of values in PostgreSQL's binary format, copied out of libpq.
struct PostgresRows: Sendable {
    let columns: Int
    /// Row by row; `nil` for NULL.
    let values: [[UInt8]?]

    static let none = PostgresRows(columns: 0, values: [])

    var count: Int { columns == 0 ? 0 : values.count / columns }

    subscript(index: Int) -> PostgresRow {
        PostgresRow(values: values[(index * columns)..<((index + 1) * columns)])
    }

    /// The only row.
    func only() throws(PostgresFailure) -> PostgresRow {
        guard count == 1 else { throw .unexpected("\(count) rows in place of one") }
        return self[0]
    }

    func map<Element>(
        _ transform: (PostgresRow) throws(PostgresFailure) -> Element
    ) throws(PostgresFailure) -> [Element] {
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for index in 0..<count { elements.append(try transform(self[index])) }
        return elements
    }

    func compactMap<Element>(_ transform: (PostgresRow) -> Element?) -> [Element] {
        (0..<count).compactMap { transform(self[$0]) }
    }
}

/// One row. What is not of the type that is asked for is a failure: the server is a peer as others are.
struct PostgresRow {
    let values: ArraySlice<[UInt8]?>

    func bytes(_ column: Int) -> [UInt8]? {
        let index = values.startIndex + column
        return values.indices.contains(index) ? values[index] : nil
    }

    /// A `bigint`, or the eight bytes of another type.
    func integer(_ column: Int) throws(PostgresFailure) -> Int64? {
        guard let bytes = bytes(column) else { return nil }
        guard bytes.count == 8 else { throw .unexpected("column \(column) is not a bigint") }
        return Int64(bitPattern: bytes.reduce(0) { $0 << 8 | UInt64($1) })
    }

    func flag(_ column: Int) throws(PostgresFailure) -> Bool {
        guard let bytes = bytes(column), bytes.count == 1 else {
            throw .unexpected("column \(column) is not a boolean")
        }
        return bytes[0] != 0
    }

    func text(_ column: Int) -> String? { bytes(column).map { String(decoding: $0, as: UTF8.self) } }
}
