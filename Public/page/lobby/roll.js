import { regionOf } from "../region.js";

/**
 * What the lobby shows, from what `/v1/lobby` answers: the regions with their VMs, this browser's own region first, the others by city.
 * @param {{vm: string, vms: object[], rooms: object[]}} answer
 * @returns {{regions: object[], vms: number, readers: number, people: number}}
 */
export function rollOf({ vm: own, vms, rooms }) {
  const people = new Map(rooms.map((room) => [room.room, room.people]));
  const regions = new Map();
  for (const { id, region, sockets, lag, age } of [...vms].sort(byId)) {
    if (!regions.has(region)) regions.set(region, { ...regionOf(region), key: region, own: false, people: people.get(region) ?? 0, vms: [] });
    const entry = regions.get(region);
    entry.own ||= id === own;
    entry.vms.push({ key: id, id, sockets, lag, age, own: id === own, people: people.get(`vm-${id}`) ?? 0 });
  }
  return {
    regions: [...regions.values()].sort((a, b) => b.own - a.own || a.city.localeCompare(b.city)),
    vms: vms.length,
    readers: vms.reduce((sum, { sockets }) => sum + sockets, 0),
    people: rooms.reduce((sum, room) => sum + room.people, 0),
  };
}

const byId = (a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
