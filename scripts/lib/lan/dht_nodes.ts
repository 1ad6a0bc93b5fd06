/**
 * A private Mainline DHT as a process. A program: `dht_nodes.ts COUNT` prints through whom to join and
 * stays.
 */

import { formatAddress } from "../../../src/net/address.ts";
import { startPrivateDht } from "../../../tests/testing/private_dht.ts";

if (import.meta.main) {
  const { bootstrap } = await startPrivateDht(Number(Deno.args[0]));
  console.log(bootstrap.map(formatAddress).join(" "));
}
