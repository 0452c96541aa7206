// A dialog that an address can open ("/settings/keys#new"), so that the palette leads straight to it.
import { useLocation, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";

export function useOpened(name: string): [boolean, (open: boolean) => void] {
  const { hash } = useLocation();
  const navigate = useNavigate();
  const [open, setOpen] = useState(hash === name);
  useEffect(() => {
    if (hash !== name) return;
    setOpen(true);
    void navigate({ to: ".", hash: "", replace: true, search: true });
  }, [hash, name, navigate]);
  return [open, setOpen];
}
