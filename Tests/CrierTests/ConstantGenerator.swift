/// Draws always the same: nearly the lower end of every range, or nearly the upper one.
struct ConstantGenerator: RandomNumberGenerator {
    let value: UInt64

    /// One and not zero: the standard library draws again after a zero in most ranges, which would never end.
    static let lowest = ConstantGenerator(value: 1)
    static let highest = ConstantGenerator(value: .max)

    mutating func next() -> UInt64 { value }
}
