/// What the text of a load run's alert begins with, 16 bytes: `@`, four characters that tell this run from others, ten digits of the
/// alert's number, and `:`. Two comparisons tell whether an alert is the one that was expected.
struct AlertMarker: Equatable, Sendable {
    static let size = 16
    /// No alert's.
    static let none = AlertMarker(first: 0, second: 0)

    private let first: UInt64
    private let second: UInt64

    private init(first: UInt64, second: UInt64) {
        self.first = first
        self.second = second
    }

    /// - Parameter place: where it begins; ``size`` bytes follow.
    init(_ bytes: UnsafeRawBufferPointer, at place: Int) {
        first = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
        second = bytes.loadUnaligned(fromByteOffset: place + 8, as: UInt64.self)
    }

    init(run: LoadRunName, number: UInt32) {
        var text = run.prefix
        var digits = [UInt8](repeating: UInt8(ascii: "0"), count: 10)
        var rest = number
        for index in digits.indices.reversed() where rest > 0 {
            digits[index] += UInt8(rest % 10)
            rest /= 10
        }
        text += digits
        text.append(UInt8(ascii: ":"))
        self = text.withUnsafeBytes { AlertMarker($0, at: 0) }
    }

    var bytes: [UInt8] {
        withUnsafeBytes(of: (first, second)) { Array($0) }
    }

    /// The alert's number; `nil` unless it is of the run.
    func number(in run: LoadRunName) -> UInt32? {
        let bytes = bytes
        guard bytes.starts(with: run.prefix), bytes.last == UInt8(ascii: ":") else { return nil }
        var number: UInt64 = 0
        for digit in bytes[5..<15] {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + UInt64(digit - UInt8(ascii: "0"))
        }
        return UInt32(exactly: number)
    }
}

/// Four random characters, so that the alerts of another run on the same topic are not taken for this one's.
struct LoadRunName: Sendable {
    /// What this run's markers begin with, five bytes.
    let prefix: [UInt8]

    static func random() -> LoadRunName {
        let letters = Array("abcdefghijklmnopqrstuvwxyz".utf8)
        return LoadRunName((0..<4).map { _ in letters[Int.random(in: letters.indices)] })
    }

    /// - Parameter name: four characters of ASCII.
    init(_ name: [UInt8]) {
        precondition(name.count == 4)
        prefix = [UInt8(ascii: "@")] + name
    }
}
