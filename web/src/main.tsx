import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { asApiError } from "./api/errors";
import { askForSession } from "./api/session";
import { Languages } from "./i18n";
import { talk } from "./api/talk";
import { askAhead, conversationIn } from "./pages/talk/thread/ahead";
import { router } from "./router";
import { applyTheme } from "./shell/theme";
import "./styles/index.css";

applyTheme();
const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      refetchOnWindowFocus: false, // the event line says what changed
      retry: (count, error) => count < 2 && (asApiError(error).status === 0 || asApiError(error).status >= 500),
    },
  },
});
askForSession(queries);
const conversation = conversationIn(location);
if (conversation) {
  askAhead(conversation, talk.messages);
  void import("./pages/talk/TalkPage");
  void import("./pages/talk/markdown/Markdown");
}
const place = document.getElementById("app");
if (!place) throw new Error("index.html has no #app");
createRoot(place).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <Languages>
        <RouterProvider router={router} />
      </Languages>
    </QueryClientProvider>
  </StrictMode>,
);
// What the first page does without comes when there is time. Chinese type is cut into small files that are fetched only when such text
// appears; this is its sheet alone.
const whenIdle = window.requestIdleCallback ?? ((act: () => void) => setTimeout(act, 300));
const QUIET_BEFORE_MS = 250; // the first strokes and the chart go before
setTimeout(
  () =>
    whenIdle(() => {
      void import("./styles/chinese");
      void import("./shell/Palette"); // so that it opens at the first stroke
    }),
  QUIET_BEFORE_MS,
);
