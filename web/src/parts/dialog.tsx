// A dialog over the dimmed page: focus goes in and comes back, Escape closes, the rest is inert to screen readers. (Radix's own overlay is
// left out: it would write a style element, which the policy forbids.)
import * as Radix from "@radix-ui/react-dialog";
import type { ReactNode } from "react";

interface Props {
  title: string;
  about?: ReactNode;
  wide?: boolean; // as wide as the window has room for
  open: boolean;
  onClose: () => void;
  children: ReactNode;
}

export function Sheet({ title, about, wide = false, open, onClose, children }: Props) {
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <div className="scrim" />
        <Radix.Content className={wide ? "sheet wide" : "sheet"} {...(about ? {} : { "aria-describedby": undefined })}>
          <Radix.Title asChild>
            <h2>{title}</h2>
          </Radix.Title>
          {about && <Radix.Description>{about}</Radix.Description>}
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
