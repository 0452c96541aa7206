// What somebody shared by a link: read only, without anything else of theirs. The token stands behind the "#", so that no server's log has it.
import { useInfiniteQuery } from "@tanstack/react-query";
import { talk } from "../../api/talk";
import { useText } from "../../i18n";
import { Loading } from "../../parts/faces";
import { asApiError } from "../../api/errors";
import { useTitle } from "../../shell/title";
import { OneMessage, READ_ONLY } from "./conversation/Message";

export default function SharedPage({ token }: { token: string }) {
  const { t } = useText();
  const shared = useInfiniteQuery({
    queryKey: ["shared", token],
    queryFn: ({ pageParam }) => talk.shared(token, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => (last.has_more ? last.messages[0]?.id : undefined),
    retry: false,
    staleTime: Infinity,
  });
  const newest = shared.data?.pages[0];
  const title = newest?.title || t("talk.untitled");
  useTitle(newest ? title : t("talk.shared.title"));
  const name = newest?.by;
  const messages = [...(shared.data?.pages ?? [])].reverse().flatMap((page) => page.messages);
  return (
    <main id="main" className="page sharedpage" tabIndex={-1}>
      {shared.isError ? (
        <div className="face alone" role="alert">
          <h1>{t("talk.shared.gone")}</h1>
          <p>{asApiError(shared.error).status === 0 ? t("error.offline") : t("talk.shared.gone.about")}</p>
        </div>
      ) : !newest ? (
        <Loading rows={8} />
      ) : (
        <>
          <header className="conv-h">
            <h1 dir="auto">{title}</h1>
            <p className="meta">{name ? t("talk.shared.by", { name }) : t("talk.shared.title")}</p>
          </header>
          {shared.hasNextPage && (
            <button type="button" className="fold" onClick={() => void shared.fetchNextPage()}>
              {t("talk.earlier")}
            </button>
          )}
          {messages.map((one) => (
            <OneMessage key={one.id} message={one} acts={READ_ONLY} owner={name || t("talk.shared.author")} />
          ))}
          <p className="meta">{t("talk.shared.end")}</p>
        </>
      )}
    </main>
  );
}
