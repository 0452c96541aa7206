// The faces of a page or a part that has nothing to show: loading, empty, refused, broken. Each says what is so and what helps.
import { useEffect, useState, type ReactNode } from "react";
import type { UseQueryResult } from "@tanstack/react-query";
import { asApiError } from "../api/errors";
import { useText } from "../i18n";
import { useErrorText } from "./form";

const LOADING_AFTER_MS = 200;

/** Still, in the shape of what comes, and only if it takes long enough to be seen. */
export function Loading({ rows = 4 }: { rows?: number }) {
  const { t } = useText();
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), LOADING_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!shown) return <div className="waiting" aria-busy="true" />;
  return (
    <div className="waiting" aria-busy="true">
      <span className="vh">{t("face.loading")}</span>
      {Array.from({ length: rows }, (_, i) => (
        <span key={i} className="sk" style={{ width: `${[92, 78, 85, 64][i % 4]}%` }} />
      ))}
    </div>
  );
}

export function Empty({ title, children, act }: { title: string; children?: ReactNode; act?: ReactNode }) {
  return (
    <div className="face inside">
      <h3>{title}</h3>
      {children && <p>{children}</p>}
      {act && <div className="answers">{act}</div>}
    </div>
  );
}

export function Broken({ error, again }: { error: unknown; again: () => void }) {
  const { t } = useText();
  const words = useErrorText();
  const told = asApiError(error);
  const title =
    told.status === 0 ? t("face.offline") : told.status === 403 ? t("face.forbidden") : told.status === 404 ? t("face.missing") : told.status >= 500 ? t("face.broken") : t("face.refused");
  return (
    <div className="face inside" role="alert">
      <h3>{title}</h3>
      <p dir="auto">{words(error)}</p>
      {told.requestId && told.status >= 500 && (
        <p className="meta">
          {t("face.noted")} <code>{told.requestId}</code>
        </p>
      )}
      <div className="answers">
        <button className="btn" onClick={again}>
          {t("face.again")}
        </button>
      </div>
    </div>
  );
}

/** A query's three faces around what it shows when it is there. What was shown stays while it is asked for anew. */
export function Shown<T>({ of, rows, children }: { of: UseQueryResult<T>; rows?: number; children: (data: T) => ReactNode }) {
  if (of.data !== undefined) return <>{children(of.data)}</>;
  if (of.isError) return <Broken error={of.error} again={() => void of.refetch()} />;
  return <Loading rows={rows ?? 4} />;
}
