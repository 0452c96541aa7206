// The view follows the end while it is at the end, and only then: whoever scrolls up to read stays there, however much is written below.
import { useCallback, useEffect, useRef, useState, type RefObject } from "react";

const AT_END_PX = 24;

export function useFollow(scroller: RefObject<HTMLElement | null>, content: RefObject<HTMLElement | null>) {
  const follows = useRef(true);
  const [away, setAway] = useState(false);
  const toEnd = useCallback(() => {
    follows.current = true;
    setAway(false);
    const box = scroller.current;
    if (box) box.scrollTop = box.scrollHeight;
  }, [scroller]);
  // The list learns that its last row has grown a frame later; the row itself says so at once.
  const observer = useRef<ResizeObserver>(null);
  const watched = useRef<Element>(null);
  const watch = useCallback((row: Element | null) => {
    if (row === watched.current) return;
    if (watched.current) observer.current?.unobserve(watched.current);
    watched.current = row;
    if (row) observer.current?.observe(row);
  }, []);
  const leave = useCallback(() => {
    follows.current = false;
  }, []);

  useEffect(() => {
    const box = scroller.current;
    const inner = content.current;
    if (!box || !inner) return undefined;
    const grown = new ResizeObserver(() => {
      if (follows.current) box.scrollTop = box.scrollHeight;
    });
    observer.current = grown;
    grown.observe(inner);
    grown.observe(box);
    let top = box.scrollTop;
    const onScroll = () => {
      const left = box.scrollHeight - box.scrollTop - box.clientHeight;
      // Going up, by whatever means, leaves the end; being there, however one came, is being there.
      if (left < AT_END_PX) follows.current = true;
      else if (box.scrollTop < top - 1) leave();
      top = box.scrollTop;
      setAway(left > box.clientHeight / 2);
    };
    // A wheel or a finger that goes up leaves the end at once, however little.
    let touch = 0;
    const onWheel = (event: WheelEvent) => event.deltaY < 0 && leave();
    const onTouchStart = (event: TouchEvent) => (touch = event.touches[0]?.clientY ?? 0);
    const onTouchMove = (event: TouchEvent) => (event.touches[0]?.clientY ?? 0) > touch + 4 && leave();
    const onKey = (event: KeyboardEvent) => ["PageUp", "ArrowUp", "Home"].includes(event.key) && leave();
    box.addEventListener("scroll", onScroll, { passive: true });
    box.addEventListener("wheel", onWheel, { passive: true });
    box.addEventListener("touchstart", onTouchStart, { passive: true });
    box.addEventListener("touchmove", onTouchMove, { passive: true });
    box.addEventListener("keydown", onKey);
    return () => {
      grown.disconnect();
      observer.current = null;
      watched.current = null;
      box.removeEventListener("scroll", onScroll);
      box.removeEventListener("wheel", onWheel);
      box.removeEventListener("touchstart", onTouchStart);
      box.removeEventListener("touchmove", onTouchMove);
      box.removeEventListener("keydown", onKey);
    };
  }, [scroller, content, leave]);
  return { away, toEnd, leave, watch };
}
