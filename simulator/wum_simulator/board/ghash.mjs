// GHASH (NIST SP 800-38D, 6.3 and 6.4), which Node.js has inside of GCM only: bit by bit.

const POLYNOMIAL = 0xE1n << 120n;
const BLOCK = 16;

const numberOf = (bytes) => BigInt(`0x${bytes.toString("hex")}`);

function times(x, h) {
  let product = 0n;
  for (let bit = 127n; bit >= 0n; bit -= 1n) {
    if (x >> bit & 1n) product ^= h;
    h = h >> 1n ^ (h & 1n ? POLYNOMIAL : 0n);
  }
  return product;
}

// 16 bytes of `aad` and `sealed`, each padded to whole blocks, and their lengths.
export function ghash(key, aad, sealed) {
  const h = numberOf(key);
  const lengths = Buffer.alloc(BLOCK);
  lengths.writeUInt32BE(8 * aad.length, 4);
  lengths.writeUInt32BE(8 * sealed.length, 12);
  let total = 0n;
  for (const data of [aad, sealed, lengths]) {
    for (let at = 0; at < data.length; at += BLOCK) {
      const block = Buffer.alloc(BLOCK);
      data.copy(block, 0, at, Math.min(at + BLOCK, data.length));
      total = times(total ^ numberOf(block), h);
    }
  }
  return Buffer.from(total.toString(16).padStart(32, "0"), "hex");
}
