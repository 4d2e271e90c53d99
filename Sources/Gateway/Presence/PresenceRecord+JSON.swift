import MessageBus
import StrictJSON

// `{"vm":"a1","region":"ams","rooms":{"ams":[["ada",1790000000000]],"vm/a1":[["bob",1790000000500]]}}`: name and time in milliseconds.
extension PresenceRecord {
    private static let limits = JSONLimits(maxDepth: 4, maxMembers: StoreLimits.value)

    /// The record as JSON, in as many parts as it takes for each to have at most `limit` bytes; none where nobody is there.
    ///
    /// The same record gives the same bytes. A part has one person at least, however small `limit` is.
    func parts(limit: Int = StoreLimits.value) -> [[UInt8]] {
        var parts: [[UInt8]] = []
        var part = PresencePart(of: self)
        for (room, people) in rooms.sorted(by: { $0.key.name < $1.key.name }) {
            for person in people where !part.take(person, in: room, within: limit) {
                parts.append(part.ended())
                part = PresencePart(of: self)
                _ = part.take(person, in: room, within: limit)
            }
        }
        if !part.isEmpty { parts.append(part.ended()) }
        return parts
    }

    /// Reads a part. Strict: what is not exactly what `parts` writes, apart from white space and order, is an error. Any bytes are safe to give.
    init(parsing bytes: [UInt8]) throws(PresenceRecordError) {
        let value: JSONValue
        do throws(JSONError) { value = try JSONValue.parse(bytes, limits: Self.limits) } catch {
            throw PresenceRecordError(error.message)
        }
        guard let object = value.objectValue, object.members.count == 3,
            let vm = object["vm"]?.stringValue, SubscriptionName(vm: vm) != nil,
            let region = object["region"]?.stringValue, let rooms = object["rooms"]?.objectValue
        else { throw PresenceRecordError("not an object of vm, region and rooms") }
        self.init(vm: vm, region: region, rooms: [:])
        for (name, people) in rooms.members {
            guard let room = Room(name: name) else { throw PresenceRecordError("a name that is no room's") }
            self.rooms[room] = try Self.people(people)
        }
    }

    private static func people(_ value: JSONValue) throws(PresenceRecordError) -> [Person] {
        guard let entries = value.arrayValue, !entries.isEmpty else {
            throw PresenceRecordError("a room without a list of people")
        }
        var people: [Person] = []
        var names: Set<String> = []
        for entry in entries {
            guard let pair = entry.arrayValue, pair.count == 2, let name = pair[0].stringValue,
                name.utf8.count <= Person.maximumName, let milliseconds = pair[1].intValue
            else { throw PresenceRecordError("a person who is not a name and a time") }
            guard names.insert(name).inserted else { throw PresenceRecordError("a person twice in a room") }
            people.append(Person(name: name, since: WallTime(milliseconds: Int64(milliseconds))))
        }
        return people
    }
}
