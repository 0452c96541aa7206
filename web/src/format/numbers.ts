// Figures as instruments: tabular, with their unit. Money is the ledger's: millionths of a US dollar, as decimal text.

export type Scale = 2 | 4 | 6;

/** Dollars of a ledger amount ("1234567.5" millionths); 0 for what is no number. */
export function usdOf(micro: string | number | null | undefined): number {
  const value = Number(micro ?? 0);
  return Number.isFinite(value) ? value / 1e6 : 0;
}

/** How many decimals a column of amounts needs so that its largest still shows three figures. */
export function scaleOf(amounts: readonly number[]): Scale {
  const largest = Math.max(0, ...amounts.map(Math.abs));
  if (largest === 0 || largest >= 1) return 2;
  return largest >= 0.01 ? 4 : 6;
}

export class Figures {
  private readonly cache = new Map<string, Intl.NumberFormat>();
  constructor(readonly locale: string) {}

  private form(key: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
    let found = this.cache.get(key);
    if (!found) this.cache.set(key, (found = new Intl.NumberFormat(this.locale, options)));
    return found;
  }

  /** "41.20", without its sign. */
  amount(usd: number, scale: Scale = scaleOf([usd])): string {
    return this.form(`a${scale}`, { minimumFractionDigits: scale, maximumFractionDigits: scale }).format(usd);
  }

  /** "$41.20"; alone, without a column to stand in, no more decimals than it has: "$0.0087". */
  money(usd: number, scale?: Scale): string {
    const size = Math.abs(usd);
    const alone = { minimumFractionDigits: 2, maximumFractionDigits: scaleOf([usd]) };
    return `${usd < 0 ? "−" : ""}$${scale ? this.amount(size, scale) : this.form(`m${alone.maximumFractionDigits}`, alone).format(size)}`;
  }

  whole(count: number): string {
    return this.form("w", { maximumFractionDigits: 0 }).format(count);
  }

  /** 12,345 in full; from 100,000 on three figures and a unit: "38.4 M", "3,840万". */
  count(count: number): string {
    if (Math.abs(count) < 100_000) return this.whole(count);
    if (this.locale.startsWith("zh")) return this.form("c", { notation: "compact", maximumSignificantDigits: 3 }).format(count);
    const [unit, name] = Math.abs(count) >= 1e9 ? [1e9, "B"] : Math.abs(count) >= 1e6 ? [1e6, "M"] : [1e3, "k"];
    return `${this.form("s", { minimumSignificantDigits: 3, maximumSignificantDigits: 3 }).format(count / unit)} ${name}`;
  }

  percent(part: number, whole: number): string {
    if (whole <= 0) return "0 %";
    return `${this.whole(Math.round((part / whole) * 100))} %`;
  }

  /** "0.31 s", "12 ms", "1 min 40 s". */
  duration(us: number): string {
    if (us <= 0) return "–";
    if (us < 1_000_000) return `${this.whole(Math.max(1, Math.round(us / 1000)))} ms`;
    const seconds = us / 1e6;
    if (seconds < 60) return `${this.form("d", { maximumSignificantDigits: 2 }).format(seconds)} s`;
    return `${this.whole(Math.floor(seconds / 60))} min ${this.whole(Math.round(seconds % 60))} s`;
  }

  bytes(bytes: number): string {
    if (bytes <= 0) return "–";
    const units = ["B", "kB", "MB", "GB", "TB"];
    const step = Math.min(units.length - 1, Math.floor(Math.log(bytes) / Math.log(1000)));
    return `${this.form("b", { maximumSignificantDigits: 3 }).format(bytes / 1000 ** step)} ${units[step]}`;
  }
}
