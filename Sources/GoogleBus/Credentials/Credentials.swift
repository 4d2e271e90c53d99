/// Whose rights calls have.
enum Credentials: Sendable {
    /// An emulator asks for none.
    case none
    case key(TokenKeeper, account: String)
    /// The account of the machine that this runs on.
    case machine(TokenKeeper, MetadataServer)

    var keeper: TokenKeeper? {
        switch self {
        case .none: nil
        case .key(let keeper, _), .machine(let keeper, _): keeper
        }
    }

    /// The account's name, where it is known.
    var account: String? {
        switch self {
        case .none: nil
        case .key(_, let account): account
        case .machine(_, let server): server.account
        }
    }
}
