import MessageBus

/// Consecutive places in the log, and which alerts have them.
struct Placement: Sendable, Equatable {
    enum Entry: Sendable, Equatable {
        /// The alert has the next position. Where its place in an earlier epoch was taken back, it says which one readers may know it by.
        case next(Reference, healedFrom: Position?)
        /// The alert's key, or what it heals, stands in the log already.
        case repeated(Reference, of: Position)
    }

    let first: Position
    let entries: [Entry]

    /// The last position that is given; the one before `first` where none is.
    var last: Position {
        let count = UInt64(entries.count { if case .next = $0 { true } else { false } })
        return Position(epoch: first.epoch, offset: first.offset + count - 1)
    }
}

// Lines of text: `author number` for the next position, `author number-number` for several in a row, `author number<position` where it stood
// elsewhere before, `author number=position` for a repetition.
extension Placement {
    var encoded: [UInt8] {
        var lines: [String] = []
        var run: (author: String, numbers: ClosedRange<UInt64>)?
        func end() {
            if let run {
                let (low, high) = (run.numbers.lowerBound, run.numbers.upperBound)
                lines.append(low == high ? "\(run.author) \(low)" : "\(run.author) \(low)-\(high)")
            }
            run = nil
        }
        for entry in entries {
            switch entry {
            case .next(let alert, let lost?):
                end()
                lines.append("\(alert.author) \(alert.number)<\(lost.id)")
            case .next(let alert, nil):
                if let known = run, known.author == alert.author, known.numbers.upperBound + 1 == alert.number {
                    run = (alert.author, known.numbers.lowerBound...alert.number)
                } else {
                    end()
                    run = (alert.author, alert.number...alert.number)
                }
            case .repeated(let alert, let position):
                end()
                lines.append("\(alert.author) \(alert.number)=\(position.id)")
            }
        }
        end()
        return Array(lines.joined(separator: "\n").utf8)
    }

    /// The most alerts that one word places.
    static let limit = 1_000

    /// - Returns: `nil` for what is not as `encoded` writes it, or places more than `limit`.
    init?(encoded: [UInt8], first: Position) {
        guard let text = String(validating: encoded, as: UTF8.self), first.offset > 0,
            first.offset <= Position.maximumComponent - UInt64(Self.limit)
        else { return nil }
        var entries: [Entry] = []
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else { return nil }
            let author = String(parts[0])
            if let sign = parts[1].firstIndex(where: { $0 == "=" || $0 == "<" }) {
                guard let number = UInt64(parts[1][..<sign]),
                    let position = Position(id: parts[1][parts[1].index(after: sign)...])
                else { return nil }
                let reference = Reference(author: author, number: number)
                entries.append(
                    parts[1][sign] == "=" ? .repeated(reference, of: position) : .next(reference, healedFrom: position))
            } else {
                let ends = parts[1].split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
                guard let low = ends.first ?? nil, let high = ends.last ?? nil, ends.count <= 2, low <= high,
                    high - low < UInt64(Self.limit - min(entries.count, Self.limit))
                else { return nil }
                entries += (low...high).map { .next(Reference(author: author, number: $0), healedFrom: nil) }
            }
            guard entries.count <= Self.limit else { return nil }
        }
        self.init(first: first, entries: entries)
    }
}
