/// A token that lets its bearer in, for a while.
struct AccessToken: Sendable, Equatable {
    let text: String
    /// How long it is valid from when it was asked for, in milliseconds.
    let lifetime: Int64

    /// - Parameter seconds: held within a day; Google gives an hour.
    init(text: String, seconds: Int) {
        self.text = text
        lifetime = Int64(min(max(seconds, 0), 86_400)) * 1000
    }
}
