// Under an answer: which model, how many tokens, how long, what it cost; and what can be done with it.
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Message } from "../../../api/talk";
import { useText } from "../../../i18n";
import { Linkish } from "../../../parts/small";
import { Copy, type Acts } from "./Message";
import { RetryWith } from "./RetryWith";

const NANO = 1e9;

export function Foot({ message, acts }: { message: Message; acts: Acts }) {
  const { t, figures } = useText();
  const [choosing, setChoosing] = useState(false);
  const usage = message.usage;
  const ends = message.status === "stopped" ? t("talk.stopped") : message.status === "incomplete" ? t("talk.incomplete") : "";
  return (
    <div className="foot">
      {message.model && <span dir="auto">{message.model}</span>}
      {usage && (
        <span title={t("talk.tokens.both", { in: figures.whole(usage.input_tokens), out: figures.whole(usage.output_tokens) })}>
          {t("talk.tokens", { count: usage.output_tokens, tokens: figures.count(usage.output_tokens) })}
        </span>
      )}
      {message.duration_ms !== null && message.duration_ms > 0 && <span title={message.first_token_ms ? t("call.first_token", { time: figures.duration(message.first_token_ms * 1000) }) : undefined}>{figures.duration(message.duration_ms * 1000)}</span>}
      {message.cost_nano_usd !== null && (
        <span>
          {message.call && acts.mine ? (
            <Link to="/use/calls/$id" params={{ id: message.call }} preload={false}>
              {figures.money(message.cost_nano_usd / NANO)}
            </Link>
          ) : (
            figures.money(message.cost_nano_usd / NANO)
          )}
        </span>
      )}
      {(message.left_out ?? 0) > 0 && <span>{t("talk.left_out", { count: message.left_out ?? 0 })}</span>}
      {ends && <span>{ends}</span>}
      <span className="acts">
        {acts.mine && (message.status === "stopped" || message.status === "incomplete") && <Linkish onClick={() => acts.goOn(message)}>{t("talk.go_on")}</Linkish>}
        {acts.mine && <Linkish onClick={() => acts.retry(message)}>{t(message.status === "failed" ? "face.again" : "talk.again")}</Linkish>}
        {acts.mine && <Linkish onClick={() => setChoosing(true)}>{t("talk.again_with")}</Linkish>}
        {message.text && <Copy text={message.text} />}
      </span>
      {choosing && <RetryWith message={message} onRetry={(choice) => acts.retry(message, choice)} onClose={() => setChoosing(false)} />}
    </div>
  );
}
