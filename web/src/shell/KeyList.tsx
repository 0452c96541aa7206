// The list of keys ("?").
import { useText, type Key } from "../i18n";
import { Sheet } from "../parts/dialog";
import { PLACES } from "./places";

export default function KeyList({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const rows: [string, Key][] = [
    ["Ctrl K", "keylist.palette"],
    ["?", "keylist.this"],
    ...PLACES.map((place): [string, Key] => [`G ${place.letter.toUpperCase()}`, place.name]),
    ["N", "talk.new"],
    ["/", "talk.search"],
    ["J K", "keylist.next"],
    ["Ctrl Enter", "talk.send"],
    ["Esc", "keylist.stop"],
    ["Alt ← →", "talk.versions"],
    ["B", "talk.branches"],
    ["I", "talk.about"],
    ["E", "keylist.edit"],
    ["C", "keylist.copy"],
    ["M", "keylist.memory"],
    ["Z", "keylist.undo"],
    ["← →", "keylist.bars"],
    ["Enter", "keylist.enter"],
    ["M", "keylist.unit"],
    ["Esc", "keylist.close"],
  ];
  return (
    <Sheet title={t("keylist.title")} about={t("keylist.about")} open onClose={onClose}>
      <dl className="keys">
        {rows.map(([keys, name]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{t(name)}</dd>
          </div>
        ))}
      </dl>
      <div className="answers after">
        <button className="btn" onClick={onClose}>
          {t("act.close")}
        </button>
      </div>
    </Sheet>
  );
}
