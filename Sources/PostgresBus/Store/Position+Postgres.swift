import MessageBus

extension Position {
    /// As two parameters of a statement.
    var parameters: [PostgresParameter] { [.integer(Int64(epoch)), .integer(Int64(offset))] }
}

extension PostgresRow {
    /// A position in two columns from `column` on; `nil` where they are NULL.
    func position(_ column: Int) throws(PostgresFailure) -> Position? {
        guard let epoch = try integer(column), let offset = try integer(column + 1) else { return nil }
        guard epoch >= 0, offset >= 0 else { throw .unexpected("a position of \(epoch) and \(offset)") }
        return Position(epoch: UInt64(epoch), offset: UInt64(offset))
    }

    /// The same where it may not be missing.
    func requiredPosition(_ column: Int) throws(PostgresFailure) -> Position {
        guard let position = try position(column) else {
            throw .unexpected("no position in column \(column)")
        }
        return position
    }
}
