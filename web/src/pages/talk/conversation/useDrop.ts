// Files that are dragged over the conversation and dropped on it.
import { useRef, useState, type DragEvent } from "react";

export function useDrop(take: (files: File[]) => void) {
  const [over, setOver] = useState(false);
  const depth = useRef(0); // every child tells of its own entering and leaving
  const files = (event: DragEvent) => event.dataTransfer.types.includes("Files");
  return {
    over,
    on: {
      onDragEnter: (event: DragEvent) => {
        if (!files(event)) return;
        depth.current += 1;
        setOver(true);
      },
      onDragOver: (event: DragEvent) => {
        if (files(event)) event.preventDefault();
      },
      onDragLeave: () => {
        depth.current = Math.max(0, depth.current - 1);
        if (depth.current === 0) setOver(false);
      },
      onDrop: (event: DragEvent) => {
        if (!files(event)) return;
        event.preventDefault();
        depth.current = 0;
        setOver(false);
        take([...event.dataTransfer.files]);
      },
    },
  };
}
