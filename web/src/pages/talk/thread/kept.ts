// What a person typed and has not sent yet, kept in this browser: small texts at once in localStorage, which is there again after any crash,
// large ones in IndexedDB. Keys carry the person's id, so that nobody else who signs in here is shown them.

const SMALL = 100_000; // letters
const DATABASE = "steward-talk";
const TABLE = "kept";

interface Places {
  small: Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;
  large: IDBFactory | undefined;
}

export class Kept {
  private database: Promise<IDBDatabase | undefined> | undefined;
  private readonly memory = new Map<string, string>(); // where neither takes it: at least until the tab closes

  constructor(
    private readonly prefix: string,
    private readonly places: Places = { small: localStorage, large: globalThis.indexedDB },
  ) {}

  private name(key: string): string {
    return `${this.prefix}.${key}`;
  }

  /** Keeps a value; small ones are safe when this returns, large ones when it resolves. */
  async set(key: string, value: unknown): Promise<void> {
    const text = JSON.stringify(value);
    const name = this.name(key);
    this.memory.set(name, text);
    if (text.length <= SMALL) {
      try {
        this.places.small.setItem(name, text);
        this.memory.delete(name);
        void this.large("readwrite", (table) => table.delete(name));
        return;
      } catch {
        // full: the other place takes it
      }
    }
    const stored = await this.large("readwrite", (table) => table.put(text, name));
    if (stored !== undefined && this.memory.get(name) === text) this.memory.delete(name);
    if (stored !== undefined) this.places.small.removeItem(name);
  }

  async get<T>(key: string): Promise<T | undefined> {
    const name = this.name(key);
    const text = this.memory.get(name) ?? this.places.small.getItem(name) ?? (await this.large<string>("readonly", (table) => table.get(name)));
    return parsed<T>(text);
  }

  /** At once, where it is small: for the first paint. */
  peek<T>(key: string): T | undefined {
    const name = this.name(key);
    return parsed<T>(this.memory.get(name) ?? this.places.small.getItem(name) ?? undefined);
  }

  async remove(key: string): Promise<void> {
    const name = this.name(key);
    this.memory.delete(name);
    this.places.small.removeItem(name);
    await this.large("readwrite", (table) => table.delete(name));
  }

  async keys(): Promise<string[]> {
    const names = new Set(this.memory.keys());
    for (let i = 0; i < this.places.small.length; i += 1) names.add(this.places.small.key(i) ?? "");
    for (const name of (await this.large<IDBValidKey[]>("readonly", (table) => table.getAllKeys())) ?? []) names.add(String(name));
    return [...names].filter((name) => name.startsWith(`${this.prefix}.`)).map((name) => name.slice(this.prefix.length + 1));
  }

  private async large<T>(mode: IDBTransactionMode, act: (table: IDBObjectStore) => IDBRequest): Promise<T | undefined> {
    this.database ??= opened(this.places.large);
    const database = await this.database;
    if (!database) return undefined;
    return new Promise((done) => {
      try {
        const transaction = database.transaction(TABLE, mode);
        const request = act(transaction.objectStore(TABLE));
        transaction.oncomplete = () => done((request.result ?? (mode === "readwrite" ? true : undefined)) as T | undefined);
        transaction.onerror = transaction.onabort = () => done(undefined);
      } catch {
        done(undefined);
      }
    });
  }
}

function parsed<T>(text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

function opened(factory: IDBFactory | undefined): Promise<IDBDatabase | undefined> {
  if (!factory) return Promise.resolve(undefined);
  return new Promise((done) => {
    const request = factory.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
    request.onsuccess = () => done(request.result);
    request.onerror = request.onblocked = () => done(undefined);
  });
}
