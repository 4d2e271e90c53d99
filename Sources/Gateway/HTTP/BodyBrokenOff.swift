/// The rest of a request's body does not come: what was read of it is not the body.
struct BodyBrokenOff: Error {}
