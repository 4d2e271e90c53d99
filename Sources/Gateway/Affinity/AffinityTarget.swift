import NIOHTTP1

/// The VM or region that a request names, and where it does so: in the query (`fly_instance_id=`, then `region=`), else in the path (`/rooms/…`), else in
/// the cookie.
///
/// What is no id or region code is no target, percent-encoded ones included: what is here can be repeated in a header.
struct AffinityTarget: Equatable, Sendable {
    enum Place: Equatable, Sendable {
        /// By its id, `[0-9a-z]{8,20}`.
        case vm(String)
        /// By its code, `[a-z]{3}`.
        case region(String)
    }

    enum Source: Equatable, Sendable {
        case query, path, cookie
    }

    let place: Place
    let source: Source

    init(_ place: Place, in source: Source) {
        self.place = place
        self.source = source
    }

    /// - Returns: `nil` where the request names none.
    init?(_ head: HTTPRequestHead) {
        if let target = Self.read(target: head.uri) {
            self = target
        } else if let vm = AffinityCookie(head.headers)?.vm {
            self.init(.vm(vm), in: .cookie)
        } else {
            return nil
        }
    }

    private static func read(target: String) -> AffinityTarget? {
        var target = target
        return target.withUTF8 { bytes in
            let mark = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
            if let place = place(inQuery: bytes[mark...].dropFirst()) { return AffinityTarget(place, in: .query) }
            return place(inPath: bytes[..<mark]).map { AffinityTarget($0, in: .path) }
        }
    }

    /// Of a parameter that is repeated the first counts.
    private static func place(inQuery query: TextBytes) -> Place? {
        var id: TextBytes?
        var region: TextBytes?
        var rest = query
        while !rest.isEmpty {
            let pair = rest.prefix { $0 != UInt8(ascii: "&") }
            if id == nil, let value = pair.after("fly_instance_id=") {
                id = value
            } else if region == nil, let value = pair.after("region=") {
                region = value
            }
            rest = rest[pair.endIndex...].dropFirst()
        }
        return id.flatMap(vm) ?? region.flatMap(Self.region)
    }

    /// `/rooms/<region>` or `/rooms/vm/<id>`, and anything below.
    private static func place(inPath path: TextBytes) -> Place? {
        guard let room = path.after("/rooms/") else { return nil }
        if let id = room.after("vm/") { return vm(id.prefix { $0 != UInt8(ascii: "/") }) }
        return region(room.prefix { $0 != UInt8(ascii: "/") })
    }

    private static func vm(_ text: TextBytes) -> Place? {
        isVM(text) ? .vm(text.string) : nil
    }

    private static func region(_ text: TextBytes) -> Place? {
        isRegion(text) ? .region(text.string) : nil
    }

    /// Whether it can be the id of one of Fly's machines.
    static func isVM(_ text: some Collection<UInt8>) -> Bool {
        (8...20).contains(text.count) && text.allSatisfy { isLetter($0) || isDigit($0) }
    }

    /// Whether it can be the code of one of Fly's regions.
    static func isRegion(_ text: some Collection<UInt8>) -> Bool {
        text.count == 3 && text.allSatisfy(isLetter)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

/// Part of a text while its bytes are borrowed.
typealias TextBytes = Slice<UnsafeBufferPointer<UInt8>>

extension TextBytes {
    var string: String { String(decoding: UnsafeBufferPointer(rebasing: self), as: UTF8.self) }

    /// What follows the prefix; `nil` where these bytes do not begin with it.
    func after(_ prefix: StaticString) -> TextBytes? {
        let wanted = UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount)
        return starts(with: wanted) ? dropFirst(wanted.count) : nil
    }
}
