import MessageBus
import Testing

@testable import GoogleBus

/// Words as messages.
struct WordTests {
    private static let place = Place(
        vm: vm("148e21ea7d9789", boot: "b1"), load: VMLoad(sockets: 17, position: Position(epoch: 9, offset: 12)))
    private static let standing = Standing(head: Position(epoch: 9, offset: 11), leader: "leader")
    private static let placement = Placement(
        first: Position(epoch: 9, offset: 12),
        entries: [
            .next(Reference(author: "a", number: 1), healedFrom: nil),
            .next(Reference(author: "a", number: 2), healedFrom: nil),
            .repeated(Reference(author: "a", number: 3), of: Position(epoch: 9, offset: 4)),
            .next(Reference(author: "b", number: 7), healedFrom: nil),
            .next(Reference(author: "a", number: 4), healedFrom: nil),
            .next(Reference(author: "a", number: 5), healedFrom: Position(epoch: 8, offset: 2)),
        ])

    static let sayings: [Word.Saying] = [
        .alert(RaisedAlert(topic: Topic("t")!, key: nil, healedFrom: nil, body: Array("{}".utf8))),
        .alert(
            RaisedAlert(
                topic: Topic("t")!, key: "k", healedFrom: Position(epoch: 1, offset: 2), body: [0, 255, 10])),
        .place(placement), .claim(12), .cede(9), .epoch(12, predecessor: Position(epoch: 9, offset: 11)),
        .standing(nil),
        .standing(standing), .hello, .join(place), .lease(place, nil), .lease(place, standing), .leave(place.vm),
    ]

    private func received(_ message: OutgoingMessage) -> ReceivedMessage {
        ReceivedMessage(
            ackID: "a", messageID: "1", publishTime: WallTime(milliseconds: 0), attributes: message.attributes,
            data: message.data)
    }

    @Test("a word comes back as it was said", arguments: sayings)
    func roundTrip(_ saying: Word.Saying) {
        let word = Word(author: "author", number: 3, saying: saying)
        #expect(Word(received(word.message)) == word)
        #expect(word.message.orderingKey == Word.orderingKey)
        // Google's bounds on attributes.
        for (name, value) in word.message.attributes {
            #expect(name.utf8.count <= 256 && value.utf8.count <= 1_024)
        }
    }

    @Test("what misses a part, or has a strange one, is no word", arguments: sayings)
    func strangers(_ saying: Word.Saying) {
        let message = Word(author: "author", number: 3, saying: saying).message
        let optional: Set<String> = ["key", "healed", "head", "leader"]
        for name in message.attributes.keys where !optional.contains(name) {
            var strange = message
            strange.attributes[name] = nil
            #expect(Word(received(strange)) == nil, "without \(name)")
            strange.attributes[name] = "\u{1F47D} -1"
            if name != "by" && name != "region" && name != "boot" {
                #expect(Word(received(strange)) == nil, "with a strange \(name)")
            }
        }
    }

    @Test("numbers that no position has are refused")
    func bounds() {
        var message = Word(author: "a", number: 1, saying: .epoch(1, predecessor: .origin)).message
        message.attributes["epoch"] = "18446744073709551615"
        #expect(Word(received(message)) == nil)
        message.attributes["epoch"] = "1"
        message.attributes["n"] = "0"
        #expect(Word(received(message)) == nil)
    }

    @Test("a placement's data is text, a line for each run of alerts of one VM")
    func placementText() {
        #expect(
            String(decoding: Self.placement.encoded, as: UTF8.self)
                == "a 1-2\na 3=000009000004\nb 7\na 4\na 5<000008000002")
        #expect(Self.placement.last == Position(epoch: 9, offset: 16))
    }

    @Test(
        "what is no placement is refused",
        arguments: [
            "a", "a 1 2", " 1", "a x", "a 2-1", "a 1-2-3", "a -", "a 1=", "a 1=short", "a 1<", "a 1<short",
            "a 1-2<000008000002", "a 1-1001", "a 1-700\nb 1-301",
            "a 0-18446744073709551615", "a 1-\u{1F47D}", "a 18446744073709551616",
        ])
    func strangePlacements(_ text: String) {
        #expect(Placement(encoded: Array(text.utf8), first: Position(epoch: 1, offset: 1)) == nil)
    }

    @Test("a placement ends before positions do")
    func lastPlacement() {
        #expect(Placement(encoded: [], first: Position(epoch: 1, offset: 0)) == nil)
        #expect(
            Placement(encoded: Array("a 1".utf8), first: Position(epoch: 1, offset: Position.maximumComponent)) == nil)
        #expect(Placement(encoded: [0xff], first: Position(epoch: 1, offset: 1)) == nil)
    }
}
