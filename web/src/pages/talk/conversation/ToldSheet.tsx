// What the model was told before it answered: the whole, by who says it, with what came from memory marked; and what the answer took.
import { useMemo, useState, type ReactNode } from "react";
import type { Told } from "../../../api/memory";
import type { Message } from "../../../api/talk";
import { useText } from "../../../i18n";
import { Sheet } from "../../../parts/dialog";
import { Empty, Shown } from "../../../parts/faces";
import { Linkish } from "../../../parts/small";
import { useTold } from "../data";
import { Marked } from "../list/marked";
import { Figures } from "./Foot";
import { useNoMemory } from "./MemoryWords";
import { Copy } from "./Message";
import { memoryIn, type Range } from "./toldMarks";
import { Piecewise } from "./Words";

const PIECE = 20_000; // letters of a message that are drawn at once
const FIRST = 2; // messages that are drawn at once: the instructions and the beginning,
const LAST = 20; // and the end

export default function ToldSheet({ message, onClose }: { message: Message; onClose: () => void }) {
  const { t } = useText();
  const told = useTold(message.conversation, message.id);
  const noMemory = useNoMemory()(message.memory);
  return (
    <Sheet title={t("told.title")} about={t("told.about")} open onClose={onClose}>
      <p className="facts meta">
        <Figures message={message} linked={false} />
        {noMemory && <span>{noMemory}</span>}
      </p>
      <Shown of={told} rows={6}>
        {(all) => <Whole of={all} />}
      </Shown>
      <div className="answers">
        <button type="button" className="btn" onClick={onClose}>
          {t("act.close")}
        </button>
      </div>
    </Sheet>
  );
}

function Whole({ of: told }: { of: Told }) {
  const { t } = useText();
  const [all, setAll] = useState(false);
  const held = useMemo(() => memoryIn(told), [told]);
  const who = (role: Told["messages"][number]["role"]) => (role === "system" ? t("talk.instructions") : role === "user" ? t("talk.you") : "Steward");
  const gone = told.memory.filter((one) => one.gone).length;
  const whole = useMemo(() => told.messages.map(({ role, text }) => `${role}:\n${text}`).join("\n\n"), [told]);
  if (told.messages.length === 0) return <Empty title={t("told.empty")}>{t("told.empty.about")}</Empty>;
  const between = all ? 0 : Math.max(0, told.messages.length - FIRST - LAST);
  const rows: ReactNode[] = [];
  told.messages.forEach(({ role, text }, index) => {
    if (between > 0 && index === FIRST)
      rows.push(
        <li key="between">
          <Linkish onClick={() => setAll(true)}>{t("told.between", { count: between })}</Linkish>
        </li>,
      );
    if (index >= FIRST && index < FIRST + between && index !== held?.index) return;
    rows.push(<One key={index} name={who(role)} text={text} ranges={held?.index === index ? held.ranges : undefined} />);
  });
  return (
    <>
      <p className="facts meta">
        <Copy text={whole} />
        {told.left_out > 0 && <span>{t("talk.left_out", { count: told.left_out })}</span>}
        {gone > 0 && <span>{t("told.gone", { count: gone })}</span>}
      </p>
      <ol className="toldlist">{rows}</ol>
    </>
  );
}

function One({ name, text, ranges }: { name: string; text: string; ranges: readonly Range[] | undefined }) {
  const { t } = useText();
  return (
    <li data-memory={ranges ? "" : undefined}>
      <h3>
        {name} {ranges && <span className="meta">{t("told.holds")}</span>}
      </h3>
      <Piecewise
        text={text}
        first={PIECE}
        draw={(shown) => (
          <pre className="told" dir="auto" tabIndex={0}>
            {ranges ? <Marked text={shown} marks={ranges.map(([from, to]) => [from, Math.min(to, shown.length)])} /> : shown}
          </pre>
        )}
      />
    </li>
  );
}
