// A sentence that explains what the pointer rests on or the focus is at. It stays while the pointer is on it, and Escape takes it away; a screen
// reader hears it as the description. It is placed by the styles of where it stands, so that it never makes a page wider.
import { useId, useState, type ReactNode } from "react";

interface Props {
  tip: string;
  className?: string;
  said?: boolean; // it stands in words already: only a screen reader is told it here
  children: (describedBy: string) => ReactNode;
}

export function Tipped({ tip, className = "", said = false, children }: Props) {
  const id = useId();
  const [away, setAway] = useState(false);
  const back = () => setAway(false);
  return (
    <span
      className={`tipped ${className}`.trim()}
      data-away={away || said ? "" : undefined}
      onKeyDown={(event) => event.key === "Escape" && setAway(true)}
      onMouseLeave={back}
      onBlur={back}
    >
      {children(id)}
      <span id={id} role="tooltip" className="tip">
        {tip}
      </span>
    </span>
  );
}
