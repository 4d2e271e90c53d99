import CrierTesting
import StrictJSON
import Testing

/// Random values and texts from fixed seeds.
struct PropertyTests {
    private static func value(depth: Int, using random: inout SeededGenerator) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .number(Int.random(in: .min ... .max, using: &random))
        case 3: return .number(JSONNumber(Double(bitPattern: random.next())) ?? JSONNumber(0))
        case 4, 5: return .string(string(using: &random))
        case 6:
            let count = Int.random(in: 0...6, using: &random)
            return .array((0..<count).map { _ in value(depth: depth - 1, using: &random) })
        default:
            let count = Int.random(in: 0...30, using: &random)
            return .object(
                JSONObject((0..<count).map { _ in (string(using: &random), value(depth: depth - 1, using: &random)) }))
        }
    }

    private static func string(using random: inout SeededGenerator) -> String {
        let ceilings: [UInt32] = [0x20, 0x7F, 0x7F, 0x7F, 0x7FF, 0xFFFF, 0x10FFFF]
        var text = ""
        for _ in 0..<Int.random(in: 0...24, using: &random) {
            let ceiling = ceilings[Int.random(in: 0..<ceilings.count, using: &random)]
            let number = UInt32.random(in: 0...ceiling, using: &random)
            text.unicodeScalars.append(Unicode.Scalar(number) ?? "?")
        }
        return text
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func whatIsWrittenReadsBackTheSame(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<1_000 {
            let value = Self.value(depth: 3, using: &random)
            let text = value.serialized()
            let read = try JSONValue.parse(text)
            #expect(read == value)
            #expect(read.serialized() == text)
        }
    }

    /// 4 × 50,000 damaged texts: none traps, errors point into the text, and what is accepted reads back the same.
    @Test(arguments: [11, 12, 13, 14] as [UInt64])
    func damagedTextsAreRefusedOrUnderstoodAndNeverTrap(seed: UInt64) throws {
        let text =
            #"{"id":"00bPJ500000A","n":[-0,1.5e+3,20,{"k":{}}],"#
            + #""s":"\u00e9\ud83d\ude00\n é€😀 Sydney","t":true,"z":[null,false]}"#
        let sample = Array(text.utf8)
        let interesting =
            Array("\"\\{}[]:,-+.eE0123456789 utrfn/\u{0}\u{1f}\u{7f}".utf8) + [0x80, 0xC2, 0xE0, 0xED, 0xF4, 0xFF]
        var random = SeededGenerator(seed: seed)
        var (accepted, refused) = (0, 0)
        for _ in 0..<50_000 {
            var text = sample
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let index = Int.random(in: 0..<max(text.count, 1), using: &random)
                let byte = interesting[Int.random(in: 0..<interesting.count, using: &random)]
                switch Int.random(in: 0..<5, using: &random) {
                case 0 where !text.isEmpty: text[index] = byte
                case 1: text.insert(byte, at: min(index, text.count))
                case 2 where !text.isEmpty: text.remove(at: index)
                case 3 where !text.isEmpty: text[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                default:
                    let end = min(index + Int.random(in: 0...16, using: &random), text.count)
                    text.append(contentsOf: text[min(index, end)..<end])
                }
            }
            do throws(JSONError) {
                let value = try JSONValue.parse(text)
                accepted += 1
                let again = try JSONValue.parse(value.serialized())
                if again != value { Issue.record("not the same after writing: \(value)") }
            } catch {
                refused += 1
                if !(0...text.count).contains(error.offset) { Issue.record("offset \(error.offset) of \(text.count)") }
            }
        }
        #expect(accepted > 500)
        #expect(refused > 500)
    }
}
