// A block of code: its language, its text in weights instead of colours, and a way to take it along: the button, or "C" while it has the
// focus. While it is being written its end is plain for a moment and the rest keeps its look.
import type { ElementContent } from "hast";
import { lazy, memo, Suspense, useEffect, useRef, useState, type ReactNode } from "react";
import { useText } from "../../../i18n";
import { announce } from "../../../shell/announce";
import { LARGEST_CODE } from "./blocks";

const Diagram = lazy(() => import("./Diagram"));
const REDRAWN_MS = 160;

export const Code = memo(function Code({ language, code, open }: { language: string; code: string; open: boolean }) {
  if (language.toLowerCase() === "mermaid" && !open && code.length < 20_000)
    return (
      <Suspense fallback={<Block language={language} code={code} open={open} />}>
        <Diagram source={code} fallback={<Block language={language} code={code} open={open} />} />
      </Suspense>
    );
  return <Block language={language} code={code} open={open} />;
});

export async function copyText(text: string, said: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  announce(said);
}

function Block({ language, code, open }: { language: string; code: string; open: boolean }) {
  const { t } = useText();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 2_000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => void copyText(code, t("talk.code.copied")).then(() => setCopied(true));
  return (
    <figure className="code" data-code="">
      <figcaption>
        <span>{language || t("talk.code.plain")}</span>
        <button type="button" className="linkish" onClick={copy} data-copy="">
          {copied ? t("secret.copied") : t("secret.copy")} <kbd>C</kbd>
        </button>
      </figcaption>
      <pre dir="ltr" role="group" tabIndex={0} aria-label={t("talk.code.of", { language: language || t("talk.code.plain") })}>
        <code>
          <Painted language={language} code={code} open={open} />
        </code>
      </pre>
    </figure>
  );
}

interface Paint {
  of: string;
  language: string;
  nodes: ElementContent[];
}

/** As much of the code as has been read by the highlighter, then the rest as it is. */
function Painted({ language, code, open }: { language: string; code: string; open: boolean }) {
  const [paint, setPaint] = useState<Paint>();
  const last = useRef(0);
  useEffect(() => {
    if (!language || code.length > LARGEST_CODE) return undefined;
    let current = true;
    const wait = open ? Math.max(0, REDRAWN_MS - (performance.now() - last.current)) : 0;
    const timer = setTimeout(() => {
      void import("./highlight").then(({ painted }) => {
        if (!current) return;
        last.current = performance.now();
        const nodes = painted(language, code);
        setPaint(nodes ? { of: code, language, nodes } : undefined);
      });
    }, wait);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [language, code, open]);
  if (!paint || paint.language !== language || !code.startsWith(paint.of)) return <>{code}</>;
  return (
    <>
      {paint.nodes.map(nodeOf)}
      {code.slice(paint.of.length)}
    </>
  );
}

function nodeOf(node: ElementContent, index: number): ReactNode {
  if (node.type === "text") return node.value;
  if (node.type !== "element") return null;
  const names = node.properties.className;
  return (
    <span key={index} className={Array.isArray(names) ? names.filter((name) => /^[\w-]+$/.test(String(name))).join(" ") : undefined}>
      {node.children.map(nodeOf)}
    </span>
  );
}
