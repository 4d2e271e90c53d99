public import MessageBus

extension SharedStore {
    /// What each method throws, in order; `nil` where it does not fail.
    public func failures() async -> [BusError?] {
        let sessions = StoreCollection("sessions")!
        let name = StoreName(sessions, "any")!
        return await [
            failure { () throws(BusError) in try await set(name, [1], lasting: .seconds(1)) },
            failure { () throws(BusError) in _ = try await value(of: name) },
            failure { () throws(BusError) in _ = try await extend(name, lasting: .seconds(1)) },
            failure { () throws(BusError) in _ = try await remove(name) },
            failure { () throws(BusError) in _ = try await entries(of: sessions, limit: 1) },
        ]
    }

    /// What an operation throws; `nil` where it does not fail.
    public func failure(_ operation: () async throws(BusError) -> Void) async -> BusError? {
        do throws(BusError) { try await operation() } catch { return error }
        return nil
    }
}
