/**
 * The room that a path names: `/rooms/ams` is a region's, `/rooms/vm/148e21ea7d9789` a VM's.
 * @param {string} pathname
 * @returns {{room: string, region?: string, vm?: string, path: string, topic: string, people: string} | undefined} `people` is where to ask
 *   who is there; undefined where the path names no room
 */
export function placeOf(pathname) {
  const [, vm, region] = /^\/rooms\/(?:vm\/([-_A-Za-z0-9]{1,55})|(?!vm-)([-_A-Za-z0-9]{1,32}))\/?$/.exec(pathname) ?? [];
  if (vm === undefined && (region === undefined || region === "vm")) return undefined;
  const room = vm === undefined ? region : `vm-${vm}`;
  return {
    room,
    ...(vm === undefined ? { region } : { vm }),
    path: vm === undefined ? `/rooms/${region}` : `/rooms/vm/${vm}`,
    topic: `_room-${room}`,
    people: `/v1/rooms/${room}`,
  };
}
