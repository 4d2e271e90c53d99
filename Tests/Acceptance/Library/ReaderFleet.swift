import CrierTesting
import MessageBus
import NIOCore
import NIOPosix

/// All readers of a run, half of them on WebSockets and half on event streams.
struct ReaderFleet: Sendable {
    private let readers: [NIOLoopBound<Reader>]
    private let loops: [any EventLoop]
    let names: [String]

    /// - Parameter resume: whether readers give their cursor when they connect again.
    init(count: Int, resume: Bool, targets: ReaderTargets) async throws {
        var readers: [NIOLoopBound<Reader>] = []
        var loops: [any EventLoop] = []
        var names: [String] = []
        for index in 0..<count {
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            let form = ReaderStream.allCases[index % ReaderStream.allCases.count]
            let name = "\(form == .webSocket ? "socket" : "stream") \(index)"
            let reader = try await loop.submit {
                NIOLoopBound(
                    Reader(name: name, form: form, resumes: resume, targets: targets, eventLoop: loop), eventLoop: loop)
            }.get()
            readers.append(reader)
            loops.append(loop)
            names.append(name)
        }
        self.readers = readers
        self.loops = loops
        self.names = names
    }

    var count: Int { readers.count }

    /// Runs the body for each of the readers with these indices, or all, on its event loop.
    @discardableResult
    func each<Result: Sendable>(
        in indices: Range<Int>? = nil, _ body: @escaping @Sendable (Reader) -> Result
    ) async throws -> [Result] {
        var futures: [EventLoopFuture<Result>] = []
        for index in indices ?? 0..<readers.count {
            let reader = readers[index]
            futures.append(loops[index].submit { body(reader.value) })
        }
        var results: [Result] = []
        for future in futures { results.append(try await future.get()) }
        return results
    }

    /// Connects all and waits until each has its place in the log.
    func begin() async throws {
        try await each { $0.come() }
        try await eventually("a stream for every reader", within: .seconds(30)) {
            try await each { $0.hasBegun }.allSatisfy(\.self)
        }
    }

    /// How many have everything that was acknowledged, or were told of what they miss.
    func complete(_ receipts: [(number: Int, position: Position)]) async throws -> Int {
        try await each { $0.hasEverything(receipts) }.count(where: \.self)
    }

    /// The readers that are on a VM now, and how much stands in their logs.
    func places(on vm: String) async throws -> [String: Int] {
        let places = try await each { $0.vm == vm ? ($0.name, $0.log.entries.count) : nil }
        return Dictionary(uniqueKeysWithValues: places.compactMap(\.self))
    }

    /// Ends all and returns their logs.
    func end() async throws -> [(reader: String, log: ReaderLog)] {
        try await each { $0.leave() }
        let logs = try await each { $0.log }
        return zip(names, logs).map { (reader: $0, log: $1) }
    }
}
