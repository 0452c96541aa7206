// Dictation where the browser has it. It is the browser that listens, and some send what they hear to their maker: that is said before.
import { useEffect, useRef, useState } from "react";
import { useText } from "../../../i18n";
import { announce } from "../../../shell/announce";

interface Heard {
  results: ArrayLike<ArrayLike<{ transcript: string }> & { isFinal: boolean }>;
  resultIndex: number;
}
interface Listener {
  lang: string;
  continuous: boolean;
  interimResults: boolean;
  onresult: ((event: Heard) => void) | null;
  onend: (() => void) | null;
  onerror: ((event: { error: string }) => void) | null;
  start(): void;
  stop(): void;
}
type Maker = new () => Listener;

function maker(): Maker | undefined {
  const all = globalThis as unknown as { SpeechRecognition?: Maker; webkitSpeechRecognition?: Maker };
  return all.SpeechRecognition ?? all.webkitSpeechRecognition;
}

export function Dictation({ onText }: { onText: (text: string) => void }) {
  const { t, language } = useText();
  const [on, setOn] = useState(false);
  const listener = useRef<Listener>(null);
  const tell = useRef(onText);
  tell.current = onText;
  useEffect(() => () => listener.current?.stop(), []);
  const Make = maker();
  if (!Make) return null;
  const start = () => {
    const made = new Make();
    made.lang = language === "zh" ? "zh-CN" : navigator.language;
    made.continuous = true;
    made.interimResults = false;
    made.onresult = (event) => {
      for (let i = event.resultIndex; i < event.results.length; i += 1) tell.current(event.results[i]?.[0]?.transcript.trim() ?? "");
    };
    made.onend = () => setOn(false);
    made.onerror = ({ error }) => announce(t(error === "not-allowed" ? "talk.dictate.refused" : "talk.dictate.failed"));
    listener.current = made;
    made.start();
    setOn(true);
  };
  return (
    <button type="button" className="btn btn-quiet only-wide" aria-pressed={on} title={t("talk.dictate.about")} onClick={() => (on ? listener.current?.stop() : start())}>
      {t(on ? "talk.dictate.stop" : "talk.dictate")}
    </button>
  );
}
