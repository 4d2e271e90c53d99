import NIOCore
import Reactor

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The readers of a load run that live on one loop. Isolation: that loop.
final class ReaderGroup {
    private static let patience = TimeAmount.seconds(10)

    let form: LoadPlan.Form
    private let plan: LoadPlan
    private let servers: [LoadServer]
    private let ledger: Ledger
    private let failure: FirstFailure
    private let loop: ReactorLoop
    /// The place of the loop among the run's.
    private let place: Int
    private let moved: () -> Void

    private var book: AlertBook
    /// Whether the ledger is going to be told of it.
    private var isToldSoon = false
    /// Sockets whose opening has begun.
    private var begun = 0
    private var lastOpened = NIODeadline.now()

    /// - Parameters:
    ///   - place: the place of the loop among the run's.
    ///   - moved: called on the loop, at the end of a turn in which an alert has come to the first or to the last of the readers here.
    init(
        _ plan: LoadPlan, _ servers: [LoadServer], _ run: LoadRunName, _ ledger: Ledger, _ failure: FirstFailure,
        on loop: ReactorLoop, place: Int, moved: @escaping () -> Void
    ) {
        form = plan.form
        self.plan = plan
        self.servers = servers
        self.ledger = ledger
        self.failure = failure
        self.loop = loop
        self.place = place
        self.moved = moved
        book = AlertBook(plan.form, run, AlertLanes(count: servers.count), ledger)
    }

    // MARK: Opening

    /// Of the run's sockets every `threads`th is here.
    private var sockets: Int { (plan.sockets - place + plan.threads - 1) / plan.threads }

    /// Opens sockets, as many at once as this loop's share of the plan's bound is.
    func open() {
        let most = max(1, plan.connectionsAtOnce / plan.threads)
        while begun < sockets && begun - book.counts.opened < most {
            let index = place + begun * plan.threads
            begun += 1
            let server = servers[index % servers.count]
            guard let address = server.address else { return }
            SocketConnector.connect(
                to: address, from: server.source(ofSocket: index, of: plan.sockets), within: Self.patience, on: loop
            ) { [self] result in
                switch result {
                case .success(let descriptor): adopt(descriptor, server)
                case .failure(let error): fail(LoadServer.explanation(of: error, server.url))
                }
            }
        }
    }

    private func adopt(_ descriptor: CInt, _ server: LoadServer) {
        do throws(SocketError) {
            let socket = try StreamSocket(adopting: descriptor, on: loop)
            socket.handler = LoadReader(self, of: server.url, on: socket)
            socket.write(server.request("/\(plan.topic)/\(form.rawValue)", form: form))
        } catch {
            _ = close(descriptor)
            fail(LoadServer.explanation(of: error, server.url))
        }
    }

    func fail(_ reason: String) { failure.set(reason) }

    func becameReady() {
        book.join()
        lastOpened = .now()
        open()
    }

    // MARK: Alerts

    /// Takes the alerts that a reader's bytes begin with, as ``AlertBook/takeAlerts(of:from:for:at:)`` does.
    func takeAlerts(
        of bytes: UnsafeRawBufferPointer, from place: inout Int, for checks: inout LaneChecks, at time: NIODeadline
    ) -> StreamPiece? {
        defer { tellSoon() }
        return book.takeAlerts(of: bytes, from: &place, for: &checks, at: time)
    }

    /// A reader has gone.
    func left(_ checks: LaneChecks, _ reason: String) {
        book.leave(checks, reason)
        tellSoon()
    }

    /// Once a turn, when the alerts that came together are all counted: told one by one, they would be followed one by one.
    private func tellSoon() {
        guard book.hasMoved && !isToldSoon else { return }
        isToldSoon = true
        loop._executeIsolatedUnsafeUnchecked { [self] in
            isToldSoon = false
            book.hasMoved = false
            ledger.reached(finished: book.finished, sighted: book.sighted, loop: place)
            moved()
        }
    }

    // MARK: Counts

    /// How it stands.
    struct Snapshot: Sendable {
        var counts: ReaderCounts
        var latencies: Latencies
        /// CPU time that the loop's thread has used, in seconds.
        var cpuSeconds: Double
        /// Deliveries that have not come.
        var missing: Int
        /// When the last of the readers was opened.
        var lastOpened: NIODeadline
    }

    func snapshot() -> Snapshot {
        let missing = book.missing()
        return Snapshot(
            counts: book.counts, latencies: book.latencies, cpuSeconds: SystemLimits.threadCPUSeconds, missing: missing,
            lastOpened: lastOpened)
    }

    /// Latencies are recorded anew.
    func forgetLatencies() { book.forgetLatencies() }
}

@available(*, unavailable)
extension ReaderGroup: Sendable {}
