// What a configuration key is for, in the language of the page. English comes from the server with the value; other languages' texts are
// fetched when the page of settings is opened in one.
import { useCallback, useEffect, useState } from "react";
import { useText } from "..";

type Docs = Readonly<Record<string, string>>;

/** The text of "providers.openai.base_url" stands under "providers.*.base_url". */
export function docOf(docs: Docs, key: string): string | undefined {
  const [section, ...rest] = key.split(".");
  return docs[key] ?? docs[`${section}.*.${rest[rest.length - 1]}`];
}

/** What the page says of a key; `told` is the server's. */
export function useConfigDoc(): (key: string, told: string | undefined) => string {
  const { language } = useText();
  const [docs, setDocs] = useState<Docs>({});
  useEffect(() => {
    let current = true;
    if (language === "zh") void import("./zh").then(({ configZh }) => current && setDocs(configZh));
    else setDocs({});
    return () => {
      current = false;
    };
  }, [language]);
  return useCallback((key, told) => docOf(docs, key) ?? told ?? "", [docs]);
}
