#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

extension UnsafeRawBufferPointer {
    /// Where the first occurrence of the text begins; `nil` where there is none. The standard library's search took most of the time that
    /// opening a connection did.
    func place(of text: StaticString) -> Int? {
        let count = text.utf8CodeUnitCount
        guard let base = baseAddress, count > 0 else { return nil }
        var place = 0
        while place <= self.count - count,
            let found = memchr(base + place, CInt(text.utf8Start.pointee), self.count - count - place + 1)
        {
            if memcmp(found, text.utf8Start, count) == 0 { return UnsafeRawPointer(found) - base }
            place = UnsafeRawPointer(found) - base + 1
        }
        return nil
    }
}
