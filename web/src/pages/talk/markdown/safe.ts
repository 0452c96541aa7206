// What of an untrusted text may lead anywhere. Nothing it says is ever markup here (it becomes elements one by one), so what is left to judge
// are addresses: links lead to http, https or mailto; pictures come from attachments of this server and from nowhere else, since fetching
// one would tell its host that somebody reads.

const SCHEMES = new Set(["http:", "https:", "mailto:"]);
const PICTURE = /^\/v1\/attachments\/att_[0-9A-HJKMNP-TV-Z]{26}\/content$/;

/** The address as the browser would take it, or undefined where it must not be followed. */
export function safeHref(address: string | null | undefined): string | undefined {
  // Browsers drop tabs, line ends and leading control letters before they read a scheme.
  const bare = (address ?? "").replace(/[\u0000-\u0020\u007f-\u00a0\u200b-\u200f\u2028-\u202f\ufeff]/g, (letter) => (letter === " " ? "%20" : "")).replace(/^(%20)+/, "");
  if (!/^[a-z][a-z0-9+.-]*:/i.test(bare)) return undefined;
  try {
    const found = new URL(bare);
    if (!SCHEMES.has(found.protocol)) return undefined;
    if (found.protocol !== "mailto:" && !found.hostname) return undefined;
    return found.href;
  } catch {
    return undefined;
  }
}

/** The picture's path on this server, or undefined. */
export function safePicture(address: string | null | undefined, origin: string): string | undefined {
  const bare = (address ?? "").trim();
  if (PICTURE.test(bare)) return bare;
  try {
    const found = new URL(bare);
    return found.origin === origin && PICTURE.test(found.pathname) && !found.search ? found.pathname : undefined;
  } catch {
    return undefined;
  }
}

export function hostOf(address: string | null | undefined): string {
  try {
    return new URL(address ?? "").host;
  } catch {
    return "";
  }
}
