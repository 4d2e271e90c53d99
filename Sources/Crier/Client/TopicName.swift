import ArgumentParser

/// A topic: `[-_A-Za-z0-9]{1,64}`.
struct TopicName: Sendable, Equatable, ExpressibleByArgument {
    let text: String

    init?(argument: String) {
        guard (1...64).contains(argument.utf8.count), argument.utf8.allSatisfy(Self.isAllowed) else { return nil }
        text = argument
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
