import Acceptance
import ArgumentParser
import CrierTesting
import Foundation

/// The acceptance run: VMs, readers and publishers on loopback, faults, and an audit of every reader's log.
@main
struct AcceptanceRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crier-acceptance",
        abstract: "Runs VMs, readers and publishers through faults, and audits what every reader saw.")

    @Option(
        help:
            "Buses, with commas between: redis, postgres, google, memory (default: the first three; google only where Google's emulator is installed)."
    )
    var bus: String?
    @Option(help: "Faults by their numbers, with commas between (default: all; with --short 1,3,4,6,7,11).")
    var faults: String?
    @Option(help: "Alerts in each run (default: 10000; with --short 600; half of it on google).")
    var alerts: Int?
    @Option(help: "Alerts a second (default: 100; on google 50).")
    var rate: Int?
    @Option(help: "Readers, half on WebSockets, half on event streams (default: 200; with --short 60).")
    var readers: Int?
    @Option(help: "VM processes (default: 4; with --short 3).")
    var vms: Int?
    @Option(help: "The program that the VMs run.")
    var crier = ".build/release/crier"
    @Option(help: "The program with faults for the controls; crier-faulty beside the other unless given.")
    var faultyCrier: String?
    @Option(help: "A page whose table is replaced by the measured one.")
    var table: String?
    @Flag(help: "Also run what is broken on purpose and has to be found.")
    var controls = false
    @Flag(help: "A quick form: fewer of everything, timings shortened where they may be.")
    var short = false

    func run() async throws {
        var options = AcceptanceOptions()
        if let bus {
            options.buses = try list(bus).map { name in
                guard let bus = BusKind(rawValue: name) else { throw ValidationError("there is no bus \(name)") }
                return bus
            }
        } else if !options.buses.contains(.google) {
            print("\(PubSubEmulator.absence): the run goes on without the bus google.")
        }
        if let faults = faults ?? (short ? "1,3,4,6,7,11" : nil) {
            options.faults = try list(faults).flatMap { name in
                let named = Fault.named(name)
                if named.isEmpty { throw ValidationError("there is no fault \(name)") }
                return named
            }
        }
        options.alerts = alerts
        options.rate = rate
        options.readers = readers ?? (short ? 60 : 200)
        options.vms = vms ?? (short ? 3 : 4)
        options.crier = crier
        options.faultyCrier = faultyCrier ?? (crier as NSString).deletingLastPathComponent + "/crier-faulty"
        options.controls = controls
        options.isShort = short

        let runner = AcceptanceRunner(options)
        let running = Task { await runner.run() }
        let interrupts = cancelOnSignals(running)
        let outcomes = await running.value
        withExtendedLifetime(interrupts) {}
        print(OutcomeTable.render(outcomes))
        if let table { try OutcomeTable.write(outcomes, into: table) }
        if running.isCancelled || !outcomes.allSatisfy(\.isGood) { throw ExitCode(1) }
    }

    private func list(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }

    /// SIGINT and SIGTERM end the run; what was started is stopped first.
    private func cancelOnSignals(_ task: Task<[RunOutcome], Never>) -> [any DispatchSourceSignal] {
        [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { task.cancel() }
            source.resume()
            return source
        }
    }
}
