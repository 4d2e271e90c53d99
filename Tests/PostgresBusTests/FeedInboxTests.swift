import MessageBus
import Testing

@testable import PostgresBus

/// What a feed makes of what it hears.
struct FeedInboxTests {
    private func inbox() throws -> FeedInbox {
        let vm = try #require(VMIdentity(id: "vm", region: "here", boot: "mine"))
        var inbox = FeedInbox(namespace: try PostgresNamespace("ns"), vm: vm)
        inbox.mayHaveMore = false
        return inbox
    }

    private func heard(_ payload: String, on channel: String) throws -> FeedInbox {
        var inbox = try inbox()
        #expect(inbox.hear(PostgresNotification(channel: channel, payload: payload)) == nil)
        return inbox
    }

    @Test("A position on the log's channel says that there is more")
    func hearsPositions() throws {
        #expect(try heard("600-1", on: "ns_log").mayHaveMore)
        #expect(try heard("", on: "ns_log").mayHaveMore)
        #expect(try !heard("600-1", on: "ID_vm").isWorthWaking)
    }

    @Test(
        "Only another boot of the same namespace, on the VM's own channel, supersedes",
        arguments: [
            ("ns taken other", "ID_vm", true), ("ns taken mine", "ID_vm", false), ("ns taken ", "ID_vm", true),
            ("elsewhere taken other", "ID_vm", false), ("ns taken other", "ns_log", false),
            ("ns taken", "ID_vm", false),
            ("", "ID_vm", false), ("ns  taken other", "ID_vm", false), ("ns taken mine too", "ID_vm", true),
        ])
    func hearsSuccessors(_ payload: String, _ channel: String, _ isSuperseded: Bool) throws {
        #expect(try heard(payload, on: channel).isSuperseded == isSuperseded)
    }

    @Test("A probe counts once it is heard on every channel")
    func hearsProbes() throws {
        var inbox = try inbox()
        let word = FeedWord.probe("n").text(in: try PostgresNamespace("ns"))
        inbox.expect("n")
        #expect(inbox.hear(PostgresNotification(channel: "ID_vm", payload: word)) == nil)
        #expect(inbox.hear(PostgresNotification(channel: "ID_vm", payload: word)) == nil)
        #expect(inbox.hear(PostgresNotification(channel: "ns_log", payload: "ns probe other")) == nil)
        #expect(inbox.hear(PostgresNotification(channel: "ns_log", payload: word)) == "n")
        #expect(inbox.hear(PostgresNotification(channel: "ns_log", payload: word)) == nil)
        inbox.expect("m")
        inbox.giveUp("m")
        #expect(inbox.hear(PostgresNotification(channel: "ns_log", payload: "ns probe m")) == nil)
        #expect(!inbox.isWorthWaking)
    }
}
