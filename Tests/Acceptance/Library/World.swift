import CrierTesting
import Foundation
import MessageBus
import NIOConcurrencyHelpers
import StrictJSON

/// Everything of one run: the bus, the VMs, the readers and the publishers, and what was found besides by those who watch.
final class World: Sendable {
    private let currentBus: NIOLockedValueBox<any BackingBus>
    let vms: [TestVM]
    let readers: ReaderFleet
    let publishers: PublisherFleet
    let targets: ReaderTargets
    let scale: Scale
    let drainSeconds: Int
    private let found = NIOLockedValueBox<[String]>([])
    private let extra = NIOLockedValueBox<[@Sendable () async -> Void]>([])

    /// How large the run is.
    struct Scale: Sendable {
        let alerts: Int
        /// How long publishing takes if nothing fails.
        let duration: Duration
        /// Whether timings are shortened where they may be.
        let isShort: Bool
    }

    init(
        bus: any BackingBus, vms: [TestVM], readers: ReaderFleet, publishers: PublisherFleet, targets: ReaderTargets,
        scale: Scale, drainSeconds: Int
    ) {
        currentBus = NIOLockedValueBox(bus)
        self.vms = vms
        self.readers = readers
        self.publishers = publishers
        self.targets = targets
        self.scale = scale
        self.drainSeconds = drainSeconds
    }

    /// The server that the VMs use now.
    var bus: any BackingBus {
        get { currentBus.withLockedValue { $0 } }
        set { currentBus.withLockedValue { $0 = newValue } }
    }

    /// Something is not as promised.
    func fail(_ what: String) { found.withLockedValue { $0.append(what) } }
    var failures: [String] { found.withLockedValue { $0 } }

    /// Something to be stopped at the end, such as a second server.
    func stopAtEnd(_ stop: @escaping @Sendable () async -> Void) { extra.withLockedValue { $0.append(stop) } }

    /// Waits for a condition that the run promises, and notes where it does not hold in time.
    func expect(_ what: String, within bound: Duration, _ holds: () async throws -> Bool) async throws {
        do { try await eventually(what, within: bound, holds) } catch let overdue as Overdue { fail("\(overdue)") }
    }

    /// The VMs on the bus by their subscriptions, as one of them tells.
    func subscriptions(toldBy vm: TestVM) async throws -> [String] {
        let port = await vm.port
        let reply = try await LoopbackHTTP.request("GET", "/v1/vms", port: port, within: .seconds(5))
        guard let records = try reply.object()["vms"]?.arrayValue else {
            throw HTTPReply.Malformed(bytes: reply.body)
        }
        return records.compactMap { $0.objectValue?["subscription"]?.stringValue }
    }

    /// The sum of a metric of a VM.
    func metric(_ name: String, of vm: TestVM) async throws -> Double {
        let port = await vm.port
        let reply = try await LoopbackHTTP.request("GET", "/metrics", port: port, within: .seconds(5))
        return reply.text.split(separator: "\n").reduce(0) { sum, line in
            let words = line.split(separator: " ")
            guard words.count == 2, words[0] == name || words[0].hasPrefix(name + "{") else { return sum }
            return sum + (Double(words[1]) ?? 0)
        }
    }

    /// What the log holds, as VMs tell those who ask for all of it.
    ///
    /// - Parameter epochs: are asked for one by one too, since who gets an alert where it stood before does not get it again where it was healed.
    func heldAlerts(epochs: Set<UInt64>) async throws -> [DeliveryAudit.HeldAlert] {
        let places = ["all"] + epochs.sorted().map { Position(epoch: $0, offset: 0).id }
        var alerts: [DeliveryAudit.HeldAlert] = []
        for (vm, since) in vms.flatMap({ vm in places.map { (vm, $0) } }) {
            let port = await vm.port
            let connection = try await RawConnection.connect(port: port)
            try await connection.send(
                "GET /*/json?poll=1&since=\(since) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n\r\n")
            let bytes = try await connection.readToEnd(within: .seconds(20))
            for line in bytes.split(separator: UInt8(ascii: "\n")) {
                let event = line.withUnsafeBytes { ReaderEvent(json: $0) }
                guard case .alert(let position, let number, let healedFrom) = event else { continue }
                alerts.append(DeliveryAudit.HeldAlert(position: position, number: number, healedFrom: healedFrom))
            }
        }
        return alerts
    }

    /// Another VM than this.
    func other(than vm: TestVM) -> TestVM? { vms.first { $0.id != vm.id } }

    /// Lets everything pass again.
    func heal() async {
        for vm in vms {
            await vm.front.set(.none)
            await vm.back?.set(.none)
        }
    }

    /// Ends every process and proxy, whatever state they are in.
    func stop() async {
        for vm in vms { await vm.stop() }
        for stop in extra.withLockedValue({ $0 }) { await stop() }
        await bus.stop()
    }
}
