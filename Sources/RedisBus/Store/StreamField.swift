/// The fields of an entry in the log. One letter each, since every entry holds them.
enum StreamField {
    static let body = "b"
    static let key = "k"
    static let healedFrom = "h"
    /// Only at an epoch's first alert: the entry before the epoch, `0-0` where there was none.
    static let predecessor = "p"
}
