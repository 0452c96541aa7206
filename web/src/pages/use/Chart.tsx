// Bars by day (or month), parted by what they are of. The arrow keys go from bar to bar and Enter opens the calls behind one; the line above
// says in words what is pointed at.
import { BarChart } from "echarts/charts";
import { GridComponent } from "echarts/components";
import { init, use as register, type ECharts } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef, type KeyboardEvent } from "react";
import { useText } from "../../i18n";
import { useTheme } from "../../shell/theme";
import type { Series } from "./series";

register([BarChart, GridComponent, CanvasRenderer]);

interface Props {
  bars: readonly string[];
  labels: readonly string[]; // under the bars; empty where there is no room
  series: readonly Series[];
  axis: (value: number) => string; // of a line, which has a round value
  label: string; // the whole chart in words
  at: number | undefined; // the bar that is pointed at
  onPoint: (bar: number | undefined) => void;
  onOpen: (bar: number) => void;
}

/** The colours of the sheet as they are now: a canvas knows no custom properties. */
function colours(place: HTMLElement): Record<string, string> {
  const probe = document.createElement("i");
  place.append(probe);
  const out: Record<string, string> = {};
  for (const name of ["d1", "d2", "d3", "d4", "edge", "rule", "ink", "ink-3", "paper", "paper-3"]) {
    probe.style.color = `var(--${name})`;
    out[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return out;
}

function optionsOf({ bars, labels, series, axis, at }: Props, colour: Record<string, string>, family: string) {
  const text = { color: colour["ink-3"], fontFamily: family, fontSize: 13 };
  return {
    animation: false,
    grid: { left: 0, right: 52, top: 12, bottom: 26 },
    xAxis: {
      type: "category" as const,
      data: bars.map((bar, index) => ({ value: bar, textStyle: text, name: labels[index] })),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: colour.edge } },
      axisLabel: { ...text, interval: 0, hideOverlap: true, formatter: (_: string, index: number) => labels[index] ?? "" },
    },
    yAxis: {
      type: "value" as const,
      position: "right" as const,
      splitNumber: 4,
      axisLabel: { ...text, margin: 8, formatter: (value: number) => (value === 0 ? "" : axis(value)) },
      splitLine: { lineStyle: { color: colour.rule } },
    },
    series: [...series].reverse().map((one) => ({
      type: "bar" as const,
      name: one.id,
      stack: "all",
      barCategoryGap: "24%",
      barMaxWidth: 34,
      cursor: "pointer",
      emphasis: { disabled: true },
      data: one.bars.map((value, index) => ({
        value,
        itemStyle: {
          color: colour[`d${one.step}`],
          borderColor: one.step === 4 ? colour.edge : colour.paper,
          borderWidth: one.step === 4 ? 1 : 0.5,
          opacity: at === undefined || at === index ? 1 : 0.55,
        },
      })),
    })),
  };
}

export default function Chart(props: Props) {
  const { bars, label, at, onPoint, onOpen } = props;
  const { dark } = useTheme();
  const { language } = useText();
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts>(undefined);
  const act = useRef({ onPoint, onOpen });
  act.current = { onPoint, onOpen };

  useEffect(() => {
    const where = place.current;
    if (!where) return undefined;
    const made = init(where, undefined, { renderer: "canvas" });
    chart.current = made;
    const barAt = (x: number) => {
      const found = made.convertFromPixel({ xAxisIndex: 0 }, x) as number;
      return Number.isFinite(found) ? Math.round(found) : -1;
    };
    const ground = made.getZr();
    const inside = (index: number) => (index >= 0 ? index : undefined);
    ground.on("mousemove", (event) => act.current.onPoint(inside(barAt(event.offsetX))));
    ground.on("globalout", () => act.current.onPoint(undefined));
    ground.on("click", (event) => {
      const bar = barAt(event.offsetX);
      if (bar >= 0) act.current.onOpen(bar);
    });
    const watch = new ResizeObserver(() => made.resize());
    watch.observe(where);
    return () => {
      watch.disconnect();
      made.dispose();
    };
  }, []);

  useEffect(() => {
    const where = place.current;
    if (!where || !chart.current) return;
    const draw = () => chart.current?.setOption(optionsOf(props, colours(where), getComputedStyle(where).fontFamily), { notMerge: true });
    draw();
    void document.fonts.ready.then(draw);
  }, [props, dark, language]);

  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, number | undefined> = { ArrowLeft: (at ?? bars.length) - 1, ArrowRight: (at ?? -1) + 1, Home: 0, End: bars.length - 1 };
    const to = moves[event.key];
    if (to !== undefined) onPoint(Math.min(bars.length - 1, Math.max(0, to)));
    else if (event.key === "Enter" && at !== undefined) onOpen(at);
    else if (event.key === "Escape") onPoint(undefined);
    else return;
    event.preventDefault();
  };
  return (
    <div className="chart" role="application" tabIndex={0} aria-label={label} onKeyDown={onKeyDown} onBlur={() => onPoint(undefined)}>
      <div ref={place} aria-hidden="true" />
    </div>
  );
}
