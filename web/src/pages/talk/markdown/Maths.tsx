// A formula. KaTeX is fetched when the first one appears; until then, and where it can't be read, its source stands there.
import { memo, useEffect, useRef, useState } from "react";

type Render = (tex: string, display: boolean, into: HTMLElement) => boolean;
let ready: Render | undefined;

export const Maths = memo(function Maths({ tex, display }: { tex: string; display: boolean }) {
  const place = useRef<HTMLSpanElement>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let current = true;
    const draw = (render: Render) => {
      ready = render;
      if (current && place.current) setFailed(!render(tex, display, place.current));
    };
    if (ready) draw(ready);
    else void import("./katex").then(({ render }) => draw(render));
    return () => {
      current = false;
    };
  }, [tex, display]);
  // KaTeX fills a span that React leaves alone; the source is beside it until then.
  return (
    <span className={display ? "maths display" : "maths"} dir="ltr">
      <span ref={place} hidden={failed} className="formula" />
      {failed && <code title={tex}>{tex}</code>}
    </span>
  );
});
