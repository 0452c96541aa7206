// Under an answer: which model, how many tokens, how long, what it cost, what it was given of memory; and what can be done with it.
import { Link } from "@tanstack/react-router";
import { useId, useRef, useState } from "react";
import type { Message } from "../../../api/talk";
import { useText } from "../../../i18n";
import { SetPriceLink } from "../../../parts/noPrice";
import { Linkish } from "../../../parts/small";
import { useOnDemand } from "../../../shell/onDemand";
import { useMemoryWords } from "./MemoryWords";
import { Copy, type Acts } from "./Message";
import { RetryWith } from "./RetryWith";

const NANO = 1e9;
const loadRemembered = () => import("./Remembered");
const loadTold = () => import("./ToldSheet");

/** What an answer took. `linked`: to its call, and to where a price can be set where there is none. */
export function Figures({ message, linked }: { message: Message; linked: boolean }) {
  const { t, figures } = useText();
  const { usage, model, call } = message;
  const unpriced = usage !== null && message.cost_nano_usd === null;
  const cost = message.cost_nano_usd !== null ? figures.money(message.cost_nano_usd / NANO) : unpriced ? t("price.none") : "";
  return (
    <>
      {model && <span dir="auto">{model}</span>}
      {usage && (
        <span title={t("talk.tokens.both", { in: figures.whole(usage.input_tokens), out: figures.whole(usage.output_tokens) })}>
          {t("talk.tokens", { count: usage.output_tokens, tokens: figures.count(usage.output_tokens) })}
        </span>
      )}
      {message.duration_ms !== null && message.duration_ms > 0 && <span title={message.first_token_ms ? t("call.first_token", { time: figures.duration(message.first_token_ms * 1000) }) : undefined}>{figures.duration(message.duration_ms * 1000)}</span>}
      {cost && (
        <span>
          {call && linked ? (
            <Link to="/use/calls/$id" params={{ id: call }} preload={false}>
              {cost}
            </Link>
          ) : (
            cost
          )}
        </span>
      )}
      {unpriced && linked && model && <SetPriceLink model={model} />}
    </>
  );
}

export function Foot({ message, acts }: { message: Message; acts: Acts }) {
  const { t } = useText();
  const [choosing, setChoosing] = useState(false);
  const [remembered, setRemembered] = useState(false);
  const [told, setTold] = useState(false);
  const Remembered = useOnDemand(remembered, loadRemembered);
  const Told = useOnDemand(told, loadTold);
  const chip = useRef<HTMLButtonElement>(null);
  const id = useId();
  const words = useMemoryWords();
  const memory = acts.mine ? words(message.memory) : ""; // whoever else reads it is told nothing of it
  const gone = acts.gone?.message === message.id ? acts.gone.model : undefined;
  const ends = message.status === "stopped" ? t("talk.stopped") : message.status === "incomplete" ? t("talk.incomplete") : "";
  return (
    <div className="foot">
      <Figures message={message} linked={acts.mine} />
      {(message.left_out ?? 0) > 0 && <span>{t("talk.left_out", { count: message.left_out ?? 0 })}</span>}
      {ends && <span>{ends}</span>}
      {memory && (
        <button ref={chip} type="button" className="linkish" data-memory="" aria-expanded={remembered} aria-controls={Remembered && id} onClick={() => setRemembered(!remembered)}>
          {memory}
        </button>
      )}
      <span className="acts">
        {acts.mine && (message.status === "stopped" || message.status === "incomplete") && <Linkish onClick={() => acts.goOn(message)}>{t("talk.go_on")}</Linkish>}
        {acts.mine && <Linkish onClick={() => acts.retry(message)}>{t(message.status === "failed" ? "face.again" : "talk.again")}</Linkish>}
        {acts.mine && !gone && <Linkish onClick={() => setChoosing(true)}>{t("talk.again_with")}</Linkish>}
        {acts.mine && message.status !== "erased" && <Linkish onClick={() => setTold(true)}>{t("told.act")}</Linkish>}
        {message.text && <Copy text={message.text} />}
      </span>
      {memory && Remembered && (
        <Remembered
          id={id}
          message={message}
          onAgain={(how) => acts.retry(message, undefined, how)}
          onTold={() => setTold(true)}
          onClose={() => {
            chip.current?.focus();
            setRemembered(false);
          }}
        />
      )}
      {Told && <Told message={message} onClose={() => setTold(false)} />}
      {gone && (
        <div className="failed gone" role="alert">
          <span dir="auto">{t("talk.model_gone", { model: gone })}</span> {t("talk.model_gone.kept")} <Linkish onClick={() => setChoosing(true)}>{t("talk.again_with")}</Linkish>
        </div>
      )}
      {choosing && <RetryWith message={message} onRetry={(choice) => acts.retry(message, choice)} onClose={() => setChoosing(false)} />}
    </div>
  );
}
