import MessageBus

/// A position as the id of a stream's entry, `<epoch>-<offset>` in decimal digits.
extension Position {
    var entryID: String { "\(epoch)-\(offset)" }

    /// - Returns: `nil` where `entryID` is not two numbers that a position can have.
    init?(entryID: String) {
        let parts = entryID.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let epoch = UInt64(parts[0]), let offset = UInt64(parts[1]) else { return nil }
        self.init(checked: epoch, offset)
    }

    /// - Returns: `nil` where the numbers are not what a position can have.
    init?(epoch: RESPValue, offset: RESPValue) {
        guard let epoch = epoch.number.flatMap(UInt64.init(exactly:)),
            let offset = offset.number.flatMap(UInt64.init(exactly:))
        else { return nil }
        self.init(checked: epoch, offset)
    }

    private init?(checked epoch: UInt64, _ offset: UInt64) {
        guard epoch <= Self.maximumComponent, offset <= Self.maximumComponent else { return nil }
        self.init(epoch: epoch, offset: offset)
    }
}
