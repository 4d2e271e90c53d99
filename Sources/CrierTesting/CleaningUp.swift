/// Does something and cleans up after it, whatever comes of it: a `defer` cannot wait.
///
/// - Throws: what the body threw; where it threw nothing, what cleaning up threw.
public func perform<Result>(
    _ body: () async throws -> Result, finally cleanUp: () async throws -> Void
) async throws -> Result {
    let result: Result
    do { result = try await body() } catch {
        try? await cleanUp()
        throw error
    }
    try await cleanUp()
    return result
}
