import NIOHTTP1
import Testing

@testable import Gateway

@Suite struct AffinityTargetTests {
    private static let vm = "1a2b3c4d5e6f7a"
    private static let other = "9f8e7d6c5b4a39"

    private func read(_ target: String, cookies: [String] = []) -> AffinityTarget? {
        var headers = HTTPHeaders([("Host", "h"), ("X-Cookie", "crier_vm=\(Self.other)")])
        for cookie in cookies { headers.add(name: "CooKie", value: cookie) }
        return AffinityTarget(HTTPRequestHead(version: .http1_1, method: .GET, uri: target, headers: headers))
    }

    @Test(
        "the query names a VM or a region",
        arguments: [
            ("/?fly_instance_id=\(vm)", AffinityTarget.Place.vm(vm)), ("/a/ws?x=1&fly_instance_id=\(vm)&y", .vm(vm)),
            ("/?region=syd", .region("syd")), ("?region=syd", .region("syd")), ("/?&&region=syd&", .region("syd")),
            ("/?fly_instance_id=12345678", .vm("12345678")),
            ("/?fly_instance_id=1234567890abcdefghij", .vm("1234567890abcdefghij")),
            // The first of several counts, and the VM before the region.
            ("/?fly_instance_id=\(vm)&fly_instance_id=\(other)", .vm(vm)), ("/?region=syd&region=ams", .region("syd")),
            ("/?region=syd&fly_instance_id=\(vm)", .vm(vm)),
            // What is no id is as though it were not there, and hides what repeats its name.
            ("/?fly_instance_id=&region=syd", .region("syd")),
            ("/?fly_instance_id=x&fly_instance_id=\(vm)&region=ams", .region("ams")),
            // The query goes before the path.
            ("/rooms/ams?region=syd", .region("syd")), ("/rooms/vm/\(other)?fly_instance_id=\(vm)", .vm(vm)),
        ])
    func query(_ target: String, _ place: AffinityTarget.Place) {
        #expect(read(target, cookies: ["crier_vm=\(Self.other)"]) == AffinityTarget(place, in: .query))
    }

    @Test(
        "the path names a region or a VM",
        arguments: [
            ("/rooms/syd", AffinityTarget.Place.region("syd")), ("/rooms/syd/", .region("syd")),
            ("/rooms/syd/a/b?x=/rooms/ams", .region("syd")), ("/rooms/vm/\(vm)", .vm(vm)),
            ("/rooms/vm/\(vm)/feed?fly_instance_id=", .vm(vm)),
        ])
    func path(_ target: String, _ place: AffinityTarget.Place) {
        #expect(read(target, cookies: ["crier_vm=\(Self.other)"]) == AffinityTarget(place, in: .path))
    }

    @Test(
        "the cookie names a VM",
        arguments: [
            ["crier_vm=\(vm)"], ["a=b; crier_vm=\(vm); c=d"], ["a;crier_vm=\(vm)"], [";;  \tcrier_vm=\(vm)"],
            ["a=b", "crier_vm=\(vm)"], ["crier_vm=\(vm); crier_vm=\(other)"], ["crier_vm=\(vm)", "crier_vm=\(other)"],
            ["xcrier_vm=\(other); crier_vm=\(vm)"],
        ])
    func cookie(_ cookies: [String]) {
        for target in ["/", "/?fly_instance_id=x", "/rooms/", "/rooms/x?region=", "*", ""] {
            #expect(read(target, cookies: cookies) == AffinityTarget(.vm(Self.vm), in: .cookie), "\(target)")
        }
    }

    /// Values that are no VM's id, and would mean something else in a header or to a proxy.
    static let oddVMs = [
        "", "1234567", "1234567890abcdefghijk", "1A2B3C4D5E6F7A", "1a2b3c4d;app=internal", "1a2b3c4d%0d%0aX:y",
        "1a2b3c4d\r\nX: y", "1a2b3c4d\nX: y", "1a2b3c4d%3bapp%3dx", "%31a2b3c4d5e6f7a", "1a2b3c4d5e6f7a%00",
        "1a2b3c4d5e6f7a\0", "1a2b3c4d 5e6f7a", "+1a2b3c4d5e6f7", "1a2b3c4d,region=ams", "\"1a2b3c4d5e6f7a\"",
        "1a2b3c4d-5e6f", "1a2b3c4d_5e6f", "ａｂｃｄｅｆｇｈ", "1a2b3c4d5e6f7é", "１２３４５６７８９０", "а1a2b3c4d5e6f7",
        "1a2b3c4d5e6f7a#", "1a2b3c4d/../..", String(repeating: "a", count: 8000), "1a2b3c4d\u{301}", "1a2b3c4d\t",
        "1a2b3c4d=", "../1a2b3c4d",
    ]

    @Test("what is no id names no VM", arguments: oddVMs)
    func oddVM(_ text: String) {
        #expect(read("/?fly_instance_id=\(text)") == nil)
        #expect(read("/?x&fly_instance_id=\(text)&y") == nil)
        #expect(read("/rooms/vm/\(text)") == nil || text.contains("/"))
        #expect(read("/", cookies: ["crier_vm=\(text)"]) == nil || text.contains(";"))
    }

    @Test(
        "what is no code names no region",
        arguments: [
            "", "sy", "sydn", "SYD", "Syd", "s1d", "syd;app=x", "syd%0d%0a", "syd\r\nX: y", "%73yd", "syd,ams",
            "\"syd\"",
            "s\u{131}d", "ｓｙｄ", "syd ", "+yd", "syd\0", String(repeating: "syd", count: 3000),
        ])
    func oddRegion(_ text: String) {
        #expect(read("/?region=\(text)") == nil)
        #expect(read("/rooms/\(text)") == nil)
    }

    @Test(
        "what only looks like a target is none",
        arguments: [
            "/", "/rooms", "/rooms/", "/rooms/vm", "/rooms/vm/", "//rooms/syd", "/room/syd", "/ROOMS/syd",
            "/rooms//syd",
            "/a/rooms/syd", "/%72ooms/syd", "/?Region=syd", "/?xregion=syd", "/?region", "/?%72egion=syd",
            "/?fly_instance_idx=\(vm)", "/?a=region=syd", "/region=syd", "/;region=syd", "/?a;region=syd",
            "/rooms/vm%2f\(vm)",
        ])
    func none(_ target: String) {
        #expect(read(target) == nil)
    }

    @Test("a request of any bytes is read without harm, and gives ids and codes only")
    func fuzz() {
        var generator = SystemRandomNumberGenerator()
        let parts = [
            "/rooms/", "vm/", "syd", Self.vm, "?", "&", "=", ";", "%", "fly_instance_id=", "region=", "crier_vm=", "é",
            " ", "\r\n",
        ]
        for _ in 0..<5000 {
            let text = (0..<Int.random(in: 0...8, using: &generator)).map { _ in
                parts.randomElement(using: &generator) ?? ""
            }.joined()
            guard let target = read(text, cookies: [text]) else { continue }
            switch target.place {
            case .vm(let id): #expect(id == Self.vm || AffinityTarget.isVM(id.utf8), "\(text)")
            case .region(let code): #expect(code.count == 3 && code.utf8.allSatisfy { (97...122).contains($0) })
            }
        }
    }

    @Test("a cookie of any value is one that is there")
    func presence() {
        #expect(AffinityCookie(["Cookie": "a=b"]) == nil)
        #expect(AffinityCookie(["Cookie": "crier_vm"]) == nil)
        #expect(AffinityCookie(["Cookie": "CRIER_VM=\(Self.vm)"]) == nil)
        #expect(AffinityCookie(["Cookie2": "crier_vm=\(Self.vm)"]) == nil)
        #expect(AffinityCookie(["Cookie": "crier_vm="])?.vm == .some(nil))
        #expect(AffinityCookie(["cookie": "a=b; crier_vm=\(Self.vm)"])?.vm == Self.vm)
    }
}
