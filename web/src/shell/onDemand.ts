// A part that is fetched when it is first wanted, and shown in the moment that it is there. React's own way (lazy under Suspense) holds
// what was loaded back for 300 ms, so that several fallbacks give way at once: felt when a key opens a dialog.
import { useEffect, useState, type ComponentType } from "react";

export function useOnDemand<P>(wanted: boolean, load: () => Promise<{ default: ComponentType<P> }>): ComponentType<P> | undefined {
  const [part, setPart] = useState<ComponentType<P>>();
  useEffect(() => {
    if (wanted && !part) void load().then((module) => setPart(() => module.default));
  }, [wanted, part, load]);
  return wanted ? part : undefined;
}
