import HTTPTypes
import Hummingbird
import NIOCore
import StrictJSON

extension Response {
    /// An answer that is a JSON object and may not be kept.
    static func json(
        status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], _ members: (inout JSONWriter) -> Void
    ) -> Response {
        var json = JSONWriter(reservingCapacity: 256)
        json.beginObject()
        members(&json)
        json.endObject()
        var headers = headers
        headers[.contentType] = "application/json"
        headers[.cacheControl] = "no-store"
        return Response(
            status: status, headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: json.bytes + [UInt8(ascii: "\n")])))
    }
}
