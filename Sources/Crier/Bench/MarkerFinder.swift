#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Finds the marker in an alert. All alerts of a run have it in the same place, so it looks there first.
struct MarkerFinder {
    private let run: LoadRunName
    private let prefix: UInt64
    private let mask: UInt64
    /// Where it stood last time: a guess that is verified.
    private var guess = 0

    init(_ run: LoadRunName) {
        self.run = run
        prefix = Self.word(run.prefix)
        mask = Self.word(run.prefix.map { _ in .max })
    }

    private static func word(_ bytes: [UInt8]) -> UInt64 {
        (bytes + [0, 0, 0]).withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
    }

    private func isMarker(_ text: UnsafeRawBufferPointer, at place: Int) -> Bool {
        text.loadUnaligned(fromByteOffset: place, as: UInt64.self) & mask == prefix
            && text[place + AlertMarker.size - 1] == UInt8(ascii: ":")
    }

    /// - Returns: where the first marker of the run begins; `nil` where there is none.
    mutating func place(in text: UnsafeRawBufferPointer) -> Int? {
        let last = text.count - AlertMarker.size
        if guess <= last && isMarker(text, at: guess) { return guess }
        guard last >= 0, let base = text.baseAddress else { return nil }
        var place = 0
        while place <= last, let found = memchr(base + place, 0x40, last - place + 1) {
            place = UnsafeRawPointer(found) - base
            if isMarker(text, at: place) {
                guess = place
                return place
            }
            place += 1
        }
        return nil
    }
}
