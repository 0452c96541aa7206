// Ids made here: a prefix and a ULID (48 bits of milliseconds, 80 random bits, Crockford's base 32). A message that is sent twice under the
// same id is said once, which is how nothing typed is lost or doubled.

const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RANDOM_LETTERS = 16;
const TIME_LETTERS = 10;

export function newId(prefix: "conv" | "msg", now: number = Date.now()): string {
  let time = "";
  for (let left = Math.floor(now), i = 0; i < TIME_LETTERS; i += 1, left = Math.floor(left / 32)) time = (LETTERS[left % 32] ?? "0") + time;
  const random = [...crypto.getRandomValues(new Uint8Array(RANDOM_LETTERS))].map((byte) => LETTERS[byte % 32]).join("");
  return `${prefix}_${time}${random}`;
}
