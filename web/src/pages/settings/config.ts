// The server's values, as the owner sees them.
import { useQuery } from "@tanstack/react-query";
import { allPages, api, body } from "../../api/client";

export function useConfig(on = true) {
  return useQuery({
    queryKey: ["config"],
    enabled: on,
    queryFn: () => allPages((cursor) => body(api.GET("/admin/v1/config", { params: { query: { limit: 1000, cursor } } }))),
  });
}
