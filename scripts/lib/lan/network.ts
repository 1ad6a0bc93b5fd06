/**
 * LANs made of network namespaces: a bridge in one, a host in each other, and a pair of virtual
 * interfaces for each cable. Nothing leads out.
 */

import { run } from "./process.ts";

const BRIDGE = "br0";
const DEVICE = "eth0";

/** Where a host is. */
export interface Place {
  /** The network namespace. */
  readonly namespace: string;
  /** Its address, an IPv4 host. */
  readonly host: string;
}

/** A network namespace with nothing but loopback. */
export async function createNamespace(namespace: string): Promise<void> {
  await ip([`netns add ${namespace}`]);
  await ip(["link set lo up"], namespace);
}

export class Lan {
  readonly #switch: string;
  readonly #subnet: string;

  private constructor(number: number) {
    this.#switch = `switch${number}`;
    this.#subnet = `10.77.${number}`;
  }

  /** The LAN 10.77.`number`.0/24, 1..254, without hosts. */
  static async create(number: number): Promise<Lan> {
    const lan = new Lan(number);
    await createNamespace(lan.#switch);
    await ip([
      // A bridge that snoops keeps multicast from those whose membership it has not heard of yet.
      `link add name ${BRIDGE} type bridge mcast_snooping 0`,
      `link set ${BRIDGE} up`,
    ], lan.#switch);
    return lan;
  }

  /** A host of a name of its own, at most 15 letters, at address `number`, with more addresses if asked. */
  async attach(name: string, number: number, more: readonly number[] = []): Promise<Place> {
    await createNamespace(name);
    await ip([
      `link add name ${name} type veth peer name ${DEVICE} netns ${name}`,
      `link set ${name} master ${BRIDGE} up`,
    ], this.#switch);
    await ip([
      ...[number, ...more].map((each) => `addr add ${this.address(each)}/24 dev ${DEVICE}`),
      `link set ${DEVICE} up`,
    ], name);
    return { namespace: name, host: this.address(number) };
  }

  /** The address of host `number`. */
  address(number: number): string {
    return `${this.#subnet}.${number}`;
  }

  /** Pulls the cable of `place`, or puts it back. */
  async plug(place: Place, isPlugged: boolean): Promise<void> {
    await ip([`link set ${place.namespace} ${isPlugged ? "up" : "down"}`], this.#switch);
  }

  /** Takes the address of `place` away and gives it that of host `number`. */
  async readdress({ namespace, host }: Place, number: number): Promise<Place> {
    const next = this.address(number);
    await ip([
      `addr del ${host}/24 dev ${DEVICE}`,
      `addr add ${next}/24 dev ${DEVICE}`,
    ], namespace);
    return { namespace, host: next };
  }
}

/** Runs several commands of `ip`, in one namespace or in none. */
async function ip(lines: readonly string[], namespace?: string): Promise<void> {
  const where = namespace === undefined ? [] : ["-n", namespace];
  await run(undefined, ["ip", ...where, "-batch", "-"], { input: lines.join("\n") + "\n" });
}
