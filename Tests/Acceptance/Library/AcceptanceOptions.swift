/// What is run.
public struct AcceptanceOptions: Sendable {
    public var buses = BusKind.available
    public var faults: [Fault] = Fault.allCases
    /// Alerts in each run; `nil`: as many as suit the bus.
    public var alerts: Int?
    /// Alerts a second; `nil`: as suits the bus.
    public var rate: Int?
    public var readers = 200
    public var vms = 4
    /// The program that VMs run.
    public var crier = ".build/release/crier"
    /// The same with faults that it can be told to have, for the controls.
    public var faultyCrier: String?
    /// Whether to run what has to be found faulty.
    public var controls = false
    /// Whether timings are shortened where they may be.
    public var isShort = false
    public var publicFolder = "Public"
    public var drainSeconds = 3

    public init() {}
}
