/// What came by `NOTIFY`.
struct PostgresNotification: Sendable, Equatable {
    let channel: String
    let payload: String
}
